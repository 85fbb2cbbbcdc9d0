"""Which digits are misread, and for what."""

import numpy as np
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from convlab.figures.canvas import styled

COLUMNS = 10
ACROSS, DOWN = 36, 44
"""Pixels from digit to digit; a digit is 28 x 28, the rest is margin and caption."""
INCHES = 0.64 / ACROSS
"""Per pixel."""


@styled
def draw_wrong(
    images: np.ndarray, actual: np.ndarray, predicted: np.ndarray, *, limit: int
) -> Figure:
    """Draw the misread digits, "4 as 9" under each.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 28, 28)
        Test images; those that are read rightly are left out.
    actual, predicted : ndarray of int, shape (n,)
        What they are, and what the network takes them for.
    limit : int
        At most so many are drawn, the first ones.

    Returns
    -------
    Figure
    """
    wrong = np.flatnonzero(actual != predicted)
    title = f"Misread: {len(wrong)} of {len(images)} digits"
    if len(wrong) > limit:
        wrong = wrong[:limit]
        title += f", here the first {limit}"
    width, height = COLUMNS * ACROSS, max(1, -(-len(wrong) // COLUMNS)) * DOWN
    figure = Figure(figsize=(width * INCHES, height * INCHES + 0.35))
    axes = figure.subplots()
    axes.axis("off")
    axes.set(title=title, xlim=(0, width), ylim=(height, 0), aspect="equal")
    for place, index in enumerate(wrong):
        left, top = place % COLUMNS * ACROSS + 4, place // COLUMNS * DOWN
        cell = (left, left + 28, top + 28, top)
        axes.imshow(images[index], cmap="gray_r", vmin=0, vmax=255, extent=cell)
        caption = f"{actual[index]} as {predicted[index]}"
        axes.text(left + 14, top + 30, caption, ha="center", va="top")
    return figure


@styled
def draw_confusion(matrix: np.ndarray) -> Figure:
    """Draw how often each digit is taken for each.

    Parameters
    ----------
    matrix : ndarray of int, shape (10, 10)
        Images of digit `row` taken for digit `column`.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(5.6, 4.8))
    axes = figure.subplots()
    # Linear to 1, logarithmic above: one mistake shows beside a thousand right answers.
    norm = SymLogNorm(linthresh=1, vmin=0, vmax=max(1, matrix.max()))
    cells = axes.imshow(matrix, cmap="Blues", norm=norm)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            ink = "white" if norm(count) > 0.6 else "black"
            axes.text(column, row, count, ha="center", va="center", color=ink, fontsize="small")
    axes.grid(visible=False)
    axes.set(
        title="What each digit is taken for",
        xlabel="taken for",
        ylabel="digit",
        xticks=range(10),
        yticks=range(10),
    )
    figure.colorbar(cells, label="test images (log scale)")
    return figure
