"""Draw the feature maps of a digit after each layer of a network."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from convlab.figures.canvas import styled

CHANNELS_PER_ROW = 16


@styled
def draw_feature_maps(digit: np.ndarray, maps: Mapping[str, np.ndarray]) -> Figure:
    """Draw a digit and, below it, all channels after each layer.

    Parameters
    ----------
    digit : ndarray of uint8, shape (28, 28)
    maps : dict of str to ndarray of float32, shape (channels, height, width)
        Result of `feature_maps`, by layer; each layer is drawn with its own grey scale.

    Returns
    -------
    Figure
    """
    heights = [2, *(-(-len(layer) // CHANNELS_PER_ROW) for layer in maps.values())]
    figure = Figure(figsize=(8, 0.62 * sum(heights) + 0.5 * len(heights)))
    parts = figure.subfigures(len(heights), height_ratios=heights)
    shown = {"digit": digit[None]} | {f"after {layer}": values for layer, values in maps.items()}
    for part, (title, layer) in zip(parts, shown.items(), strict=True):
        columns = min(CHANNELS_PER_ROW, len(layer))
        rows = -(-len(layer) // columns)
        cells = part.subplots(rows, columns, squeeze=False).ravel()
        part.suptitle(f"{title}: {len(layer)} x {layer.shape[1]} x {layer.shape[2]}")
        for axes in cells:
            axes.set_axis_off()
        for axes, channel in zip(cells, layer, strict=False):  # the last row may be shorter
            axes.imshow(channel, cmap="gray", vmin=layer.min(), vmax=layer.max() or 1)
    return figure
