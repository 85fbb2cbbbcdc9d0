"""Anybody's digit becomes one like MNIST's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import center_of_mass

from convlab.imaging.scribble import to_digit


def seven(width, height, *, stroke=9, left=20, top=20):
    """A drawn 7, light on dark."""
    image = Image.new("L", (width, height))
    corners = [(left, top), (left + 50, top), (left + 20, top + 80)]
    ImageDraw.Draw(image).line(corners, fill=230, width=stroke)
    return np.asarray(image)


@given(st.integers(0, 60), st.integers(0, 60), st.booleans())
def test_neither_place_nor_polarity_matters(left, top, negative):
    expected = to_digit(seven(160, 200))
    drawn = seven(160, 200, left=left + 10, top=top + 10)
    np.testing.assert_allclose(to_digit(255 - drawn if negative else drawn), expected, atol=2)


def test_the_ink_is_bright_in_a_box_of_20_about_its_centre_of_mass():
    digit = to_digit(255 - seven(300, 400))
    assert digit.shape == (28, 28)
    assert digit.max() > 200
    rows, columns = (np.flatnonzero((digit > 40).any(axis=axis)) for axis in (1, 0))
    assert 18 <= np.ptp(rows) + 1 <= 22
    assert np.ptp(columns) < np.ptp(rows)
    np.testing.assert_allclose(center_of_mass(digit), (13.5, 13.5), atol=0.3)


def test_shadow_and_noise_do_not_matter_much():
    drawn = 255 - seven(160, 200).astype(float)
    shadow = drawn * np.linspace(0.8, 1, 160) + np.random.default_rng(0).normal(0, 4, drawn.shape)
    found = to_digit(shadow.clip(0, 255).astype(np.uint8)).astype(float)
    expected = to_digit(drawn.astype(np.uint8)).astype(float)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("shape", [(1, 1), (50, 50)])
def test_paper_without_ink_is_refused(shape):
    with pytest.raises(ValueError, match="shows no digit"):
        to_digit(np.full(shape, 200, np.uint8))
