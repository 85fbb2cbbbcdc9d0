"""Photographs: which there are, how they split, reading good, bad and hostile ones."""

import io
import os
import random
import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from convlab.data.photos import check_sizes, image_size, list_images, read_rgb, split_photos
from convlab.errors import InputError


def photo(path: Path, mode: str = "RGB", size: tuple[int, int] = (5, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 200).save(path)
    return path


def test_of_400_photos_20_validate_and_none_of_val_trains(tmp_path: Path) -> None:
    for number in range(400):
        folder = tmp_path / ("train" if number % 2 else "test")
        folder.mkdir(exist_ok=True)
        (folder / f"{number:03}.jpg").touch()
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "500.jpg").touch()
    training, validation, testing = split_photos(tmp_path)
    assert [path.stem for path in validation] == [f"{number:03}" for number in range(0, 400, 20)]
    assert len(training) == 380
    assert not set(training) & set(validation)
    assert testing == [tmp_path / "val" / "500.jpg"]


def test_other_files_are_no_photos(tmp_path: Path) -> None:
    photos = [photo(tmp_path / "val" / name) for name in ("a.png", "b.jpg", "c.PNG")]
    for name in ("Thumbs.db", "._a.png"):
        (tmp_path / "val" / name).touch()
    assert list_images(tmp_path, "val") == photos


def test_two_photos_of_one_name_are_named(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.m.jpg", "a.png"):
        photo(tmp_path / "val" / name)
    with pytest.raises(InputError, match="val: has 2 photographs named a: rename them"):
        list_images(tmp_path, "val")


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{tmp_path / 'val'}: is missing"):
        list_images(tmp_path, "val")
    (tmp_path / "val").mkdir()
    with pytest.raises(InputError, match=f"{tmp_path / 'val'}: holds no photograph"):
        list_images(tmp_path, "val")


def test_of_few_photos_one_validates(tmp_path: Path) -> None:
    for name in ("train/b.png", "test/a.png", "val/c.png"):
        photo(tmp_path / name)
    names = [[path.stem for path in paths] for paths in split_photos(tmp_path)]
    assert names == [["b"], ["a"], ["c"]]


RGB = data.astronaut()[100:124, 200:236]
GREY = RGB[..., 1]
WIDE = np.tile(RGB[:2], (1, 1389, 1))
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


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: lying on its side
    return exif


PALETTE = np.array([[9, 8, 7], [255, 0, 0], [0, 99, 0], [1, 2, 3]], np.uint8)
INDEXED = chunk(b"PLTE", PALETTE.tobytes())
JPEG = saved(RGB, "JPEG")
SEEN = np.array(Image.open(io.BytesIO(JPEG)))  # what is left after JPEG's losses
TWO = saved(RGB, "MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))])
SIXTEEN = np.full((4, 5), 300, np.uint16)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(saved(RGB), RGB, id="RGB"),
        pytest.param(saved(GREY), np.dstack([GREY] * 3), id="grey"),
        pytest.param(saved(GREY > 99), np.dstack([GREY > 99] * 3) * 255, id="black and white"),
        pytest.param(png(INDICES, 3, INDEXED), PALETTE[INDICES], id="palette"),
        pytest.param(
            png(INDICES, 3, INDEXED, chunk(b"tRNS", b"\xff" * 4)),
            PALETTE[INDICES],
            id="opaque palette",
        ),
        pytest.param(saved(np.dstack([RGB, ALPHA | 255])), RGB, id="opaque RGBA"),
        pytest.param(
            saved(RGB, save_all=True, append_images=[Image.new("RGB", (36, 24))]),
            RGB,
            id="animated",
        ),
        pytest.param(saved(RGB, exif=turned()), RGB, id="lying PNG"),
        pytest.param(saved(RGB) + bytes(99), RGB, id="more after its end"),
        pytest.param(saved(RGB[:1, :1]), RGB[:1, :1], id="1 x 1"),
        pytest.param(saved(WIDE), WIDE, id="50,004 wide"),
        pytest.param(JPEG, SEEN, id="JPEG"),
        pytest.param(saved(RGB, "JPEG", progressive=True), SEEN, id="progressive JPEG"),
        pytest.param(saved(RGB, "JPEG", exif=turned()), SEEN, id="lying JPEG"),
        pytest.param(TWO, SEEN, id="two JPEGs"),
        pytest.param(TWO.replace(b"MPF\0", b"MPF\0?"), SEEN, id="two JPEGs, bad list of them"),
    ],
)
def test_an_image_is_read_as_it_was_saved(
    tmp_path: Path, content: bytes, expected: np.ndarray
) -> None:
    path = tmp_path / "a.jpg"  # what it is, its content tells
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = read_rgb(path)
    np.testing.assert_array_equal(pixels, expected)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert image_size(path) == pixels.shape[:2]


