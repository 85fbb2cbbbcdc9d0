"""The classical interpolations; bicubic agrees with torch."""

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
PHOTO = data.camera()[:128, :96]


@pytest.mark.numeric
@given(st.integers(2, 300), st.integers(2, 300))
def test_bicubic_agrees_with_torch_at_any_size(height, width):
    ours = resize(PHOTO, height, width, "bicubic")
    assert (ours.shape, ours.dtype) == ((height, width), np.float32)
    batch = torch.from_numpy(PHOTO)[None, None].float()
    theirs = functional.interpolate(batch, (height, width), mode="bicubic", antialias=True)
    np.testing.assert_allclose(ours, theirs[0, 0], atol=0.05)


def test_bicubic_has_the_kernel_of_keys():
    """A step, upscaled, not clipped: a = -0.5 gives these weights at a quarter of a pixel."""
    step = np.array([[0, 0, 0, 256, 256, 256]])
    upscaled = resize(step, 1, 12, "bicubic")[0]
    np.testing.assert_array_equal(upscaled, [0, 0, 0, -6, -18, 52, 204, 274, 262, 256, 256, 256])


@given(PLANES, SCALES, METHODS)
def test_upscaling_treats_all_directions_alike(plane, scale, method):
    upscaled = upscale(plane, scale, method)
    assert upscaled.shape == (scale * plane.shape[0], scale * plane.shape[1])
    assert upscaled.dtype == np.uint8
    np.testing.assert_array_equal(upscale(plane.T, scale, method), upscaled.T)
    mirrored = upscale(plane[:, ::-1], scale, method)[:, ::-1].astype(int)
    assert np.abs(mirrored - upscaled).max() <= 1  # a half may be rounded up or down


@given(st.integers(0, 255), SIDES, SIDES, SCALES, METHODS)
def test_a_constant_stays_one(level, height, width, scale, method):
    plane = np.full((height, width), level, np.uint8)
    upscaled = upscale(plane, scale, method)
    assert (upscaled == level).all()
    np.testing.assert_array_equal(downscale(upscaled, scale), plane)


@given(PLANES, SCALES)
def test_nearest_repeats_every_pixel(plane, scale):
    repeated = np.kron(plane, np.ones((scale, scale), np.uint8))
    np.testing.assert_array_equal(upscale(plane, scale, "nearest"), repeated)


@given(arrays(np.uint8, st.tuples(SIDES, SIDES, st.just(3))), SCALES)
def test_cropping_takes_less_than_the_scale_from_bottom_and_right(image, scale):
    height, width, _ = crop_to_multiple(image, scale).shape
    assert (height, width) == tuple(side // scale * scale for side in image.shape[:2])
    np.testing.assert_array_equal(crop_to_multiple(image, scale), image[:height, :width])
