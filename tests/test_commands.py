"""The command line, as a user calls it."""

import io
import os
import re
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from PIL import ExifTags, Image
from skimage import data

from conftest import ROOT, run
from convlab.cli.main import convlab, main
from convlab.cli.onnx import export_superres
from convlab.core.errors import InputError
from convlab.core.weights import find_network, save_network
from convlab.digits.networks import cnn, mlp
from convlab.imaging.pictures import Picture, read_picture
from convlab.imaging.saving import write_picture
from convlab.superres.networks import subpixel
from convlab.superres.upscaling import NETWORKS
from own_networks import CONVOLUTIONS, RESULT, SOUND, network_file, upscaler
from test_sheet import photograph, write

ASTRONAUT = data.astronaut()[:61, :80]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Make a folder with networks where `dvc repro` leaves them, and go there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("convlab.cli.inputs.CHECKOUT", tmp_path / "checkout")
    monkeypatch.delenv("CONVLAB_HOME", raising=False)
    settings = subpixel.Settings(channels=4, layers=1)
    upscaler = subpixel.Network(2, settings)
    torch.nn.init.normal_(upscaler.tail[0].weight, std=0.01)
    digits, superres = Path("stages/train_cnn"), Path("stages/train_sr/x2")
    digits.mkdir(parents=True)
    superres.mkdir(parents=True)
    arguments = {"scale": 2, "settings": settings.model_dump()}
    save_network(superres / "model.safetensors", upscaler, "subpixel", arguments)
    for name, module in (("cnn", cnn), ("mlp", mlp)):
        network = module.Network(module.Settings())
        save_network(digits / f"{name}.safetensors", network, name, {"settings": {}})


def call(*arguments):
    return CliRunner().invoke(convlab, [str(each) for each in arguments])


def make_picture(path, colour=ASTRONAUT, alpha=None):
    path = Path(path)
    path.parent.mkdir(exist_ok=True)
    write_picture(path, Picture(colour, alpha))
    return path


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("command", ["upscale x.png -o y.png", "evaluate x", "digits x.png"])
def test_without_a_network_it_says_what_makes_one(command):
    shutil.rmtree("stages")
    result = call(*command.split())
    assert isinstance(result.exception, InputError)
    assert "is missing: run `dvc repro`" in str(result.exception)


def test_a_folder_is_upscaled_and_what_fails_is_named():
    for suffix in ("jpg", "png", "webp", "tif", "bmp"):
        make_picture(f"in/whole.{suffix}")
    make_picture("in/wide.webp", np.zeros((2, 8300, 3), np.uint8))
    for name in ("broken.png", ".hidden.png"):
        Path("in", name).write_bytes(b"")
    Path("in/notes.txt").write_text("no picture")
    result = call("upscale", "in", "-o", "out", "--compare")
    assert result.exit_code == 1
    assert "broken.png: is not a JPEG" in result.stderr
    assert "out/wide.webp: WEBP allows at most 16,383" in result.stderr
    assert "5 of 7 upscaled x2 by subpixel" in result.stderr
    whole = [f"whole.{suffix}" for suffix in ("bmp", "jpg", "png", "tif", "webp")]
    expected = {*whole, *(f"{name}.compare.png" for name in whole)}
    assert {path.name for path in Path("out").iterdir()} == expected
    compared, upscaled = pixels("out/whole.png.compare.png"), pixels("out/whole.png")
    assert upscaled.shape == (122, 160, 3)
    np.testing.assert_array_equal(compared[:, -160:], upscaled)
    assert not np.array_equal(compared[:, :160], upscaled)


def test_nothing_is_overwritten_unless_forced_and_a_folder_never():
    make_picture("a.png")
    make_picture("b.png", ASTRONAUT[::2])
    Path("out/a.png/precious").mkdir(parents=True)
    refused = call("upscale", "a.png", "-o", "b.png")
    assert refused.exit_code == 1
    assert "b.png: already exists" in refused.stderr
    assert pixels("b.png").shape == (31, 80, 3)
    assert call("upscale", "a.png", "-o", "b.png", "--force").exit_code == 0
    assert pixels("b.png").shape == (122, 160, 3)
    assert "out/a.png: is a folder" in call("upscale", "a.png", "-o", "out", "--force").stderr
    assert Path("out/a.png/precious").is_dir()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("a.png -o b.gif", "b.gif: must end with one of .jpg"),
        ("a.png in/b.png -o c.png", "c.png: is named like a picture, but there are several"),
        ("a.png in/A.png -o out", "out/a.png: 2 results would be written there"),
        ("a.png -o . --force", "a.png: is one of the pictures to upscale"),
        ("a.png in/b.png -o in --force", "in/b.png: is one of the pictures to upscale"),
        ("stages -o out", "stages: contains no picture (.jpg"),
        ("a.png -o b.png --model stages/train_cnn/cnn.safetensors", "there is no network 'cnn'"),
    ],
)
def test_what_would_go_wrong_is_said_before_anything_is_done(arguments, message):
    for path in ("a.png", "in/b.png", "in/A.png"):
        make_picture(path)
    before = sorted(Path().rglob("*"))
    result = call("upscale", *arguments.split())
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert sorted(Path().rglob("*")) == before


