"""PSNR and SSIM against their formulas, all methods side by side, and what is shown of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from skimage import data
from torch import nn

from convlab.core.errors import InputError
from convlab.core.weights import find_network
from convlab.imaging.colour import chrominance, luminance
from convlab.imaging.resize import INTERPOLATIONS, upscale
from convlab.superres.comparison import (
    WINDOW_STEP,
    add_chrominance,
    choose_by_rank,
    compare_part,
    compare_photo,
    hardest_window,
)
from convlab.superres.evaluation import mean_qualities, measure, upscale_by_all_methods
from convlab.superres.metrics import (
    PSNR_OF_EQUAL_IMAGES,
    Quality,
    mean_psnr,
    quality,
    smallest_side,
)
from convlab.superres.patches import check_size, make_pair
from convlab.superres.upscaling import NETWORKS, upscale_ensemble, upscale_luminance

pytestmark = pytest.mark.numeric
PLANES = arrays(np.uint8, (13, 12))
PHOTO = data.astronaut()[50:171, 150:273]  # neither 2, 3 nor 4 divides its sides


def noisy(photo, deviation):
    noise = np.random.default_rng(0).normal(0, deviation, photo.shape)
    return np.clip(photo + noise, 0, 255).round().astype(np.uint8)


def ssim_by_formula(x, y):
    """Z. Wang et al., 2004, equation 13, over the windows that lie inside."""

    def mean(image):
        return gaussian_filter(image, sigma=1.5, radius=5)[5:-5, 5:-5]

    x, y = x.astype(float), y.astype(float)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_y = mean(x), mean(y)
    variances = mean(x * x) - mean_x**2 + mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    alike = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return np.mean(alike / ((mean_x**2 + mean_y**2 + c1) * (variances + c2)))


@given(PLANES, PLANES)
def test_psnr_is_its_formula_and_symmetric(truth, estimate):
    error = np.mean((truth.astype(float) - estimate) ** 2)
    expected = 10 * math.log10(255**2 / error) if error else math.inf
    found = quality(truth, estimate, crop_border=0)
    assert found.psnr == pytest.approx(expected)
    assert found == pytest.approx(quality(estimate, truth, crop_border=0))


@pytest.mark.parametrize("deviation", [2, 20, 100])
def test_ssim_is_its_formula(deviation):
    photo = data.camera()[100:300, 100:260]
    estimate = noisy(photo, deviation)
    found = quality(photo, estimate, crop_border=0).ssim
    assert found == pytest.approx(ssim_by_formula(photo, estimate), abs=1e-9)


@pytest.mark.parametrize("crop_border", [0, 1, 4])
def test_a_cropped_border_does_not_count(crop_border):
    photo = data.camera()[:40, :32]
    estimate = noisy(photo, 5)
    outside = np.ones(photo.shape, bool)
    outside[crop_border : 40 - crop_border, crop_border : 32 - crop_border] = False
    spoiled = np.where(outside, 255 - estimate, estimate)
    expected = quality(photo, estimate, crop_border=crop_border)
    assert quality(photo, spoiled, crop_border=crop_border) == expected
    if crop_border:
        assert quality(photo, spoiled, crop_border=crop_border - 1).psnr < expected.psnr


def test_a_mean_psnr_is_over_images_and_finite():
    photo, other = data.camera()[:40, :32], data.camera()[100:140, 100:132]
    estimates = [noisy(photo, 5), other]
    assert quality(other, other.copy(), crop_border=2) == (math.inf, 1.0)
    first = quality(photo, estimates[0], crop_border=2).psnr
    expected = (first + PSNR_OF_EQUAL_IMAGES) / 2
    assert mean_psnr([photo, other], estimates, crop_border=2) == pytest.approx(expected)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_smallest_side_is_the_smallest_that_can_be_measured(scale):
    side = smallest_side(scale)
    for size, error in ((side, None), (side - 1, ValueError)):
        rgb = data.astronaut()[:size, 90:300]
        low, high = make_pair(rgb, scale)
        upscaled = upscale(low, scale, "bicubic")
        if error:
            with pytest.raises(error, match="win_size"):
                quality(high, upscaled, crop_border=scale)
            with pytest.raises(InputError, match=rf"^a.png: is 210 x {size} pixels: too small"):
                check_size("a.png", rgb, scale)
        else:
            assert 0 < quality(high, upscaled, crop_border=scale).ssim < 1
            check_size("a.png", rgb, scale)


@pytest.fixture(params=[2, 3, 4])
def network(request):
    """Untrained, and a little too bright, so that it differs from bicubic interpolation."""
    module = find_network(NETWORKS, "subpixel")
    settings = module.Settings(channels=2, layers=1)
    network = module.Network(scale=request.param, settings=settings)
    nn.init.constant_(network.tail[0].bias, 0.02)
    return network


def test_every_method_upscales_and_is_measured_with_the_scale_cropped(network):
    scale = network.scale
    low, high = make_pair(PHOTO, scale)
    upscaled = upscale_by_all_methods(network, low, self_ensemble=True)
    for method in INTERPOLATIONS:
        np.testing.assert_array_equal(upscaled[method], upscale(low, scale, method))
    np.testing.assert_array_equal(upscaled["network"], upscale_luminance(network, low))
    np.testing.assert_array_equal(upscaled["network_ensemble"], upscale_ensemble(network, low))
    assert list(upscale_by_all_methods(network, low)) == [*INTERPOLATIONS, "network"]
    assert measure("a", upscaled, high, scale) == {
        method: quality(high, image, crop_border=scale) for method, image in upscaled.items()
    }


def test_on_a_photograph_the_methods_rank_as_they_are_known_to(network):
    low, high = make_pair(data.astronaut(), 2)
    upscaled = {method: upscale(low, 2, method) for method in INTERPOLATIONS}
    measured = measure("astronaut", upscaled, high, 2)
    ranked = sorted(INTERPOLATIONS, key=lambda method: measured[method].psnr)
    assert ranked == ["nearest", "bilinear", "bicubic", "lanczos"]


def test_an_image_that_is_reproduced_exactly_is_named():
    flat = np.full((24, 24), 128, np.uint8)
    low, high = make_pair(flat, 2)
    with pytest.raises(InputError, match=r"^sky: is upscaled without any error, so its PSNR"):
        measure("sky", {"bicubic": upscale(low, 2, "bicubic")}, high, 2)


def test_means_are_over_images_and_the_gain_is_over_bicubic():
    table = {
        "a": {"bicubic": Quality(30.0, 0.8), "network": Quality(31.0, 0.9)},
        "b": {"bicubic": Quality(32.00004, 0.9000004), "network": Quality(34.0, 0.95)},
    }
    means = mean_qualities(table)
    assert means == {
        "bicubic": {"psnr": 31.0, "ssim": 0.85},
        "network": {"psnr": 32.5, "ssim": 0.925},
        "gain": {"psnr": 1.5, "ssim": 0.075},
    }
    assert all(type(value) is float for row in means.values() for value in row.values())


def test_a_comparison_shows_the_same_part_three_times(network):
    low, high = make_pair(PHOTO, network.scale)
    output = upscale_luminance(network, low)
    photo = compare_photo(PHOTO, output, network.scale)
    assert photo.scale == network.scale
    shown = compare_part("astronaut", photo, 32)
    assert shown.truth.shape == shown.bicubic.shape == shown.network.shape == (32, 32, 3)
    windows = np.lib.stride_tricks.sliding_window_view(PHOTO, (32, 32, 3))[:, :, 0]
    assert (windows == shown.truth).all(axis=(2, 3, 4)).any()
    # The same place: more like the ground truth than like it upside down.
    for upscaled in (shown.bicubic, shown.network):
        error = np.abs(upscaled.astype(int) - shown.truth).mean()
        assert error < np.abs(upscaled[::-1].astype(int) - shown.truth).mean() / 2
    assert shown.network.mean() > shown.bicubic.mean()  # the network is too bright
    assert shown.network_psnr == quality(high, output, crop_border=network.scale).psnr
    assert compare_part("astronaut", photo, 320).truth.shape[0] == min(high.shape)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=120), st.integers(1, 120))
def test_the_best_and_the_worst_are_shown_and_none_twice(gains, count):
    chosen = choose_by_rank(np.array(gains), count)
    assert len(set(chosen)) == len(chosen) == min(count, len(gains))
    shown = [gains[index] for index in chosen]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == max(gains)
    assert count == 1 or shown[-1] == min(gains)


@given(st.integers(0, 63), st.integers(0, 79), st.integers(2 * WINDOW_STEP, 90))
def test_the_hardest_window_lies_inside_and_holds_a_single_wrong_pixel(row, column, size):
    truth = np.full((64, 80), 200, np.uint8)
    estimate = truth.copy()
    estimate[row, column] = 0
    rows, columns = hardest_window(truth, estimate, size)
    assert rows.stop - rows.start == columns.stop - columns.start == min(size, 64)
    assert 0 <= rows.start <= rows.stop <= 64
    assert 0 <= columns.start <= columns.stop <= 80
    if row < 64 - WINDOW_STEP and column < 80 - WINDOW_STEP:  # the last pixels may be left out
        assert rows.start <= row < rows.stop
        assert columns.start <= column < columns.stop


def test_added_chrominance_changes_the_colour_and_keeps_the_luminance():
    rgb = data.astronaut()[:120, 150:270]
    coloured = add_chrominance(luminance(rgb), rgb, 2)
    assert np.abs(luminance(coloured).astype(int) - luminance(rgb)).mean() < 1
    assert np.abs(chrominance(coloured) - chrominance(rgb)).mean() < 2
