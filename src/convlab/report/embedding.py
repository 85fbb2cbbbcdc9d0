"""The report's part on the embedding: points that move through the training, and an atlas."""

from typing import Any

import numpy as np
from matplotlib.colors import to_hex

from convlab.figures.canvas import relative_luminance
from convlab.figures.tsne import colour
from convlab.nets.atlas import cells, excite
from convlab.report.encode import png, sheet
from convlab.report.page import RenderReport
from convlab.report.sources import DigitsRun

COLUMNS = 25
"""Of the sheet with all the digits."""
LEAST = 2
"""Digits in a cell of the atlas: a mean of fewer is no mean."""


def tell_embedding(run: DigitsRun, params: RenderReport) -> dict[str, Any]:
    """Gather all that is told of the embedding.

    Parameters
    ----------
    run : DigitsRun
    params : RenderReport

    Returns
    -------
    dict
        Numbers, texts, and pictures as data URIs, for the page.
    """
    snapshots, count = run.snapshots, len(run.snapshots.digits)
    low, high = run.layouts.min(axis=(0, 1)), run.layouts.max(axis=(0, 1))
    middle, reach = (low + high) / 2, (high - low).max() / 2  # one scale for both directions
    return {
        "width": snapshots.features.shape[-1],
        "frames": run.layouts.round(2).tolist(),
        "domain": np.stack([middle - reach, middle + reach], axis=1).round(2).tolist(),
        "steps": snapshots.steps.tolist(),
        "accuracies": snapshots.accuracies.tolist(),
        "digits": snapshots.digits.tolist(),
        "predicted": run.answers[:count].tolist(),
        "sheet": png(sheet(list(run.images[:count]), COLUMNS)),
        "columns": COLUMNS,
        "colours": {"light": _class_colours(darkest=True), "dark": _class_colours(darkest=False)},
        "atlas": _atlas(run, params),
    }


def _atlas(run: DigitsRun, params: RenderReport) -> dict[str, Any]:
    """For each part of the plane the input that excites its digits' mean activation."""
    side, embedding = params.atlas_side, run.snapshots.features[-1]
    found = list(cells(run.layouts[-1], side, least=LEAST))
    means = np.stack([embedding[members].astype(np.float32).mean(axis=0) for *_, members in found])
    pictures = excite(run.cnn, means, steps=params.atlas_steps)
    tiles = [np.zeros((28, 28), np.uint8)] * side**2
    for (row, column, _), picture in zip(found, pictures, strict=True):
        tiles[row * side + column] = picture
    return {"image": png(sheet(tiles, side, gap=1)), "side": side, "cells": len(found)}


def _class_colours(*, darkest: bool) -> list[str]:
    """Colours of the classes, each dark, or bright, enough for letters to be read.

    A contrast of 4.5 to the ground, which WCAG 2 asks for, needs a relative
    luminance below 0.18 on white, or above 0.22 on the dark theme's black.
    """
    colours = []
    for digit in range(10):
        rgb = np.array(colour(digit)[:3])
        while relative_luminance(rgb) > 0.17 if darkest else relative_luminance(rgb) < 0.24:
            rgb = 0.95 * rgb if darkest else 0.95 * rgb + 0.05
        colours.append(to_hex(rgb))
    return colours
