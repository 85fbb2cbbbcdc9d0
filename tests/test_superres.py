"""The super-resolution networks: what they are made of, what goes in and what comes out."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convlab.imaging.resize import downscale, upscale
from convlab.nets.layers import make_upsampling
from convlab.nets.superres import (
    NETWORKS,
    multiply_adds,
    upscale_ensemble,
    upscale_luminance,
)
from convlab.nets.weights import count_parameters

SMALL = {
    "srcnn": {},
    "fsrcnn": {"upsampling": "transposed"},
    "espcn": {"upsampling": "pixel_shuffle"},
    "vdsr": {},
    "edsr": {"channels": 4, "blocks": 1, "upsampling": "pixel_shuffle"},
    "subpixel": {"channels": 4, "layers": 2, "upsampling": "pixel_shuffle"},
}
EVERY = pytest.mark.parametrize("name", NETWORKS)
SCALES = pytest.mark.parametrize("scale", [2, 3, 4])
UPSAMPLINGS = pytest.mark.parametrize("how", ["pixel_shuffle", "transposed", "resize"])


def small(name, scale=2):
    return NETWORKS[name](scale, **SMALL[name])


@EVERY
@SCALES
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 4), (12, 9)])
def test_every_network_enlarges_whatever_comes(name, scale, height, width):
    enlarged = small(name, scale)(torch.rand(2, 1, height, width))
    assert enlarged.shape == (2, 1, scale * height, scale * width)
    assert enlarged.dtype == torch.float32


@EVERY
def test_every_weight_learns(name):
    network, random = small(name), torch.Generator().manual_seed(0)
    for _ in range(2):  # the first step moves the tail alone, where that begins at zero
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
        optimizer.zero_grad()
        network(torch.rand(2, 1, 8, 8, generator=random)).square().sum().backward()
        optimizer.step()
    still = [key for key, weights in network.named_parameters() if not weights.grad.any()]
    assert still == []


PUBLISHED = [
    # Parameters, and thousands of multiply-adds for a pixel at x2. The papers' tables count
    # biases and PReLU in or out; FSRCNN's transposed convolution is counted at low resolution.
    ("srcnn", {}, 57_281, 57_184),
    ("fsrcnn", {"upsampling": "transposed"}, 12_809, 3_116),
    ("vdsr", {}, 665_921, 664_704),
    ("edsr", {"channels": 64, "blocks": 16, "upsampling": "pixel_shuffle"}, 1_367_553, 341_712),
    ("espcn", {"upsampling": "pixel_shuffle"}, 21_284, 5_296),
]


@pytest.mark.parametrize(("name", "settings", "parameters", "needed"), PUBLISHED)
def test_the_classics_have_the_size_that_their_papers_say(name, settings, parameters, needed):
    network = NETWORKS[name](2, **settings)
    assert count_parameters(network) == parameters
    assert multiply_adds(network) == needed


@EVERY
def test_multiply_adds_are_half_of_what_torch_counts(name):
    network = small(name)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 10, 10))
    assert multiply_adds(network) == round(counter.get_total_flops() / 2 / 20**2)


@pytest.mark.parametrize("name", ["srcnn", "vdsr", "subpixel"])
@SCALES
def test_those_that_add_to_bicubic_begin_there(name, scale):
    low = downscale(data.camera()[:120, 200:320], scale)
    upscaled = upscale_luminance(small(name, scale), low)
    bicubic = upscale(low, scale, "bicubic")
    if name == "srcnn":  # its border is black
        upscaled, bicubic = upscaled[9:-9, 9:-9], bicubic[9:-9, 9:-9]
    assert np.abs(upscaled.astype(int) - bicubic).max() <= 1


@EVERY
def test_no_network_minds_what_else_is_in_the_batch(name):
    network, lows = small(name), torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(network(lows)[1:2], network(lows[1:2]))


@SCALES
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 4)])
def test_upscaled_luminance_is_clipped_and_rounded_to_bytes(scale, height, width):
    low = np.linspace(0, 255, height * width).astype(np.uint8).reshape(height, width)
    network = small("espcn", scale)
    for added, level in ((0.1234, None), (5.0, 255), (-5.0, 0)):
        nn.init.constant_(network.upsampling[0].bias, added)
        upscaled = upscale_luminance(network, low)
        assert upscaled.dtype == np.uint8
        assert upscaled.shape == (scale * height, scale * width)
        with torch.inference_mode():
            exact = 255 * network(torch.from_numpy(low)[None, None] / 255)[0, 0].numpy()
        assert np.abs(upscaled - exact.clip(0, 255)).max() <= 0.5 + 1e-4
        assert level is None or (upscaled == level).all()


def within_rounding(ours, theirs):
    """The mean of eight is summed in another order: a half may be rounded the other way."""
    return np.abs(ours.astype(int) - theirs).max() <= 1 and np.mean(ours != theirs) < 0.01


@given(arrays(np.uint8, (5, 7), elements=st.integers(0, 255)), st.integers(0, 7))
def test_the_ensemble_turns_with_the_image(low, way):
    def turn(image):
        return np.rot90(image.T if way > 3 else image, way)

    torch.manual_seed(0)
    network = small("espcn")
    assert within_rounding(
        upscale_ensemble(network, turn(low)), turn(upscale_ensemble(network, low))
    )


def test_the_ensemble_is_the_mean_of_eight_views():
    torch.manual_seed(0)
    network, low = small("espcn"), np.random.default_rng(0).integers(0, 256, (6, 5), np.uint8)
    nn.init.constant_(network.upsampling[0].bias, 0.5)  # or black and white are cut off
    views = []
    for turns in range(4):
        for flipped in (False, True):
            view = np.rot90(low.T if flipped else low, turns)
            enlarged = np.rot90(upscale_luminance(network, view.copy()), -turns)
            views.append(enlarged.T if flipped else enlarged)
    assert len({view.tobytes() for view in views}) == 8
    mean = np.mean(views, axis=0)
    assert np.abs(upscale_ensemble(network, low) - mean).max() <= 1


@UPSAMPLINGS
@SCALES
def test_every_upsampling_comes_to_the_same_size(how, scale):
    upsampled = make_upsampling(how, 3, 2, scale)(torch.rand(2, 3, 5, 4))
    assert upsampled.shape == (2, 2, 5 * scale, 4 * scale)


@SCALES
def test_a_transposed_convolution_can_do_what_a_sub_pixel_one_does(scale):
    """Same terms, other order: pixel i of a cell at tap d has its weight at i + scale (2 - d)."""
    subpixel = make_upsampling("pixel_shuffle", 2, 1, scale)
    transposed = make_upsampling("transposed", 2, 1, scale)
    ours, theirs = subpixel[0], transposed[0]
    with torch.no_grad():
        ours.bias.zero_()
        theirs.bias.zero_()
        for i in range(scale):
            for j in range(scale):
                for down in range(3):
                    for right in range(3):
                        place = i + scale * (2 - down), j + scale * (2 - right)
                        theirs.weight[:, 0, *place] = ours.weight[i * scale + j, :, down, right]
    features = torch.rand(1, 2, 6, 5)
    torch.testing.assert_close(subpixel(features), transposed(features))
