"""`convlab upscale` on pictures of every kind, and on damaged ones."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import ExifTags, Image, ImageCms, ImageOps

from any_pictures import SRGB, XMP, damage, make
from convlab.cli.main import convlab
from convlab.core.weights import save_network
from convlab.superres.networks import subpixel

NUMBER = int(os.environ.get("CONVLAB_FUZZ", "100"))
"""Of damaged files; by hand, CONVLAB_FUZZ=2000."""


@pytest.fixture(autouse=True)
def network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = subpixel.Settings(channels=4, layers=1)
    file = Path("stages/train_sr/x2/model.safetensors")
    file.parent.mkdir(parents=True)
    arguments = {"scale": 2, "settings": settings.model_dump()}
    save_network(file, subpixel.Network(2, settings), "subpixel", arguments)
    Path("in").mkdir()


def upscale(*arguments):
    return CliRunner().invoke(convlab, ["upscale", "in", "-o", "out", *arguments])


def seen(content, level):
    """Blend a picture with a grey background, by Pillow alone: RGB, 0 to 255."""
    image = ImageOps.exif_transpose(Image.open(BytesIO(content)))
    if image.mode.startswith("I;16"):
        grey = np.asarray(image) / 257
        return np.dstack([grey] * 3)
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        image = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    if image.mode == "CMYK":
        image = image.convert("RGB")
    rgba = np.asarray(image.convert("RGBA")).astype(float)
    return level + rgba[..., 3:] / 255 * (rgba[..., :3] - level)


def flat_parts(picture):
    """The middle of each of both halves, wherever they lie, in a picture or one twice as large."""
    height, width = picture.shape[:2]
    spans = [slice(side // 4 - 1, side // 4 + 2) for side in (height, width)]
    ends = [slice(3 * side // 4 - 1, 3 * side // 4 + 2) for side in (height, width)]
    return picture[spans[0], spans[1]], picture[ends[0], ends[1]]


def test_two_hundred_kinds_of_pictures_are_upscaled_and_keep_their_kind():
    made = [make(number) for number in range(200)]
    for each in made:
        Path("in", each.name).write_bytes(each.content)
    result = upscale()
    assert result.stderr == "200 of 200 upscaled x2 by subpixel\n"
    assert result.exit_code == 0
    for each in made:
        written = Path("out", each.name).read_bytes()
        tolerance = 1 if each.lossless else 10
        for level in (0, 255):
            before, after = seen(each.content, level), seen(written, level)
            assert after.shape == (2 * before.shape[0], 2 * before.shape[1], 3), each.name
            for left, right in zip(flat_parts(before), flat_parts(after), strict=True):
                assert abs(left.mean((0, 1)) - right.mean((0, 1))).max() <= tolerance, each.name
                if each.lossless:
                    assert np.ptp(right, axis=(0, 1)).max() == 0, each.name
        with Image.open(BytesIO(written)) as image:
            image.load()
            assert (each.mode == "I;16") == image.mode.startswith("I;16"), each.name
            if "exif" in each.metadata:
                assert image.getexif()[ExifTags.Base.Model] == "a camera", each.name
            assert ExifTags.Base.Orientation not in image.getexif(), each.name
            if "dpi" in each.metadata:
                assert [round(float(dots)) for dots in image.info["dpi"]] == [300, 300], each.name
            if "xmp" in each.metadata:
                assert image.info["xmp"] == XMP, each.name
            of_colour = each.mode in {"RGB", "RGBA", "RGBX", "YCbCr", "P", "PA"}
            if "icc_profile" in each.metadata and of_colour:
                assert image.info["icc_profile"] == SRGB, each.name


def test_a_damaged_picture_is_upscaled_or_is_one_line():
    resource = pytest.importorskip("resource", reason="needs a POSIX system")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # also of other tests
    for number in range(NUMBER):
        each = make(number)
        Path("in", f"{number:04}-{each.name}").write_bytes(damage(each.content, number))
    result = upscale()
    lines = result.stderr.splitlines()
    assert "report this fault" not in result.stderr
    assert not any("Traceback" in line for line in lines)
    written = len(list(Path("out").iterdir())) if Path("out").exists() else 0
    assert lines[-1] == f"{written} of {NUMBER} upscaled x2 by subpixel"
    notes = [line for line in lines[:-1] if line.endswith("only the first is taken")]
    assert len(lines) == 1 + NUMBER - written + len(notes)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert most <= max(before, 2 * 2**20)  # kibibytes
