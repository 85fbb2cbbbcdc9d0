"""Exercise 6: the peak signal-to-noise ratio."""

import math

import numpy as np


def psnr(truth: np.ndarray, estimate: np.ndarray) -> float:
    """Compute the peak signal-to-noise ratio of an image whose values are 0 to 255.

    Parameters
    ----------
    truth, estimate : ndarray of uint8, shape (height, width)

    Returns
    -------
    float
        In dB; `math.inf` for equal images.
    """
    mse = np.mean((truth.astype(float) - estimate.astype(float)) ** 2)
    return 10 * math.log10(255**2 / mse) if mse else math.inf