def test_a_picture_that_fails_does_not_stop_the_others(monkeypatch):
    for name in "abc":
        make_picture(f"in/{name}.png", ASTRONAUT[:9, :9])
    original = read_picture

    def read(path, **options):
        if path.name == "b.png":
            raise failure
        return original(path, **options)

    monkeypatch.setattr("convlab.cli.upscale.read_picture", read)
    failure = struct.error("unpack requires\na buffer")
    result = call("upscale", "in", "-o", "out")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "convlab: in/b.png: cannot be processed: please report this fault"
        " (error: unpack requires a buffer)",
        "2 of 3 upscaled x2 by subpixel",
    ]
    failure = KeyboardInterrupt()
    interrupted = call("upscale", "in", "-o", "other")
    assert interrupted.exit_code == 130
    assert interrupted.stderr == "1 of 3 upscaled x2 by subpixel; interrupted\n"
    assert [path.name for path in Path("other").iterdir()] == ["a.png"]


def test_a_picture_in_bigtiff_is_upscaled_with_its_metadata():
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "a camera"
    Image.fromarray(ASTRONAUT[:9, :9]).save("big.tif", big_tiff=True, exif=exif)
    assert call("upscale", "big.tif", "-o", "larger.tif").exit_code == 0
    with Image.open("larger.tif") as image:
        assert image.size == (18, 18)
        assert image.getexif()[ExifTags.Base.Model] == "a camera"


