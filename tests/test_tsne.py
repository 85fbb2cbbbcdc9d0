"""t-SNE: snapshots of the embedding, positions in the plane, pictures, and the stage."""

from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save as save_tensors
from threadpoolctl import threadpool_limits

import render_tsne
from convlab.core.errors import InputError
from convlab.digits.snapshots import (
    RenderTsne,
    Snapshots,
    fit_tsne,
    fit_tsne_sequence,
    read_snapshots,
    write_snapshots,
)
from convlab.figures import tsne
from convlab.figures.canvas import write_png

POINTS, WIDTH, STEPS = 120, 20, (0, 10, 100)
BLOCK = {"seed": 42, "perplexity": 10, "iterations": 500, "frame_iterations": 250}
PARAMS = RenderTsne(**BLOCK)


@pytest.fixture(scope="module")
def snapshots():
    """Ten groups of points that become tighter from step to step."""
    random = np.random.default_rng(0)
    labels = np.arange(POINTS, dtype=np.uint8) % 10
    centres = random.normal(size=(10, WIDTH))[labels]
    noise = random.normal(size=(POINTS, WIDTH))
    embeddings = np.float16([centres + deviation * noise for deviation in (1.0, 0.6, 0.2)])
    return Snapshots(np.array(STEPS), np.array([0.1, 0.7, 0.981]), embeddings, labels)


@pytest.fixture(scope="module")
def positions(snapshots):
    return np.stack(list(fit_tsne_sequence(snapshots.embeddings, PARAMS)))


def pixels(frame):
    return np.asarray(frame.convert("RGB"))


def test_snapshots_are_read_as_they_were_written_and_damage_is_found(snapshots, tmp_path):
    path = tmp_path / "snapshots.safetensors"
    write_snapshots(path, *astuple(snapshots))
    content = path.read_bytes()
    for read, written in zip(astuple(read_snapshots(path)), astuple(snapshots), strict=True):
        np.testing.assert_array_equal(read, written)
    for damaged in (b"", b"no snapshots", content[:-1], save_tensors({"step": np.arange(2)})):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"snapshots\.safetensors: is damaged, or not"):
            read_snapshots(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": np.array([0]), "accuracies": np.array([0.1])}, "holds no snapshots"),
        ({"labels": np.zeros(POINTS - 1)}, "holds no snapshots"),
        ({"labels": np.full(POINTS, 10)}, "holds no snapshots"),
        ({"embeddings": np.zeros((len(STEPS), POINTS))}, "holds no snapshots"),
        ({"embeddings": np.full((len(STEPS), POINTS, 2), np.nan)}, "lower train_cnn.learning_rate"),
    ],
)
def test_arrays_that_are_no_snapshots_are_refused(snapshots, change, message, tmp_path):
    write_snapshots(tmp_path / "snapshots.safetensors", *astuple(replace(snapshots, **change)))
    with pytest.raises(InputError, match=message):
        read_snapshots(tmp_path / "snapshots.safetensors")


def test_tight_groups_are_apart_and_snapshots_do_not_jump(snapshots, positions):
    distances = np.square(positions[-1][:, None] - positions[-1]).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert (snapshots.labels[distances.argmin(axis=1)] == snapshots.labels).all()
    moves = np.linalg.norm(np.diff(positions, axis=0), axis=-1).mean(axis=1)
    assert (moves > 0).all()
    assert (moves < 0.5 * positions.std()).all()


def test_the_first_position_is_that_of_a_single_picture_with_any_number_of_threads(
    snapshots, positions
):
    with threadpool_limits(2):
        np.testing.assert_array_equal(fit_tsne(snapshots.embeddings[0], PARAMS), positions[0])


def test_every_parameter_reaches_tsne(snapshots, monkeypatch):
    def fit(embeddings, _, **options):
        calls.append(options)
        return embeddings[:, :2]

    calls = []
    monkeypatch.setattr("convlab.digits.snapshots._fit", fit)
    first, _ = fit_tsne_sequence(snapshots.embeddings[:2], PARAMS)
    assert calls[0] == {"init": "pca", "max_iter": 500}
    assert calls[1].pop("init") is first
    assert calls[1] == {"early_exaggeration": 1, "max_iter": 250}


def test_a_network_that_no_longer_learns_is_named():
    with pytest.raises(InputError, match=r"lower train_cnn\.learning_rate"):
        fit_tsne(np.zeros((POINTS, WIDTH), np.float16), PARAMS)


