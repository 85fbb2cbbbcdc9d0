"""Photographs side by side: the truth, bicubic interpolation, the network."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from convlab.figures.canvas import GREY, styled
from convlab.imaging.showcase import Comparison

DPI = 200
WIDTH = 400
"""Pixels that a magnified crop takes at most, unless it is larger itself."""
GAP, CAPTION, HEADING = 16, 52, 100
"""Pixels between crops, below each and above all."""


@styled
def draw_gallery(rows: Sequence[Comparison]) -> Figure:
    """Draw crops in three columns, a photograph a row, with their PSNR.

    Crops are magnified a whole number of times, every pixel a square: what
    blurs is the method, not the drawing.

    Parameters
    ----------
    rows : sequence of Comparison
        At least one.

    Returns
    -------
    Figure
        To be written at its own resolution, as `write_png` does.
    """
    height, width = np.max([row.truth.shape[:2] for row in rows], axis=0).tolist()
    zoom = max(1, WIDTH // width)
    across, down = zoom * width + GAP, zoom * height + CAPTION
    total_width, total_height = 3 * across + GAP, HEADING + len(rows) * down
    figure = Figure(figsize=(total_width / DPI, total_height / DPI), dpi=DPI, layout="none")

    def write(x: float, y: float, text: str, **look: str) -> None:
        figure.text(x / total_width, 1 - y / total_height, text, va="center", **look)

    write(GAP, HEADING / 3, "PSNR: luminance of the whole photograph", color=GREY)
    for column, heading in enumerate(("ground truth", "bicubic", "network")):
        write(GAP + column * across, HEADING * 3 / 4, heading, fontweight="bold")
    for row, comparison in enumerate(rows):
        top = HEADING + row * down
        cells = (
            (comparison.truth, comparison.name),
            (comparison.bicubic, f"{comparison.bicubic_psnr:.2f} dB"),
            (comparison.network, f"{comparison.network_psnr:.2f} dB"),
        )
        for column, (crop, caption) in enumerate(cells):
            left = GAP + column * across
            magnified = crop.repeat(zoom, axis=0).repeat(zoom, axis=1)
            bottom = top + len(magnified)
            figure.figimage(magnified, left, total_height - bottom, origin="upper")
            write(left, bottom + CAPTION / 2, caption)
    return figure
