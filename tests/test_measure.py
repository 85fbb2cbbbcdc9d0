"""PSNR and SSIM against their formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.metrics import structural_similarity

from convlab.imaging.measure import quality, smallest_side
from convlab.imaging.patches import make_pair
from convlab.imaging.resize import upscale

PLANES = arrays(np.uint8, (13, 12))


def noisy(photo, spread):
    noise = np.random.default_rng(0).normal(0, spread, photo.shape)
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


def test_psnr_of_a_known_error():
    truth = np.full((20, 20), 100, np.uint8)
    assert quality(truth, truth + 5, shave=2).psnr == pytest.approx(20 * math.log10(255 / 5))


def test_unsigned_differences_do_not_wrap_around():
    black, white = np.zeros((20, 20), np.uint8), np.full((20, 20), 255, np.uint8)
    assert quality(black, white, shave=0).psnr == pytest.approx(0)
    assert quality(black, white, shave=0).ssim == pytest.approx(0, abs=1e-3)


@given(PLANES, PLANES)
def test_psnr_is_its_formula(truth, estimate):
    error = np.mean((truth.astype(float) - estimate) ** 2)
    expected = 10 * math.log10(255**2 / error) if error else math.inf
    assert quality(truth, estimate, shave=0).psnr == pytest.approx(expected)


@given(PLANES, PLANES)
def test_truth_and_estimate_may_change_places(truth, estimate):
    assert quality(truth, estimate, shave=0) == pytest.approx(quality(estimate, truth, shave=0))


@pytest.mark.parametrize("spread", [2, 20, 100])
def test_ssim_is_its_formula_and_what_scikit_image_says(spread):
    photo = data.camera()[100:300, 100:260]
    estimate = noisy(photo, spread)
    found = quality(photo, estimate, shave=0).ssim
    assert found == pytest.approx(ssim_by_formula(photo, estimate), abs=1e-9)
    assert found == structural_similarity(
        photo,
        estimate,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
    )


def test_more_noise_is_worse():
    photo = data.camera()[:64, :64]
    qualities = [quality(photo, noisy(photo, spread), shave=2) for spread in (1, 4, 16, 64)]
    assert qualities == sorted(qualities, reverse=True)
    assert [q.ssim for q in qualities] == sorted((q.ssim for q in qualities), reverse=True)


@pytest.mark.parametrize("shave", [0, 1, 4])
def test_what_is_shaved_does_not_count(shave):
    photo = data.camera()[:40, :32]
    estimate = noisy(photo, 5)
    outside = np.ones(photo.shape, bool)
    outside[shave : 40 - shave, shave : 32 - shave] = False
    spoiled = np.where(outside, 255 - estimate, estimate)
    assert quality(photo, spoiled, shave=shave) == quality(photo, estimate, shave=shave)
    closer = quality(photo, spoiled, shave=shave + 1)
    assert closer == quality(photo, estimate, shave=shave + 1)
    if shave:
        assert quality(photo, spoiled, shave=shave - 1).psnr < closer.psnr


@pytest.mark.parametrize("shave", [0, 3])
def test_equal_images_are_infinitely_near(shave):
    photo = data.camera()[:32, :32]
    assert quality(photo, photo.copy(), shave=shave) == (math.inf, 1.0)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_what_is_measured_has_a_least_size(scale):
    def measure(side):
        low, high = make_pair(data.astronaut()[:side, 90:300], scale)
        return quality(high, upscale(low, scale, "bicubic"), shave=scale)

    assert 0 < measure(smallest_side(scale)).ssim < 1
    with pytest.raises(ValueError, match="win_size"):
        measure(smallest_side(scale) - 1)
