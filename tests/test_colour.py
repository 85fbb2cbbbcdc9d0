"""Luminance and back, by BT.601 in studio range."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from convlab.imaging.colour import chrominance, luminance, to_bytes, to_rgb

PHOTOS = arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3)))


def test_luminance_of_known_colours():
    black_white_red_blue = np.array(
        [[(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)]], np.uint8
    )
    assert luminance(black_white_red_blue).tolist() == [[16, 235, 81, 41]]


@given(PHOTOS)
def test_luminance_and_chrominance_give_the_photograph_back(rgb):
    y = luminance(rgb)
    assert y.dtype == np.uint8
    assert 16 <= y.min() <= y.max() <= 235
    # Y is rounded to 220 levels, Cb and Cr to 225: each may change a channel by up to two levels.
    assert np.abs(to_rgb(y, to_bytes(chrominance(rgb))).astype(int) - rgb).max() <= 3


@given(arrays(np.float64, (3, 4), elements=st.floats(-500, 500)))
def test_to_bytes_clips_and_rounds(values):
    rounded = to_bytes(values)
    assert rounded.dtype == np.uint8
    assert np.abs(rounded - np.clip(values, 0, 255)).max() <= 0.5
