"""Exercise 7: bicubic interpolation in one dimension."""

import numpy as np


def keys(distance: float) -> float:
    """Compute Keys' kernel with a = -0.5.

    Parameters
    ----------
    distance : float
        Distance from the centre of the kernel, in pixels of the input; it may be negative.

    Returns
    -------
    float
        0 for distances of 2 and more.
    """
    raise NotImplementedError


def upscale(signal: np.ndarray, scale: int) -> np.ndarray:
    """Upscale a row of pixels by bicubic interpolation.

    Parameters
    ----------
    signal : ndarray of float64, shape (n,)
    scale : int

    Returns
    -------
    ndarray of float64, shape (scale * n,)
        Not clipped.
    """
    raise NotImplementedError
