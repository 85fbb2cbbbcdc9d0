"""t-SNE: laying out, drawing, moving, and the stage that does it all."""

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save as save_tensors
from threadpoolctl import threadpool_limits

import render_tsne
from convlab.checksums import output_files
from convlab.data.snapshots import Snapshots, read_snapshots, write_snapshots
from convlab.errors import InputError
from convlab.figures.canvas import write_png
from convlab.figures.tsne import (
    PICTURES,
    RenderTsne,
    colour,
    describe,
    draw_animation,
    draw_embedding,
    embed,
    embed_frames,
    write_gif,
)
from convlab.params import check_block

POINTS, WIDTH, STEPS = 120, 20, (0, 10, 100)
BLOCK = {"seed": 42, "perplexity": 10, "iterations": 500, "frame_iterations": 250}


@pytest.fixture(scope="module")
def params() -> RenderTsne:
    return RenderTsne(**BLOCK)


@pytest.fixture(scope="module")
def snapshots() -> Snapshots:
    """Ten groups of points that tighten while the network learns."""
    random = np.random.default_rng(0)
    digits = np.arange(POINTS, dtype=np.uint8) % 10
    centres = random.normal(size=(10, WIDTH))[digits]
    noise = random.normal(size=(POINTS, WIDTH))
    features = np.stack([centres + spread * noise for spread in (1.0, 0.6, 0.2)])
    return Snapshots(
        np.array(STEPS), np.array([0.1, 0.7, 0.981]), features.astype(np.float16), digits
    )


@pytest.fixture(scope="module")
def positions(snapshots, params) -> np.ndarray:
    return np.stack(list(embed_frames(snapshots.features, params)))


def save(path: Path, snapshots: Snapshots) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_snapshots(path, *astuple(snapshots))


def same(one: Snapshots, other: Snapshots) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(astuple(one), astuple(other), strict=True))


# Laying out


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("perplexity", 4.9),
        ("perplexity", 101),
        ("iterations", 249),
        ("frame_iterations", 249),
        ("frame_iterations", 250.5),
        ("seed", -1),
        ("speed", 1),
    ],
)
def test_a_parameter_out_of_range_is_named(key, value):
    with pytest.raises(InputError, match=rf"render_tsne\.{key}"):
        check_block(Path("params.yaml"), "render_tsne", BLOCK | {key: value}, RenderTsne)


def test_neighbours_are_of_one_class_once_the_groups_are_tight(snapshots, params):
    points = embed(snapshots.features[-1], params)
    distances = np.square(points[:, None] - points[None]).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert points.shape == (POINTS, 2)
    assert points.dtype == np.float32
    assert (snapshots.digits[distances.argmin(axis=1)] == snapshots.digits).all()


def test_a_layout_is_the_same_again_with_any_number_of_threads(snapshots, params):
    layouts = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            layouts.append(embed(snapshots.features[0], params))
    np.testing.assert_array_equal(*layouts)


def test_every_parameter_reaches_the_layout(snapshots, params, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "convlab.figures.tsne.TSNE", lambda **options: calls.append(options) or StubTsne()
    )
    layouts = list(embed_frames(snapshots.features[:2], params))
    assert [call["random_state"] for call in calls] == [params.seed] * 2
    assert [call["perplexity"] for call in calls] == [params.perplexity] * 2
    assert [call["max_iter"] for call in calls] == [params.iterations, params.frame_iterations]
    assert calls[0]["init"] == "pca"
    assert calls[1]["init"] is layouts[0]
    assert calls[1]["early_exaggeration"] == 1


class StubTsne:
    def fit_transform(self, features):
        return features[:, :2]


def test_groups_move_and_do_not_jump(positions):
    spread = positions.std()
    moves = np.linalg.norm(np.diff(positions, axis=0), axis=-1).mean(axis=1)
    assert (moves > 0).all()
    assert (moves < 0.5 * spread).all()


def test_the_first_frame_is_laid_out_as_a_still_one(snapshots, params, positions):
    np.testing.assert_array_equal(positions[0], embed(snapshots.features[0], params))


def test_a_dead_network_is_named(params):
    with pytest.raises(InputError, match=r"lower train_cnn\.learning_rate"):
        embed(np.zeros((POINTS, WIDTH), np.float16), params)


# Drawing


def test_every_point_is_its_digit_on_the_colour_of_its_class(positions, snapshots):
    figure = draw_embedding(positions[-1], snapshots.digits, "a title")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == [str(digit) for digit in snapshots.digits]
    for text, point, digit in zip(axes.texts, positions[-1], snapshots.digits, strict=True):
        assert text.get_position() == tuple(point)
        assert text.get_bbox_patch().get_facecolor() == colour(digit)
    assert axes.get_title(loc="left") == "a title"


def test_the_colours_go_from_violet_to_red():
    assert len({colour(digit) for digit in range(10)}) == 10
    assert colour(np.uint8(0)) == pytest.approx((0.5, 0, 1, 1), abs=0.01)
    assert colour(np.uint8(9)) == pytest.approx((1, 0, 0, 1), abs=0.01)


def test_the_title_says_step_and_accuracy():
    assert describe(938, 0.9807) == "step 938: test accuracy 98.1 %"


