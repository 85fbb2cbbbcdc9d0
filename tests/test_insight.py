"""What is shown of the inside of the networks is what is there."""

import numpy as np
import pytest
import torch
from torch import nn

from convlab.nets.cnn import Cnn
from convlab.nets.digits import recognise
from convlab.nets.edsr import Edsr
from convlab.nets.insight import feature_maps, layers, receptive_fields, shuffled_features
from convlab.nets.layers import pixel_shuffle
from convlab.nets.mlp import Mlp
from convlab.nets.subpixel import SubPixel
from convlab.nets.superres import upscale_luminance
from convlab.nets.vdsr import Vdsr

DIGITS = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)


@pytest.mark.parametrize("network", [Cnn(), Mlp()])
def test_layers_go_from_the_digit_to_the_scores_with_all_weights(network):
    found = layers(network)
    assert found[0].shape == (1, 28, 28)
    assert found[-1].shape == (10,)
    assert sum(layer.weights for layer in found) == sum(w.numel() for w in network.parameters())


def test_the_last_feature_maps_are_the_embedding():
    network = Cnn()
    maps = feature_maps(network, DIGITS)
    assert [each.shape[1:] for each in maps] == [
        (16, 28, 28),
        (16, 14, 14),
        (32, 14, 14),
        (32, 7, 7),
    ]
    np.testing.assert_array_equal(maps[-1].reshape(3, -1), recognise(network, DIGITS).embedding)


@pytest.mark.parametrize("layer", range(4))
def test_a_unit_sees_its_receptive_field_and_nothing_else(layer):
    network = Cnn()
    with torch.no_grad():
        for weights in network.parameters():  # so that no pixel is seen in vain
            weights.fill_(1.0)
    parts = nn.Sequential(*network.features[: (1, 3, 4, 6)[layer]])
    field = receptive_fields(network)[layer]
    unit = 28 // field.step // 2
    digit = torch.rand(1, 1, 28, 28, requires_grad=True)
    steep = torch.zeros(28, 28, dtype=torch.bool)
    for _ in range(60):  # max pooling lets only the largest through, each time another
        (slope,) = torch.autograd.grad(parts(digit)[0, 0, unit, unit], digit)
        steep |= slope[0, 0] != 0
        digit = torch.rand(1, 1, 28, 28, requires_grad=True)
    seen = [where.tolist() for where in (steep.any(0).nonzero(), steep.any(1).nonzero())]
    start = field.start + unit * field.step
    expected = [[place] for place in range(max(0, start), min(28, start + field.size))]
    assert seen == [expected, expected]


@pytest.mark.parametrize("scale", [2, 3])
def test_shuffled_features_are_what_the_network_adds_to_bicubic(scale):
    network = SubPixel(scale, channels=4, layers=1, upsampling="pixel_shuffle")
    low = np.random.default_rng(1).integers(0, 256, (9, 12), np.uint8)
    before = upscale_luminance(network, low)  # the tail is zero: this is bicubic
    nn.init.normal_(network.tail[0].weight, std=0.002)
    features = shuffled_features(network, low)
    assert features.shape == (scale**2, 9, 12)
    added = 255 * pixel_shuffle(torch.from_numpy(features)[None], scale)[0, 0].numpy()
    after = upscale_luminance(network, low)
    inside = (before > 20) & (before < 235) & (abs(added) < 15)
    assert inside.mean() > 0.3
    np.testing.assert_allclose((after - before.astype(float))[inside], added[inside], atol=1.01)


def test_a_network_that_enlarges_otherwise_has_none():
    low = np.zeros((4, 5), np.uint8)
    assert shuffled_features(Vdsr(2), low) is None


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_network_that_shuffles_in_between_has_none(scale):
    low = np.zeros((4, 5), np.uint8)
    wide = Edsr(scale, channels=8, blocks=1, upsampling="pixel_shuffle")
    assert shuffled_features(wide, low) is None
