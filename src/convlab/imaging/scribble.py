"""Turning anybody's drawing or photograph of a digit into what MNIST would have made of it."""

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from convlab.imaging.colour import to_bytes
from convlab.imaging.resize import resize

SIDE, INK = 28, 20
"""Pixels on a side of the digit's picture, and of the square that its ink fills."""
_LARGEST = 400
"""Pixels on the longer side at which ink is looked for."""
_STROKE = 3
"""A stroke is narrower than this part of the picture's shorter side."""
_CONTRAST, _SIGNAL = 16, 8
"""By how many grey levels, and how many times the noise, ink is from paper at least."""
_SPECK = 0.05
"""What is smaller than this part of the largest piece of ink is no part of the digit."""
_LINE = 0.9
"""What crosses so much of the picture, and is thin, is a line of the paper."""


def to_digit(grey: np.ndarray) -> np.ndarray:
    """Find the ink, make it bright on black, scale and centre it.

    Ink is what is narrower than a stroke and stands out from the paper around
    it, whose brightness may change over the picture: a black or white top-hat,
    and Otsu's threshold.

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
        If nothing stands out as ink.

    References
    ----------
    Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
    digits". J. Serra, "Image Analysis and Mathematical Morphology", 1982: the
    top-hat. N. Otsu, "A threshold selection method from gray-level
    histograms", IEEE TSMC 9(1), 1979.
    """
    shrink = min(1.0, _LARGEST / max(grey.shape))
    height, width = (max(1, round(side * shrink)) for side in grey.shape)
    values = resize(grey.astype(float), height, width, "bicubic")
    ink = _stand_out(values)
    dark = _pieces(ink > threshold_otsu(ink)) if np.ptp(ink) else np.zeros_like(ink, bool)
    paper = ink[~dark]
    noise = 1.4826 * np.median(np.abs(paper - np.median(paper))) if paper.size else 0.0
    if not dark.any() or ink[dark].mean() < max(_CONTRAST, _SIGNAL * noise):
        raise ValueError("shows no digit: nothing on it stands out as ink")
    return _centre(_crop(ink, dark))


def _stand_out(values: np.ndarray) -> np.ndarray:
    """By how much each pixel is darker, or brighter, than the paper around it."""
    size = max(3, min(values.shape) // _STROKE)
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    if np.median(border) > (values.max() + values.min()) / 2:
        return ndimage.black_tophat(values, size, mode="nearest")
    return ndimage.white_tophat(values, size, mode="nearest")


def _pieces(dark: np.ndarray) -> np.ndarray:
    """The pieces of ink that are neither specks nor lines of the paper."""
    labels, _ = ndimage.label(dark, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    areas = ndimage.sum_labels(dark, labels, np.arange(1, len(boxes) + 1))
    kept = [
        number
        for number, box in enumerate(boxes, 1)
        if not _is_line([edge.stop - edge.start for edge in box], dark.shape)
    ]
    least = _SPECK * max((areas[number - 1] for number in kept), default=0)
    return np.isin(labels, [number for number in kept if areas[number - 1] >= least])


def _is_line(box: list[int], whole: tuple[int, ...]) -> bool:
    return any(
        length > _LINE * side and across < side / 10
        for length, across, side in zip(box, box[::-1], whole, strict=True)
    )


def _crop(ink: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """The box around the ink, 0 to 1, without what is outside of it."""
    rows, columns = (np.flatnonzero(dark.any(axis=axis)) for axis in (1, 0))
    near = ndimage.binary_dilation(dark, iterations=2)
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    full = np.percentile(ink[dark], 75)
    return np.clip(np.where(near, ink, 0)[box] / full, 0, 1)


def _centre(cut: np.ndarray) -> np.ndarray:
    """Scale ink into its square, and put its centre of mass into the middle of the picture."""
    shrink = INK / max(cut.shape)
    height, width = (max(1, round(side * shrink)) for side in cut.shape)
    small = np.clip(resize(255 * cut, height, width, "bicubic"), 0, 255)
    canvas = np.zeros((SIDE, SIDE))
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    canvas[top : top + height, left : left + width] = small
    centre = ndimage.center_of_mass(canvas)
    middle = (SIDE - 1) / 2
    return to_bytes(ndimage.shift(canvas, [middle - place for place in centre], order=1))
