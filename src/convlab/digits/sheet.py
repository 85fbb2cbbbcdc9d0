"""Find the digits on a sheet of paper, one by one, in reading order."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.sparse.csgraph import connected_components
from skimage.filters import apply_hysteresis_threshold
from skimage.segmentation import clear_border

from convlab.digits.paper import PAGE_SIDE, find_paper, rectify, shrink
from convlab.digits.preprocessing import is_light, to_mnist
from convlab.imaging.colour import to_bytes
from convlab.imaging.resize import resize

_LEAST_SIDE = 100
"""Pixels on the longer side of a picture: in a smaller one there is one digit."""
_SHADE_SIDE = 400
"""Pixels on the longer side of the page on which the brightness of the paper is estimated."""
_STROKE_DIVISOR = 10
"""A stroke is narrower than the page's longer side divided by this."""
_DIGIT_DIVISOR = 60
"""A digit is larger than the page's longer side divided by this."""
_SPECK = 0.12
"""A piece of ink is larger than this fraction of a typical digit."""
_MOST_PIECES = 1000
"""Of ink: if there are more, the page shows no writing, but texture."""
_LEAST_CONTRAST = 0.05
"""Between ink and paper, as a fraction of the paper's brightness."""
_RULE_DIVISOR, _RULE_THICKNESS, _RULE_LENGTH = 24, 9, 0.5
"""A rule is dark on average over the page's width divided by the first, is thinner than so many
pixels, and goes on over this fraction of the width."""
_EIGHT = np.ones((3, 3), bool)
"""Neighbours of a pixel, diagonal ones among them."""


def find_digits(picture: np.ndarray) -> list[list[np.ndarray]]:
    """Find the digits in a picture: a sheet that lies on something darker, a page, or a drawing.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width)

    Returns
    -------
    list of list of ndarray of uint8, shape (28, 28)
        Rows from top to bottom, in each the digits from left to right, as
        `to_mnist` gives them.

    Raises
    ------
    ValueError
        If there is none.
    """
    if max(picture.shape) < _LEAST_SIDE:
        return [[to_mnist(picture)]]
    corners = find_paper(picture)
    if corners is None:
        page = picture if is_light(picture) else 255 - picture
        rows = _read_page(shrink(page, PAGE_SIDE))
        return rows if sum(map(len, rows)) > 1 else [[to_mnist(picture)]]
    rows = _read_page(rectify(picture, corners))
    if not rows:
        raise ValueError("shows no digit: nothing on the sheet differs enough from the paper")
    return rows


class _Digit(NamedTuple):
    """The box of a digit, in pixels, and the numbers of its pieces of ink."""

    top: int
    bottom: int
    left: int
    right: int
    pieces: np.ndarray

    @property
    def height(self) -> int:
        """Its height in pixels."""
        return self.bottom - self.top

    def is_beside(self, other: "_Digit") -> bool:
        """Whether both are at about the same height."""
        shared = min(self.bottom, other.bottom) - max(self.top, other.top)
        return shared > 0.3 * min(self.height, other.height)


def _read_page(page: np.ndarray) -> list[list[np.ndarray]]:
    contrast = remove_rules(_contrast_to_paper(page))
    pieces, _ = ndimage.label(ndimage.binary_dilation(_find_ink(contrast), _EIGHT), _EIGHT)
    return [
        [_cut_out(contrast, pieces, digit) for digit in row]
        for row in _in_reading_order(_join_pieces(pieces))
    ]


