"""The activation atlas: every digit is in one cell, every picture is like its own target."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convlab.digits.atlas import cells, maximize_activation
from convlab.digits.networks import cnn
from convlab.digits.prediction import predict
from digit_networks import Attention, Functional, Narrow

POINTS = st.lists(
    st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=40
).map(np.array)


@given(POINTS, st.integers(1, 6), st.integers(1, 4))
def test_every_point_is_in_one_cell_unless_the_cell_has_few(points, side, least):
    every = {(row, column): members for row, column, members in cells(points, side, least=1)}
    assert sorted(np.concatenate(list(every.values()))) == list(range(len(points)))
    assert all(0 <= row < side and 0 <= column < side for row, column in every)
    kept = [(row, column) for row, column, _ in cells(points, side, least=least)]
    assert kept == [place for place, members in every.items() if len(members) >= least]


def test_up_is_up_and_right_is_right():
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    placed = {int(members[0]): (row, column) for row, column, members in cells(corners, 2, least=1)}
    assert placed == {0: (1, 0), 1: (1, 1), 2: (0, 0), 3: (0, 1)}


@pytest.fixture
def network():
    return cnn.Network(cnn.Settings())


@pytest.fixture
def targets(network):
    """Embeddings of noise in the upper half, in the lower half and in the middle."""
    digits = np.zeros((3, 28, 28), np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (14, 28), np.uint8)
    digits[0, :14] = digits[1, 14:] = digits[2, 7:21] = noise
    return predict(network, digits).embedding


@pytest.mark.numeric
def test_each_picture_maximizes_its_own_target(network, targets):
    """The search amplifies rounding errors: which picture it finds depends on the processor."""
    pictures = maximize_activation(network, targets, steps=25)
    grey = np.full((1, 28, 28), 128, np.uint8)
    directions = targets / np.linalg.norm(targets, axis=1, keepdims=True)
    before, after = (predict(network, images).embedding for images in (grey, pictures))
    products = after @ directions.T  # (picture, target)
    assert (np.diagonal(products) > before @ directions.T).all()
    cosines = products / np.linalg.norm(after, axis=1, keepdims=True)
    assert cosines.argmax(axis=1).tolist() == [0, 1, 2]
    assert cosines.argmax(axis=0).tolist() == [0, 1, 2]


@pytest.mark.numeric
def test_a_picture_depends_on_the_direction_of_its_own_target_alone(network, targets):
    """In batches of one size, for which the kernels are the same: exactly."""
    pictures = maximize_activation(network, targets[:2], steps=5)
    again = maximize_activation(network, targets[:2], steps=5)
    np.testing.assert_array_equal(again, pictures)
    others = targets[[0, 2]] * np.float32(4)
    np.testing.assert_array_equal(maximize_activation(network, others, steps=5)[0], pictures[0])


@pytest.mark.numeric
@pytest.mark.parametrize("kind", [Attention, Functional, Narrow])
def test_any_network_has_an_atlas_and_is_left_as_it_was(kind):
    network = kind().eval()
    state = {name: values.clone() for name, values in network.state_dict().items()}
    target = predict(network, np.random.default_rng(0).integers(0, 256, (1, 28, 28), np.uint8))
    grey = predict(network, np.full((1, 28, 28), 128, np.uint8))
    picture = maximize_activation(network, target.embedding, steps=10)
    found = predict(network, picture)
    assert (found.embedding * target.embedding).sum() > (grey.embedding * target.embedding).sum()
    assert all(torch.equal(state[name], values) for name, values in network.state_dict().items())