@settings(max_examples=25, deadline=None)
@given(
    points=st.lists(
        st.tuples(*[st.floats(-1000, 1000, width=32)] * 2), min_size=2, max_size=9, unique=True
    )
)
def test_all_points_lie_within_axes_of_one_scale(points):
    points = np.array(points)
    (axes,) = draw_embedding(points[:0], [], "", frame=points).axes
    limits = np.array([axes.get_xlim(), axes.get_ylim()])
    assert (limits[:, 0] < points.min(axis=0)).all()
    assert (points.max(axis=0) < limits[:, 1]).all()
    assert np.ptp(limits[0]) == pytest.approx(np.ptp(limits[1]))


def test_the_animation_goes_through_all_snapshots(positions, snapshots, tmp_path):
    pictures = list(draw_animation(positions, snapshots))
    assert len(pictures) == (len(STEPS) - 1) * PICTURES + 1
    assert len({picture.size for picture in pictures}) == 1
    write_gif(tmp_path / "a.gif", iter(pictures))
    write_gif(tmp_path / "b.gif", draw_animation(positions, snapshots))
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.n_frames == len(pictures)
        assert animation.info["loop"] == 0
        durations = []
        for frame in range(animation.n_frames):
            animation.seek(frame)
            durations.append(animation.info["duration"])
    assert durations[0] == durations[-1] > 10 * max(durations[1:-1])


def test_only_the_title_changes_where_nothing_moves(positions, snapshots):
    pictures = [
        np.asarray(picture.convert("RGB"))
        for picture in draw_animation(positions[[0, 0, 0]], snapshots)
    ]
    title = pictures[0].shape[0] // 20
    assert not np.array_equal(pictures[0][:title], pictures[-1][:title])
    for picture in pictures[1:]:
        np.testing.assert_array_equal(picture[title:], pictures[0][title:])


def test_a_frame_shows_what_the_still_picture_shows(positions, snapshots, tmp_path):
    title = describe(snapshots.steps[0], snapshots.accuracies[0])
    figure = draw_embedding(positions[0], snapshots.digits, title, frame=positions)
    write_png(tmp_path / "still.png", figure)
    with Image.open(tmp_path / "still.png") as picture:
        still = np.asarray(picture.convert("RGB").reduce(2), float)
    moving = np.asarray(next(draw_animation(positions, snapshots)).convert("RGB"), float)
    assert moving.shape == still.shape
    assert np.abs(moving - still).mean() < 4


# The file of snapshots


def test_snapshots_are_read_as_they_were_written(snapshots, tmp_path):
    for name in ("a.safetensors", "b.safetensors"):
        save(tmp_path / name, snapshots)
    assert same(read_snapshots(tmp_path / "a.safetensors"), snapshots)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@given(data=st.data())
def test_a_wrong_byte_or_end_is_found(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("snapshots") / "snapshots.safetensors"
    whole = Snapshots(
        np.array([0, 5]), np.array([0.1, 0.9]), np.ones((2, 3, 4), np.float16), np.arange(3)
    )
    with output_files(path) as (draft,):
        save(draft, whole)
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[position:]
    else:
        content[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        read_snapshots(path)


@pytest.mark.parametrize("content", [b"", b"no snapshots", save_tensors({"step": np.arange(2)})])
def test_a_file_of_something_else_is_refused(content, tmp_path):
    (tmp_path / "snapshots.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="not a file of snapshots"):
        read_snapshots(tmp_path / "snapshots.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": np.array([0]), "accuracies": np.array([0.1])}, "holds no snapshots"),
        ({"digits": np.zeros(POINTS - 1)}, "holds no snapshots"),
        ({"digits": np.full(POINTS, 10)}, "holds no snapshots"),
        ({"features": np.zeros((len(STEPS), POINTS))}, "holds no snapshots"),
        ({"features": np.full((len(STEPS), POINTS, 2), np.nan)}, "lower train_cnn.learning_rate"),
    ],
)
def test_arrays_that_are_no_snapshots_are_refused(snapshots, change, message, tmp_path):
    save(tmp_path / "snapshots.safetensors", Snapshots(**vars(snapshots) | change))
    with pytest.raises(InputError, match=message):
        read_snapshots(tmp_path / "snapshots.safetensors")


# The stage


@pytest.fixture
def workplace(snapshots, tmp_path, monkeypatch) -> Path:
    lines = [f"  {key}: {value}\n" for key, value in BLOCK.items()]
    (tmp_path / "params.yaml").write_text("render_tsne:\n" + "".join(lines))
    save(tmp_path / "stages/train_cnn/snapshots.safetensors", snapshots)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "stages/render_tsne"


def test_the_stage_leaves_the_same_files_every_time(workplace, snapshots):
    runs = []
    for _ in range(2):
        render_tsne.main()
        runs.append({path.name: path.read_bytes() for path in workplace.iterdir()})
    names = ["SHA256SUMS", "frames.csv", "training.gif", "tsne.csv", "tsne.png"]
    assert sorted(runs[0]) == names
    assert runs[0] == runs[1]
    header, *rows = runs[0]["tsne.csv"].decode().splitlines()
    assert header == "x,y,digit"
    assert [int(row.split(",")[2]) for row in rows] == snapshots.digits.tolist()
    frames = runs[0]["frames.csv"].decode().splitlines()[1:]
    assert len(frames) == len(snapshots.steps) * len(rows)
    assert [int(row.split(",")[0]) for row in frames[:: len(rows)]] == snapshots.steps.tolist()
    assert all(len(row.split(",")[0].partition(".")[2]) <= 4 for row in rows)


def test_the_stage_leaves_nothing_without_snapshots(workplace):
    render_tsne.SNAPSHOTS.unlink()
    with pytest.raises(InputError, match=r"snapshots\.safetensors: is missing"):
        render_tsne.main()
    assert not workplace.exists()
