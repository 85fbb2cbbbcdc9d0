"""Pairs of low and high resolution: cut, written, read back."""

import io
import re

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

import make_patches
from conftest import ROOT
from convlab.core.errors import InputError
from convlab.core.params import read_yaml
from convlab.imaging.colour import luminance
from convlab.imaging.resize import downscale, upscale
from convlab.superres import photographs
from convlab.superres.patches import (
    MakePatches,
    Pair,
    cut,
    make_pair,
    read_pairs,
    read_patches,
    write_pair,
    write_patches,
)

PARAMS = MakePatches(patch_size=8, stride=6)


def magnified(height, width, scale):
    """A pair of random low-resolution pixels, each repeated at high resolution."""
    low = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    return Pair(low, upscale(low, scale, "nearest"))


def refused(path, reason=""):
    return pytest.raises(InputError, match=f"^{re.escape(str(path))}: .*{re.escape(reason)}")


def test_a_pair_is_luminance_at_two_sizes():
    photo = data.astronaut()[:101, :90]
    low, high = make_pair(photo, 4)
    np.testing.assert_array_equal(high, luminance(photo[:100, :88]))
    np.testing.assert_array_equal(low, downscale(high, 4))
    np.testing.assert_array_equal(make_pair(photo[..., 0], 4).high, photo[:100, :88, 0])


@given(*[st.integers(1, 20)] * 4)
def test_patches_are_cut_on_a_regular_grid(height, width, size, stride):
    plane = np.arange(height * width).reshape(height, width)
    expected = [
        plane[row : row + size, column : column + size]
        for row in range(0, height - size + 1, stride)
        for column in range(0, width - size + 1, stride)
    ]
    patches = cut(plane, size, stride)
    assert patches.shape == (len(expected), size, size)
    np.testing.assert_array_equal(patches, np.reshape(expected, patches.shape))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_low_and_high_patches_show_the_same_place(tmp_path, scale):
    pairs = [magnified(20, 15, scale), magnified(5, 40, scale), magnified(8, 8, scale)]
    count = write_patches(tmp_path, iter(pairs), scale, PARAMS)
    low, high = read_patches(tmp_path)
    assert low.shape == (count, 8, 8)
    assert high.shape == (count, 8 * scale, 8 * scale)
    assert isinstance(low, np.memmap)
    for small, large in zip(low, high, strict=True):
        np.testing.assert_array_equal(large, upscale(small, scale, "nearest"))
    np.testing.assert_array_equal(low[:6], cut(pairs[0].low, 8, 6))
    np.testing.assert_array_equal(low[-1], pairs[-1].low)
    np.testing.assert_array_equal(low, np.load(tmp_path / "low.npy"))


def test_the_low_patch_is_cut_from_the_whole_downscaled_image(tmp_path):
    """Downscaled by itself, a patch would know nothing of what lies beyond its border."""
    pair = make_pair(data.astronaut()[100:196, 100:196], 2)
    write_patches(tmp_path, [pair], 2, PARAMS)
    low, high = read_patches(tmp_path)
    np.testing.assert_array_equal(low, cut(pair.low, 8, 6))
    by_themselves = np.stack([downscale(patch, 2) for patch in high])
    assert (by_themselves != low).mean(axis=0)[0].min() > 0


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


WHOLE = np.zeros((3, 8, 8), np.uint8)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "truncated or not an array"),
        (b"no array", "truncated or not an array"),
        (npy(WHOLE)[:-1], "truncated or not an array"),
        (npy(WHOLE).replace(b"(3, 8, 8)", b"(3, 8,(8)"), "truncated or not an array"),
        (npy(np.array([[[{}]]])), "truncated or not an array"),
        (npy(WHOLE.astype(np.float32)), "is (3, 8, 8) of float32, should be (n, h, w) of uint8"),
        (npy(WHOLE[0]), "is (8, 8) of uint8, should be (n, h, w) of uint8"),
        (npy(WHOLE[:0]), ""),
        (None, "is missing: run `dvc repro`"),
    ],
    ids=["empty", "text", "cut", "header", "pickle", "float", "plane", "no-patches", "missing"],
)
def test_a_bad_array_is_named(tmp_path, content, reason):
    for name in ("low.npy", "high.npy"):
        write_patches(tmp_path, [magnified(20, 20, 2)], 2, PARAMS)
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with refused(tmp_path / name, reason):
            read_patches(tmp_path)


@given(*[st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))] * 2)
def test_arrays_that_do_not_belong_together_are_refused(tmp_path_factory, low, high):
    folder = tmp_path_factory.mktemp("arrays")
    np.save(folder / "low.npy", np.zeros(low, np.uint8))
    np.save(folder / "high.npy", np.zeros(high, np.uint8))
    scale = high[1] / low[1]
    if scale.is_integer() and high == (low[0], scale * low[1], scale * low[2]):
        assert read_patches(folder).high.shape == high
    else:
        with refused(folder, "do not match"):
            read_patches(folder)


def test_whole_images_come_back_by_name_and_what_is_none_is_named(tmp_path):
    with refused(tmp_path, "holds no images"):
        read_pairs(tmp_path)
    pairs = {name: magnified(side, 9, 3) for name, side in (("b", 7), ("a", 5), ("c", 6))}
    for name, pair in pairs.items():
        write_pair(tmp_path, name, pair)
    for name, found in zip("abc", read_pairs(tmp_path), strict=True):
        np.testing.assert_array_equal(found.low, pairs[name].low)
        np.testing.assert_array_equal(found.high, pairs[name].high)
    path = tmp_path / "high" / "b.png"
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[-20] ^= 1
    for damaged in (b"", content[:20], content[:-30], bytes(flipped)):
        path.write_bytes(damaged)
        with refused(path, "is truncated or not an image"):
            read_pairs(tmp_path)
    path.unlink()
    with refused(path, "is missing"):
        read_pairs(tmp_path)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A project with two photographs to train on, one to validate on and one to test on."""
    monkeypatch.chdir(tmp_path)
    content = read_yaml(ROOT / "params.yaml") | {"make_patches": PARAMS.model_dump()}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    folder = tmp_path / "data" / "raw" / "bsds500"
    sizes = {"train/a": (40, 60), "train/b": (40, 60), "test/c": (12, 12), "val/d": (40, 60)}
    for name, (height, width) in sizes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(data.astronaut()[:height, :width]).save(folder / f"{name}.png")
    return folder


def test_the_stage_leaves_out_photographs_too_small_for_a_patch(photos):
    make_patches.main(2)
    low, _ = read_patches(photos.parents[1] / "patches" / "x2" / "00000")
    np.testing.assert_array_equal(low, cut(make_pair(data.astronaut()[:40, :60], 2).low, 8, 6))
    (photos / "train" / "b.png").unlink()
    with pytest.raises(InputError, match=r"^params.yaml: make_patches.patch_size = 8: no photo"):
        make_patches.main(2)


def test_the_stage_opens_each_photograph_once(photos, monkeypatch):
    opened = []
    read = photographs.read_rgb
    monkeypatch.setattr(
        photographs, "read_rgb", lambda path: opened.append(path.stem) or read(path)
    )
    make_patches.main(2)
    assert sorted(opened) == ["a", "b", "c"]


def test_a_photograph_too_small_to_validate_is_named(photos):
    Image.fromarray(data.astronaut()[:10, :60]).save(photos / "train" / "a.png")
    with pytest.raises(InputError, match=r"a.png: is 60 x 10 pixels: too small"):
        make_patches.main(2)
