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


def rules(drawn):
    lines = drawn.copy()
    lines[12::24] = np.minimum(lines[12::24], 190)
    return lines


def noise(drawn):
    return drawn + np.random.default_rng(0).normal(0, 12, drawn.shape)


def speck(drawn):
    specked = drawn.copy()
    specked[3:6, 3:6] = 20
    return specked


SPOILED = [
    lambda drawn: drawn * np.linspace(0.3, 1, drawn.shape[1]),  # a shadow
    lambda drawn: 200 + drawn / 5,  # a hard pencil
    noise,
    speck,
    rules,
]


@pytest.mark.parametrize("spoil", SPOILED)
def test_what_happens_to_photographs_does_not_matter_much(spoil):
    drawn = 255 - seven(160, 200).astype(float)
    found = to_digit(spoil(drawn).clip(0, 255).astype(np.uint8)).astype(float)
    expected = to_digit(drawn.astype(np.uint8)).astype(float)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95


BLANK = np.full((100, 120), 230.0)


@pytest.mark.parametrize(
    "paper",
    [BLANK, BLANK[:1, :1], BLANK * np.linspace(0.7, 1, 120), noise(BLANK), rules(BLANK)],
    ids=["flat", "a pixel", "shadow", "noise", "rules"],
)
def test_paper_without_ink_is_refused(paper):
    with pytest.raises(ValueError, match="shows no digit"):
        to_digit(paper.clip(0, 255).astype(np.uint8))
