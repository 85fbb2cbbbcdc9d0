"""Pixel shuffle, beside torch's."""

import pytest
import torch
from einops import EinopsError
from hypothesis import given
from hypothesis import strategies as st

from convlab.nets.layers import pixel_shuffle

SIZES = st.integers(1, 4)


def random_features(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@given(st.integers(1, 5), st.integers(0, 4), SIZES, SIZES, SIZES)
def test_it_equals_torch_pixel_shuffle(scale, batch, channels, height, width):
    features = random_features(batch, channels * scale**2, height, width)
    assert torch.equal(pixel_shuffle(features, scale), torch.nn.PixelShuffle(scale)(features))


@given(st.integers(1, 5), SIZES, SIZES, SIZES)
def test_every_pixel_comes_from_where_the_docstring_says(scale, channels, height, width):
    features = random_features(2, channels * scale**2, height, width)
    shuffled = pixel_shuffle(features, scale)
    assert shuffled.shape == (2, channels, scale * height, scale * width)
    for i in range(scale):
        for j in range(scale):
            source = features[:, i * scale + j :: scale**2]
            assert torch.equal(shuffled[:, :, i::scale, j::scale], source)


def test_gradients_flow_back_unchanged():
    features = random_features(1, 4, 3, 3).requires_grad_()
    weights = random_features(1, 1, 6, 6)
    (pixel_shuffle(features, 2) * weights).sum().backward()
    assert torch.equal(pixel_shuffle(features.grad, 2), weights)


@given(st.integers(2, 4), st.integers(1, 40))
def test_channels_that_do_not_divide_are_refused(scale, channels):
    features = torch.zeros(1, channels, 2, 2)
    if channels % scale**2:
        with pytest.raises(EinopsError, match=r"b \(c r1 r2\) h w"):
            pixel_shuffle(features, scale)
    else:
        assert pixel_shuffle(features, scale).shape[1] == channels // scale**2
