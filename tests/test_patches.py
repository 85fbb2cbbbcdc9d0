"""Pairs of low and high resolution: cut, written, read back."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from convlab.errors import InputError
from convlab.imaging.colour import luminance
from convlab.imaging.patches import (
    MakePatches,
    Pair,
    count_patches,
    cut,
    make_pair,
    read_pairs,
    read_patches,
    write_pair,
    write_patches,
)
from convlab.imaging.resize import downscale, upscale
from make_patches import write_scale

PARAMS = MakePatches(scales=[2], patch_size=8, stride=6)


def magnified(height, width, scale):
    """A pair of which every low pixel is unlike its neighbours, and its high ones are its like."""
    low = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    return Pair(low, upscale(low, scale, "nearest"))


def write_all(folder, pairs):
    shapes = [pair.low.shape for pair in pairs]
    count = sum(count_patches(*shape, PARAMS.patch_size, PARAMS.stride) for shape in shapes)
    write_patches(folder, iter(pairs), count, PARAMS)
    return count


def test_a_pair_is_luminance_at_two_sizes():
    photo = data.astronaut()[:101, :90]
    low, high = make_pair(photo, 4)
    np.testing.assert_array_equal(high, luminance(photo[:100, :88]))
    np.testing.assert_array_equal(low, downscale(high, 4))
    assert low.shape == (25, 22)


@given(*[st.integers(1, 20)] * 4)
def test_as_many_patches_are_cut_as_were_counted(height, width, size, stride):
    plane = np.arange(height * width).reshape(height, width)
    patches = cut(plane, size, stride)
    assert patches.shape == (count_patches(height, width, size, stride), size, size)
    corners = [
        plane[row, column]
        for row in range(0, height - size + 1, stride)
        for column in range(0, width - size + 1, stride)
    ]
    assert patches[:, 0, 0].tolist() == corners
    for patch in patches:
        row, column = divmod(patch[0, 0], width)
        np.testing.assert_array_equal(patch, plane[row : row + size, column : column + size])


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_low_and_high_patches_show_the_same_place(tmp_path, scale):
    pairs = [magnified(20, 15, scale), magnified(5, 40, scale), magnified(8, 8, scale)]
    count = write_all(tmp_path, pairs)
    low, high = read_patches(tmp_path)
    assert low.shape == (count, 8, 8)
    assert high.shape == (count, 8 * scale, 8 * scale)
    assert low.dtype == high.dtype == np.uint8
    for small, large in zip(low, high, strict=True):
        np.testing.assert_array_equal(large, upscale(small, scale, "nearest"))
    np.testing.assert_array_equal(low[:6], cut(pairs[0].low, 8, 6))
    np.testing.assert_array_equal(low[-1], pairs[-1].low)


def test_patches_are_mapped_and_not_read(tmp_path):
    write_all(tmp_path, [magnified(20, 20, 2)])
    assert all(isinstance(plane, np.memmap) for plane in read_patches(tmp_path))


def test_the_low_patch_is_cut_from_the_whole_downscaled_image(tmp_path):
    pair = make_pair(data.astronaut()[100:196, 100:196], 2)
    write_all(tmp_path, [pair])
    low, high = read_patches(tmp_path)
    np.testing.assert_array_equal(low, cut(pair.low, 8, 6))
    # Downscaled by itself, a patch would know nothing of what lies beyond its border.
    by_themselves = np.stack([downscale(patch, 2) for patch in high])
    different = (by_themselves != low).mean(axis=0)
    assert different[2:-2, 2:-2].max() == 0
    assert different[0].min() > 0


def test_two_runs_write_the_same_bytes(tmp_path):
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        write_all(tmp_path / run, [magnified(20, 20, 2)])
    for name in ("low.npy", "high.npy"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(array):
    file = io.BytesIO()
    np.savez(file, array)
    return file.getvalue()


WHOLE = np.zeros((3, 8, 8), np.uint8)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "truncated or not an array"),
        (b"no array", "truncated or not an array"),
        (npy(WHOLE)[:-1], "truncated or not an array"),
        (npy(WHOLE)[:100], "truncated or not an array"),
        (npy(WHOLE).replace(b"(3, 8, 8)", b"(3, 8, 8 "), "truncated or not an array"),
        (npy(WHOLE).replace(b"(3, 8, 8)", b"(3, 8,(8)"), "truncated or not an array"),
        (npy(np.array([[[{}]]])), "truncated or not an array"),
        (npz(WHOLE), ""),
        (npz(WHOLE)[:50], ""),
        (npy(WHOLE.astype(np.float32)), "is (3, 8, 8) of float32, should be (n, h, w) of uint8"),
        (npy(WHOLE.astype(np.int8)), "is (3, 8, 8) of int8, should be (n, h, w) of uint8"),
        (npy(WHOLE[0]), "is (8, 8) of uint8, should be (n, h, w) of uint8"),
        (npy(WHOLE[:0]), ""),
        (npy(WHOLE[:, :0]), ""),
    ],
    ids=[
        "empty",
        "text",
        "byte-lost",
        "header-cut",
        "header-corrupt",
        "header-unbalanced",
        "pickle",
        "archive",
        "archive-cut",
        "float",
        "signed",
        "plane",
        "no-patches",
        "no-pixels",
    ],
)
@pytest.mark.parametrize("name", ["low.npy", "high.npy"])
def test_a_bad_array_is_named(tmp_path, name, content, reason):
    write_all(tmp_path, [magnified(20, 20, 2)])
    (tmp_path / name).write_bytes(content)
    with pytest.raises(
        InputError, match=f"^{re.escape(str(tmp_path / name))}: .*{re.escape(reason)}"
    ):
        read_patches(tmp_path)


@pytest.mark.parametrize("name", ["low.npy", "high.npy"])
def test_a_missing_array_is_named(tmp_path, name):
    write_all(tmp_path, [magnified(20, 20, 2)])
    (tmp_path / name).unlink()
    with pytest.raises(
        InputError, match=f"^{re.escape(str(tmp_path / name))}: is missing: run `dvc repro`"
    ):
        read_patches(tmp_path)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ((3, 8, 8), (4, 16, 16)),
        ((3, 8, 8), (3, 12, 12)),
        ((3, 16, 16), (3, 8, 8)),
        ((3, 8, 8), (3, 16, 24)),
        ((3, 8, 8), (3, 16, 12)),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(tmp_path, low, high):
    np.save(tmp_path / "low.npy", np.zeros(low, np.uint8))
    np.save(tmp_path / "high.npy", np.zeros(high, np.uint8))
    with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path))}: .* do not match"):
        read_patches(tmp_path)


def test_whole_pictures_come_back_by_name(tmp_path):
    pairs = {name: magnified(side, 9, 3) for name, side in (("b", 7), ("a", 5), ("c", 6))}
    for name, pair in pairs.items():
        write_pair(tmp_path, name, pair)
    for name, found in zip("abc", read_pairs(tmp_path), strict=True):
        np.testing.assert_array_equal(found.low, pairs[name].low)
        np.testing.assert_array_equal(found.high, pairs[name].high)
        assert found.low.dtype == found.high.dtype == np.uint8


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path))}: holds no pictures"):
        read_pairs(tmp_path)


def test_a_picture_without_its_partner_is_named(tmp_path):
    write_pair(tmp_path, "a", magnified(8, 8, 2))
    lost = tmp_path / "high" / "a.png"
    lost.unlink()
    with pytest.raises(InputError, match=f"^{re.escape(str(lost))}: is missing"):
        read_pairs(tmp_path)


@pytest.mark.parametrize("kind", Pair._fields)
@pytest.mark.parametrize("kept", [0, 4, 20, 50, -30])
def test_a_truncated_picture_is_named(tmp_path, kind, kept):
    write_pair(tmp_path, "a", magnified(8, 8, 2))
    path = tmp_path / kind / "a.png"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: is truncated or not a picture"):
        read_pairs(tmp_path)


def photo(path, height, width):
    Image.fromarray(data.astronaut()[:height, :width]).save(path)
    return path


def test_a_photograph_too_small_for_a_patch_is_left_out(tmp_path):
    large, small = photo(tmp_path / "large.png", 40, 60), photo(tmp_path / "small.png", 1, 1)
    write_scale(tmp_path / "x2", [small, large], [large], PARAMS, 2)
    low, _ = read_patches(tmp_path / "x2")
    np.testing.assert_array_equal(low, cut(make_pair(data.astronaut()[:40, :60], 2).low, 8, 6))
    with pytest.raises(InputError, match=r"^params.yaml: make_patches.patch_size = 8: no photo"):
        write_scale(tmp_path / "again", [small], [large], PARAMS, 2)


def test_a_photograph_that_cannot_validate_is_named(tmp_path):
    large, small = photo(tmp_path / "large.png", 40, 60), photo(tmp_path / "small.png", 15, 90)
    with pytest.raises(InputError, match=f"^{re.escape(str(small))}: is 90 x 15 pixels: too small"):
        write_scale(tmp_path / "one", [large], [small], PARAMS, 2)
