"""The measure: PSNR and SSIM on 8-bit luminance, as super-resolution papers do."""

from typing import NamedTuple

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

_WINDOW = 11  # pixels on a side, SSIM's


class Quality(NamedTuple):
    """How near an image is to the truth."""

    psnr: float
    """Peak signal-to-noise ratio in dB, infinite for equal images."""
    ssim: float
    """Structural similarity, -1 to 1 (equal)."""


def smallest_side(scale: int) -> int:
    """Least height and width of a photograph that can be measured, in pixels.

    Cropped to a multiple of the scale, and with `scale` pixels shaved from
    each side, it must hold a window of SSIM.
    """
    return -(-(_WINDOW + 2 * scale) // scale) * scale


def quality(truth: np.ndarray, estimate: np.ndarray, *, shave: int) -> Quality:
    """Measure an upscaled luminance image against the truth.

    Parameters
    ----------
    truth, estimate : ndarray of uint8, shape (height, width)
    shave : int
        Pixels left out on each side: the scale, by convention, because
        methods differ in what they assume beyond the border.

    Returns
    -------
    Quality

    References
    ----------
    PSNR = 10 log10(255^2 / mean squared error). Z. Wang et al., "Image
    quality assessment: from error visibility to structural similarity", IEEE
    TIP 13(4), 2004: 11 x 11 Gaussian window, sigma 1.5.
    """
    inside = np.s_[shave:-shave, shave:-shave] if shave else np.s_[:, :]
    truth, estimate = truth[inside], estimate[inside]
    if np.array_equal(truth, estimate):
        return Quality(float("inf"), 1.0)
    return Quality(
        float(peak_signal_noise_ratio(truth, estimate, data_range=255)),
        float(
            structural_similarity(
                truth,
                estimate,
                data_range=255,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            )
        ),
    )
