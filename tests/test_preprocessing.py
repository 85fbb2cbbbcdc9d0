"""A drawn or photographed digit becomes one like MNIST's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import center_of_mass

from convlab.digits.preprocessing import to_mnist


def draw_seven(width, height, *, left=20, top=20):
    """Draw a 7, light on dark."""
    image = Image.new("L", (width, height))
    corners = [(left, top), (left + 50, top), (left + 20, top + 80)]
    ImageDraw.Draw(image).line(corners, fill=230, width=9)
    return np.asarray(image)


@settings(max_examples=40)
@given(st.integers(10, 70), st.integers(10, 70), st.booleans())
def test_neither_place_nor_polarity_matters(left, top, negative):
    expected = to_mnist(draw_seven(160, 200))
    drawn = draw_seven(160, 200, left=left, top=top)
    np.testing.assert_allclose(to_mnist(255 - drawn if negative else drawn), expected, atol=2)


def test_the_ink_is_bright_in_a_square_of_20_about_its_centre_of_mass():
    digit = to_mnist(255 - draw_seven(300, 400))
    assert digit.shape == (28, 28)
    assert digit.max() > 200
    rows, columns = (np.flatnonzero((digit > 40).any(axis=axis)) for axis in (1, 0))
    assert 18 <= np.ptp(rows) + 1 <= 22
    assert np.ptp(columns) < np.ptp(rows)
    np.testing.assert_allclose(center_of_mass(digit), (13.5, 13.5), atol=0.3)


DISTURBANCES = {
    "shadow": lambda paper: paper * np.linspace(0.3, 1, paper.shape[1]),
    "hard pencil": lambda paper: 200 + paper / 5,
    "noise": lambda paper: paper + np.random.default_rng(0).normal(0, 12, paper.shape),
    "speck": lambda paper: np.where(np.add.outer(*map(np.arange, paper.shape)) < 4, 20, paper),
    "rules": lambda paper: np.where(
        np.arange(len(paper))[:, None] % 24 == 12, np.minimum(paper, 190), paper
    ),
}


@pytest.mark.parametrize("name", DISTURBANCES)
def test_what_happens_to_photographs_matters_little(name):
    drawn = 255 - draw_seven(160, 200).astype(float)
    found = to_mnist(DISTURBANCES[name](drawn).clip(0, 255).astype(np.uint8))
    expected = to_mnist(drawn.astype(np.uint8))
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95


def test_paper_without_ink_is_refused():
    blank = np.full((100, 120), 230.0)
    disturbed = (DISTURBANCES[name](blank) for name in ("shadow", "noise", "rules"))
    for paper in (blank, blank[:1, :1], *disturbed):
        with pytest.raises(ValueError, match="shows no digit"):
            to_mnist(paper.clip(0, 255).astype(np.uint8))
