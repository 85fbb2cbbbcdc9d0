"""Convert between RGB and luminance with chrominance (ITU-R BT.601, studio range)."""

import numpy as np
from skimage.color import rgb2ycbcr, ycbcr2rgb

_STRIP = 2**20
"""Pixels that are converted at a time, because the conversion takes 48 bytes per pixel."""


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Convert to 8 bits: clip to 0-255 and round half to even.

    Parameters
    ----------
    values : ndarray

    Returns
    -------
    ndarray of uint8, of the same shape
    """
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Compute the luminance of an RGB image, on which super-resolution is trained and measured.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)

    Returns
    -------
    ndarray of uint8, shape (height, width)
        Y of BT.601 in studio range, 16 to 235.

    References
    ----------
    ITU-R Recommendation BT.601: Y = 16 + 65.481 R + 128.553 G + 24.966 B for
    R, G, B in 0-1.
    """
    rows = max(1, _STRIP // rgb.shape[1])
    strips = [rgb[top : top + rows] for top in range(0, len(rgb), rows)]
    return np.concatenate([to_bytes(rgb2ycbcr(strip)[..., 0]) for strip in strips])


def chrominance(rgb: np.ndarray) -> np.ndarray:
    """Compute Cb and Cr of an RGB image.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)

    Returns
    -------
    ndarray of float64, shape (height, width, 2)
        BT.601 studio range, 16 to 240, not rounded.
    """
    return rgb2ycbcr(rgb)[..., 1:]


def to_rgb(y: np.ndarray, cbcr: np.ndarray) -> np.ndarray:
    """Combine luminance and chrominance into an RGB image.

    Parameters
    ----------
    y : ndarray, shape (height, width)
        BT.601 studio range, 16 to 235.
    cbcr : ndarray, shape (height, width, 2)
        BT.601 studio range, 16 to 240.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    planes = np.dstack([y, cbcr]).astype(float)  # scikit-image would divide uint8 by 255
    return to_bytes(255 * ycbcr2rgb(planes))
