"""The digit networks: what they are made of, what goes in and what comes out."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from convlab.nets.cnn import Cnn
from convlab.nets.digits import recognise, score, to_input
from convlab.nets.mlp import Mlp
from convlab.nets.robustness import shifted_accuracy
from convlab.nets.weights import count_parameters


def random_digits(count):
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)


def made_of(network):
    """Layers of a network, in their order, with what makes them what they are."""
    described = []
    for layer in network.modules():
        match layer:
            case nn.Conv2d():
                assert layer.stride == layer.dilation == (1, 1)
                assert layer.groups == 1
                ends = layer.in_channels, layer.out_channels
                described.append(("conv", *ends, layer.kernel_size, layer.padding))
            case nn.Linear():
                described.append(("linear", layer.in_features, layer.out_features))
            case nn.MaxPool2d():
                described.append(("max-pool", layer.kernel_size, layer.stride))
            case nn.ReLU() | nn.Flatten():
                described.append(type(layer).__name__)
    return described


def test_the_cnn_is_the_practicals():
    assert made_of(Cnn()) == [
        ("conv", 1, 16, (5, 5), (2, 2)),
        "ReLU",
        ("max-pool", 2, 2),
        ("conv", 16, 32, (5, 5), (2, 2)),
        "ReLU",
        ("max-pool", 2, 2),
        "Flatten",
        ("linear", 1568, 10),
    ]
    assert count_parameters(Cnn()) == 28_938


def test_the_mlp_has_as_many_parameters_and_no_convolution():
    assert made_of(Mlp()) == ["Flatten", ("linear", 784, 36), "ReLU", ("linear", 36, 10)]
    assert count_parameters(Mlp()) == pytest.approx(28_938, rel=0.05)


@pytest.mark.parametrize(("design", "width"), [(Cnn, 1568), (Mlp, 36)])
@pytest.mark.parametrize("batch", [1, 3])
def test_digit_networks_give_logits_and_the_embedding_they_come_from(design, width, batch):
    network = design()
    logits, embedding = network(torch.rand(batch, 1, 28, 28))
    assert logits.shape == (batch, 10)
    assert embedding.shape == (batch, width)
    assert embedding.min() >= 0  # after a ReLU
    assert torch.equal(network.classify(embedding), logits)
    assert not torch.allclose(logits.exp().sum(dim=1), torch.ones(batch))  # no log-probabilities
    assert not torch.allclose(logits.sum(dim=1), torch.ones(batch))  # nor probabilities


@pytest.mark.parametrize("design", [Cnn, Mlp])
def test_the_seed_alone_decides_the_first_weights(design):
    def weights(seed):
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(design().parameters())

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_digits_are_handed_in_as_grey_levels():
    digits = to_input(np.array([[[0, 51], [102, 255]]], np.uint8))
    assert digits.dtype == torch.float32
    torch.testing.assert_close(digits, torch.tensor([[[[0, 0.2], [0.4, 1]]]]))


@pytest.mark.parametrize("batch_size", [1, 4, 7, 100])
def test_the_batch_size_does_not_change_what_is_read(batch_size):
    network, images = Cnn(), random_digits(7)
    logits, embedding = recognise(network, images, batch_size=batch_size)
    at_once = [part.detach().numpy() for part in network(to_input(images))]
    np.testing.assert_allclose(logits, at_once[0], atol=1e-5)
    np.testing.assert_allclose(embedding, at_once[1], atol=1e-5)
    assert logits.dtype == embedding.dtype == np.float32


@given(arrays(np.float32, (5, 10), elements=st.floats(-10, 10, width=32)), st.data())
def test_the_score_is_its_formula(logits, draws):
    labels = draws.draw(arrays(np.uint8, 5, elements=st.integers(0, 9)))
    probabilities = np.exp(logits.astype(float))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = score(logits, labels)
    assert found.loss == pytest.approx(-np.log(probabilities[range(5), labels]).mean(), abs=1e-5)
    assert found.accuracy == np.mean(logits.argmax(axis=1) == labels)


class ColumnReader(nn.Module):
    """Reads the number of the brightest column, 0 to 9, and so minds shifts to the side."""

    def forward(self, digits):
        columns = digits[:, 0, :, 9:19].sum(dim=1)
        return columns, columns


def test_shifted_accuracy_is_the_mean_over_four_directions():
    images = np.zeros((2, 28, 28), np.uint8)
    images[0, 14, 12] = images[1, 14, 13] = 255
    labels = np.array([3, 4], np.uint8)
    network = ColumnReader()
    assert shifted_accuracy(network, images, labels, 0) == 1
    # To the right, 3 is read as 4 and 4 as 5; to the left, as 2 and 3; up and down do no harm.
    assert shifted_accuracy(network, images, labels, 1) == 0.5
    assert shifted_accuracy(network, images[:1], np.array([4]), 1) == 0.25
