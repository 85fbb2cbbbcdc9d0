"""A picture that is enlarged tile by tile is the one that is enlarged at once."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convlab.imaging.colour import luminance
from convlab.nets import tiles as tiles_module
from convlab.nets.edsr import Edsr
from convlab.nets.espcn import Espcn
from convlab.nets.fsrcnn import Fsrcnn
from convlab.nets.srcnn import Srcnn
from convlab.nets.subpixel import SubPixel
from convlab.nets.superres import upscale_luminance
from convlab.nets.tiles import count_tiles, enlarge_tiled, tiles
from convlab.nets.vdsr import Vdsr

RGB = np.random.default_rng(0).integers(100, 156, (70, 45, 3), np.uint8)
NETWORKS = {
    "srcnn": lambda: Srcnn(2),
    "fsrcnn": lambda: Fsrcnn(2, upsampling="transposed"),
    "espcn": lambda: Espcn(3, upsampling="resize"),
    "vdsr": lambda: Vdsr(2),
    "edsr": lambda: Edsr(4, channels=8, blocks=2, upsampling="pixel_shuffle"),
    "subpixel": lambda: SubPixel(2, channels=8, layers=3, upsampling="pixel_shuffle"),
    "transposed": lambda: SubPixel(3, channels=8, layers=3, upsampling="transposed"),
}


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiles_module, "TILE", 16)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 20), st.integers(0, 5))
def test_tiles_cover_each_pixel_once(height, width, side, around):
    covered = np.zeros((height, width), int)
    for whole, inner in tiles(height, width, side=side, around=around):
        covered[inner] += 1
        for large, small in zip(whole, inner, strict=True):
            assert large.start <= small.start < small.stop <= large.stop
            assert large.stop - large.start <= side + 2 * around
    assert (covered == 1).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_tiled_picture_is_the_whole_one(name):
    network = NETWORKS[name]()
    with torch.no_grad():
        for weights in network.parameters():  # so that all of them count
            weights.add_(0.02 * torch.randn_like(weights))
        if name in {"fsrcnn", "espcn"}:  # which add nothing to bicubic: black so far
            weights.add_(0.5)
    grey = luminance(RGB)
    *_, tiled = enlarge_tiled(network, grey, network.scale)
    whole = upscale_luminance(network, grey)
    assert whole.std() > 1
    assert abs(tiled.astype(int) - whole).max() <= 1


def test_colour_is_interpolated_and_luminance_is_the_networks():
    network = NETWORKS["subpixel"]()  # begins as bicubic interpolation
    *_, tiled = enlarge_tiled(network, RGB, 2)
    assert tiled.shape == (140, 90, 3)
    expected = upscale_luminance(network, luminance(RGB)).astype(int)
    inside = (tiled.min(axis=-1) > 0) & (tiled.max(axis=-1) < 255)  # not clipped
    assert inside.mean() > 0.9
    assert abs(luminance(tiled)[inside] - expected[inside]).max() <= 1


def test_without_a_network_it_is_interpolation():
    *_, grey = enlarge_tiled(None, RGB[..., 0], 2)
    assert grey.shape == (140, 90)


def test_there_are_as_many_tiles_as_are_counted():
    assert count_tiles(70, 45) == len(list(enlarge_tiled(None, RGB, 2))) == 15
