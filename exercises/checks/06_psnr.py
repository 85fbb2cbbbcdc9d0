"""Exercise 6 against `skimage.metrics.peak_signal_noise_ratio`."""

import math
from types import ModuleType

import numpy as np
from checks.hints import NotYet, find, judge, refuse
from skimage.metrics import peak_signal_noise_ratio

DRAW = np.random.default_rng(0).integers
CASES = [
    (DRAW(40, 220, size=(6, 9)).astype(np.uint8), DRAW(30, 230, size=(6, 9)).astype(np.uint8)),
    (DRAW(100, 120, size=(5, 4)).astype(np.uint8), DRAW(100, 120, size=(5, 4)).astype(np.uint8)),
]


def correct(truth: np.ndarray, estimate: np.ndarray) -> float:
    """Compute the PSNR of bytes."""
    return float(peak_signal_noise_ratio(truth, estimate, data_range=255))


def mse(truth: np.ndarray, estimate: np.ndarray) -> float:
    """Compute the mean squared error."""
    return float(np.mean((truth.astype(float) - estimate) ** 2))


MISTAKES = [
    (
        lambda x, y: 10 * math.log10(255**2 / np.mean((x - y) ** 2)),
        "bytes overflow: 3 - 5 is 254 in uint8: convert both images to float first",
    ),
    (
        lambda x, y: 10 * math.log10(255**2 / np.mean((x - y).astype(float) ** 2)),
        "bytes overflow: 3 - 5 is 254 in uint8: convert to float before the difference, not after",
    ),
    (
        lambda x, y: 10 * math.log(255**2 / mse(x, y)),
        "the logarithm is the natural one: PSNR uses the logarithm to base 10",
    ),
    (
        lambda x, y: 10 * math.log10(255**2 / math.sqrt(mse(x, y))),
        "remove the square root: with 10 log10, PSNR uses the mean squared error itself",
    ),
    (
        lambda x, y: 20 * math.log10(255**2 / mse(x, y)),
        "twice as large as it should be: 20 log10 belongs to the root of the mean squared error,"
        " 10 log10 to the mean squared error",
    ),
    (
        lambda x, y: 20 * math.log10(255 / mse(x, y)),
        "20 log10(255 / ...) needs the root of the mean squared error",
    ),
    (
        lambda x, y: 10 * math.log10(255 / mse(x, y)),
        "the peak is not squared: it is 255^2 over the mean squared error",
    ),
    (
        lambda x, y: 10 * math.log10(1 / mse(x, y)),
        "the peak is 1, which is right for images from 0 to 1: bytes go up to 255",
    ),
    (
        lambda x, y: correct(x, y) + 20 * math.log10(255),
        "your images are from 0 to 1, but the peak is 255: do not divide the images",
    ),
    (
        lambda x, y: 10 * math.log10(float(x.max()) ** 2 / mse(x, y)),
        "the peak is the largest value of this image: take the largest possible value, 255",
    ),
    (
        lambda x, y: 10 * math.log10(255**2 / np.abs(x.astype(float) - y).mean()),
        "you take the mean of the absolute differences: square them instead",
    ),
    (
        lambda x, y: 10 * math.log10(255**2 / (mse(x, y) * x.size)),
        "the squared errors are summed: take their mean",
    ),
    (
        lambda x, y: -correct(x, y),
        "the fraction is upside down: a smaller error must give a larger PSNR",
    ),
]


def check(answer: ModuleType) -> None:
    """Compare on two pairs of images, then on equal ones."""
    refuse(answer, "peak_signal_noise_ratio", "quality")
    psnr, (truth, _) = find(answer, "psnr"), CASES[0]
    judge(psnr, correct, CASES, MISTAKES)
    try:
        with np.errstate(divide="ignore"):
            value = psnr(truth, truth.copy())
    except (ZeroDivisionError, ValueError):
        value = "an error"
    if value != math.inf:
        raise NotYet(f"two equal images give {value}: the PSNR should be infinite, `math.inf`")
