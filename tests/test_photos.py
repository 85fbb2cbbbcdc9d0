"""Photographs: which there are, how they split, reading good, bad and hostile ones."""

import builtins
import io
import os
import struct
import warnings
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

import make_patches
from conftest import ROOT
from convlab.core.errors import InputError
from convlab.data.photos import list_images, read_rgb, split_photos


def photo(path: Path, size: int = 5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), 200).save(path)
    return path


@pytest.mark.parametrize(("count", "validating"), [(400, 20), (2, 1)])
def test_every_20th_photo_validates_and_none_of_val_trains(tmp_path, count, validating):
    for number in range(count):
        folder = tmp_path / ("train" if number % 2 else "test")
        folder.mkdir(exist_ok=True)
        (folder / f"{number:03}.jpg").touch()
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "500.jpg").touch()
    training, validation, testing = split_photos(tmp_path)
    assert [int(path.stem) for path in validation] == list(range(0, count, 20))
    assert len(training) == count - validating
    assert not set(training) & set(validation)
    assert testing == [tmp_path / "val" / "500.jpg"]


def test_each_photo_is_opened_once_per_scale(tmp_path, monkeypatch):
    photos = [
        photo(tmp_path / f"data/raw/bsds500/{name}.png", 64) for name in ("train/a", "test/b")
    ]
    photo(tmp_path / "data/raw/bsds500/val/c.png", 64)
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    opened, really_open = Counter(), builtins.open

    def counting(file, *args, **settings):
        opened[str(file)] += 1
        return really_open(file, *args, **settings)

    monkeypatch.chdir(tmp_path)
    for place in (builtins, io):  # pathlib opens by the latter
        monkeypatch.setattr(place, "open", counting)
    make_patches.main(2)
    seen = {Path(name): times for name, times in opened.items() if "bsds500" in name}
    assert seen == {path.relative_to(tmp_path): 1 for path in photos}


def test_other_files_are_no_photos(tmp_path):
    photos = [photo(tmp_path / "val" / name) for name in ("a.png", "b.jpg", "c.PNG")]
    for name in ("Thumbs.db", "._a.png"):
        (tmp_path / "val" / name).touch()
    assert list_images(tmp_path, "val") == photos


def test_a_folder_without_photos_or_with_two_of_one_name_is_named(tmp_path):
    folder = tmp_path / "val"
    with pytest.raises(InputError, match=f"{folder}: is missing"):
        list_images(tmp_path, "val")
    folder.mkdir()
    with pytest.raises(InputError, match=f"{folder}: holds no photograph"):
        list_images(tmp_path, "val")
    for name in ("a.jpg", "a.m.jpg", "a.png"):
        photo(folder / name)
    with pytest.raises(InputError, match="val: has 2 photographs named a: rename them"):
        list_images(tmp_path, "val")


RGB = data.astronaut()[100:124, 200:236]
GREY = RGB[..., 1]
ALPHA = np.tile(np.arange(0, 252, 7, dtype=np.uint8), (24, 1))
INDICES = GREY // 64


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png(pixels: np.ndarray, colour: int, *extra: bytes, size: tuple[int, int] = (0, 0)) -> bytes:
    """Write a PNG file by hand: what Pillow does not write, or a wrong size."""
    width, height = size if any(size) else (pixels.shape[1], pixels.shape[0])
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, colour, 0, 0, 0)
    lines = b"".join(
        b"\0" + line.astype(pixels.dtype.newbyteorder(">")).tobytes() for line in pixels
    )
    chunks = (chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(lines)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def saved(pixels: np.ndarray, kind: str = "PNG", mode: str | None = None, **settings) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file, kind, **settings)
    return file.getvalue()


