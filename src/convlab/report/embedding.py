"""The report's part on the embedding: points that move through the training, and an atlas."""

from typing import Any

import numpy as np
from matplotlib.colors import to_hex

from convlab.data.snapshots import Snapshots
from convlab.figures.tsne import colour
from convlab.nets.atlas import cells, excite
from convlab.nets.cnn import Cnn
from convlab.report.encode import png, sheet

COLUMNS = 25
"""Of the sheet with all the digits."""
LEAST = 2
"""Digits in a cell of the atlas: a mean of fewer is no mean."""


def tell_embedding(
    cnn: Cnn,
    positions: np.ndarray,
    snapshots: Snapshots,
    *,
    images: np.ndarray,
    answers: np.ndarray,
    side: int,
    steps: int,
) -> dict[str, Any]:
    """Gather all that is told of the embedding, pictures as data URIs.

    Parameters
    ----------
    cnn : Cnn
    positions : ndarray of float, shape (s, n, 2)
        The layout at each snapshot.
    snapshots : Snapshots
    images : ndarray of uint8, shape (m, 28, 28)
        Of the test digits, of which the first n are laid out.
    answers : ndarray of int, shape (m,)
        What the finished CNN takes them for.
    side : int
        Cells on a side of the atlas.
    steps : int
        Of its optimisation.
    """
    count = len(snapshots.digits)
    low, high = positions.min(axis=(0, 1)), positions.max(axis=(0, 1))
    return {
        "width": snapshots.features.shape[-1],
        "frames": positions.round(2).tolist(),
        "domain": np.stack([low, high], axis=1).round(2).tolist(),
        "steps": snapshots.steps.tolist(),
        "accuracies": snapshots.accuracies.tolist(),
        "digits": snapshots.digits.tolist(),
        "predicted": answers[:count].tolist(),
        "sheet": png(sheet(list(images[:count]), COLUMNS)),
        "columns": COLUMNS,
        "colours": {"light": _lettering(darkest=True), "dark": _lettering(darkest=False)},
        "atlas": _atlas(cnn, positions[-1], snapshots.features[-1], side, steps),
    }


def _atlas(
    cnn: Cnn, points: np.ndarray, embedding: np.ndarray, side: int, steps: int
) -> dict[str, Any]:
    """For each part of the plane the input that excites its digits' mean activation."""
    found = list(cells(points, side, least=LEAST))
    means = np.stack([embedding[members].astype(np.float32).mean(axis=0) for *_, members in found])
    tiles = [np.zeros((28, 28), np.uint8)] * side**2
    for (row, column, _), picture in zip(found, excite(cnn, means, steps=steps), strict=True):
        tiles[row * side + column] = picture
    return {"image": png(sheet(tiles, side, gap=1)), "side": side, "cells": len(found)}


def _lettering(*, darkest: bool) -> list[str]:
    """Colours of the classes as letters have them: each dark, or bright, enough to be read.

    A contrast of 4.5 to the ground, which WCAG 2 asks for, needs a relative
    luminance below 0.18 on white, or above 0.22 on the dark theme's black.
    """
    letters = []
    for digit in range(10):
        rgb = np.array(colour(digit)[:3])
        while (_luminance(rgb) > 0.17) if darkest else (_luminance(rgb) < 0.24):
            rgb = 0.95 * rgb if darkest else 0.95 * rgb + 0.05
        letters.append(to_hex(rgb))
    return letters


def _luminance(rgb: np.ndarray) -> float:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
