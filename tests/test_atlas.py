"""The activation atlas: every digit in one cell, and pictures that excite what they should."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from convlab.nets.atlas import cells, excite
from convlab.nets.cnn import Cnn
from convlab.nets.digits import recognise

POINTS = st.integers(1, 40).flatmap(
    lambda count: st.lists(
        st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=count, max_size=count
    ).map(np.array)
)


@given(POINTS, st.integers(1, 6))
def test_every_point_is_in_one_cell(points, side):
    found = list(cells(points, side, least=1))
    members = np.concatenate([inside for *_, inside in found])
    assert sorted(members) == list(range(len(points)))
    assert all(0 <= row < side and 0 <= column < side for row, column, _ in found)


@given(POINTS, st.integers(1, 4), st.integers(1, 6))
def test_cells_with_few_points_are_left_out(points, least, side):
    assert all(len(inside) >= least for *_, inside in cells(points, side, least=least))


def test_up_is_up_and_right_is_right():
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    placed = {int(inside[0]): (row, column) for row, column, inside in cells(corners, 2, least=1)}
    assert placed == {0: (1, 0), 1: (1, 1), 2: (0, 0), 3: (0, 1)}


def test_pictures_excite_what_they_should_and_each_its_own():
    network = Cnn()
    digits = np.random.default_rng(0).integers(0, 256, (2, 28, 28), np.uint8)
    digits[0, :14] = digits[1, 14:] = 0
    targets = recognise(network, digits).embedding
    pictures = excite(network, targets, steps=25)
    assert pictures.shape == (2, 28, 28)
    grey = np.full((2, 28, 28), 128, np.uint8)
    angles = [
        functional.cosine_similarity(
            torch.from_numpy(recognise(network, images).embedding), torch.from_numpy(targets)
        )
        for images in (grey, pictures)
    ]
    assert (angles[1] > angles[0]).all()
    assert np.array_equal(pictures, excite(network, targets, steps=25))
    alone = excite(network, targets[:1], steps=25)
    assert abs(alone.astype(int) - pictures[:1]).max() <= 1  # the others have no part in it
