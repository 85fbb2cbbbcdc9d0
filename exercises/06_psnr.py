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
    raise NotImplementedError
