"""All stages through DVC, tiny, on bundled data."""

import json
import re
import shutil
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
from conftest import commit_run, dvc, git, run
from convlab.core.checkpoint import Checkpoint
from convlab.core.errors import InputError
from tools import plots

MEASURED = ("nearest", "bilinear", "bicubic", "lanczos", "network", "gain")
PER_SCALE = (make_patches, train_sr, evaluate_sr)


@pytest.fixture(scope="module")
def pipeline(pipeline, tmp_path_factory):
    """A copy of the finished run, since the tests change files in it for a while."""
    return shutil.copytree(pipeline, tmp_path_factory.mktemp("own"), dirs_exist_ok=True)


def start(stage):
    """Run a stage's script as DVC does, in this process."""
    stage.main(2) if stage in PER_SCALE else stage.main()


def read_metrics(folder, name):
    return json.loads((folder / "metrics" / f"{name}.json").read_text())


def lock(folder):
    return yaml.safe_load((folder / "dvc.lock").read_text())["stages"]


def status(folder):
    """What `dvc status` says, by stage; in this process, which saves a start of DVC each time."""
    with chdir(folder):
        return Repo().status()


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def changed(path, content):
    """Have other content in a file for a while."""
    former = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(former)


def test_every_output_is_there_and_nothing_runs_again(pipeline):
    stages = lock(pipeline)
    for stage in stages.values():
        for out in stage["outs"]:
            assert (pipeline / out["path"]).exists(), out
    assert {"make_patches@2", "train_sr@2", "evaluate_sr@2"} < set(stages)
    said = dvc(pipeline, "repro")
    assert "Data and pipelines are up to date." in said
    assert "Running stage" not in said


def test_metrics_have_the_names_people_look_for(pipeline):
    trained, evaluated = read_metrics(pipeline, "train_cnn"), read_metrics(pipeline, "evaluate_cnn")
    assert set(trained) == set(evaluated) == {"cnn", "mlp"}
    assert set(trained["cnn"]) == {"loss", "parameters"}
    assert set(evaluated["mlp"]) == {"accuracy", "accuracy_shifted_2px", "loss"}
    trained, upscaled = (
        read_metrics(pipeline, "train_sr_x2"),
        read_metrics(pipeline, "evaluate_sr_x2"),
    )
    assert set(trained) == {
        *("loss", "validation_psnr", "parameters", "multiply_adds", "pflop", "steps"),
    }
    assert set(upscaled) == set(MEASURED)
    assert upscaled["gain"]["psnr"] == pytest.approx(
        upscaled["network"]["psnr"] - upscaled["bicubic"]["psnr"], abs=1e-3
    )


def test_pictures_can_be_opened_and_show_something(pipeline):
    stages = pipeline / "stages"
    pictures = [path for path in stages.rglob("*") if path.suffix in (".png", ".gif")]
    assert len(pictures) == 8 + 6  # six upscaled test photographs
    for picture in pictures:
        with Image.open(picture) as image:
            assert np.asarray(image.convert("L")).std() > 5, picture


REPORT = {"render_report"}
SUPERRES = {"make_patches@2", "train_sr@2", "evaluate_sr@2"} | REPORT


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("figures/gallery.py", {"evaluate_cnn", "render_tsne", "evaluate_sr@2"} | REPORT),
        ("report/web/page.css", REPORT),
        ("superres/evaluation.py", {"evaluate_sr@2"} | REPORT),
        ("superres/metrics.py", SUPERRES),
        ("superres/networks/equivariant.py", {"train_sr@2", "evaluate_sr@2"} | REPORT),
        ("superres/networks/edsr.py", set()),  # another network than the chosen one
        ("digits/networks/mlp.py", {"train_cnn", "evaluate_cnn"} | REPORT),
        ("data/bsds.py", {"download_mnist", "download_bsds"} | REPORT),
        ("cli/main.py", set()),
    ],
)
def test_a_change_of_code_touches_the_stages_that_use_it(pipeline, file, stages):
    path = pipeline / "src" / "convlab" / file
    with changed(path, path.read_bytes() + b"\n"):
        assert set(status(pipeline)) == stages


