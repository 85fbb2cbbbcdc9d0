"""Which photographs are shown, which part of them, in which colours."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from convlab.imaging.colour import chrominance, luminance
from convlab.imaging.showcase import GRID, colourise, hardest_window, spread_by_rank


def test_the_gallery_is_spread_over_the_ranks():
    gains = np.array([0.3, 0.9, 0.1, 0.5, 0.7])
    assert spread_by_rank(gains, 3) == [1, 3, 2]
    assert spread_by_rank(gains, 1) == [1]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=120), st.integers(1, 120))
def test_the_best_and_the_worst_are_shown_and_none_twice(gains, count):
    chosen = spread_by_rank(np.array(gains), count)
    assert len(set(chosen)) == len(chosen) == min(count, len(gains))
    shown = [gains[index] for index in chosen]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == max(gains)
    if count > 1:
        assert shown[-1] == min(gains)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (16, 40), (40, 72), (8, 0)])
def test_the_window_is_where_the_error_was_planted(row, column):
    truth = np.full((60, 100), 100, np.uint8)
    estimate = truth + 1
    estimate[row : row + 16, column : column + 16] += 15  # its square is no byte
    assert hardest_window(truth, estimate, 16) == np.s_[row : row + 16, column : column + 16]


@given(st.integers(0, 63), st.integers(0, 79), st.integers(2 * GRID, 40))
def test_the_window_lies_inside_and_holds_a_single_wrong_pixel(row, column, size):
    truth = np.full((64, 80), 200, np.uint8)
    estimate = truth.copy()
    estimate[row, column] = 0
    rows, columns = hardest_window(truth, estimate, size)
    assert rows.stop - rows.start == columns.stop - columns.start == size
    assert 0 <= rows.start <= rows.stop <= 64
    assert 0 <= columns.start <= columns.stop <= 80
    if row < 64 - GRID and column < 80 - GRID:  # the grid may leave out the last few pixels
        assert rows.start <= row < rows.stop
        assert columns.start <= column < columns.stop


def test_a_window_larger_than_the_image_is_cut_down():
    truth = np.zeros((20, 50), np.uint8)
    rows, columns = hardest_window(truth, truth, 300)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (20, 20)


def test_a_large_window_takes_no_more_memory_than_a_small_one():
    truth = np.zeros((400, 400), np.uint8)
    peaks = []
    for size in (16, 160):
        tracemalloc.start()
        hardest_window(truth, truth, size)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_true_luminance_gives_nearly_the_photograph(scale):
    photo = data.astronaut()[:240, :360]
    coloured = colourise(luminance(photo), photo, scale)
    assert coloured.shape == photo.shape
    assert coloured.dtype == np.uint8
    error = np.abs(coloured.astype(int) - photo)
    assert error.mean() < 4
    # The brightness is what was handed in; where a colour leaves the range of RGB, it is clipped.
    brightness = np.abs(luminance(coloured).astype(int) - luminance(photo))
    assert np.mean(brightness <= 1) > 0.95


def test_the_colours_come_from_the_small_photograph():
    """A wrong luminance takes the photograph's colours, and their detail is lost."""
    photo = data.astronaut()[:96, :96]
    grey = np.full((96, 96), 120, np.uint8)
    cbcr = chrominance(colourise(grey, photo, 4))
    true = chrominance(photo)
    blocks = (24, 4, 24, 4, 2)
    assert np.abs((cbcr - true).reshape(blocks).mean(axis=(1, 3))).mean() < 2
    assert (
        cbcr.reshape(blocks).std(axis=(1, 3)).mean() < true.reshape(blocks).std(axis=(1, 3)).mean()
    )
