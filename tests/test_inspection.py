"""What is shown of the inside of a network is what it computes."""

import numpy as np
import pytest
import torch
from torch import nn

from convlab.core.errors import InputError
from convlab.core.weights import find_network, network_names
from convlab.digits.inspection import feature_maps, layers, receptive_fields
from convlab.digits.networks import cnn
from convlab.digits.prediction import NETWORKS, predict

pytestmark = pytest.mark.numeric

DIGITS = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)


@pytest.mark.parametrize("name", network_names(NETWORKS))
def test_layers_go_from_the_digit_to_the_logits_with_all_weights(name):
    module = find_network(NETWORKS, name)
    network = module.Network(module.Settings())
    listed = layers(network)
    assert listed[0].shape == (1, 28, 28)
    assert listed[-1].shape == (10,)
    assert sum(layer.weights for layer in listed) == sum(w.numel() for w in network.parameters())


def test_the_last_feature_maps_are_the_embedding():
    network = cnn.Network(cnn.Settings())
    maps = feature_maps(network, DIGITS)
    shapes = [(16, 28, 28), (16, 14, 14), (32, 14, 14), (32, 7, 7)]
    assert [each.shape[1:] for each in maps] == shapes
    np.testing.assert_array_equal(maps[-1].reshape(3, -1), predict(network, DIGITS).embedding)


@pytest.mark.parametrize("layer", range(4))
def test_a_unit_depends_on_its_receptive_field_alone(layer):
    network = cnn.Network(cnn.Settings())
    with torch.no_grad():
        for weights in network.parameters():  # so that every pixel counts
            weights.fill_(1.0)
    parts = network.features[: (1, 3, 4, 6)[layer]]
    field = receptive_fields(network)[layer]
    unit = 28 // field.step // 2
    depends = torch.zeros(28, 28, dtype=torch.bool)
    for _ in range(60):  # max pooling passes the gradient to the largest only, each time another
        digit = torch.rand(1, 1, 28, 28, requires_grad=True)
        (gradient,) = torch.autograd.grad(parts(digit)[0, 0, unit, unit], digit)
        depends |= gradient[0, 0] != 0
    start = field.start + unit * field.step
    expected = list(range(max(0, start), min(28, start + field.size)))
    for axis in (0, 1):
        assert depends.any(axis).nonzero().flatten().tolist() == expected


def test_a_network_of_other_parts_is_named():
    for inspect in (layers, receptive_fields):
        with pytest.raises(InputError, match="cannot be inspected: it needs the parts `features`"):
            inspect(nn.Linear(784, 10))
