"""Find a sheet of paper in a photograph, and see it from above."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from skimage.draw import polygon2mask
from skimage.filters import sobel
from skimage.measure import approximate_polygon
from skimage.transform import ProjectiveTransform, warp

from convlab.imaging.resize import resize

PAGE_SIDE = 1600
"""Pixels on the longer side of a page, at most."""
_SEARCH_SIDE = 400
"""Pixels on the longer side of the picture in which paper is looked for."""
_LEVELS = 24
"""Brightnesses that are tried: what is brighter may be the paper."""
_SLOPES = (4, 8, 12)
"""Grey levels from pixel to pixel that are tried: what is less steep may be the paper."""
_LEAST_SIDE = 1 / 3
"""Paper is wider than this fraction of the picture's shorter side: strokes are narrower."""
_LEAST_OVERLAP, _LEAST_FILL = 0.9, 0.75
"""Paper fills its quadrilateral: intersection over union, and the share that is not ink."""
_LEAST_STEP = 12
"""Grey levels by which paper is brighter than what is beside it."""
_STEP_WIDTH = 0.016
"""Distance over which this is measured, as a fraction of the picture: an edge is sharp."""
_MOST_VERTICES = 16
_INSET = 0.015
"""Of the page, on each side: it is cropped, since the corners are not found exactly."""


def find_paper(grey: np.ndarray) -> np.ndarray | None:
    """Find the corners of a sheet of paper that lies on something darker.

    Regions that are bright, or that sharp edges surround, may be paper if they
    are quadrilaterals. Of these, the one is chosen that is brighter than what is
    beside it along all of its sides: so neither a shadow on the paper nor the
    light on a desk is taken for an edge.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)

    Returns
    -------
    ndarray of float, shape (4, 2), or None
        x and y in pixels: top left, top right, bottom right, bottom left. None
        if there is no such sheet, or if it fills the picture.
    """
    small = shrink(grey, _SEARCH_SIDE)
    factor = max(small.shape) / max(grey.shape)
    small = ndimage.median_filter(small, 5)
    best, best_step = None, _LEAST_STEP
    for region in _regions(small):
        corners = _quadrilateral(region)
        if corners is not None and (step := _step(small, corners)) > best_step:
            best, best_step = corners, step
    return None if best is None else (best + 0.5) / factor - 0.5


def rectify(grey: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Undo the perspective: give the page as it is seen from above.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)
    corners : ndarray of float, shape (4, 2)
        From `find_paper`.

    Returns
    -------
    ndarray of float, shape (page height, page width)
        Grey levels, without the margin next to the edges of the paper.
    """
    corners = corners + 2 * _INSET * (corners.mean(axis=0) - corners)
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    size = np.array([sides[::2].mean(), sides[1::2].mean()])
    factor = min(1, PAGE_SIDE / max(size))
    reduced = shrink(grey, factor * max(grey.shape))
    page = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * size * factor
    to_picture = ProjectiveTransform.from_estimate(page, (corners + 0.5) * factor - 0.5)
    shape = np.maximum(1, (size[::-1] * factor).round().astype(int))
    return warp(reduced, to_picture, output_shape=shape, mode="edge", preserve_range=True)


def shrink(values: np.ndarray, longer_side: float) -> np.ndarray:
    """Make a picture smaller, unless its longer side has no more pixels than that.

    Returns
    -------
    ndarray of float32, shape (height, width)
    """
    factor = min(1, longer_side / max(values.shape))
    height, width = (max(1, round(side * factor)) for side in values.shape)
    return resize(values, height, width, "bicubic").copy()  # that is read-only


def _regions(small: np.ndarray) -> Iterator[np.ndarray]:
    """Give masks of what may be paper."""
    for level in np.linspace(small.min(), small.max(), _LEVELS + 2)[1:-1]:
        yield from _largest_pieces(small > level, 1)
    steepness = sobel(small)
    for slope in _SLOPES:  # where a shadow is darker than the desk
        for piece in _largest_pieces(steepness < slope, 3):
            yield ndimage.binary_dilation(piece, iterations=2)  # the edge is steep on both sides


def _largest_pieces(mask: np.ndarray, count: int) -> Iterator[np.ndarray]:
    pieces, _ = ndimage.label(mask)
    areas = np.bincount(pieces[mask])
    for number in areas.argsort()[::-1][:count]:
        if areas[number]:
            yield pieces == number


def _quadrilateral(region: np.ndarray) -> np.ndarray | None:
    """Give the corners of a region, if it is a quadrilateral."""
    if min(map(np.ptp, np.nonzero(region))) < _LEAST_SIDE * min(region.shape):
        return None
    solid = ndimage.binary_fill_holes(region)
    corners = _largest_quadrilateral(np.argwhere(solid & ~ndimage.binary_erosion(solid))[:, ::-1])
    inside = polygon2mask(region.shape, corners[:, ::-1])
    overlap = (inside & solid).sum() / (inside | solid).sum()
    fill = region.sum() / solid.sum()
    return corners if overlap >= _LEAST_OVERLAP and fill >= _LEAST_FILL else None


def _largest_quadrilateral(points: np.ndarray) -> np.ndarray:
    """Choose the four vertices of the convex hull between which the area is largest."""
    hull = points[ConvexHull(points).vertices]
    tolerance = 1.0
    while len(hull) > _MOST_VERTICES:
        hull = approximate_polygon(np.vstack([hull, hull[:1]]), tolerance)[:-1]
        tolerance *= 1.3
    chosen = hull[np.array(list(combinations(range(len(hull)), 4)))]  # (n, 4, 2)
    x, y = chosen[..., 0], chosen[..., 1]
    areas = (x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1) / 2
    corners = chosen[np.abs(areas).argmax()].astype(float)
    to_corners = corners - corners.mean(axis=0)
    corners = corners[np.arctan2(to_corners[:, 1], to_corners[:, 0]).argsort()]
    return np.roll(corners, -corners.sum(axis=1).argmin(), axis=0)  # the top left first


def _step(small: np.ndarray, corners: np.ndarray) -> float:
    """By how much the inside is brighter along the side where this is least.

    Sides that the picture's border cuts off count for none, and lower the result.
    """
    steps = []
    limits = np.array(small.shape[::-1]) - 1
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        side = end - start
        inwards = side[::-1] * (-1, 1) / np.linalg.norm(side)
        points = start + np.linspace(0.1, 0.9, 33)[:, None] * side
        across = inwards * max(small.shape) * _STEP_WIDTH / 2
        seen = ((points - across >= 0) & (points - across <= limits)).all(axis=1)
        if seen.mean() < 1 / 3:
            continue
        inner, outer = (
            ndimage.map_coordinates(small, (points[seen] + shift).T[::-1], order=1, mode="nearest")
            for shift in (across, -across)
        )
        steps.append(np.percentile(inner - outer, 25))
    return min(steps) * len(steps) / 4 if len(steps) > 1 else 0.0
