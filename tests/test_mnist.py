"""MNIST: reading idx files through torchvision, and what becomes of bad ones."""

import gzip
import hashlib
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab.core.errors import InputError
from convlab.data import mnist
from convlab.data.bundled import write_idx
from convlab.data.mnist import CHECKSUMS, read_digits, unpack_digits

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
LABELS = np.array([7, 0, 9], np.uint8)


def write_digits(folder: Path, images=IMAGES, labels=LABELS) -> Path:
    """Write both splits alike."""
    (folder / "MNIST" / "raw").mkdir(parents=True)
    for name in CHECKSUMS:
        write_idx(folder / "MNIST" / "raw" / name, images if "images" in name else labels)
    return folder / "MNIST"


@pytest.mark.parametrize("split", ["train", "test"])
def test_digits_come_back_as_they_were_written(tmp_path, split):
    folder = write_digits(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images, labels = read_digits(folder, split)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)
    assert images.dtype == labels.dtype == np.uint8
    assert images.flags.writeable
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", CHECKSUMS)
def test_a_missing_file_is_named(tmp_path, name):
    path = write_digits(tmp_path) / "raw" / name
    path.unlink()
    with pytest.raises(InputError, match=f"{path}: is missing"):
        read_digits(tmp_path / "MNIST", "train")


@given(
    name=st.sampled_from(sorted(CHECKSUMS)),
    position=st.integers(0, 15) | st.integers(16, 16 + 3 * 784),
    value=st.none() | st.integers(0, 255),
)
def test_damage_is_told_in_one_line_or_leaves_digits(tmp_path_factory, name, position, value):
    """A byte changed, in the header too, or all from there on cut off."""
    folder = write_digits(tmp_path_factory.mktemp("damaged"))
    content = bytearray((folder / "raw" / name).read_bytes())
    position = min(position, len(content) - 1)
    if value is None:
        del content[position:]
    else:
        content[position] = value
    (folder / "raw" / name).write_bytes(content)
    split = "train" if name.startswith("train") else "test"
    try:
        images, labels = read_digits(folder, split)
    except InputError as error:
        assert str(error).startswith(f"{folder}: the {split} images and labels in it are not")
    else:
        assert value is not None
        assert images.shape == (3, 28, 28)
        assert labels.max() < 10


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((3, 28, 27), np.uint8), LABELS),
        (np.zeros((3, 784), np.uint8), LABELS),
        (IMAGES, LABELS[:2]),
        (IMAGES, LABELS + np.uint8(1)),
        (IMAGES[:0], LABELS[:0]),
    ],
)
def test_what_is_no_set_of_digits_is_refused(tmp_path, images, labels):
    folder = write_digits(tmp_path, images, labels)
    with pytest.raises(InputError, match=f"{folder}: the test images and labels in it are not"):
        read_digits(folder, "test")


@pytest.mark.parametrize(
    "header",
    [
        "00000803 ffffffff ffffffff ffffffff",  # too many
        "00000802 00000001 00000310",  # two axes
        "00000903 00000001 0000001c 0000001c",  # signed bytes
        "00000a03 00000001 0000001c 0000001c",  # a type that there is not
        "00000d03 00000001 0000000e 0000000e",  # floats
    ],
)
def test_a_header_that_lies_is_refused(tmp_path, header):
    folder = write_digits(tmp_path)
    (folder / "raw" / "train-images-idx3-ubyte").write_bytes(bytes.fromhex(header) + bytes(784))
    with pytest.raises(InputError, match="are not digits"):
        read_digits(folder, "train")


def test_nothing_is_unpickled(tmp_path):
    folder = write_digits(tmp_path)
    (folder / "processed").mkdir()
    for name in ("training.pt", "test.pt"):  # torchvision would prefer them
        (folder / "processed" / name).touch()
    with pytest.raises(InputError, match="processed: is not part of the data set"):
        read_digits(folder, "train")


GOOD = gzip.compress(b"label" * 9, mtime=0)


@pytest.mark.parametrize(
    ("archive", "fault"),
    [
        (GOOD, None),
        (gzip.compress(b"label" * 9, compresslevel=0, mtime=1), None),
        (GOOD[:-9], "is truncated or not a .gz file"),
        (GOOD[:12] + bytes([GOOD[12] ^ 255]) + GOOD[13:], "is truncated or not a .gz file"),
        (b"<html>", "is truncated or not a .gz file"),
        (gzip.compress(b"another"), "has the wrong content"),
    ],
    ids=["good", "packed anew", "truncated", "corrupt", "no gzip", "wrong"],
)
def test_content_is_trusted_whatever_the_archive(tmp_path, monkeypatch, archive, fault):
    checksum = hashlib.sha256(b"label" * 9).hexdigest()
    monkeypatch.setattr(mnist, "CHECKSUMS", {"labels": checksum})
    (tmp_path / "labels.gz").write_bytes(archive)
    if fault:
        with pytest.raises(InputError, match=fault):
            unpack_digits(tmp_path / "labels.gz", tmp_path, "labels")
        assert not (tmp_path / "raw").exists()
    else:
        unpack_digits(tmp_path / "labels.gz", tmp_path, "labels")
        assert (tmp_path / "raw" / "labels").read_bytes() == b"label" * 9


def test_only_the_beginning_of_a_decompression_bomb_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "_SIZE_LIMIT", 2**20)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(2**24)))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="has the wrong content"):
            unpack_digits(tmp_path / "bomb.gz", tmp_path, "train-labels-idx1-ubyte")
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
