"""A picture that is upscaled tile by tile equals the one that is upscaled whole."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2ycbcr

from convlab.core.weights import find_network
from convlab.imaging.colour import to_bytes
from convlab.imaging.resize import upscale
from convlab.superres import tiling
from convlab.superres.dependence import measure_dependence
from convlab.superres.flat import flat_errors
from convlab.superres.networks import subpixel
from convlab.superres.tiling import plan_tiles, tiles, upscale_tiled
from convlab.superres.upscaling import NETWORKS

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
def test_a_tiled_plane_of_any_size_equals_the_whole(small_networks, height, width, index, seed):
    shape = (height, width), (height, width, 3), (height, width, 4)
    pixels = np.random.default_rng(seed).integers(0, 256, shape[seed % 3], np.uint8)
    network = small_networks[index]
    *_, tiled = upscale_tiled(network, pixels, network.scale, plan_tiles(network, height, width))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiling, "TILE_SIDE", 64)
        planned = plan_tiles(network, height, width)
    (whole,) = upscale_tiled(network, pixels, network.scale, planned)
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
    beyond = np.pad(rgb, ((3, 3), (3, 3), (0, 0)), mode="symmetric")
    inside = slice(3 * scale, -3 * scale)
    for channel in range(3):
        whole = upscale(beyond[..., channel], scale, "bicubic")[inside, inside]
        assert abs(tiled[..., channel].astype(int) - whole).max() <= 1  # where it ends with .5


def test_luminance_is_the_networks_less_its_error_on_a_single_colour(small_networks):
    network = small_networks[0]
    rgb = np.random.default_rng(0).integers(100, 156, (70, 45, 3), np.uint8)
    *_, tiled = upscale_tiled(network, rgb, 2, plan_tiles(network, 70, 45))
    low = torch.from_numpy(rgb2ycbcr(rgb)[..., 0] / 255)[None, None].float()
    with torch.inference_mode():
        expected = 255 * (network(low) - flat_errors(network, low))[0, 0].numpy()
    inside = (tiled.min(axis=-1) > 0) & (tiled.max(axis=-1) < 255)  # not clipped
    inside[:20] = inside[-20:] = inside[:, :20] = inside[:, -20:] = False
    assert inside.mean() > 0.2
    assert abs(rgb2ycbcr(tiled)[..., 0] - expected)[inside].max() < 0.5


COLOURS = np.array(np.meshgrid(*[range(0, 256, 51)] * 3)).reshape(3, -1).T
"""216 colours."""


def upscaled(network, pixels, dtype=np.uint8):
    planned = plan_tiles(network, *pixels.shape[:2])
    *_, result = upscale_tiled(network, pixels, network.scale, planned, dtype=dtype)
    return result


@pytest.mark.parametrize("index", range(3))
def test_a_single_colour_stays_as_it_is_up_to_the_borders(small_networks, index):
    """Whatever the network would make of it."""
    network = small_networks[index]
    low = torch.full((1, 1, 9, 9), 0.3)
    assert abs(network(low) - 0.3).max() > 2 / 255
    for dtype in (np.uint8, np.uint16):
        most = np.iinfo(dtype).max
        for colour in COLOURS[::5] * (most // 255):
            result = upscaled(network, np.full((3, 4, 3), colour, dtype), dtype).astype(int)
            assert abs(result - colour).max() <= (0 if dtype == np.uint8 else 64)
            alike = np.full((3, 4), colour[0], dtype)
            result = upscaled(network, alike, dtype).astype(int)
            assert abs(result - colour[0]).max() <= (0 if dtype == np.uint8 else 64)


def test_no_level_is_lost_and_grey_is_grey_in_every_form(small_networks):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (2, 1))
    plain = subpixel.Network(2, subpixel.Settings(channels=4, layers=1)).eval()
    assert len(np.unique(upscaled(plain, ramp))) == 256
    for network in (plain, *small_networks):
        grey = upscaled(network, ramp)
        opaque = np.full_like(ramp, 255)
        for form in ([ramp] * 3, [ramp, opaque], [ramp, ramp, ramp, opaque]):
            result = upscaled(network, np.dstack(form))
            for channel in range(1 if len(form) == 2 else 3):
                np.testing.assert_array_equal(result[..., channel], grey)


def disc(colour, soft, hidden=0):
    """A disc with a soft edge, and another colour where it is least visible."""
    down, right = np.mgrid[-24:24, -24:24]
    inside = np.clip((16 - np.hypot(down + 0.3, right - 0.2)) / soft, -0.5, 0.5)
    alpha = (127.5 + 127.5 * np.sin(np.pi * inside)).round()
    pixels = np.dstack([np.full((48, 48, 3), colour), alpha]).astype(np.uint8)
    pixels[alpha <= 1, :3] = hidden
    return pixels


def on_ground(pixels, level):
    return level + pixels[..., 3:] / 255 * (pixels[..., :3].astype(float) - level)


@pytest.mark.parametrize("colour", [(255, 255, 255), (128, 128, 128), (255, 0, 0), (30, 60, 200)])
def test_a_soft_edge_on_any_background_is_as_if_it_was_upscaled_on_it(colour):
    plain = subpixel.Network(2, subpixel.Settings(channels=4, layers=1)).eval()
    pixels = disc(colour, soft=10)
    result = upscaled(plain, pixels)
    for level in range(0, 256, 15):
        seen = to_bytes(on_ground(pixels, level))
        assert abs(on_ground(result, level) - upscaled(plain, seen)).max() <= 2
    visible = result[result[..., 3] > 8][:, :3]
    assert abs(visible.astype(int) - colour).max() <= 2


def test_a_shadow_on_any_background_is_as_if_it_was_upscaled_on_it():
    """At the edge between two colours, one of which is half transparent."""
    plain = subpixel.Network(2, subpixel.Settings(channels=4, layers=1)).eval()
    down, right = np.mgrid[-24:24, -24:24]
    pixels = disc((255, 0, 0), soft=3)
    inside = pixels[..., 3] / 255
    shadow = 0.6 * np.exp(-(np.clip(np.hypot(down - 5, right - 5) - 12, 0, None) ** 2) / 30)
    opacity = inside + (1 - inside) * shadow
    pixels[..., 0] = (255 * inside / np.maximum(opacity, 1e-9)).round()
    pixels[..., 3] = (255 * opacity).round()
    result = upscaled(plain, pixels)
    for level in range(0, 256, 15):
        seen = to_bytes(on_ground(pixels, level))
        difference = abs(on_ground(result, level) - upscaled(plain, seen))
        assert difference.max() <= 9
        assert difference.mean() <= 0.4


def test_a_disc_is_invisible_on_a_background_of_its_colour(small_networks):
    for network in small_networks[:1]:
        for colour in (255, 0):
            result = upscaled(network, disc(colour, soft=3, hidden=255 - colour))
            assert abs(on_ground(result, colour) - colour).max() <= 2