def test_another_network_and_another_scale_run_what_they_touch_alone(pipeline):
    params = pipeline / "params.yaml"
    text = params.read_text()
    with changed(params, text.replace("network: equivariant", "network: espcn").encode()):
        said = status(pipeline)
        assert set(said) == SUPERRES - {"make_patches@2"}
        assert "src/convlab/superres/networks/espcn.py" in json.dumps(said["train_sr@2"])
        assert "networks.espcn" in json.dumps(said["train_sr@2"])
    with changed(params, text.replace("scales: [2]", "scales: [2, 3]").encode()):
        assert set(status(pipeline)) == {name.replace("@2", "@3") for name in SUPERRES}
    other = text.replace("edsr: {}", "edsr: {channels: 65}")  # not the chosen one
    assert other != text
    with changed(params, other.encode()):
        assert set(status(pipeline)) == REPORT


@pytest.fixture(scope="module")
def own_checkout(pipeline, tmp_path_factory):
    """A committed run with DVC's cache, to run stages in again."""
    return commit_run(pipeline, tmp_path_factory.mktemp("again"))


def repro(folder, *arguments):
    done = run(folder, "-m", "dvc", "repro", *arguments)
    return done.returncode, done.stdout + done.stderr


def test_a_run_that_was_made_before_is_not_made_again(own_checkout):
    """DVC's run-cache: a parameter that is set back brings the former results back."""
    params, metrics = own_checkout / "params.yaml", own_checkout / "metrics"
    text, before = params.read_text(), contents(metrics)
    params.write_text(text.replace("muon_learning_rate: 0.015", "muon_learning_rate: 0.03"))
    code, said = repro(own_checkout, "train_sr@2")
    assert code == 0
    assert "Running stage 'train_sr@2'" in said
    assert contents(metrics) != before
    params.write_text(text)
    code, said = repro(own_checkout, "train_sr@2")
    assert code == 0
    assert "Stage 'train_sr@2' is cached - skipping run" in said
    assert "Running stage" not in said
    assert contents(metrics) == before
    assert git(own_checkout, "status", "--short") == ""


def test_a_stage_that_fails_leaves_its_former_outputs_to_dvc_checkout(own_checkout):
    params, patches = own_checkout / "params.yaml", own_checkout / "data" / "patches"
    text, former = params.read_text(), contents(patches)
    assert former
    params.write_text(text.replace("stride: 64", "stride: 0"))
    code, said = repro(own_checkout, "make_patches@2")
    params.write_text(text)
    assert code != 0
    assert "params.yaml: make_patches.stride = 0: should be greater than" in said
    assert "(former outputs: `dvc checkout`, and of metrics/ `git checkout metrics`)" in said
    assert "Traceback" not in said
    assert contents(patches) == {}
    dvc(own_checkout, "checkout")
    assert contents(patches) == former


def test_plots_are_drawn_and_the_page_needs_no_network(pipeline, monkeypatch):
    monkeypatch.chdir(pipeline)
    plots.main(["show"])
    page = (pipeline / "dvc_plots" / "index.html").read_text()
    for plot in yaml.safe_load((pipeline / "dvc.yaml").read_text())["plots"]:
        name = plot if isinstance(plot, str) else next(iter(plot))
        assert name in page or name.replace("/", "_") in page
    for name in (
        "train_sr/x2/curve.csv",
        "evaluate_sr/x2/images.csv",
        "evaluate_sr_x2_gallery.png",
    ):
        assert name in page or name.replace("/", "_") in page
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"https?:", page)
    assert page.count("vegaEmbed(") >= 7


@pytest.fixture
def inside(pipeline, monkeypatch):
    """Work in the finished copy, where a script's main can be called as the script does."""
    monkeypatch.chdir(pipeline)
    before = contents(pipeline / "stages")
    yield pipeline
    # Whatever went wrong: the former outputs are as they were, and nothing lies beside them.
    assert contents(pipeline / "stages") == before


