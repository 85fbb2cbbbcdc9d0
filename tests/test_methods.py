"""All ways to enlarge, measured side by side."""

import math

import numpy as np
import pytest
from skimage import data
from torch import nn

from convlab.errors import InputError
from convlab.imaging.measure import Quality, quality
from convlab.imaging.patches import make_pair
from convlab.imaging.resize import INTERPOLATIONS, upscale
from convlab.nets.methods import compare, enlarge, measure, summarise
from convlab.nets.subpixel import SubPixel
from convlab.nets.superres import upscale_ensemble, upscale_luminance

SIZE = {"channels": 2, "layers": 1, "upsampling": "pixel_shuffle"}
METHODS = (*INTERPOLATIONS, "network")
PHOTO = data.astronaut()[50:171, 150:273]  # neither 2, 3 nor 4 divides its sides


@pytest.fixture(params=[2, 3, 4])
def network(request):
    """Untrained, and a little too bright, so that it is not bicubic."""
    network = SubPixel(request.param, **SIZE)
    nn.init.constant_(network.tail[0].bias, 0.02)
    return network


def test_every_method_enlarges(network):
    low = make_pair(PHOTO, network.scale).low
    enlarged = enlarge(network, low)
    assert tuple(enlarged) == METHODS == ("nearest", "bilinear", "bicubic", "lanczos", "network")
    for method in INTERPOLATIONS:
        np.testing.assert_array_equal(enlarged[method], upscale(low, network.scale, method))
    np.testing.assert_array_equal(enlarged["network"], upscale_luminance(network, low))


def test_the_self_ensemble_comes_beside_the_network(network):
    low = make_pair(PHOTO, network.scale).low
    enlarged = enlarge(network, low, self_ensemble=True)
    assert tuple(enlarged) == (*METHODS, "network_ensemble")
    np.testing.assert_array_equal(enlarged["network_ensemble"], upscale_ensemble(network, low))


def test_every_method_is_measured_with_the_scale_shaved(network):
    pair = make_pair(PHOTO, network.scale)
    enlarged = enlarge(network, pair.low)
    assert measure(enlarge(network, pair.low), pair.high, network.scale) == {
        method: quality(pair.high, enlarged[method], shave=network.scale) for method in METHODS
    }


def test_on_a_photograph_the_methods_rank_as_they_are_known_to():
    low, high = make_pair(data.astronaut(), 2)
    measured = measure(enlarge(SubPixel(2, **SIZE), low), high, 2)
    ranked = sorted(INTERPOLATIONS, key=lambda method: measured[method].psnr)
    assert ranked == ["nearest", "bilinear", "bicubic", "lanczos"]
    assert measured["network"] == pytest.approx(measured["bicubic"], abs=1e-3)


def test_a_comparison_shows_one_part_thrice(network):
    scale = network.scale
    shown = compare(network, "astronaut", PHOTO, 32)
    assert shown.name == "astronaut"
    assert shown.truth.shape == shown.bicubic.shape == shown.network.shape == (32, 32, 3)
    assert shown.truth.dtype == shown.bicubic.dtype == shown.network.dtype == np.uint8
    windows = np.lib.stride_tricks.sliding_window_view(PHOTO, (32, 32, 3))[:, :, 0]
    assert (windows == shown.truth).all(axis=(2, 3, 4)).any()
    # The same place: more like the truth than like it turned around.
    for upscaled in (shown.bicubic, shown.network):
        error = np.abs(upscaled.astype(int) - shown.truth).mean()
        assert error < np.abs(upscaled[::-1].astype(int) - shown.truth).mean() / 2
    assert shown.network.mean() > shown.bicubic.mean()  # the network is too bright
    low, high = make_pair(PHOTO, scale)
    measured = measure(enlarge(network, low), high, scale)
    assert (shown.bicubic_psnr, shown.network_psnr) == (
        measured["bicubic"].psnr,
        measured["network"].psnr,
    )


def test_a_crop_larger_than_the_photograph_is_all_of_it_that_fits():
    shown = compare(SubPixel(2, **SIZE), "astronaut", PHOTO, 320)
    assert shown.truth.shape == (120, 120, 3)


def test_the_summary_is_the_mean_over_images():
    bicubic, ours = Quality(30.0, 0.8), Quality(31.0, 0.9)
    others = dict.fromkeys(("nearest", "bilinear", "lanczos"), Quality(20.0, 0.5))
    table = {
        "a": others | {"bicubic": bicubic, "network": ours},
        "b": others | {"bicubic": Quality(32.00004, 0.9000004), "network": Quality(34.0, 0.95)},
    }
    assert summarise(table) == {
        "nearest": {"psnr": 20.0, "ssim": 0.5},
        "bilinear": {"psnr": 20.0, "ssim": 0.5},
        "bicubic": {"psnr": 31.0, "ssim": 0.85},
        "lanczos": {"psnr": 20.0, "ssim": 0.5},
        "network": {"psnr": 32.5, "ssim": 0.925},
        "gain": {"psnr": 1.5, "ssim": 0.075},
    }
    assert all(type(value) is float for row in summarise(table).values() for value in row.values())
    assert not any(math.isnan(value) for value in summarise(table)["gain"].values())


def test_an_image_in_which_no_error_is_left_is_named():
    flat = np.full((24, 24, 3), 128, np.uint8)
    network = SubPixel(2, **SIZE)  # untrained: bicubic interpolation
    table = {}
    for name, image in (("photo", PHOTO), ("sky", flat)):
        low, high = make_pair(image, 2)
        table[name] = measure(enlarge(network, low), high, 2)
    with pytest.raises(InputError, match=r"^sky: enlarging leaves no error in it"):
        summarise(table)
