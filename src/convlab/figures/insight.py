"""What each layer of the CNN makes of a digit, drawn."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from convlab.figures.canvas import styled

COLUMNS = 16
"""Channels side by side."""
TITLES = ("digit", "convolution 1 and ReLU", "pooling 1", "convolution 2 and ReLU", "pooling 2")


@styled
def draw_feature_maps(digit: np.ndarray, maps: Sequence[np.ndarray]) -> Figure:
    """Draw a digit and, below it, all channels after each layer.

    Parameters
    ----------
    digit : ndarray of uint8, shape (28, 28)
    maps : sequence of ndarray of float32, shape (channels, height, width)
        What `feature_maps` gives of it, each of which is drawn on its own scale.
    """
    heights = [2, *(-(-len(layer) // COLUMNS) for layer in maps)]
    figure = Figure(figsize=(8, 0.62 * sum(heights) + 0.5 * len(heights)))
    parts = figure.subfigures(len(heights), height_ratios=heights)
    for part, title, layer in zip(parts, TITLES, [digit[None], *maps], strict=True):
        columns = min(COLUMNS, len(layer))
        rows = -(-len(layer) // columns)
        cells = part.subplots(rows, columns, squeeze=False).flat
        part.suptitle(f"{title}: {len(layer)} x {layer.shape[1]} x {layer.shape[2]}")
        for axes, channel in zip(cells, layer, strict=True):
            axes.imshow(channel, cmap="gray", vmin=layer.min(), vmax=layer.max() or 1)
            axes.set_axis_off()
    return figure
