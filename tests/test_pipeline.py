"""All stages through DVC, tiny, on bundled data."""

import json
import os
from contextlib import chdir, contextmanager

import numpy as np
import pytest
import yaml
from dvc.repo import Repo
from PIL import Image

import evaluate_cnn
import evaluate_sr
import make_patches
import render_report
import render_tsne
import train_cnn
import train_sr
from conftest import dvc, run
from convlab.errors import InputError
from convlab.training.checkpoint import Checkpoint
from repository.metrics import read_metrics

METHODS = ("nearest", "bilinear", "bicubic", "lanczos", "network", "gain")


def metrics(folder, name):
    return json.loads((folder / "metrics" / f"{name}.json").read_text())


def test_every_output_is_there(pipeline):
    stages = yaml.safe_load((pipeline / "dvc.yaml").read_text())["stages"]
    for stage in stages.values():
        for out in stage["outs"] + stage.get("metrics", []):
            for path in out:
                assert (pipeline / path).exists(), path


def test_metrics_have_the_names_people_look_for(pipeline):
    trained, evaluated = metrics(pipeline, "train_cnn"), metrics(pipeline, "evaluate_cnn")
    assert set(trained) == set(evaluated) == {"cnn", "mlp"}
    for model in ("cnn", "mlp"):
        assert set(trained[model]) == {"loss", "parameters"}
        assert set(evaluated[model]) == {"accuracy", "accuracy_shifted_2px", "loss"}
    assert set(metrics(pipeline, "train_sr")) == {
        "loss",
        "validation_psnr",
        "parameters",
        "multiply_adds",
        "steps",
    }
    upscaled = metrics(pipeline, "evaluate_sr")["x2"]
    assert set(upscaled) == set(METHODS)
    assert upscaled["gain"]["psnr"] == pytest.approx(
        upscaled["network"]["psnr"] - upscaled["bicubic"]["psnr"], abs=1e-3
    )


def test_pictures_can_be_opened_and_show_something(pipeline):
    pictures = [*pipeline.glob("stages/*/*.png"), *pipeline.glob("stages/*/*.gif")]
    assert len(pictures) == 8
    for picture in pictures:
        with Image.open(picture) as image:
            assert np.asarray(image.convert("L")).std() > 5, picture


def test_nothing_runs_for_nothing(pipeline):
    said = dvc(pipeline, "repro")
    assert "Data and pipelines are up to date." in said
    assert "Running stage" not in said


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("figures/gallery.py", {"evaluate_sr"}),
        ("figures/tsne.py", {"render_tsne", "render_report"}),
        ("figures/curves.py", {"evaluate_cnn", "evaluate_sr"}),
        ("nets/subpixel.py", {"train_sr", "evaluate_sr", "render_report"}),
        ("nets/mlp.py", {"train_cnn", "evaluate_cnn", "render_report"}),
        ("data/fetch.py", {"download_mnist", "download_bsds"}),
    ],
)
def test_a_change_of_code_touches_the_stages_that_use_it(pipeline, module, stages):
    path = pipeline / "src" / "convlab" / module
    text = path.read_text()
    try:
        path.write_text(text + "\n# changed\n")
        with chdir(pipeline):
            status = Repo().status()
    finally:
        path.write_text(text)
    changed = {
        stage
        for stage, reasons in status.items()
        if any(f"src/convlab/{module}" in str(reason) for reason in reasons)
    }
    assert changed == stages


def test_plots_show_draws_them_all(pipeline):
    dvc(pipeline, "plots", "show")
    page = (pipeline / "dvc_plots" / "index.html").read_text()
    for plot in yaml.safe_load((pipeline / "dvc.yaml").read_text())["plots"]:
        (name,) = plot
        assert name in page or name.replace("/", "_") in page


