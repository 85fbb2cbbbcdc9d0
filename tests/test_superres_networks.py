"""The super-resolution networks and their layers: shapes, sizes, pixel shuffle, whole images."""

import copy

import numpy as np
import pytest
import torch
from einops import EinopsError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data
from torch import nn
from torch.nn import functional

from convlab.core.optimizers import Muon, split_weights
from convlab.core.weights import count_parameters, find_network, network_names
from convlab.imaging.resize import downscale, upscale
from convlab.superres.cost import multiply_adds, training_pflop
from convlab.superres.layers import (
    EquivariantConv2d,
    bicubic,
    make_upsampling,
    pixel_shuffle,
    turned,
)
from convlab.superres.training import TrainSr
from convlab.superres.upscaling import NETWORKS, upscale_ensemble, upscale_luminance
from test_train_sr import SETTINGS

pytestmark = pytest.mark.numeric
SMALL = {"edsr": {"channels": 4, "blocks": 1}, "subpixel": {"channels": 4, "layers": 2}}
SMALL["equivariant"] = {"channels": 8, "layers": 2}
EVERY = pytest.mark.parametrize("name", network_names(NETWORKS))
SCALES = pytest.mark.parametrize("scale", [2, 3, 4])


def make(name, scale=2, **settings):
    module = find_network(NETWORKS, name)
    return module.Network(scale=scale, settings=module.Settings(**settings))


def small(name, scale=2):
    return make(name, scale, **SMALL.get(name, {}))


@EVERY
@SCALES
def test_every_network_upscales_images_of_any_size_each_by_itself(name, scale):
    network = small(name, scale).eval()
    for height, width in ((1, 1), (7, 4), (12, 9)):
        low = torch.rand(2, 1, height, width)
        high = network(low)
        assert high.shape == (2, 1, scale * height, scale * width)
        assert high.dtype == torch.float32
        torch.testing.assert_close(network(low[1:]), high[1:])


@EVERY
def test_every_weight_learns(name):
    network, random = small(name), torch.Generator().manual_seed(0)
    for _ in range(2):  # the first step changes the tail alone, where that starts at zero
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
        optimizer.zero_grad()
        network(torch.rand(2, 1, 8, 8, generator=random)).square().sum().backward()
        optimizer.step()
    trained = [each for each in network.named_parameters() if each[1].requires_grad]
    assert [key for key, weights in trained if not weights.grad.any()] == []


@SCALES
def test_what_is_flipped_or_transposed_is_upscaled_alike_however_the_network_is_trained(scale):
    network = copy.deepcopy(make("equivariant", scale, channels=16, layers=2))
    random = torch.Generator()
    low, high = (torch.rand(3, 1, side, side, generator=random) for side in (9, 9 * scale))
    hidden, others = split_weights(network, low)
    optimizers = Muon(hidden, lr=0.05, weight_decay=0.1), torch.optim.AdamW(others, lr=0.02)
    assert len(hidden) == 2
    for _ in range(5):
        network.zero_grad()
        (network(low) - high).square().mean().backward()
        for optimizer in optimizers:
            optimizer.step()
    with torch.inference_mode():
        upscaled = network(low)
        assert (upscaled - bicubic(low, scale)).abs().mean() > 0.01
        for symmetry in range(8):
            expected = turned(upscaled, symmetry)
            torch.testing.assert_close(network(turned(low, symmetry)), expected, atol=1e-5, rtol=0)


def test_the_first_kernel_whitens_what_is_correlated_as_photographs_are():
    image = torch.from_numpy(data.camera() / 255).float()[None, None]
    weight = make("equivariant", channels=72).head.weight.detach()[::8]  # nine patterns
    features = functional.conv2d(image - image.mean(), weight)[0].flatten(1)
    pixels = functional.unfold(image - image.mean(), 3)[0]
    before, after = (
        torch.corrcoef(each).fill_diagonal_(0).abs().mean() for each in (pixels, features)
    )
    assert before > 0.8
    assert after < 0.3


@pytest.mark.parametrize(
    ("inputs", "count", "message"),
    [
        ("patterns", 12, "must be a multiple of 8"),
        ("shuffled", 5, "must be a square"),
        ("colours", 3, "unknown kind of channels: colours"),
    ],
)
def test_channels_that_no_symmetry_can_exchange_are_refused(inputs, count, message):
    with pytest.raises(ValueError, match=message):
        EquivariantConv2d(count, 8, inputs=inputs)


PUBLISHED = [
    # Parameters, and thousands of multiply-adds for a pixel at x2. The papers' tables count
    # biases and PReLU in or out; FSRCNN's transposed convolution is counted at low resolution.
    ("srcnn", 57_281, 57_184),
    ("fsrcnn", 12_809, 3_116),
    ("vdsr", 665_921, 664_704),
    ("edsr", 1_367_553, 341_712),
    ("espcn", 21_284, 5_296),
]


@pytest.mark.parametrize(("name", "parameters", "needed"), PUBLISHED)
def test_by_default_the_classics_have_the_size_that_their_papers_say(name, parameters, needed):
    network = make(name)
    assert count_parameters(network) == parameters
    assert multiply_adds(network) == needed


