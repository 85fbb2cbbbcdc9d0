"""The command line, as a user calls it."""

import re
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from skimage import data

from convlab.commands.main import convlab
from convlab.errors import InputError
from convlab.imaging.pictures import Picture, write_picture
from convlab.nets.cnn import Cnn
from convlab.nets.digits import to_input
from convlab.nets.subpixel import SubPixel
from convlab.nets.weights import save_network

ASTRONAUT = data.astronaut()[:61, :80]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A folder with both networks where a run leaves them; the user is there."""
    monkeypatch.chdir(tmp_path)
    settings = {"scale": 2, "channels": 4, "layers": 1, "upsampling": "pixel_shuffle"}
    network = SubPixel(**settings)
    torch.nn.init.normal_(network.tail[0].weight, std=0.01)
    for stage in ("train_sr", "train_cnn"):
        (tmp_path / "stages" / stage).mkdir(parents=True)
    save_network(tmp_path / "stages/train_sr/model.safetensors", network, "subpixel", **settings)
    save_network(tmp_path / "stages/train_cnn/cnn.safetensors", Cnn(), "cnn")
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(convlab, [str(each) for each in arguments])


def photograph(path, pixels=ASTRONAUT):
    path.parent.mkdir(exist_ok=True)
    write_picture(path, Picture(pixels))
    return path


def size(path):
    with Image.open(path) as image:
        return image.size


def test_help_lists_the_commands():
    shown = call("--help").output
    assert all(name in shown for name in ("upscale", "evaluate", "digits", "export"))


@pytest.mark.parametrize("command", ["upscale x.png -o y.png", "evaluate x", "digits x.png"])
def test_without_a_network_it_says_what_makes_one(project, command):
    shutil.rmtree(project / "stages")
    result = call(*command.split())
    assert isinstance(result.exception, InputError)
    assert "is missing: run `dvc repro`" in str(result.exception)


def test_one_picture_is_enlarged(project):
    result = call("upscale", photograph(project / "a.jpg"), "-o", "b.png")
    assert result.exit_code == 0
    assert "1 of 1 enlarged 2 times" in result.stderr
    assert size("b.png") == (160, 122)


def test_of_a_folder_broken_ones_are_named_and_the_rest_is_enlarged(project):
    for kind in ("jpg", "png", "webp", "tif", "bmp"):
        photograph(project / "in" / f"whole.{kind}")
    (project / "in/broken.png").write_bytes(b"")
    (project / "in/notes.txt").write_text("no picture")
    result = call("upscale", "in", "-o", "out")
    assert result.exit_code == 1
    assert "broken.png: is not a JPEG" in result.stderr
    assert "5 of 6 enlarged 2 times" in result.stderr
    assert sorted(path.name for path in (project / "out").iterdir()) == [
        f"whole.{kind}" for kind in ("bmp", "jpg", "png", "tif", "webp")
    ]


def test_nothing_is_overwritten_unless_forced(project):
    photograph(project / "a.png")
    before = photograph(project / "b.png", ASTRONAUT[::2]).read_bytes()
    refused = call("upscale", "a.png", "-o", "b.png")
    assert refused.exit_code == 1
    assert "b.png: is there already" in refused.stderr
    assert (project / "b.png").read_bytes() == before
    assert call("upscale", "a.png", "-o", "b.png", "--force").exit_code == 0
    assert size("b.png") == (160, 122)


@pytest.mark.parametrize("output", ["a.png", "."])
def test_a_picture_never_overwrites_itself(project, output):
    photograph(project / "a.png")
    result = call("upscale", "a.png", "-o", output, "--force")
    assert "a.png: is one of the pictures to enlarge" in str(result.exception)
    assert size("a.png") == (80, 61)


def test_two_pictures_of_one_name_are_refused(project):
    photograph(project / "x/a.png")
    photograph(project / "y/a.png")
    assert "2 of the results would have that name" in str(
        call("upscale", "x", "y", "-o", "out").exception
    )
    assert not (project / "out").exists()


def test_a_comparison_shows_bicubic_and_network(project):
    call("upscale", photograph(project / "a.png"), "-o", "b.png", "--compare")
    whole = np.asarray(Image.open("b.png.compare.png"))
    np.testing.assert_array_equal(whole[:, -160:], np.asarray(Image.open("b.png")))
    assert whole.shape == (122, 328, 3)
    assert not np.array_equal(whole[:, :160], whole[:, -160:])


def test_edges_of_what_is_transparent_keep_their_colour(project):
    """What is hidden is often black, and must not bleed into what is seen."""
    down, right = np.mgrid[-20:20, -20:20]
    alpha = np.where(down**2 + right**2 < 200, 255, 0).astype(np.uint8)
    disk = np.zeros((40, 40, 3), np.uint8)
    disk[alpha > 0] = (255, 0, 0)
    write_picture(project / "disk.png", Picture(disk, alpha))
    call("upscale", "disk.png", "-o", "larger.png", "--compare")
    larger = np.asarray(Image.open("larger.png"))
    assert larger[larger[..., 3] > 8][:, 0].min() > 240
    assert np.asarray(Image.open("larger.png.compare.png"))[0, 0].tolist() == [255, 255, 255]


def test_what_cannot_be_written_is_named_and_the_rest_goes_on(project):
    photograph(project / "in/a.webp", np.zeros((2, 8300, 3), np.uint8))
    photograph(project / "in/b.png")
    result = call("upscale", "in", "-o", "out")
    assert result.exit_code == 1
    assert "out/a.webp: WEBP has no room for more than 16,383" in result.stderr
    assert [path.name for path in (project / "out").iterdir()] == ["b.png"]


def test_a_folder_is_never_replaced(project):
    photograph(project / "a.png")
    (project / "out/a.png/precious").mkdir(parents=True)
    result = call("upscale", "a.png", "-o", "out", "--force")
    assert result.exit_code == 1
    assert "out/a.png: is a folder" in result.stderr
    assert (project / "out/a.png/precious").is_dir()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("a.png -o b.gif", "b.gif: must end with one of .jpg"),
        ("a.png in/b.png -o c.png", "c.png: is named like a picture, but there are several"),
        ("a.png in/A.png -o out", "out/a.png: 2 of the results would have that name"),
        ("a.png in/b.png -o in --force", "in/b.png: is one of the pictures to enlarge"),
        ("a.png -o b.png --model stages/train_cnn/cnn.safetensors", "holds a network 'cnn'"),
    ],
)
def test_what_would_go_wrong_is_said_before_anything_is_done(project, arguments, message):
    photograph(project / "a.png")
    photograph(project / "in/b.png")
    photograph(project / "in/A.png")
    before = sorted(project.rglob("*"))
    result = call("upscale", *arguments.split())
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert sorted(project.rglob("*")) == before


def test_evaluate_leaves_out_what_has_no_error(project):
    photograph(project / "set/a.png")
    photograph(project / "set/flat.png", np.full((40, 40, 3), 128, np.uint8))
    result = call("evaluate", "set")
    assert result.exit_code == 1
    assert "flat.png: enlarging leaves no error in it" in result.stderr
    assert "mean" in result.stdout


def test_evaluate_prints_each_picture_and_the_mean(project):
    photograph(project / "set/a.png")
    photograph(project / "set/grey.png", data.camera()[:60, :61])
    result = call("evaluate", "set", "--self-ensemble")
    assert result.exit_code == 0
    rows = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert {"a.png", "grey.png", "mean"} <= rows.keys()
    numbers = [
        [float(number) for number in re.findall(r"[\d.]+(?= /)", rows[name])]
        for name in ("a.png", "grey.png", "mean")
    ]
    assert len(numbers[0]) == 6
    np.testing.assert_allclose(np.mean(numbers[:2], axis=0), numbers[2], atol=0.01)


def test_evaluate_names_what_it_cannot_measure(project):
    photograph(project / "set/a.png")
    photograph(project / "set/tiny.png", ASTRONAUT[:5, :5])
    result = call("evaluate", "set")
    assert result.exit_code == 1
    assert "tiny.png: is too small" in result.stderr
    assert "mean" in result.stdout


def test_a_digit_is_read_with_ten_probabilities(project):
    drawn = np.full((50, 40), 250, np.uint8)
    drawn[10:40, 18:23] = 20
    photograph(project / "one.png", drawn)
    result = call("digits", "one.png", "--explain", "maps")
    assert result.exit_code == 0
    named, chances = result.stdout.splitlines()[:2]
    shares = [float(share) for share in re.findall(r"([\d.]+)%", chances)]
    assert len(shares) == 10
    assert sum(shares) == pytest.approx(100, abs=0.6)
    assert named == f"one.png: {int(np.argmax(shares))}"
    assert size("maps/one.png.maps.png")[0] > 500


def test_paper_without_a_digit_is_named(project):
    photograph(project / "empty.png", np.full((50, 40), 250, np.uint8))
    result = call("digits", "empty.png")
    assert result.exit_code == 1
    assert "empty.png: shows no digit" in result.stderr


def test_exported_networks_compute_the_same_and_say_what_they_are(project):
    result = call("export", "-o", "onnx")
    assert result.exit_code == 0
    assert result.stdout.count("differs from torch by at most") == 2
    about = {each.key: each.value for each in onnx.load("onnx/superres.onnx").metadata_props}
    assert about["scale"] == "2"
    assert "16 to 235" in about["colour_range"]
    low = np.random.default_rng(0).random((3, 1, 11, 30), np.float32)
    (high,) = onnxruntime.InferenceSession("onnx/superres.onnx").run(None, {"low": low})
    assert high.shape == (3, 1, 22, 60)
    digits = np.zeros((5, 28, 28), np.uint8)
    logits, embedding = onnxruntime.InferenceSession("onnx/digits.onnx").run(
        None, {"digit": to_input(digits).numpy()}
    )
    assert logits.shape == (5, 10)
    assert len(embedding) == 5
    refused = call("export", "-o", "onnx")
    assert "is there already" in str(refused.exception)