def test_a_bad_parameter_stops_the_stage_and_leaves_its_outputs(pipeline):
    params, patches = pipeline / "params.yaml", pipeline / "data/patches"
    text, former = params.read_text(), contents(patches)
    try:
        params.write_text(text.replace("stride: 64", "stride: 0"))
        done = run(pipeline, "-m", "dvc", "repro")
    finally:
        params.write_text(text)
    assert done.returncode != 0
    assert "params.yaml: make_patches.stride = 0: should be greater than" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert contents(patches) == former != {}


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def inside(pipeline, monkeypatch):
    """Work in the finished copy, where a script's main can be called as the script does."""
    monkeypatch.chdir(pipeline)
    before = contents(pipeline / "stages")
    yield pipeline
    # Whatever went wrong: the former outputs are as they were, and nothing lies beside them.
    assert contents(pipeline / "stages") == before


@contextmanager
def changed(path, content):
    """Have other content in a file for a while."""
    former = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(former)


@contextmanager
def somebody_elses(path, content):
    """Have a file for a while that no stage has written: it is in no list of checksums."""
    checksums = path.with_name("SHA256SUMS")
    aside = checksums.rename(path.with_name(".aside"))
    try:
        with changed(path, content):
            yield
    finally:
        aside.rename(checksums)


def params_with(folder, old, new):
    return changed(folder / "params.yaml", (folder / "params.yaml").read_bytes().replace(old, new))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("stages/train_cnn/cnn.safetensors", "holds a network 'cnn', expected srcnn or fsrcnn or"),
        ("params.yaml", "is truncated or not a model"),
    ],
)
def test_a_model_of_another_kind_is_refused(inside, content, message):
    model = inside / "stages/train_sr/model.safetensors"
    with (
        somebody_elses(model, (inside / content).read_bytes()),
        pytest.raises(InputError, match=rf"model\.safetensors: {message}"),
    ):
        evaluate_sr.main()


@pytest.mark.parametrize(
    ("stage", "good", "bad"),
    [
        (train_cnn, b"log_every: 5", b"log_every: 0"),
        (train_sr, b"validate_every: 5", b"validate_every: 0"),
        (evaluate_cnn, b"max_shift: 2", b"max_shift: 1"),
        (evaluate_sr, b"gallery_images: 2", b"gallery_images: 1"),
    ],
)
def test_a_stage_refuses_a_bad_parameter_before_anything_else(inside, stage, good, bad):
    key = bad.partition(b":")[0].decode()
    with params_with(inside, good, bad), pytest.raises(InputError, match=f"{key} = .: should be"):
        stage.main()


def test_a_model_of_another_scale_is_refused(inside):
    with (
        params_with(inside, b"scale: 2", b"scale: 3"),
        pytest.raises(InputError, match="holds a network for scale 2, not 3"),
    ):
        evaluate_sr.main()


def test_patches_of_a_scale_that_was_not_cut_are_missed(inside):
    with (
        params_with(inside, b"scale: 2", b"scale: 3"),
        pytest.raises(InputError, match=r"put 3 into make_patches\.scales"),
    ):
        train_sr.main()


@pytest.mark.parametrize("stage", [make_patches, evaluate_sr])
def test_an_image_that_is_none_is_named(inside, stage):
    split = "val" if stage is evaluate_sr else "train"
    photo = next((inside / "data/raw/bsds500" / split).glob("*.png"))
    with (
        somebody_elses(photo, b"no image"),
        pytest.raises(InputError, match=f"{photo.name}: is not a"),
    ):
        stage.main()
    assert {path.name for path in (inside / "data").iterdir()} <= {"raw", "patches", "README.md"}


@pytest.mark.parametrize(("stage", "broken_off"), [(train_sr, 5), (train_cnn, 5), (train_cnn, 10)])
def test_a_training_that_was_broken_off_goes_on(inside, stage, broken_off, monkeypatch, capsys):
    """In the middle, or, for the digits, at the end of the first of two networks."""
    write = Checkpoint.write

    def write_and_break_off(checkpoint, training):
        write(checkpoint, training)
        if training.step == broken_off:
            raise KeyboardInterrupt

    metrics = (inside / "metrics" / f"{stage.__name__}.json").read_bytes()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoint, "write", write_and_break_off)
        stage.main()
    capsys.readouterr()
    for log in (inside / "logs").rglob("*.json"):
        log.write_text("")  # as a full disk would leave it
    stage.main()  # the fixture sees that it leaves the same bytes as a run in one go
    assert f"going on from step {broken_off}\n" in capsys.readouterr().out
    assert (inside / "metrics" / f"{stage.__name__}.json").read_bytes() == metrics
    assert list((inside / ".work" / "checkpoints").iterdir()) == []
    stage.main()
    assert "going on" not in capsys.readouterr().out  # a finished training starts from step 0