TRANSPARENT = "has transparent pixels: save it without transparency"
SIXTEEN_BITS = "has 16 bits for a value: save it with 8"
NEITHER = "is not a JPEG or PNG image"
CORRUPT = "is cut short or corrupt ("
MANY = "has more than 16,777,216 pixels: make it smaller"
WHOLE = saved(RGB)
DATA = WHOLE.index(b"IDAT")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(saved(np.dstack([RGB, ALPHA])), TRANSPARENT, id="RGBA"),
        pytest.param(saved(np.dstack([GREY, ALPHA])), TRANSPARENT, id="grey and alpha"),
        pytest.param(
            png(INDICES, 3, INDEXED, chunk(b"tRNS", b"\xff\0")), TRANSPARENT, id="palette, one"
        ),
        pytest.param(
            png(INDICES, 3, INDEXED, chunk(b"tRNS", b"\x80\0")), TRANSPARENT, id="palette, half"
        ),
        pytest.param(
            saved(GREY, transparency=int(GREY[0, 0])), TRANSPARENT, id="one grey transparent"
        ),
        pytest.param(
            saved(RGB, transparency=tuple(map(int, RGB[0, 0]))),
            TRANSPARENT,
            id="one colour transparent",
        ),
        pytest.param(png(SIXTEEN, 0), SIXTEEN_BITS, id="grey, 16 bits"),
        pytest.param(png(np.dstack([SIXTEEN] * 3), 2), SIXTEEN_BITS, id="RGB, 16 bits"),
        pytest.param(png(np.dstack([SIXTEEN] * 2), 4), SIXTEEN_BITS, id="grey and alpha, 16 bits"),
        pytest.param(png(np.dstack([SIXTEEN] * 4), 6), SIXTEEN_BITS, id="RGBA, 16 bits"),
        pytest.param(
            saved(RGB, "JPEG", mode="CMYK"), "is in CMYK, for printing: save it as RGB", id="CMYK"
        ),
        pytest.param(b"", NEITHER, id="empty"),
        pytest.param(bytes(999), NEITHER, id="zeros"),
        pytest.param(b"<!DOCTYPE html><html>not found</html>", NEITHER, id="web page"),
        pytest.param(
            b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', NEITHER, id="SVG"
        ),
        *(
            pytest.param(saved(RGB, kind), NEITHER, id=kind)
            for kind in ("GIF", "TIFF", "WEBP", "EPS", "BMP")
        ),
        pytest.param(
            JPEG.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), NEITHER, id="JPEG, 12 bits"
        ),
        pytest.param(JPEG[:-30], CORRUPT, id="cut JPEG"),
        pytest.param(
            saved(RGB, "JPEG", progressive=True)[:-30], CORRUPT, id="cut progressive JPEG"
        ),
        pytest.param(WHOLE[:-30], CORRUPT, id="cut PNG"),
        pytest.param(WHOLE[:-12], CORRUPT, id="PNG without its end"),
        pytest.param(WHOLE[:999] + bytes(len(WHOLE) - 999), CORRUPT, id="PNG, half of it zeros"),
        pytest.param(
            WHOLE[: DATA - 4] + chunk(b"IDAT", b"no zlib"), CORRUPT, id="PNG of something else"
        ),
        pytest.param(
            WHOLE[:-13] + bytes([WHOLE[-13] ^ 1]) + WHOLE[-12:], CORRUPT, id="PNG, wrong checksum"
        ),
        pytest.param(
            png(RGB, 2, chunk(b"zTXt", b"text\0\0" + zlib.compress(bytes(2**21)))),
            CORRUPT,
            id="text bomb",
        ),
        pytest.param(png(GREY, 0, size=(50_000, 336)), MANY, id="50,000 wide and too high"),
        pytest.param(png(GREY, 0, size=(50_000, 50_000)), MANY, id="50,000 x 50,000"),
        pytest.param(png(GREY, 0, size=(2**31 - 1, 1)), MANY, id="absurdly wide"),
    ],
)
def test_what_cannot_be_read_as_it_was_saved_is_refused(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with warnings.catch_warnings(record=True) as caught, pytest.raises(InputError) as error:
        warnings.simplefilter("always")
        read_rgb(path)
    assert str(error.value).startswith(f"{path}: {fault}")
    assert not caught


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda path: None, "is missing"),
        (lambda path: path.symlink_to("nowhere"), "is missing"),
        (lambda path: path.symlink_to(path), "Too many levels"),
        (lambda path: path.mkdir(), "is a folder or device, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is a folder or device, not a file"),
        (os.mkfifo, "is a folder or device, not a file"),
    ],
    ids=["nothing", "link to nothing", "link to itself", "folder", "device", "pipe"],
)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, make, fault: str) -> None:
    path = tmp_path / "a.jpg"
    make(path)
    for read in (read_rgb, image_size):
        with pytest.raises(InputError, match=f"^{re.escape(str(path))}: {fault}"):
            read(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_damaged_image_is_read_or_named(tmp_path: Path, kind: str) -> None:
    """Bits flipped (in the headers, too), cut, or zeros from some place on."""
    whole, path, chance = saved(RGB, kind), tmp_path / "a.jpg", random.Random(0)
    for trial in range(200):
        damaged = bytearray(whole)
        position = chance.randrange(min(len(whole), 10 ** chance.randint(1, 4)))
        if trial % 4:
            damaged[position] ^= 1 << chance.randrange(8)
        else:
            damaged[position:] = bytes(len(whole) - position if trial % 8 else 0)
        path.write_bytes(damaged)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                pixels = read_rgb(path)
            except InputError as error:
                assert str(error).startswith(f"{path}: ")
            else:
                assert pixels.shape == (*image_size(path), 3)
                assert kind == "JPEG" or np.array_equal(pixels, RGB)  # PNG has checksums
        assert not caught


def test_the_first_photograph_that_is_too_small_is_named(tmp_path: Path) -> None:
    paths = [photo(tmp_path / f"{w}.png", size=(w, h)) for w, h in ((16, 17), (20, 15), (15, 1))]
    check_sizes(paths[:1], 16)
    with pytest.raises(
        InputError, match=f"^{re.escape(str(paths[1]))}: is 20 x 15 pixels: .*16 x 16"
    ):
        check_sizes(paths, 16)
