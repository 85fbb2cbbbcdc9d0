"""Draw embeddings that t-SNE placed in the plane, as a picture and as an animation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from scipy.interpolate import PchipInterpolator

from convlab.digits.snapshots import Snapshots
from convlab.figures.canvas import relative_luminance, styled

FRAMES_PER_SNAPSHOT = 7
"""Frames of the animation from one snapshot to the next."""
TILE_SIZE = 0.085, 0.115
"""Width and height, in inches, of a digit with its coloured background."""
FRAME_DURATION, PAUSE_DURATION = 60, 1500
"""Milliseconds that a frame is shown; `PAUSE_DURATION` is for the first and the last frame."""


def describe(step: int, accuracy: float) -> str:
    """Give the title of a snapshot; the accuracy is 0 to 1."""
    return f"step {step}: test accuracy {100 * accuracy:.1f} %"


@styled
def draw_embedding(
    points: np.ndarray, labels: np.ndarray, title: str, *, frame: np.ndarray | None = None
) -> Figure:
    """Draw each point as a digit on the colour of its class.

    Parameters
    ----------
    points : ndarray of float, shape (n, 2)
    labels : ndarray of int, shape (n,)
        0 to 9.
    title : str
    frame : ndarray of float, shape (..., 2), optional
        Points that the axes must include; by default the drawn points.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(5.4, 5.5))
    axes = figure.subplots()
    centre, reach = _square_around(points if frame is None else frame)
    axes.grid(visible=False)
    axes.set(
        title=title,
        xlabel="t-SNE 1 (no unit)",
        ylabel="t-SNE 2 (no unit)",
        xlim=(centre[0] - reach, centre[0] + reach),
        ylim=(centre[1] - reach, centre[1] + reach),
        xticks=[],
        yticks=[],
        aspect="equal",
    )
    for (x, y), digit in zip(points, labels, strict=True):
        box = {"facecolor": class_colour(digit), "edgecolor": "none", "pad": 0.8}
        axes.text(x, y, digit, **_text_style(digit), bbox=box)
    return figure


def draw_animation(positions: np.ndarray, snapshots: Snapshots) -> Iterator[Image.Image]:
    """Draw how the points move during the training.

    All frames have the same axes. The title is that of the latest snapshot.

    Parameters
    ----------
    positions : ndarray of float, shape (s, n, 2)
        Positions of the points in each snapshot.
    snapshots : Snapshots

    Yields
    ------
    Image
        Frames for `write_gif`, with the same size and palette, on white.
    """
    # Monotone between two snapshots, so that no point overshoots or leaves the axes.
    path = PchipInterpolator(np.arange(len(positions)), positions)
    tiles = [_draw_tile(digit) for digit in range(10)]
    last, palette = len(positions) - 1, None
    for snapshot in range(last + 1):
        title = describe(snapshots.steps[snapshot], snapshots.accuracies[snapshot])
        empty = draw_embedding(positions[0, :0], snapshots.labels[:0], title, frame=positions)
        background = _render(empty)
        to_pixels = empty.axes[0].transData
        for number in range(FRAMES_PER_SNAPSHOT if snapshot < last else 1):
            time = snapshot + number / FRAMES_PER_SNAPSHOT
            pixels = to_pixels.transform(path(time))
            picture = _paste(background, tiles, pixels, snapshots.labels)
            palette = palette or _make_palette(picture)
            frame = _apply_palette(picture, palette)
            frame.info["duration"] = FRAME_DURATION if 0 < time < last else PAUSE_DURATION
            yield frame


def write_gif(path: Path, pictures: Iterator[Image.Image]) -> None:
    """Write an animation that repeats without end."""
    next(pictures).save(path, format="GIF", save_all=True, append_images=pictures, loop=0)


def class_colour(digit: int) -> tuple[float, ...]:
    """Give the colour of a class, from violet (0) to red (9), as RGBA, each 0 to 1."""
    return matplotlib.colormaps["rainbow"](digit / 9)


def _square_around(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Give centre and half the side of a square around all points and their digits."""
    corners = np.reshape(points, (-1, 2))
    low, high = corners.min(axis=0), corners.max(axis=0)
    return (low + high) / 2, 0.53 * float((high - low).max())


def _text_style(digit: int) -> dict[str, Any]:
    """Give the style of a digit on its colour: black or white, for the better contrast."""
    bright = relative_luminance(np.array(class_colour(digit)[:3])) > 0.18
    return {
        "color": "black" if bright else "white",
        "fontsize": 7,
        "ha": "center",
        "va": "center_baseline",
        "clip_on": True,
    }


@styled
def _draw_tile(digit: int) -> Image.Image:
    """Draw a digit on its colour, in the size of `draw_embedding`.

    Matplotlib takes a second to write 500 digits; pasting them takes a hundredth of that.
    """
    tile = Figure(figsize=TILE_SIZE, facecolor=class_colour(digit))
    tile.text(0.5, 0.5, digit, **_text_style(digit))
    return _render(tile)


@styled
def _render(figure: Figure) -> Image.Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _paste(
    background: Image.Image, tiles: list[Image.Image], pixels: np.ndarray, labels: np.ndarray
) -> Image.Image:
    """Paste tiles centred on their pixels (right, up), then halve the size to smooth the edges."""
    picture = background.copy()
    for (right, up), digit in zip(pixels, labels, strict=True):
        tile = tiles[digit]
        left, top = right - tile.width / 2, background.height - up - tile.height / 2
        picture.paste(tile, (round(left), round(top)))
    return picture.reduce(2)


def _make_palette(picture: Image.Image) -> Image.Image:
    """Make a palette of white and the 255 most frequent colours of a picture."""
    frequent = picture.quantize(255, method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    palette = Image.new("P", (1, 1))
    palette.putpalette([255, 255, 255, *frequent.getpalette()])
    return palette


def _apply_palette(picture: Image.Image, palette: Image.Image) -> Image.Image:
    """Use the nearest colour for each pixel; white stays white, though Pillow is not exact."""
    indices = np.array(picture.quantize(palette=palette, dither=Image.Dither.NONE))
    indices[(np.asarray(picture) == 255).all(axis=-1)] = 0
    frame = Image.fromarray(indices)
    frame.putpalette(palette.getpalette())
    return frame
