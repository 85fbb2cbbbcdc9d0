"""The metrics: PSNR and SSIM on 8-bit luminance, as super-resolution papers measure them."""

from typing import NamedTuple

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

SSIM_WINDOW = 11
"""Pixels on a side of SSIM's Gaussian window."""
PSNR_OF_EQUAL_IMAGES = 100.0
"""In dB. Replaces an infinite PSNR in a mean, such as that of an image of a single colour."""


class Quality(NamedTuple):
    """How close an image is to the ground truth."""

    psnr: float
    """Peak signal-to-noise ratio in dB, infinite for equal images."""
    ssim: float
    """Structural similarity, -1 to 1 (equal)."""


def smallest_side(scale: int) -> int:
    """Give the least height and width of a photograph that can be measured.

    After it is cropped to a multiple of the scale, and its border of `scale`
    pixels is cropped, at least one window of SSIM must fit into it.

    Returns
    -------
    int
        Pixels.
    """
    return -(-(SSIM_WINDOW + 2 * scale) // scale) * scale


def quality(truth: np.ndarray, estimate: np.ndarray, *, crop_border: int) -> Quality:
    """Measure an upscaled luminance image against the ground truth.

    Parameters
    ----------
    truth, estimate : ndarray of uint8, shape (height, width)
    crop_border : int
        Pixels that are ignored on each side. By convention this is the scale,
        because methods differ in what they assume beyond the border.

    Returns
    -------
    Quality

    References
    ----------
    PSNR = 10 log10(255^2 / mean squared error). Z. Wang et al., "Image
    quality assessment: from error visibility to structural similarity", IEEE
    TIP 13(4), 2004: 11 x 11 Gaussian window, sigma 1.5.
    """
    inside = _inside(crop_border)
    return Quality(
        psnr(truth, estimate, crop_border=crop_border),
        float(
            structural_similarity(
                truth[inside],
                estimate[inside],
                data_range=255,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            )
        ),
    )


def psnr(truth: np.ndarray, estimate: np.ndarray, *, crop_border: int) -> float:
    """Measure only the peak signal-to-noise ratio, which takes a fraction of SSIM's time.

    Parameters
    ----------
    truth, estimate : ndarray of uint8, shape (height, width)
    crop_border : int
        Pixels that are ignored on each side.

    Returns
    -------
    float
        In dB, infinite for equal images.
    """
    inside = _inside(crop_border)
    if np.array_equal(truth[inside], estimate[inside]):
        return float("inf")
    return float(peak_signal_noise_ratio(truth[inside], estimate[inside], data_range=255))


def mean_psnr(truths: list[np.ndarray], estimates: list[np.ndarray], *, crop_border: int) -> float:
    """Give the mean PSNR over images; equal images count as `PSNR_OF_EQUAL_IMAGES`.

    Parameters
    ----------
    truths, estimates : list of ndarray of uint8, shape (height, width)
        Each ground truth, and its estimate of the same size.
    crop_border : int
        Pixels that are ignored on each side.

    Returns
    -------
    float
        In dB, finite.
    """
    psnrs = [
        psnr(truth, estimate, crop_border=crop_border)
        for truth, estimate in zip(truths, estimates, strict=True)
    ]
    return float(np.mean(np.minimum(psnrs, PSNR_OF_EQUAL_IMAGES)))


def _inside(crop_border: int) -> tuple[slice, slice]:
    """Give the index of the pixels that are measured."""
    side = slice(crop_border, -crop_border) if crop_border else slice(None)
    return side, side