def test_names_that_the_terminal_cannot_show_lose_no_work(monkeypatch):
    make_picture("set/数.png")
    make_picture("set/数/broken.png").write_bytes(b"")
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="cp1252") for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    for arguments in (["evaluate", "set"], ["upscale", "set/数/broken.png", "-o", "larger.png"]):
        monkeypatch.setattr(sys, "argv", ["convlab", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == int(arguments[0] == "upscale")
    shown = [stream.buffer.getvalue().decode("ascii") for stream in streams]
    assert re.search(r"^\\u6570.png +[\d.]+ / [\d.]+", shown[0], re.MULTILINE)
    assert r"set/\u6570/broken.png: is not a JPEG" in shown[1].replace(os.sep, "/")


@pytest.mark.parametrize("command", ["upscale a.png -o b.png", "evaluate in", "digits a.png"])
def test_a_folder_with_a_run_names_its_network_and_nothing_else_is_to_be_removed(command):
    for path in ("a.png", "in/a.png"):
        make_picture(path)
    Path("notes.txt").write_text("important")
    Path("run").mkdir()
    shutil.move("stages", "run/stages")
    kind = "train_cnn" if command.startswith("digits") else "train_sr"
    for folder in ("run", "run/stages", f"run/stages/{kind}"):
        assert call(*command.split(), "--model", folder).exit_code == 0
        Path("b.png").unlink(missing_ok=True)
    for wrong, message in (
        (".", f".: has no stages/{kind}/"),
        ("notes.txt", "notes.txt: is truncated or not a network of this project: name the network"),
        (os.devnull, f"{os.devnull}: is a folder or a device, not a file: name the network"),
    ):
        error = call(*command.split(), "--model", wrong).exception
        assert isinstance(error, InputError)
        assert str(error).replace(os.sep, "/").startswith(message)
        assert "remove" not in str(error)


def test_help_and_mistyped_options_do_not_wait_for_torch():
    program = """
import sys
from convlab.cli.main import main
try:
    main()
except SystemExit as ended:
    print(ended.code, sorted({"torch", "numpy", "scipy", "PIL"} & set(sys.modules)))
"""
    for arguments, status in ((["--help"], 0), (["upscale", "--modle", "x"], 2)):
        done = run(ROOT, "-c", program, *arguments)
        assert done.stdout.splitlines()[-1] == f"{status} []", done.stderr


@pytest.mark.parametrize("place", ["checkout", "checkout/demo", "elsewhere"])
def test_from_anywhere_the_networks_of_the_last_run_are_found(monkeypatch, place):
    Path(place).mkdir(parents=True)
    shutil.move("stages", place)
    if place == "elsewhere":
        monkeypatch.setenv("CONVLAB_HOME", str(Path(place).absolute()))
    make_picture("far/photo.png", ASTRONAUT[:9, :9])
    Path("far/model.safetensors").write_text("of another program")
    monkeypatch.chdir("far")
    for arguments, result in (
        ("photo.png", "photo-x2.png"),
        ("photo.png --format jpeg", "photo-x2.jpg"),
        (".", "../far-x2/photo.png"),
    ):
        assert call("upscale", *arguments.split()).exit_code == 0
        assert pixels(result).shape == (18, 18, 3)
    assert call("digits", "photo.png").exit_code == 0
    several = call("upscale", "photo.png", "other.png")
    assert "several inputs: name a folder" in str(several.exception)


def test_subfolders_keep_their_structure_and_what_is_left_out_is_counted():
    for name in ("a.png", "one/a.png", "one/two/b.jpg", "out/old.png", ".hidden/c.png"):
        path = Path("in", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        make_picture(path, ASTRONAUT[:9, :9])
    Path("in/notes.txt").write_text("no picture")
    Path("in/gone.png").symlink_to("nowhere.png")
    flat = call("upscale", "in", "-o", "flat")
    assert flat.stderr == (
        "1 of 1 upscaled x2 by subpixel; left out: 2 subfolders (take them with --recursive),"
        " 2 other files\n"
    )
    deep = call("upscale", "in", "-o", "in/out", "--recursive", "--format", "webp", "--force")
    assert deep.stderr == "3 of 3 upscaled x2 by subpixel; left out: 2 other files\n"
    found = {path.relative_to("in/out").as_posix() for path in Path("in/out").rglob("*.webp")}
    assert found == {"a.webp", "one/a.webp", "one/two/b.webp"}


def test_one_format_for_all_works_and_a_note_says_that_only_the_first_frame_is_used():
    alpha = np.full((9, 9), 100, np.uint8)
    make_picture("in/a.tif", ASTRONAUT[:9, :9], alpha)
    frames = [Image.fromarray(ASTRONAUT[place : place + 9, :9]) for place in (0, 20, 40)]
    frames[0].save("in/moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    for name, suffix in (("png", "png"), ("tiff", "tif"), ("avif", "avif"), ("webp", "webp")):
        result = call("upscale", "in", "-o", name, "--format", name)
        assert result.exit_code == 0
        assert "in/moving.webp: has 3 frames: only the first is taken\n" in result.stderr
        assert {path.name for path in Path(name).iterdir()} == {f"a.{suffix}", f"moving.{suffix}"}
    opaque = call("upscale", "in", "-o", "jpeg", "--format", "jpeg")
    assert "a.jpg: JPEG has no transparency" in opaque.stderr
    assert "1 of 2 upscaled" in opaque.stderr
    wrong = call("upscale", "in/a.tif", "-o", "a.png", "--format", "jpeg")
    assert "a.png: is not named like jpeg" in str(wrong.exception)
    avif = call("upscale", "avif/moving.avif", "-o", "again.png")
    assert avif.exit_code == 0
    assert pixels("again.png").shape == (36, 36, 3)


def test_edges_of_transparent_parts_keep_their_colour():
    """Transparent pixels are often black, and must not change the colour of visible ones."""
    down, right = np.mgrid[-20:20, -20:20]
    alpha = np.where(down**2 + right**2 < 200, 255, 0).astype(np.uint8)
    disk = np.zeros((40, 40, 3), np.uint8)
    disk[alpha > 0] = (255, 0, 0)
    call("upscale", make_picture("disk.png", disk, alpha), "-o", "larger.png", "--compare")
    larger = pixels("larger.png")
    assert larger[larger[..., 3] > 8][:, 0].min() > 240
    assert pixels("larger.png.compare.png")[0, 0].tolist() == [255, 255, 255]


def test_evaluate_prints_pictures_and_means_and_names_what_it_cannot_measure():
    Path("set/deep").mkdir(parents=True)
    make_picture("set/a.png")
    make_picture("set/deep/grey.png", data.camera()[:60, :61])
    make_picture("set/tiny.png", ASTRONAUT[:5, :5])
    make_picture("set/flat.png", np.full((40, 40, 3), 128, np.uint8))
    result = call("evaluate", "set", "--self-ensemble", "--recursive")
    assert result.exit_code == 1
    assert "tiny.png: is 5 x 5 pixels: too small" in result.stderr
    assert "flat.png: is upscaled without any error" in result.stderr
    assert "2 of 4 measured, upscaled x2" in result.stderr
    rows = {
        line.split()[0]: [float(number) for number in re.findall(r"[\d.]+(?= /)", line)]
        for line in result.stdout.splitlines()
    }
    assert len(rows["a.png"]) == 6  # four interpolations, network, ensemble
    np.testing.assert_allclose(
        (np.add(rows["a.png"], rows["deep/grey.png"])) / 2, rows["mean"], atol=0.01
    )


def test_a_digit_is_classified_and_a_blank_page_is_named():
    drawn = np.full((50, 40), 250, np.uint8)
    make_picture("empty.png", drawn)
    drawn[10:40, 18:23] = 20
    make_picture("one.png", drawn)
    result = call("digits", "one.png", "empty.png", "--explain", "maps")
    assert result.exit_code == 1
    assert "empty.png: shows no digit" in result.stderr
    prediction, listed, *_ = result.stdout.splitlines()
    percentages = [float(share) for share in re.findall(r"([\d.]+)%", listed)]
    assert len(percentages) == 10
    assert sum(percentages) == pytest.approx(100, abs=0.6)
    assert percentages[int(prediction.removeprefix("one.png: "))] == max(percentages)
    assert [path.name for path in Path("maps").iterdir()] == ["one.png.maps.png"]
    without_maps = call(
        "digits", "one.png", "--explain", "m", "--model", "stages/train_cnn/mlp.safetensors"
    )
    assert "mlp.safetensors: has no convolutions" in without_maps.stderr


def test_a_photographed_sheet_is_read_row_by_row_and_an_empty_one_is_one_line():
    make_picture("sheet.png", photograph(write([[4, 2, 0], [7, 1]], "squared")))
    make_picture("empty.png", photograph(write([], "ruled")))
    result = call("digits", "sheet.png", "empty.png")
    assert result.exit_code == 1
    assert result.stderr == (
        "convlab: empty.png: shows no digit: nothing on the sheet differs enough from the paper\n"
        "1 of 2 classified\n"
    )
    first, *rows = result.stdout.splitlines()
    listed = [re.findall(r"(\d): [\d.]+%", row) for row in rows]
    assert [len(row) for row in listed] == [3, 2]
    assert first == f"sheet.png: {' '.join(map(''.join, listed))}"


def test_feature_maps_of_several_digits_are_numbered():
    make_picture("two.png", write([[6, 3]]))
    assert call("digits", "two.png", "--explain", "maps").exit_code == 0
    assert {path.name for path in Path("maps").iterdir()} == {
        "two.png.1.maps.png",
        "two.png.2.maps.png",
    }
    assert (
        "two.png.1.maps.png: already exists"
        in call("digits", "two.png", "--explain", "maps").stderr
    )


def test_exported_networks_describe_themselves_and_leave_sizes_open():
    result = call("export", "-o", "onnx")
    assert result.exit_code == 0, result.exception
    assert result.stdout.count("differs from torch by at most") == 2
    metadata = {each.key: each.value for each in onnx.load("onnx/superres.onnx").metadata_props}
    assert (metadata["network"], metadata["scale"]) == ("subpixel", "2")
    low = np.zeros((3, 1, 11, 30), np.float32)
    (high,) = onnxruntime.InferenceSession("onnx/superres.onnx").run(None, {"low": low})
    assert high.shape == (3, 1, 22, 60)
    digits = np.zeros((5, 1, 28, 28), np.float32)
    outputs = onnxruntime.InferenceSession("onnx/digits.onnx").run(None, {"digit": digits})
    assert [each.shape for each in outputs] == [(5, 10), (5, 1568)]
    assert "already exists" in str(call("export", "-o", "onnx").exception)


def test_a_network_with_attention_in_windows_is_exported_for_any_size(tmp_path):
    with network_file(tmp_path, NETWORKS, "attention", SOUND["attention"]):
        module = find_network(NETWORKS, "attention")
        network = module.Network(2, module.Settings()).eval()
        assert export_superres(network, tmp_path / "network.onnx") < 1e-4


def test_a_network_that_asks_for_values_cannot_be_exported_and_is_named(tmp_path):
    source = upscaler(
        CONVOLUTIONS, f"features = self.first(low) if low.mean() > 0 else low\n{RESULT}"
    )
    with network_file(tmp_path, NETWORKS, "asking", source):
        module = find_network(NETWORKS, "asking")
        with pytest.raises(InputError, match="the network 'asking' cannot be written as ONNX"):
            export_superres(module.Network(2, module.Settings()).eval(), tmp_path / "n.onnx")
