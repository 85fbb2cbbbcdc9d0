"""MNIST: the idx format, and what becomes of bad downloads."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab.data import mnist
from convlab.data.idx import digit_paths, read_digits, write_idx
from convlab.data.mnist import download_mnist
from convlab.errors import InputError


def write_split(folder: Path, images: np.ndarray, labels: np.ndarray) -> tuple[Path, Path]:
    paths = digit_paths(folder, "train")
    for path, array in zip(paths, (images, labels), strict=True):
        write_idx(path, array)
    return paths


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return images, generator.integers(0, 10, count, dtype=np.uint8)


def test_digits_come_back_as_they_were_written(tmp_path: Path) -> None:
    images, labels = digits(3)
    write_split(tmp_path, images, labels)
    read_images, read_labels = read_digits(tmp_path, "train")
    np.testing.assert_array_equal(read_images, images)
    np.testing.assert_array_equal(read_labels, labels)
    assert read_images.flags.writeable


def test_the_header_is_the_published_one(tmp_path: Path) -> None:
    write_idx(tmp_path / "idx", np.zeros((3, 28, 28), np.uint8))
    header = bytes.fromhex("00000803 00000003 0000001c 0000001c")
    assert (tmp_path / "idx").read_bytes() == header + bytes(3 * 28 * 28)


def test_only_bytes_are_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="float64"):
        write_idx(tmp_path / "idx", np.zeros(3))


def test_the_test_split_has_its_published_names(tmp_path: Path) -> None:
    names = [path.name for path in digit_paths(tmp_path, "test")]
    assert names == ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]


@pytest.mark.parametrize("which", [0, 1])
def test_a_missing_file_is_named(tmp_path: Path, which: int) -> None:
    paths = write_split(tmp_path, *digits(3))
    paths[which].unlink()
    with pytest.raises(InputError, match=f"{paths[which]}: is missing"):
        read_digits(tmp_path, "train")


@settings(max_examples=30)
@given(kept=st.integers(0, 16 + 2 * 784 - 1))
def test_a_file_cut_anywhere_is_named(tmp_path_factory: pytest.TempPathFactory, kept: int) -> None:
    folder = tmp_path_factory.mktemp("cut")
    path, _ = write_split(folder, *digits(2))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=str(path)):
        read_digits(folder, "train")


@pytest.mark.parametrize(
    ("images", "labels", "fault"),
    [
        (np.zeros((3, 28, 27), np.uint8), np.zeros(3, np.uint8), "28 x 28"),
        (np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8), "28 x 28"),
        (np.zeros((3, 784), np.uint8), np.zeros(3, np.uint8), "with 3 axes"),
        (np.zeros((3, 28, 28), np.uint8), np.zeros(2, np.uint8), "2 labels for the 3 images"),
        (np.zeros((3, 28, 28), np.uint8), np.full(3, 10, np.uint8), "label 10"),
    ],
)
def test_what_is_no_set_of_digits_is_refused(
    tmp_path: Path, images: np.ndarray, labels: np.ndarray, fault: str
) -> None:
    write_split(tmp_path, images, labels)
    with pytest.raises(InputError, match=fault):
        read_digits(tmp_path, "train")


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    path, _ = write_split(tmp_path, *digits(1))
    path.write_bytes(bytes.fromhex("00000803 ffffffff ffffffff ffffffff") + bytes(784))
    with pytest.raises(InputError, match="holds 784 values"):
        read_digits(tmp_path, "train")


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of a two-file MNIST, beside which there is no other."""
    contents = {"images": b"picture" * 99, "labels": b"label" * 9}
    monkeypatch.setattr(mnist, "PUBLISHED", ())
    monkeypatch.setattr(
        mnist, "CHECKSUMS", {k: hashlib.sha256(v).hexdigest() for k, v in contents.items()}
    )
    (tmp_path / "mirror" / "mnist").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    for name, content in contents.items():
        (tmp_path / "mirror" / "mnist" / f"{name}.gz").write_bytes(gzip.compress(content))
    return tmp_path / "mirror"


def download(mirror: Path) -> dict[str, bytes]:
    folder = mirror.parent / "out"
    download_mnist(folder, partial_folder=mirror.parent / "part", mirror=str(mirror))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_file_is_unpacked(mirror: Path) -> None:
    assert download(mirror) == {"images": b"picture" * 99, "labels": b"label" * 9}


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda good: good[:-9], "is cut short or not a .gz file"),
        (lambda good: good[:20] + bytes([good[20] ^ 255]) + good[21:], "is cut short or not"),
        (lambda good: b"<html>", "is cut short or not a .gz file"),
        (lambda good: gzip.compress(b"another"), "has the wrong content"),
        (lambda good: gzip.compress(bytes(2**21)), "unpacks to more than 1048576 bytes"),
    ],
    ids=["truncated", "corrupt", "no gzip", "wrong", "bomb"],
)
def test_a_bad_file_is_named(mirror: Path, monkeypatch: pytest.MonkeyPatch, spoil, fault) -> None:
    monkeypatch.setattr(mnist, "_SIZE_LIMIT", 2**20)
    bad = mirror / "mnist" / "labels.gz"
    bad.write_bytes(spoil(bad.read_bytes()))
    with pytest.raises(InputError, match=f"{bad}: {fault}"):
        download(mirror)
