"""What is shown of the inside of a network is what it computes."""

import numpy as np
import pytest
import torch

from convlab.core.weights import find_network, network_names
from convlab.digits.inspection import feature_maps, filters, layers, receptive_fields
from convlab.digits.prediction import NETWORKS, predict, to_input
from digit_networks import Attention, Functional, Narrow

pytestmark = pytest.mark.numeric

DIGITS = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)


OTHERS = {kind.__name__: kind for kind in (Attention, Functional, Narrow)}


def make(name):
    if name in OTHERS:
        return OTHERS[name]().eval()
    module = find_network(NETWORKS, name)
    return module.Network(module.Settings())


@pytest.mark.parametrize("name", [*network_names(NETWORKS), *OTHERS])
def test_layers_go_from_the_digit_to_the_logits_with_all_weights(name):
    network = make(name)
    listed = layers(network)
    assert listed[0].shape == (1, 28, 28)
    assert listed[-1].shape == (10,)
    assert sum(layer.weights for layer in listed) == sum(w.numel() for w in network.parameters())


def test_layers_are_listed_in_the_order_in_which_they_are_called():
    listed = [(layer.name, layer.shape, layer.weights) for layer in layers(make("Attention"))[1:]]
    assert listed == [
        ("convolution 7 x 7", (8, 4, 4), 400),
        ("attention", (16, 8), 288),
        ("attention", (16, 8), 0),  # called twice, counted once
        ("linear", (10,), 90),
        ("parameters of Attention", (10,), 128),
    ]
    kinds = ["convolution 3 x 5", "BatchNorm2d", "convolution 1 x 1", "Dropout", "linear"]
    assert [layer.name for layer in layers(make("Functional"))[1:]] == kinds


def test_the_last_feature_maps_are_the_embedding():
    network = make("cnn")
    maps = feature_maps(network, DIGITS)
    assert [(each.layer, each.values.shape[1:]) for each in maps] == [
        ("ReLU 1", (16, 28, 28)),
        ("max pooling 1", (16, 14, 14)),
        ("ReLU 2", (32, 14, 14)),
        ("max pooling 2", (32, 7, 7)),
    ]
    last = maps[-1].values.reshape(3, -1)
    np.testing.assert_array_equal(last, predict(network, DIGITS).embedding)


def test_without_modules_for_activations_the_maps_are_those_of_the_convolutions():
    network = make("Functional")
    first, second = feature_maps(network, DIGITS)
    assert (first.layer, second.layer) == ("convolution 1", "convolution 2")
    with torch.inference_mode():
        wide = network.wide(to_input(DIGITS))
        np.testing.assert_array_equal(first.values, wide)
        np.testing.assert_array_equal(second.values, network.down(network.norm(wide)))
    shapes = [(each.layer, each.kernels.shape) for each in filters(network)]
    assert shapes == [("convolution 1", (4, 1, 3, 5)), ("convolution 2", (4, 4, 1, 1))]


@pytest.mark.parametrize("layer", range(4))
def test_a_unit_depends_on_its_receptive_field_alone(layer):
    network = make("cnn")
    name, *field = receptive_fields(network)[layer]
    assert name == ("convolution 1", "max pooling 1", "convolution 2", "max pooling 2")[layer]
    with torch.no_grad():
        for weights in network.parameters():  # so that every pixel counts
            weights.fill_(1.0)
    parts = network.features[: (1, 3, 4, 6)[layer]]
    depends = torch.zeros(28, 28, dtype=torch.bool)
    for _ in range(60):  # max pooling passes the gradient to the largest only, each time another
        digit = torch.rand(1, 1, 28, 28, requires_grad=True)
        output = parts(digit)[0, 0]
        unit = len(output) // 2
        (gradient,) = torch.autograd.grad(output[unit, unit], digit)
        depends |= gradient[0, 0] != 0
    rows, columns = (depends.any(axis).nonzero().flatten().tolist() for axis in (1, 0))
    assert field == [rows[0], columns[0], len(rows), len(columns)]


@pytest.mark.parametrize(
    ("name", "expected", "side"),
    [
        ("cnn", [(12, 12, 5, 5), (12, 12, 6, 6), (8, 8, 14, 14), (6, 6, 16, 16)], 28),
        ("Functional", [(12, 10, 5, 9)], 27),  # no unit reads the last row and column
        ("Attention", [(14, 14, 7, 7)], 28),
    ],
)
@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # of switching oneDNN off and on
@pytest.mark.parametrize("library", ["oneDNN", "none"])
def test_kernel_stride_dilation_and_attention_make_the_receptive_fields(
    name, expected, side, library
):
    with torch.backends.mkldnn.flags(enabled=library == "oneDNN"):
        *fields, scores = receptive_fields(make(name))
    assert [field[1:] for field in fields] == expected
    assert scores == ("scores", 0, 0, side, side)


def test_a_network_without_convolutions_has_neither_filters_nor_maps_nor_fields():
    network = make("student")
    assert filters(network) == feature_maps(network, DIGITS) == receptive_fields(network) == []