def _contrast_to_paper(page: np.ndarray) -> np.ndarray:
    """By how much each pixel is darker than the paper around it: 0 to 1, a black paper."""
    smooth = ndimage.gaussian_filter(page, 0.8)
    small = shrink(smooth, _SHADE_SIDE)
    size = max(3, max(small.shape) // _STROKE_DIVISOR)
    paper = ndimage.gaussian_filter(ndimage.grey_closing(small, size), size / 4)
    return np.clip(1 - smooth / np.maximum(resize(paper, *page.shape, "bilinear"), 1), 0, 1)


def remove_rules(contrast: np.ndarray) -> np.ndarray:
    """Remove the lines of ruled and squared paper, and keep the strokes that cross them.

    Parameters
    ----------
    contrast : ndarray of float, shape (height, width)
        0 (paper) to 1.

    Returns
    -------
    ndarray of float, shape (height, width)
        On a rule, what is darker than it, or what goes on on both of its sides.
    """
    rules = _horizontal_rules(contrast) | _horizontal_rules(contrast.T).T
    if not rules.any():
        return contrast
    rules = ndimage.binary_dilation(rules, _EIGHT)
    level = np.percentile(contrast[rules], 75)
    bridged = ndimage.grey_closing(np.where(rules, 0, contrast), _RULE_THICKNESS)
    return np.where(rules, np.maximum(contrast - 1.2 * level, bridged), contrast)


def _horizontal_rules(contrast: np.ndarray) -> np.ndarray:
    """Mark the pixels of long thin lines, which may be a little slanted or bent."""
    length = max(1, contrast.shape[1] // _RULE_DIVISOR)
    mean = ndimage.uniform_filter1d(contrast, length, axis=1)
    ridges = ndimage.white_tophat(mean, (_RULE_THICKNESS, 1))
    dark = ridges > max(_outlier(ridges, 4), 0.02)
    padded = np.pad(dark, ((0, 0), (length, length)))
    joined = ndimage.binary_closing(padded, np.ones((1, length)))[:, length:-length]
    pieces, _ = ndimage.label(joined, _EIGHT)
    widths = np.array([columns.stop - columns.start for _, columns in ndimage.find_objects(pieces)])
    rules = dark & np.isin(pieces, 1 + np.flatnonzero(widths > _RULE_LENGTH * contrast.shape[1]))
    if not rules.any():
        return rules
    rules &= ridges > 0.4 * np.median(ridges[rules])
    tops = np.diff(rules, axis=0, prepend=False) & rules
    thickness = round(rules.sum() / tops.sum())  # where it is thicker, a stroke lies on the rule
    return rules & ~ndimage.binary_opening(rules, np.ones((thickness + 2, 1)))


def _outlier(values: np.ndarray, deviations: float) -> float:
    """What lies so many standard deviations above the median; strokes are too few to count."""
    median = np.median(values)
    return median + deviations * 1.4826 * np.median(np.abs(values - median))


def _find_ink(contrast: np.ndarray) -> np.ndarray:
    """Mark strokes: what is about as dark as the darkest, and what goes on from there."""
    sure = contrast[contrast > max(_outlier(contrast, 6), _LEAST_CONTRAST)]
    if not sure.size:
        return np.zeros(contrast.shape, bool)
    level = np.percentile(sure, 80)
    low = max(_outlier(contrast, 3), 0.35 * level)
    high = max(_outlier(contrast, 5), 0.6 * level)
    return clear_border(apply_hysteresis_threshold(contrast, low, high))


def _join_pieces(pieces: np.ndarray) -> list[_Digit]:
    """Join the pieces of ink that belong to one digit, and leave out specks.

    Pieces belong together if one is much smaller and close to the other, or if
    one stands above the other with a small gap.
    """
    boxes = ndimage.find_objects(pieces)
    edges = np.array([[y.start, y.stop, x.start, x.stop] for y, x in boxes]).reshape(-1, 4)
    sizes = np.maximum(edges[:, 1] - edges[:, 0], edges[:, 3] - edges[:, 2])
    typical = np.median(sizes[sizes > 0.4 * sizes.max(initial=0)]) if boxes else 0
    numbers = 1 + np.flatnonzero(sizes > _SPECK * typical)
    if len(numbers) > _MOST_PIECES:
        return []
    sizes = sizes[numbers - 1]
    top, bottom, left, right = edges[numbers - 1].T
    # Distances between two pieces, negative where they overlap
    down = np.maximum.outer(top, top) - np.minimum.outer(bottom, bottom)
    across = np.maximum.outer(left, left) - np.minimum.outer(right, right)
    whole = np.maximum(np.maximum.outer(sizes, sizes), typical)
    is_part = np.minimum.outer(sizes, sizes) < 0.65 * whole
    near = is_part & (np.maximum(down, across) < 0.15 * typical)
    overlap = -across > 0.5 * np.minimum.outer(right - left, right - left)
    stacked = overlap & (down < np.where(is_part, 0.35, 0.2) * typical)
    count, groups = connected_components(near | stacked, directed=False)
    digits = [
        _Digit(top[own].min(), bottom[own].max(), left[own].min(), right[own].max(), numbers[own])
        for own in (groups == group for group in range(count))
    ]
    least = max(0.45 * typical, max(pieces.shape) / _DIGIT_DIVISOR)
    return [each for each in digits if max(each.height, each.right - each.left) > least]


def _in_reading_order(digits: list[_Digit]) -> list[list[_Digit]]:
    """Sort digits into rows, which may be slanted: each follows one that is beside it."""
    rows: list[list[_Digit]] = []
    for digit in sorted(digits, key=lambda digit: digit.left):
        beside = [row for row in rows if row[-1].is_beside(digit)]
        if beside:
            beside[0].append(digit)
        else:
            rows.append([digit])
    return sorted(rows, key=lambda row: np.mean([digit.top + digit.bottom for digit in row]))


def _cut_out(contrast: np.ndarray, pieces: np.ndarray, digit: _Digit) -> np.ndarray:
    """Bring one digit into MNIST's form: alone on white, with a margin."""
    box = np.s_[digit.top : digit.bottom, digit.left : digit.right]
    ink = np.where(np.isin(pieces[box], digit.pieces), contrast[box], 0)
    side = max(ink.shape)
    margins = [((2 * side - each) // 2,) * 2 for each in ink.shape]
    return to_mnist(255 - to_bytes(255 / ink.max() * np.pad(ink, margins)))