@pytest.mark.parametrize("width", [1, 2])
def test_an_embedding_of_one_or_two_numbers_is_placed_and_drawn(width, snapshots):
    few = snapshots.embeddings[:2, :, :width]
    positions = np.stack(list(fit_tsne_sequence(few, PARAMS)))
    nearest = np.abs(few[1][:, None] - few[1]).sum(axis=-1).argsort(axis=1)[:, 1]
    moved = np.linalg.norm(positions[1] - positions[1][nearest], axis=1)
    assert np.median(moved) < 0.1 * np.ptp(positions[1])
    assert len(list(tsne.draw_animation(positions, snapshots))) == tsne.FRAMES_PER_SNAPSHOT + 1


def test_every_point_is_its_digit_on_the_colour_of_its_class(positions, snapshots):
    points, title = positions[-1], tsne.describe(938, 0.9807)
    (axes,) = tsne.draw_embedding(points, snapshots.labels, title).axes
    assert axes.get_title(loc="left") == "step 938: test accuracy 98.1 %"
    for text, point, digit in zip(axes.texts, points, snapshots.labels, strict=True):
        assert text.get_text() == str(digit)
        assert text.get_position() == tuple(point)
        assert text.get_bbox_patch().get_facecolor() == tsne.class_colour(digit)
    limits = np.array([axes.get_xlim(), axes.get_ylim()])
    assert ((limits[:, 0] < points) & (points < limits[:, 1])).all()
    assert np.ptp(limits[0]) == pytest.approx(np.ptp(limits[1]))


def test_the_animation_shows_all_snapshots_and_pauses_at_both_ends(positions, snapshots, tmp_path):
    tsne.write_gif(tmp_path / "a.gif", tsne.draw_animation(positions, snapshots))
    durations = []
    with Image.open(tmp_path / "a.gif") as animation:
        for number in range(animation.n_frames):
            animation.seek(number)
            durations.append(animation.info["duration"])
    assert len(durations) == (len(STEPS) - 1) * tsne.FRAMES_PER_SNAPSHOT + 1
    assert durations[0] == durations[-1] > 10 * max(durations[1:-1])


def test_only_the_title_changes_where_nothing_moves(positions, snapshots):
    first, *_, last = map(pixels, tsne.draw_animation(positions[[0, 0, 0]], snapshots))
    title = first.shape[0] // 20
    assert not np.array_equal(first[:title], last[:title])
    np.testing.assert_array_equal(first[title:], last[title:])


@pytest.mark.parametrize(
    "seed", [2, 5]
)  # with these, white is not the nearest colour that Pillow finds
def test_a_frame_shows_what_the_still_picture_shows_on_white(seed, snapshots, tmp_path):
    points = np.random.default_rng(seed).normal(size=(2, POINTS, 2))
    title = tsne.describe(snapshots.steps[0], snapshots.accuracies[0])
    figure = tsne.draw_embedding(points[0], snapshots.labels, title, frame=points)
    write_png(tmp_path / "still.png", figure)
    still = pixels(Image.open(tmp_path / "still.png").convert("RGB").reduce(2))
    frame = pixels(next(tsne.draw_animation(points, snapshots)))
    colours, counts = np.unique(frame.reshape(-1, 3), axis=0, return_counts=True)
    assert colours[counts.argmax()].tolist() == [255, 255, 255]
    assert np.abs(frame.astype(float) - still).mean() < 4


def test_the_stage_leaves_the_same_files_every_time(snapshots, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(f"render_tsne: {BLOCK | {'iterations': 250}}")
    with pytest.raises(InputError, match=r"snapshots\.safetensors: is missing"):
        render_tsne.main()
    assert not Path("stages/render_tsne").exists()
    render_tsne.SNAPSHOTS.parent.mkdir(parents=True)
    two = [values[:2] for values in astuple(snapshots)[:3]]  # of the three snapshots
    write_snapshots(render_tsne.SNAPSHOTS, *two, snapshots.labels)
    runs = []
    for _ in range(2):
        render_tsne.main()
        runs.append({path.name: path.read_bytes() for path in render_tsne.STAGE.iterdir()})
    assert runs[0] == runs[1]
    assert sorted(runs[0]) == ["frames.csv", "training.gif", "tsne.csv", "tsne.png"]
    header, *rows = runs[0]["tsne.csv"].decode().splitlines()
    assert header == "x,y,digit"
    assert [int(row.split(",")[2]) for row in rows] == snapshots.labels.tolist()
    _, *frames = runs[0]["frames.csv"].decode().splitlines()
    assert [int(row.split(",")[0]) for row in frames] == np.repeat(STEPS[:2], POINTS).tolist()
