"""Smaller and larger by the classical interpolations; the ruler beside torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data
from torch.nn import functional

from convlab.imaging.resize import INTERPOLATIONS, crop_to_multiple, downscale, resize, upscale

SCALES = st.integers(2, 4)
METHODS = st.sampled_from(INTERPOLATIONS)
SIDES = st.integers(1, 9)
PLANES = arrays(np.uint8, st.tuples(SIDES, SIDES))


def by_torch(plane, height, width, *, antialias=True):
    batch = torch.from_numpy(plane)[None, None].float()
    resized = functional.interpolate(
        batch, size=(height, width), mode="bicubic", antialias=antialias
    )
    return resized[0, 0].numpy()


@pytest.mark.parametrize(("height", "width"), [(256, 256), (170, 128), (1024, 600), (512, 512)])
def test_bicubic_is_what_torch_makes_of_a_photograph(height, width):
    photo = data.camera()
    ours = resize(photo, height, width, "bicubic")
    np.testing.assert_allclose(ours, by_torch(photo, height, width), atol=0.01)
    assert ours.min() < 0 or ours.max() > 255 or (height, width) == photo.shape  # not clipped


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_ruler_is_straight(scale):
    """Down and up again, rounded in between: Pillow and torch, a level apart at most."""
    photo = crop_to_multiple(data.camera(), scale)
    low = downscale(photo, scale)
    low_by_torch = by_torch(photo, *low.shape).clip(0, 255).round()
    assert np.abs(low - low_by_torch).max() <= 1
    assert np.mean(low != low_by_torch) < 0.001
    back = upscale(low, scale, "bicubic")
    assert np.abs(back - by_torch(low, *photo.shape).clip(0, 255).round()).max() <= 1


def test_torch_by_default_is_another_ruler():
    photo = data.camera()
    default = by_torch(photo, 256, 256, antialias=False)
    assert np.abs(resize(photo, 256, 256, "bicubic") - default).max() > 10


def test_bicubic_has_the_kernel_of_keys():
    """A step, enlarged: a = -0.5 gives these weights at a quarter of a pixel."""
    step = np.array([[0, 0, 0, 256, 256, 256]])
    enlarged = resize(step, 1, 12, "bicubic")[0]
    np.testing.assert_array_equal(enlarged, [0, 0, 0, -6, -18, 52, 204, 274, 262, 256, 256, 256])


@given(SIDES, SIDES, SIDES, SIDES, METHODS)
def test_the_result_has_the_size_that_was_asked_for(height, width, new_height, new_width, method):
    resized = resize(np.ones((height, width), np.uint8), new_height, new_width, method)
    assert resized.shape == (new_height, new_width)
    assert resized.dtype == np.float32


@given(PLANES, SCALES, METHODS)
def test_upscaling_multiplies_the_size(plane, scale, method):
    upscaled = upscale(plane, scale, method)
    assert upscaled.shape == (scale * plane.shape[0], scale * plane.shape[1])
    assert upscaled.dtype == np.uint8


@given(st.integers(0, 255), SIDES, SIDES, SCALES, METHODS)
def test_a_constant_stays_one(level, height, width, scale, method):
    upscaled = upscale(np.full((height, width), level, np.uint8), scale, method)
    assert np.unique(upscaled).tolist() == [level]
    downscaled = downscale(upscaled, scale)
    assert downscaled.shape == (height, width)
    assert downscaled.dtype == np.uint8
    assert np.unique(downscaled).tolist() == [level]


@given(PLANES, SCALES)
def test_nearest_repeats_every_pixel(plane, scale):
    upscaled = upscale(plane, scale, "nearest")
    for down in range(scale):
        for right in range(scale):
            np.testing.assert_array_equal(upscaled[down::scale, right::scale], plane)


@given(PLANES, SCALES, METHODS)
def test_upscaling_minds_no_direction(plane, scale, method):
    upscaled = upscale(plane, scale, method)
    np.testing.assert_array_equal(upscale(plane.T, scale, method), upscaled.T)
    mirrored = upscale(plane[:, ::-1], scale, method)[:, ::-1].astype(int)
    assert np.abs(mirrored - upscaled).max() <= 1  # a half may be rounded up or down


@given(arrays(np.uint8, st.tuples(SIDES, SIDES, st.just(3))), SCALES)
def test_cropping_takes_less_than_the_scale_from_bottom_and_right(image, scale):
    cropped = crop_to_multiple(image, scale)
    height, width, _ = cropped.shape
    assert height % scale == width % scale == 0
    assert 0 <= image.shape[0] - height < scale
    assert 0 <= image.shape[1] - width < scale
    np.testing.assert_array_equal(cropped, image[:height, :width])
