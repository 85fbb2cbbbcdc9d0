"""Preprocessing of drawn and photographed digits, so that they look like MNIST's."""

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from convlab.imaging.colour import to_bytes
from convlab.imaging.resize import resize

MNIST_SIDE, INK_SIDE = 28, 20
"""Pixels on a side of an MNIST digit, and of the square that its ink fills."""
_MAX_SIDE = 400
"""Pixels on the longer side of the picture in which ink is looked for."""
_STROKE_DIVISOR = 3
"""A stroke is narrower than the picture's shorter side divided by this."""
_MIN_CONTRAST, _MIN_SIGNAL_TO_NOISE = 16, 8
"""Least difference between ink and paper, in grey levels and in standard deviations of paper."""
_MIN_PIECE_AREA = 0.05
"""Smaller pieces of ink, as a fraction of the largest, are taken for specks."""
_RULE_LENGTH, _RULE_THICKNESS = 0.9, 0.1
"""A piece is a ruled line if it is longer, and thinner, than these fractions of the picture's
width; or of its height, if the line is vertical."""


def to_mnist(grey: np.ndarray) -> np.ndarray:
    """Find the ink of one digit, make it bright on black, scale and centre it.

    Ink is what is narrower than a stroke and differs from the paper around
    it, whose brightness may vary over the picture: this takes a black or
    white top-hat and Otsu's threshold.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)
        One digit, dark on light or light on dark.

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        The ink scaled to fit a square of 20 x 20, its centre of mass in the
        middle.

    Raises
    ------
    ValueError
        If nothing differs enough from the paper to be ink.

    References
    ----------
    Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
    digits". J. Serra, "Image Analysis and Mathematical Morphology", 1982: the
    top-hat. N. Otsu, "A threshold selection method from gray-level
    histograms", IEEE TSMC 9(1), 1979.
    """
    factor = min(1.0, _MAX_SIDE / max(grey.shape))
    values = _scale(grey.astype(float), factor)
    contrast = _contrast_to_paper(values)
    ink = _without_specks_and_rules(contrast > threshold_otsu(contrast))
    paper = contrast[~ink]
    # Standard deviation, estimated by the median: strokes that were not found are outliers.
    noise = 1.4826 * np.median(np.abs(paper - np.median(paper))) if paper.size else 0.0
    if not ink.any() or contrast[ink].mean() < max(_MIN_CONTRAST, _MIN_SIGNAL_TO_NOISE * noise):
        raise ValueError("shows no digit: nothing on it differs enough from the background")
    return _centre(_crop(contrast, ink))


def is_light(values: np.ndarray) -> bool:
    """Tell whether the paper is light and the ink dark: by the border of the picture.

    Parameters
    ----------
    values : ndarray, shape (height, width)

    Returns
    -------
    bool
    """
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]]).astype(float)
    return bool(np.median(border) > (float(values.max()) + float(values.min())) / 2)


def _scale(values: np.ndarray, factor: float) -> np.ndarray:
    height, width = (max(1, round(side * factor)) for side in values.shape)
    return resize(values, height, width, "bicubic")


def _contrast_to_paper(values: np.ndarray) -> np.ndarray:
    """By how much each pixel is darker, or on dark paper brighter, than the paper around it."""
    size = max(3, min(values.shape) // _STROKE_DIVISOR)
    top_hat = ndimage.black_tophat if is_light(values) else ndimage.white_tophat
    return top_hat(values, size, mode="nearest")


def _without_specks_and_rules(ink: np.ndarray) -> np.ndarray:
    """Keep the connected pieces of ink that can be part of a digit."""
    pieces, count = ndimage.label(ink, np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    boxes = ndimage.find_objects(pieces)
    no_rule = np.array([not _is_rule(box, ink.shape) for box in boxes], bool)
    areas = ndimage.sum_labels(ink, pieces, numbers) * no_rule
    return np.isin(pieces, numbers[no_rule & (areas >= _MIN_PIECE_AREA * areas.max(initial=0))])


def _is_rule(box: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    sizes = [edge.stop - edge.start for edge in box]
    return any(
        length > _RULE_LENGTH * side and thickness < _RULE_THICKNESS * side
        for length, thickness, side in zip(sizes, sizes[::-1], shape, strict=True)
    )


def _crop(contrast: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Crop to the ink, with the soft edges of its strokes and nothing else, scaled to 0-1."""
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    strokes = np.where(ndimage.binary_dilation(ink, iterations=2), contrast, 0)
    return np.clip(strokes[box] / np.percentile(contrast[ink], 75), 0, 1)


def _centre(ink: np.ndarray) -> np.ndarray:
    """Scale ink to its square, and move its centre of mass to the middle of the digit."""
    small = np.clip(_scale(255 * ink, INK_SIDE / max(ink.shape)), 0, 255)
    top, left = ((MNIST_SIDE - side) // 2 for side in small.shape)
    digit = np.zeros((MNIST_SIDE, MNIST_SIDE))
    digit[top : top + len(small), left : left + small.shape[1]] = small
    middle = (MNIST_SIDE - 1) / 2
    offset = [middle - centre for centre in ndimage.center_of_mass(digit)]
    return to_bytes(ndimage.shift(digit, offset, order=1))
