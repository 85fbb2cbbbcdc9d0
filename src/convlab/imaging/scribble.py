"""Turning anybody's drawing or photograph of a digit into what MNIST would have made of it."""

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from convlab.imaging.colour import to_bytes
from convlab.imaging.resize import resize

SIDE, INK = 28, 20
"""Pixels on a side of the digit's picture, and of the square that its ink fills."""


def to_digit(grey: np.ndarray) -> np.ndarray:
    """Find the ink, make it bright on black, scale and centre it.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)
        One digit, dark on light or light on dark.

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        The ink in a square of 20 x 20 with its shape kept, its centre of mass
        in the middle.

    Raises
    ------
    ValueError
        If all is of one grey, so that there is no ink.

    References
    ----------
    Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
    digits". N. Otsu, "A threshold selection method from gray-level
    histograms", IEEE TSMC 9(1), 1979: what is ink and what is paper.
    """
    values = grey.astype(float)
    if values.max() - values.min() < 16:
        raise ValueError("shows no digit: all of it is of about the same grey")
    if np.median(_border(values)) > threshold_otsu(grey):
        values = 255 - values  # dark on light: the border is paper
    paper = np.median(_border(values))
    ink = np.clip((values - paper) / (values.max() - paper), 0, 1)
    dark = ink > threshold_otsu(to_bytes(255 * ink)) / 255
    rows, columns = (np.flatnonzero(dark.any(axis=axis)) for axis in (1, 0))
    cut = np.where(ndimage.binary_dilation(dark, iterations=2), ink, 0)[
        rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1
    ]
    shrink = INK / max(cut.shape)
    height, width = (max(1, round(side * shrink)) for side in cut.shape)
    small = np.clip(resize(255 * cut, height, width, "bicubic"), 0, 255)
    canvas = np.zeros((SIDE, SIDE))
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    canvas[top : top + height, left : left + width] = small
    centre = ndimage.center_of_mass(canvas)
    middle = (SIDE - 1) / 2
    return to_bytes(ndimage.shift(canvas, [middle - place for place in centre], order=1))


def _border(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
