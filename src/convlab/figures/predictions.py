"""Draw misclassified digits and the confusion matrix."""

import numpy as np
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from convlab.figures.canvas import styled

DIGITS_PER_ROW = 10
CELL_WIDTH, CELL_HEIGHT = 36, 44
"""Pixels from one digit to the next: a digit of 28 x 28, margin and caption."""
INCHES_PER_PIXEL = 0.64 / CELL_WIDTH


@styled
def draw_misclassified(
    images: np.ndarray, actual: np.ndarray, predicted: np.ndarray, *, limit: int
) -> Figure:
    """Draw the misclassified digits, with "4 as 9" below a 4 that was predicted as 9.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 28, 28)
        All test images.
    actual, predicted : ndarray of int, shape (n,)
        Labels and the network's predictions.
    limit : int
        Largest number of digits to draw, the first ones.

    Returns
    -------
    Figure
    """
    wrong = np.flatnonzero(actual != predicted)
    title = f"Misclassified: {len(wrong)} of {len(images)} digits"
    if len(wrong) > limit:
        wrong = wrong[:limit]
        title += f", the first {limit}"
    width, height = (
        DIGITS_PER_ROW * CELL_WIDTH,
        max(1, -(-len(wrong) // DIGITS_PER_ROW)) * CELL_HEIGHT,
    )
    figure = Figure(figsize=(width * INCHES_PER_PIXEL, height * INCHES_PER_PIXEL + 0.35))
    axes = figure.subplots()
    axes.axis("off")
    axes.set(title=title, xlim=(0, width), ylim=(height, 0), aspect="equal")
    for place, index in enumerate(wrong):
        left, top = place % DIGITS_PER_ROW * CELL_WIDTH + 4, place // DIGITS_PER_ROW * CELL_HEIGHT
        cell = (left, left + 28, top + 28, top)
        axes.imshow(images[index], cmap="gray_r", vmin=0, vmax=255, extent=cell)
        caption = f"{actual[index]} as {predicted[index]}"
        axes.text(left + 14, top + 30, caption, ha="center", va="top")
    return figure


@styled
def draw_confusion(matrix: np.ndarray) -> Figure:
    """Draw the confusion matrix.

    Parameters
    ----------
    matrix : ndarray of int, shape (10, 10)
        Number of images with label `row` and prediction `column`.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(5.6, 4.8))
    axes = figure.subplots()
    # Linear to 1, logarithmic above, so that one error is visible beside 1000 correct predictions.
    norm = SymLogNorm(linthresh=1, vmin=0, vmax=max(1, matrix.max()))
    cells = axes.imshow(matrix, cmap="Blues", norm=norm)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            ink = "white" if norm(count) > 0.6 else "black"
            axes.text(column, row, count, ha="center", va="center", color=ink, fontsize="small")
    axes.grid(visible=False)
    axes.set(
        title="Confusion matrix",
        xlabel="prediction",
        ylabel="label",
        xticks=range(10),
        yticks=range(10),
    )
    figure.colorbar(cells, label="test images (log scale)")
    return figure