LYING = Image.Exif()
LYING[0x0112] = 6  # orientation: on its side
PALETTE = np.array([[9, 8, 7], [255, 0, 0], [0, 99, 0], [1, 2, 3]], np.uint8)
INDEXED = chunk(b"PLTE", PALETTE.tobytes())
SEEN = np.array(Image.open(io.BytesIO(saved(RGB, "JPEG"))))  # what is left after JPEG's losses
TWO = saved(RGB, "MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))])
READABLE = {
    "RGB": (saved(RGB), RGB),
    "grey": (saved(GREY), np.dstack([GREY] * 3)),
    "black and white": (saved(GREY > 99), np.dstack([GREY > 99] * 3) * 255),
    "palette": (png(INDICES, 3, INDEXED, chunk(b"tRNS", b"\xff" * 4)), PALETTE[INDICES]),
    "opaque RGBA": (saved(np.dstack([RGB, ALPHA | 255])), RGB),
    "animated": (saved(RGB, save_all=True, append_images=[Image.new("RGB", (36, 24))]), RGB),
    "more after its end": (saved(RGB) + bytes(99), RGB),
    "progressive JPEG": (saved(RGB, "JPEG", progressive=True), SEEN),
    "lying JPEG": (saved(RGB, "JPEG", exif=LYING), SEEN),
    "two JPEGs, bad list of them": (TWO.replace(b"MPF\0", b"MPF\0?"), SEEN),
}


@pytest.mark.parametrize(("content", "expected"), READABLE.values(), ids=READABLE)
def test_an_image_is_read_as_it_was_saved(tmp_path, content, expected):
    path = tmp_path / "a.jpg"  # what it is, its content tells
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = read_rgb(path)
    np.testing.assert_array_equal(pixels, expected)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable


TRANSPARENT = "has transparent pixels: save it without transparency"
SIXTEEN_BITS = "has 16 bits per value: save it with 8"
NEITHER = "is not a JPEG or PNG image"
CORRUPT = "is truncated or corrupt ("
MANY = "has more than 16,777,216 pixels: make it smaller"
SIXTEEN = np.full((4, 5), 300, np.uint16)
WHOLE = saved(RGB)
REFUSED = {
    "grey and alpha": (saved(np.dstack([GREY, ALPHA])), TRANSPARENT),
    "palette, half": (png(INDICES, 3, INDEXED, chunk(b"tRNS", b"\x80\0")), TRANSPARENT),
    "one colour": (saved(RGB, transparency=tuple(map(int, RGB[0, 0]))), TRANSPARENT),
    "grey, 16 bits": (png(SIXTEEN, 0), SIXTEEN_BITS),
    "RGB, 16 bits": (png(np.dstack([SIXTEEN] * 3), 2), SIXTEEN_BITS),
    "CMYK": (saved(RGB, "JPEG", mode="CMYK"), "is in CMYK, for printing: save it as RGB"),
    "empty": (b"", NEITHER),
    "web page": (b"<!DOCTYPE html><html>not found</html>", NEITHER),
    "PostScript": (saved(RGB, "EPS"), NEITHER),
    "cut JPEG": (saved(RGB, "JPEG")[:-30], CORRUPT),
    "PNG without its end": (WHOLE[:-12], CORRUPT),
    "wrong checksum": (WHOLE[:-13] + bytes([WHOLE[-13] ^ 1]) + WHOLE[-12:], CORRUPT),
    "bomb": (
        png(RGB, 2, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26 + 1)))),
        "holds more than 64 MiB of text",
    ),
    "50,000 wide and too high": (png(GREY, 0, size=(50_000, 336)), MANY),
    "50,000 x 50,000": (png(GREY, 0, size=(50_000, 50_000)), MANY),
}


@pytest.mark.parametrize(("content", "fault"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_as_it_was_saved_is_refused(tmp_path, content, fault):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with warnings.catch_warnings(record=True) as caught, pytest.raises(InputError) as error:
        warnings.simplefilter("always")
        read_rgb(path)
    assert str(error.value).startswith(f"{path}: {fault}")
    assert not caught


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"a\.jpg: is a folder or a device, not a file"):
        read_rgb(tmp_path / "a.jpg")


@given(
    kind=st.sampled_from(["JPEG", "PNG"]),
    position=st.integers(0, 60) | st.integers(0, 5000),
    change=st.sampled_from(["cut", "zeros", *range(8)]),
)
def test_a_damaged_image_is_read_or_named(tmp_path_factory, kind, position, change):
    """A bit flipped (in the headers, too), cut, or zeros from some place on."""
    damaged, path = bytearray(saved(RGB, kind)), tmp_path_factory.mktemp("damaged") / "a.jpg"
    position %= len(damaged)
    if change == "cut":
        del damaged[position:]
    elif change == "zeros":
        damaged[position:] = bytes(len(damaged) - position)
    else:
        damaged[position] ^= 1 << change
    path.write_bytes(damaged)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            pixels = read_rgb(path)
        except InputError as error:
            assert str(error).startswith(f"{path}: ")
        else:
            assert kind == "JPEG" or np.array_equal(pixels, RGB)  # PNG has checksums
    assert not caught
