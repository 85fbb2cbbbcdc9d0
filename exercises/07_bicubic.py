"""Exercise 7: bicubic interpolation in one dimension."""

import numpy as np


def keys(distance: float) -> float:
    """Compute Keys' kernel with a = -0.5.

    Parameters
    ----------
    distance : float
        From the centre of the kernel, in pixels of the input; may be negative.

    Returns
    -------
    float
        0 from a distance of 2 on.
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
