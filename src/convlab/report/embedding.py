"""Collect the report's section on the embedding: points during the training, and an atlas."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from convlab.digits.atlas import cells, maximize_activation
from convlab.figures.canvas import relative_luminance
from convlab.report.encode import png, sheet
from convlab.report.sources import DigitsRun

SHEET_COLUMNS = 25
"""Digits in a row of the picture that holds all digits."""
MIN_HEIGHT = 0.6
"""Least height of the plot, relative to its width."""
MIN_CELL_DIGITS = 2
"""Cells of the atlas with fewer digits have no picture."""


def embedding_section(run: DigitsRun, *, atlas_side: int, atlas_steps: int) -> dict[str, Any]:
    """Collect what the page shows about the embedding.

    Parameters
    ----------
    run : DigitsRun
    atlas_side : int
        Cells on a side of the activation atlas.
    atlas_steps : int
        Steps of activation maximization for each cell.

    Returns
    -------
    dict
        Numbers, texts, and pictures as data URIs.
    """
    snapshots, count = run.snapshots, len(run.snapshots.labels)
    return {
        "width": snapshots.embeddings.shape[-1],
        "frames": run.positions.round(2).tolist(),
        "domain": _rectangle_around(run.positions.reshape(-1, 2), least_height=1),
        "plane": _rectangle_around(run.positions.reshape(-1, 2), least_height=MIN_HEIGHT),
        "steps": snapshots.steps.tolist(),
        "accuracies": snapshots.accuracies.tolist(),
        "same_class": [_same_class(points, snapshots.labels) for points in run.positions],
        "labels": snapshots.labels.tolist(),
        "predictions": run.predictions[:count].tolist(),
        "sheet": png(sheet(list(run.images[:count]), SHEET_COLUMNS)),
        "columns": SHEET_COLUMNS,
        "colours": {
            "light": _class_colours(on_white=True),
            "dark": _class_colours(on_white=False),
        },
        "atlas": _atlas(run, atlas_side, atlas_steps),
    }


def _rectangle_around(points: np.ndarray, *, least_height: float) -> list[list[float]]:
    """Give the least and greatest x, and the least and greatest y, of a rectangle around points.

    The points have shape (n, 2). The rectangle's height is at most its width, and at least
    `least_height` times its width.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    width = (high - low).max()
    height = max(high[1] - low[1], least_height * width)
    middle, reach = (low + high) / 2, np.array([width, height]) / 2
    return np.stack([middle - reach, middle + reach], axis=1).round(2).tolist()


def _same_class(points: np.ndarray, labels: np.ndarray) -> float:
    """Give the fraction of points, shape (n, 2), whose nearest neighbour has the same label."""
    distances = np.square(points[:, None] - points).sum(axis=-1)
    np.fill_diagonal(distances, np.inf)
    return round(float(np.mean(labels[distances.argmin(axis=1)] == labels)), 4)


def _atlas(run: DigitsRun, side: int, steps: int) -> dict[str, Any]:
    """Generate, for each cell of the plane, a picture from the mean embedding of its digits.

    `image` holds the pictures of all cells, which are black if there are too few digits; `domain`
    is its position in the plane.
    """
    embeddings = run.snapshots.embeddings[-1].astype(np.float32)
    found = list(cells(run.positions[-1], side, least=MIN_CELL_DIGITS))
    means = np.stack([embeddings[members].mean(axis=0) for *_, members in found])
    pictures = maximize_activation(run.cnn, means, steps=steps)
    tiles = [np.zeros((28, 28), np.uint8)] * side**2
    for (row, column, _), picture in zip(found, pictures, strict=True):
        tiles[row * side + column] = picture
    return {
        "image": png(sheet(tiles, side)),
        "domain": _rectangle_around(run.positions[-1], least_height=1),
        "side": side,
        "cells": len(found),
    }


def _class_colours(*, on_white: bool) -> list[str]:
    """Give the colours of the classes, with enough contrast for text.

    WCAG 2 requires a contrast of 4.5 to the background. This needs a relative
    luminance below 0.18 on white, or above 0.22 on the dark theme's background.
    """
    colours = np.array(colormaps["tab10"].colors)
    for rgb in colours:
        while relative_luminance(rgb) > 0.17 if on_white else relative_luminance(rgb) < 0.24:
            rgb[:] = 0.95 * rgb if on_white else 0.95 * rgb + 0.05
    return [to_hex(rgb) for rgb in colours]