def test_the_arithmetic_of_a_training_is_the_formula():
    params = TrainSr(**SETTINGS | {"steps": 2600, "batch_size": 28})
    # 2,600 steps with 28 patches of 48 x 48 are 0.032 PFLOP.
    assert training_pflop(31_644, params, high_side=48) == pytest.approx(
        2600 * 28 * 48**2 * 31_644 * 6 / 1e15
    )


@pytest.mark.parametrize("name", ["srcnn", "vdsr", "subpixel", "equivariant"])
@SCALES
def test_networks_that_refine_bicubic_interpolation_start_there(name, scale):
    low = downscale(data.camera()[:120, 200:320], scale)
    upscaled, bicubic = upscale_luminance(small(name, scale), low), upscale(low, scale, "bicubic")
    if name == "srcnn":  # its border is black
        upscaled, bicubic = upscaled[9:-9, 9:-9], bicubic[9:-9, 9:-9]
    assert np.abs(upscaled.astype(int) - bicubic).max() <= 1


@SCALES
def test_upscaled_luminance_is_clipped_and_rounded_to_bytes(scale):
    low = np.linspace(0, 255, 28).astype(np.uint8).reshape(7, 4)
    network = small("espcn", scale)
    for added, level in ((0.1234, None), (5.0, 255), (-5.0, 0)):
        nn.init.constant_(network.upsampling[0].bias, added)
        upscaled = upscale_luminance(network, low)
        assert upscaled.dtype == np.uint8
        with torch.inference_mode():
            exact = 255 * network(torch.from_numpy(low)[None, None] / 255)[0, 0].numpy()
        assert np.abs(upscaled - exact.clip(0, 255)).max() <= 0.5 + 1e-4
        assert level is None or (upscaled == level).all()


@settings(max_examples=20)
@given(arrays(np.uint8, (5, 7), elements=st.integers(0, 255)), st.integers(0, 7))
def test_the_ensemble_is_the_mean_of_eight_views_and_turns_with_the_image(low, way):
    def turn(image, way):
        return np.rot90(image.T if way > 3 else image, way)

    def turn_back(image, way):
        image = np.rot90(image, -way)
        return image.T if way > 3 else image

    torch.manual_seed(0)
    network = small("espcn")
    nn.init.constant_(network.upsampling[0].bias, 0.5)  # or black and white are clipped
    views = [
        turn_back(upscale_luminance(network, turn(low, each).copy()), each) for each in range(8)
    ]
    ensemble = upscale_ensemble(network, low)
    assert np.abs(ensemble - np.mean(views, axis=0)).max() <= 1
    # Summed in another order, a half may be rounded the other way.
    turned = upscale_ensemble(network, turn(low, way).copy()).astype(int)
    assert np.abs(turned - turn(ensemble, way)).max() <= 1


@given(st.integers(1, 5), *[st.integers(1, 4)] * 4)
def test_pixel_shuffle_equals_torchs_and_its_docstring(scale, batch, channels, height, width):
    features = torch.randn(batch, channels * scale**2, height, width).requires_grad_()
    shuffled = pixel_shuffle(features, scale)
    assert torch.equal(shuffled, nn.PixelShuffle(scale)(features))
    for i in range(scale):
        for j in range(scale):
            source = features[:, i * scale + j :: scale**2]
            assert torch.equal(shuffled[:, :, i::scale, j::scale], source)
    weights = torch.randn_like(shuffled)
    (shuffled * weights).sum().backward()
    assert torch.equal(pixel_shuffle(features.grad, scale), weights)
    if scale > 1:
        with pytest.raises(EinopsError, match=r"b \(c r1 r2\) h w"):
            pixel_shuffle(features[:, 1:], scale)


@SCALES
def test_every_upsampling_gives_the_same_size(scale):
    for how in ("pixel_shuffle", "transposed", "resize"):
        upsampled = make_upsampling(how, 3, 2, scale)(torch.rand(2, 3, 5, 4))
        assert upsampled.shape == (2, 2, 5 * scale, 4 * scale)
    with pytest.raises(ValueError, match="unknown upsampling: none"):
        make_upsampling("none", 3, 2, scale)


@SCALES
def test_a_sub_pixel_convolution_equals_a_transposed_one(scale):
    """The terms are the same: pixel i of a cell has, at tap d, the weight at i + scale (2 - d)."""
    subpixel = make_upsampling("pixel_shuffle", 2, 1, scale)
    transposed = make_upsampling("transposed", 2, 1, scale)
    ours, theirs = subpixel[0], transposed[0]
    with torch.no_grad():
        ours.bias.zero_()
        theirs.bias.zero_()
        for i, j, down, right in np.ndindex(scale, scale, 3, 3):
            place = i + scale * (2 - down), j + scale * (2 - right)
            theirs.weight[:, 0, *place] = ours.weight[i * scale + j, :, down, right]
    features = torch.rand(1, 2, 6, 5)
    torch.testing.assert_close(subpixel(features), transposed(features))