@pytest.mark.parametrize("content", ["stages/train_cnn/cnn.safetensors", "params.yaml"])
def test_a_network_of_another_kind_is_refused(inside, content):
    model = inside / "stages/train_sr/x2/model.safetensors"
    message = "there is no network 'cnn'|is truncated or not a network"
    with (
        changed(model, (inside / content).read_bytes()),
        pytest.raises(InputError, match=rf"model\.safetensors: ({message})"),
    ):
        evaluate_sr.main(2)


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
    params = inside / "params.yaml"
    with (
        changed(params, params.read_bytes().replace(good, bad)),
        pytest.raises(InputError, match=f"{key} = .: should be"),
    ):
        start(stage)


@pytest.mark.parametrize("stage", [make_patches, evaluate_sr])
def test_an_image_that_is_none_is_named(inside, stage):
    split = "val" if stage is evaluate_sr else "train"
    photo = next((inside / "data/raw/bsds500" / split).glob("*.png"))
    with (
        changed(photo, b"no image"),
        pytest.raises(InputError, match=f"{photo.name}: is not a"),
    ):
        start(stage)
    assert {path.name for path in (inside / "data").iterdir()} <= {"raw", "patches", "README.md"}


@pytest.mark.parametrize(("stage", "interrupted_at"), [(train_sr, 5), (train_cnn, 10)])
def test_an_interrupted_training_is_resumed(inside, stage, interrupted_at, monkeypatch, capsys):
    """In the middle or, for the digits, at the end of the first of two networks."""
    save = Checkpoint.save

    def save_and_interrupt(checkpoint, state):
        save(checkpoint, state)
        if state.get("step") == interrupted_at:
            raise KeyboardInterrupt

    before = contents(inside / "metrics")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoint, "save", save_and_interrupt)
        start(stage)
    capsys.readouterr()
    start(stage)  # the fixture checks that it leaves the same bytes as a run in one go
    assert f"resumed at step {interrupted_at}\n" in capsys.readouterr().out
    assert contents(inside / "metrics") == before
    assert list((inside / ".work" / "checkpoints").iterdir()) == []
    start(stage)
    assert "resumed" not in capsys.readouterr().out  # a finished training starts from step 0


READ = [
    (train_cnn, "data/raw/MNIST/raw/train-images*"),
    (evaluate_cnn, "data/raw/MNIST/raw/t10k-labels*"),
    (evaluate_cnn, "stages/train_cnn/mlp.safetensors"),
    (evaluate_cnn, "stages/train_cnn/curve.csv"),
    (render_tsne, "stages/train_cnn/snapshots.safetensors"),
    (train_sr, "data/patches/x2/*/high.npy"),
    (train_sr, "data/patches/x2/validation/low/*.png"),
    (evaluate_sr, "stages/train_sr/x2/model.safetensors"),
    (render_report, "stages/evaluate_sr/x2/upscaled/*.png"),
    (render_report, "stages/evaluate_sr/x2/images.csv"),
    (render_report, "stages/render_tsne/frames.csv"),
]


@pytest.mark.parametrize(
    ("stage", "pattern"), READ, ids=[f"{stage.__name__} {pattern}" for stage, pattern in READ]
)
def test_a_truncated_or_missing_input_is_named(inside, stage, pattern):
    path = sorted(inside.glob(pattern))[0]
    with changed(path, path.read_bytes()[:-9]), pytest.raises(InputError, match=path.parent.name):
        start(stage)
    aside = path.rename(path.with_name(".aside"))
    try:
        with pytest.raises((InputError, OSError), match=re.escape(path.parent.name)):
            start(stage)
    finally:
        aside.rename(path)


@pytest.mark.parametrize("stage", [train_cnn, train_sr, evaluate_cnn, evaluate_sr])
def test_an_output_folder_that_cannot_be_written_is_named(inside, stage):
    folder, aside = inside / "metrics", inside / "metrics.aside"
    folder.rename(aside)
    folder.write_text("a file where the folder should be")
    try:
        with pytest.raises(OSError, match="metrics"):
            start(stage)
    finally:
        folder.unlink()
        aside.rename(folder)