READ = [
    (make_patches, "data/raw/bsds500/train/*.png"),
    (make_patches, "data/raw/bsds500/test/*.png"),
    (train_cnn, "data/raw/mnist/train-images*"),
    (train_cnn, "data/raw/mnist/t10k-labels*"),
    (evaluate_cnn, "data/raw/mnist/t10k-images*"),
    (evaluate_cnn, "stages/train_cnn/cnn.safetensors"),
    (evaluate_cnn, "stages/train_cnn/mlp.safetensors"),
    (evaluate_cnn, "stages/train_cnn/curve.csv"),
    (render_tsne, "stages/train_cnn/snapshots.safetensors"),
    (train_sr, "data/patches/x2/low.npy"),
    (train_sr, "data/patches/x2/high.npy"),
    (train_sr, "data/patches/x2/validation/low/*.png"),
    (train_sr, "data/patches/x2/validation/high/*.png"),
    (evaluate_sr, "data/raw/bsds500/val/*.png"),
    (evaluate_sr, "stages/train_sr/model.safetensors"),
    (evaluate_sr, "stages/train_sr/curve.csv"),
    (render_report, "data/raw/mnist/t10k-images*"),
    (render_report, "data/raw/bsds500/val/*.png"),
    (render_report, "stages/train_cnn/cnn.safetensors"),
    (render_report, "stages/train_cnn/mlp.safetensors"),
    (render_report, "stages/train_cnn/curve.csv"),
    (render_report, "stages/train_cnn/snapshots.safetensors"),
    (render_report, "stages/evaluate_cnn/predictions.csv"),
    (render_report, "stages/evaluate_cnn/shift.csv"),
    (render_report, "stages/render_tsne/frames.csv"),
    (render_report, "stages/train_sr/model.safetensors"),
    (render_report, "stages/train_sr/curve.csv"),
    (render_report, "stages/evaluate_sr/images.csv"),
]


def test_everything_that_a_stage_reads_is_spoiled_below(pipeline):
    stages = yaml.safe_load((pipeline / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        read = [str(pattern) for module, pattern in READ if module.__name__ == name]
        for dep in stage["deps"]:
            if dep.startswith(("data/", "stages/")):
                assert [pattern for pattern in read if pattern.startswith(dep)], f"{name}: {dep}"


@pytest.mark.parametrize(
    ("stage", "pattern"), READ, ids=[f"{stage.__name__} {pattern}" for stage, pattern in READ]
)
def test_a_flipped_bit_is_found_by_the_stage_that_reads_it(inside, stage, pattern):
    """Size and time stay as they were, so DVC overlooks it."""
    path = sorted(inside.glob(pattern))[0]
    before, content = path.stat(), bytearray(path.read_bytes())
    content[2 * len(content) // 3] ^= 1
    with changed(path, content):
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(InputError, match=f"{path.name}: is damaged"):
            stage.main()


@pytest.mark.parametrize("name", ["train_cnn", "evaluate_cnn", "train_sr", "evaluate_sr"])
def test_a_flipped_bit_in_a_metric_is_found_by_whoever_compares_it(inside, name):
    path = inside / "metrics" / f"{name}.json"
    text = path.read_bytes()
    with changed(path, text.replace(b".", b"1.", 1)), pytest.raises(InputError, match=path.name):
        read_metrics()
    assert name in read_metrics()


@pytest.mark.parametrize("stage", [train_cnn, train_sr, evaluate_cnn, evaluate_sr])
def test_an_output_folder_that_cannot_be_written_is_named(inside, stage):
    metrics_folder, aside = inside / "metrics", inside / "metrics.aside"
    metrics_folder.rename(aside)
    metrics_folder.write_text("a file where the folder should be")
    try:
        with pytest.raises(OSError, match="metrics"):
            stage.main()
    finally:
        metrics_folder.unlink()
        aside.rename(metrics_folder)
