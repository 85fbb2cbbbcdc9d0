"""Photographs: which there are, how they split, reading good, bad and hostile ones."""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from convlab.data.photos import list_images, read_rgb, split_photos
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
    (tmp_path / "val" / "Thumbs.db").touch()
    assert list_images(tmp_path, "val") == photos


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{tmp_path / 'val'}: cannot be read: No such file"):
        list_images(tmp_path, "val")
    (tmp_path / "val").mkdir()
    with pytest.raises(InputError, match=f"{tmp_path / 'val'}: holds no photograph"):
        list_images(tmp_path, "val")


def test_of_few_photos_one_validates(tmp_path: Path) -> None:
    for name in ("train/b.png", "test/a.png", "val/c.png"):
        photo(tmp_path / name)
    names = [[path.stem for path in paths] for paths in split_photos(tmp_path)]
    assert names == [["b"], ["a"], ["c"]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_any_mode_is_read_as_rgb(tmp_path: Path, mode: str) -> None:
    pixels = read_rgb(photo(tmp_path / "a.png", mode))
    assert pixels.shape == (4, 5, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable


def test_colours_are_kept(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), pixels)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "is missing"),
        (b"", "is not a JPEG or PNG image"),
        (b"GIF89a" + bytes(50), "is not a JPEG or PNG image"),
    ],
)
def test_what_is_no_image_is_named(tmp_path: Path, content: bytes | None, fault: str) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"{path}: {fault}"):
        read_rgb(path)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_truncated_image_is_named(tmp_path: Path, suffix: str) -> None:
    path = photo(tmp_path / f"a.{suffix}", size=(200, 200))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=f"{path}: cannot be read"):
        read_rgb(path)


@pytest.mark.parametrize("side", [12_000, 40_000])
def test_an_image_of_absurd_size_is_refused_without_a_warning(tmp_path: Path, side: int) -> None:
    path = photo(tmp_path / "a.png")
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)
    with (
        warnings.catch_warnings(record=True) as caught,
        pytest.raises(InputError, match=f"{path}: has more than .* pixels"),
    ):
        read_rgb(path)
    assert not caught


@settings(max_examples=100)
@given(
    suffix=st.sampled_from(["png", "jpg"]),
    where=st.floats(0, 1, exclude_max=True),
    flipped=st.integers(1, 255),
)
def test_a_damaged_image_is_read_or_named(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, where: float, flipped: int
) -> None:
    path = photo(tmp_path_factory.mktemp("damaged") / f"a.{suffix}", size=(20, 20))
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= flipped
    path.write_bytes(content)
    try:
        assert read_rgb(path).ndim == 3
    except InputError as error:
        assert str(path) in str(error)
