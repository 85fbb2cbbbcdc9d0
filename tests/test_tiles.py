"""A picture that is upscaled tile by tile equals the one that is upscaled whole."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convlab.core.weights import find_network
from convlab.imaging.colour import luminance
from convlab.superres import tiling
from convlab.superres.dependence import measure_dependence
from convlab.superres.networks import subpixel
from convlab.superres.tiling import plan_tiles, tiles, upscale_tiled
from convlab.superres.upscaling import NETWORKS, upscale_luminance

pytestmark = pytest.mark.numeric

SIDES = st.integers(1, 40)


def randomize(network):
    """Change the weights so that all of them count, and the output is grey, not black."""
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(0.02 * torch.randn_like(weights))
        middle = network(torch.full((1, 1, 16, 16), 0.5)).mean()
        if middle < 0.2:
            weights.add_(0.5 - middle)  # the bias of the last layer
    return network.eval()


@pytest.fixture(autouse=True, scope="module")
def small_tiles():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiling, "TILE_SIDE", 16)
        yield


@pytest.fixture(scope="module")
def small_networks():
    torch.manual_seed(0)
    settings = {"channels": 6, "layers": 2}
    networks = [
        subpixel.Network(scale, subpixel.Settings(upsampling=upsampling, **settings))
        for scale, upsampling in ((2, "pixel_shuffle"), (3, "transposed"), (4, "resize"))
    ]
    return [randomize(network) for network in networks]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 20), st.integers(0, 5))
def test_tiles_cover_each_pixel_once(height, width, side, margin):
    covered = np.zeros((height, width), int)
    for padded, tile in tiles(height, width, side=side, margin=margin):
        covered[tile] += 1
        for outer, inner in zip(padded, tile, strict=True):
            assert outer.start <= inner.start < inner.stop <= outer.stop
            assert outer.stop - outer.start <= side + 2 * margin
    assert (covered == 1).all()


@given(SIDES, SIDES, st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_of_any_size_a_tiled_plane_equals_the_whole(small_networks, height, width, index, seed):
    plane = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    network = small_networks[index]
    *_, tiled = upscale_tiled(network, plane, network.scale, plan_tiles(network, height, width))
    whole = upscale_luminance(network, plane)
    assert abs(tiled.astype(int) - whole).max() <= 1  # rounding may differ


@pytest.mark.parametrize(
    "name", ["srcnn", "fsrcnn", "espcn", "vdsr", "edsr", "subpixel", "equivariant"]
)
def test_a_network_depends_on_what_was_measured_and_on_nothing_beyond(name):
    module = find_network(NETWORKS, name)
    network = randomize(module.Network(2, module.Settings()))
    reach, period = measure_dependence(network)
    assert period == 1
    row = torch.full((1, 1, 1, 2 * reach + 9), 0.5, dtype=torch.float64, requires_grad=True)
    middle = reach + 4
    output = network.double()(row)[..., 2 * middle : 2 * middle + 2]
    (gradient,) = torch.autograd.grad(output.sum(), row)
    distances = (gradient[0, 0, 0].nonzero() - middle).abs()
    assert reach - 1 <= distances.max() <= reach  # a kernel of even width has no middle


@given(SIDES, SIDES, st.integers(2, 4))
def test_without_a_network_colour_is_interpolated_tile_by_tile(height, width, scale):
    rgb = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    planned = plan_tiles(None, height, width)
    *_, tiled = parts = list(upscale_tiled(None, rgb, scale, planned))
    assert len(parts) == len(planned) == -(-height // 16) * -(-width // 16)
    whole = tiling._upscale_part(None, rgb, scale)
    np.testing.assert_array_equal(tiled, whole)


def test_luminance_is_the_networks(small_networks):
    rgb = np.random.default_rng(0).integers(100, 156, (70, 45, 3), np.uint8)
    *_, tiled = upscale_tiled(small_networks[0], rgb, 2, plan_tiles(small_networks[0], 70, 45))
    assert tiled.shape == (140, 90, 3)
    expected = upscale_luminance(small_networks[0], luminance(rgb)).astype(int)
    inside = (tiled.min(axis=-1) > 0) & (tiled.max(axis=-1) < 255)  # not clipped
    assert inside.mean() > 0.5
    assert abs(luminance(tiled)[inside] - expected[inside]).max() <= 1
