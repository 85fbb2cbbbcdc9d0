"""Draw photographs side by side: ground truth, bicubic interpolation, the network."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from convlab.figures.canvas import GREY, styled
from convlab.superres.comparison import Comparison

GALLERY_DPI = 200
CROP_WIDTH = 400
"""Greatest width of a magnified crop in pixels; a wider crop is not magnified."""
GAP_WIDTH, CAPTION_HEIGHT, HEADING_HEIGHT = 16, 52, 100
"""Pixels between crops, below each crop and above all of them."""


@styled
def draw_gallery(rows: Sequence[Comparison]) -> Figure:
    """Draw crops in three columns, with a row for each photograph, and their PSNR.

    Crops are magnified by an integer factor, so that every pixel is a square
    and the drawing adds no blur.

    Parameters
    ----------
    rows : sequence of Comparison
        At least one.

    Returns
    -------
    Figure
        It must be written at its own resolution, as `write_png` does.
    """
    height, width = np.max([row.truth.shape[:2] for row in rows], axis=0).tolist()
    zoom = max(1, CROP_WIDTH // width)
    across, down = zoom * width + GAP_WIDTH, zoom * height + CAPTION_HEIGHT
    total_width, total_height = 3 * across + GAP_WIDTH, HEADING_HEIGHT + len(rows) * down
    figure = Figure(
        figsize=(total_width / GALLERY_DPI, total_height / GALLERY_DPI),
        dpi=GALLERY_DPI,
        layout="none",
    )

    def write(x: float, y: float, text: str, **style: str) -> None:
        figure.text(x / total_width, 1 - y / total_height, text, va="center", **style)

    write(GAP_WIDTH, HEADING_HEIGHT / 3, "PSNR: luminance of the whole photograph", color=GREY)
    for column, heading in enumerate(("ground truth", "bicubic", "network")):
        write(GAP_WIDTH + column * across, HEADING_HEIGHT * 3 / 4, heading, fontweight="bold")
    for row, comparison in enumerate(rows):
        top = HEADING_HEIGHT + row * down
        cells = (
            (comparison.truth, comparison.name),
            (comparison.bicubic, f"{comparison.bicubic_psnr:.2f} dB"),
            (comparison.network, f"{comparison.network_psnr:.2f} dB"),
        )
        for column, (crop, caption) in enumerate(cells):
            left = GAP_WIDTH + column * across
            magnified = crop.repeat(zoom, axis=0).repeat(zoom, axis=1)
            bottom = top + len(magnified)
            figure.figimage(magnified, left, total_height - bottom, origin="upper")
            write(left, bottom + CAPTION_HEIGHT / 2, caption)
    return figure
