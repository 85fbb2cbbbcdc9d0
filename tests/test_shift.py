"""Images moved sideways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from convlab.imaging.shift import DIRECTIONS, shift

IMAGES = arrays(np.uint8, st.tuples(st.integers(0, 3), st.just(7), st.just(5)))
DOWN = st.integers(-7, 7)
RIGHT = st.integers(-5, 5)


@pytest.mark.parametrize(
    ("down", "right", "moved"),
    [
        (0, 0, [[1, 2, 3], [4, 5, 6]]),
        (0, 1, [[0, 1, 2], [0, 4, 5]]),
        (0, -1, [[2, 3, 0], [5, 6, 0]]),
        (1, 0, [[0, 0, 0], [1, 2, 3]]),
        (-1, 0, [[4, 5, 6], [0, 0, 0]]),
        (1, -2, [[0, 0, 0], [3, 0, 0]]),
        (0, 3, [[0, 0, 0], [0, 0, 0]]),
        (-2, 0, [[0, 0, 0], [0, 0, 0]]),
    ],
)
def test_every_direction(down, right, moved):
    images = np.array([[[1, 2, 3], [4, 5, 6]]])
    np.testing.assert_array_equal(shift(images, down, right), [moved])


def test_the_four_directions_are_right_left_down_up():
    image = np.zeros((1, 3, 3))
    image[0, 1, 1] = 1
    ends = [np.argwhere(shift(image, *direction)[0]).tolist() for direction in DIRECTIONS]
    assert ends == [[[1, 2]], [[1, 0]], [[2, 1]], [[0, 1]]]


@given(IMAGES, DOWN, RIGHT)
def test_there_and_back_loses_the_border_alone(images, down, right):
    before = images.copy()
    back = shift(shift(images, down, right), -down, -right)
    np.testing.assert_array_equal(images, before)  # the input is left alone
    assert back.dtype == images.dtype
    rows, columns = np.arange(7) + down, np.arange(5) + right
    stayed = np.outer((rows >= 0) & (rows < 7), (columns >= 0) & (columns < 5))
    np.testing.assert_array_equal(back, np.where(stayed, images, 0))


@given(IMAGES, DOWN, RIGHT)
def test_nothing_wraps_around(images, down, right):
    moved = shift(images, down, right)
    rows, columns = np.arange(7) - down, np.arange(5) - right
    came = np.outer((rows >= 0) & (rows < 7), (columns >= 0) & (columns < 5))
    rolled = np.roll(images, (down, right), axis=(1, 2))
    np.testing.assert_array_equal(moved, np.where(came, rolled, 0))
