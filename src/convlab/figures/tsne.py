"""t-SNE: many-dimensional embeddings as points in the plane, still and moving."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from pydantic import Field
from scipy.interpolate import PchipInterpolator
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from convlab.data.snapshots import Snapshots
from convlab.errors import InputError
from convlab.figures.canvas import relative_luminance, styled
from convlab.params import Params, Seed

PICTURES = 7
"""From one snapshot to the next, in the animation."""
TILE = 0.085, 0.115
"""Inches across and down of a digit on its colour."""
MOVING, RESTING = 60, 1500
"""Milliseconds that a picture is shown; the first and the last one rest."""


class RenderTsne(Params):
    """How the embeddings are laid out (block `render_tsne`)."""

    seed: Seed
    perplexity: Annotated[float, Field(ge=5, le=100)]
    iterations: Annotated[int, Field(ge=250)]
    frame_iterations: Annotated[int, Field(ge=250)]


def embed(features: np.ndarray, params: RenderTsne) -> np.ndarray:
    """Lay points out in the plane so that neighbours stay neighbours.

    Starts from the first two principal components.

    Parameters
    ----------
    features : ndarray of float, shape (n, width)
        More points than `params.perplexity`.
    params : RenderTsne

    Returns
    -------
    ndarray of float32, shape (n, 2)
        Neither the axes nor the distances between groups mean anything.

    Raises
    ------
    InputError
        If all points are the same.

    References
    ----------
    L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", JMLR 9, 2008.
    """
    if (features == features[0]).all():
        raise InputError(
            "the embeddings of all digits are the same: the network has died:"
            " lower train_cnn.learning_rate in params.yaml, then run `dvc repro`"
        )
    return _descend(features, params, init="pca", max_iter=params.iterations)


def embed_frames(
    features_per_step: Iterable[np.ndarray], params: RenderTsne
) -> Iterator[np.ndarray]:
    """Lay out one snapshot after the other, so that groups move and do not jump.

    The first is laid out as `embed` does it, the others start from the one
    before. Early exaggeration, which would pull that apart again, is off
    (factor 1). What the picture then needs to be smooth is a first layout
    that has settled, hence all its `iterations`: after a few it is still
    growing, and the second one would burst. Scikit-learn's own learning rate
    (a quarter of the number of points here) is gentle enough: a point moves
    by a tenth of the layout's standard deviation per snapshot, on average.

    Parameters
    ----------
    features_per_step : iterable of ndarray of float, shape (n, width)
        The same n points at each step.
    params : RenderTsne

    Yields
    ------
    ndarray of float32, shape (n, 2)
    """
    points = None
    for features in features_per_step:
        if points is None:
            points = embed(features, params)
        else:
            points = _descend(
                features,
                params,
                init=points,
                early_exaggeration=1,
                max_iter=params.frame_iterations,
            )
        yield points


def _descend(features: np.ndarray, params: RenderTsne, **options: Any) -> np.ndarray:
    # One thread: sums over threads come out differently from run to run, and
    # on so few points two threads are slower than one.
    with threadpool_limits(1):
        tsne = TSNE(perplexity=params.perplexity, random_state=params.seed, **options)
        return tsne.fit_transform(features.astype(np.float32))


def describe(step: int, accuracy: float) -> str:
    """Say when a snapshot was taken; the accuracy is 0 to 1."""
    return f"step {step}: test accuracy {100 * accuracy:.1f} %"


@styled
def draw_embedding(
    points: np.ndarray, digits: np.ndarray, title: str, *, frame: np.ndarray | None = None
) -> Figure:
    """Draw each point as its digit on the rainbow colour of its class.

    Parameters
    ----------
    points : ndarray of float, shape (n, 2)
    digits : ndarray of int, shape (n,)
        0 to 9.
    title : str
    frame : ndarray of float, shape (..., 2), optional
        Points that the axes must have room for; if not given, those drawn.

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
    for (x, y), digit in zip(points, digits, strict=True):
        ground = {"facecolor": colour(digit), "edgecolor": "none", "pad": 0.8}
        axes.text(x, y, digit, **_lettering(digit), bbox=ground)
    return figure


def draw_animation(positions: np.ndarray, snapshots: Snapshots) -> Iterator[Image.Image]:
    """Draw a layout that moves through the training.

    The axes stay, the title is that of the latest snapshot.

    Parameters
    ----------
    positions : ndarray of float, shape (s, n, 2)
        The layout of each snapshot.
    snapshots : Snapshots

    Yields
    ------
    Image
        Pictures for `write_gif`: of one size, with one palette.
    """
    # This interpolation stays between two snapshots: nothing overshoots, nothing leaves the axes.
    route = PchipInterpolator(np.arange(len(positions)), positions)
    tiles = [_draw_tile(digit) for digit in range(10)]
    last, palette = len(positions) - 1, None
    for snapshot in range(last + 1):
        title = describe(snapshots.steps[snapshot], snapshots.accuracies[snapshot])
        empty = draw_embedding(positions[0, :0], snapshots.digits[:0], title, frame=positions)
        ground = _render(empty)
        to_pixels = empty.axes[0].transData
        for moment in range(PICTURES if snapshot < last else 1):
            time = snapshot + moment / PICTURES
            pixels = to_pixels.transform(route(time))
            picture = _paste(ground, tiles, pixels, snapshots.digits)
            palette = palette or picture.quantize(method=Image.Quantize.MAXCOVERAGE, kmeans=1)
            picture = picture.quantize(palette=palette, dither=Image.Dither.NONE)
            picture.info["duration"] = MOVING if 0 < time < last else RESTING
            yield picture


def write_gif(path: Path, pictures: Iterator[Image.Image]) -> None:
    """Write an animation that starts over when it ends."""
    next(pictures).save(path, format="GIF", save_all=True, append_images=pictures, loop=0)


def colour(digit: int) -> tuple[float, ...]:
    """RGBA of a class, from violet (0) to red (9)."""
    return matplotlib.colormaps["rainbow"](digit / 9)


def _square_around(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre and half the side of a square that holds all points and the digits on them."""
    corners = np.reshape(points, (-1, 2))
    low, high = corners.min(axis=0), corners.max(axis=0)
    return (low + high) / 2, 0.53 * float((high - low).max())


def _lettering(digit: int) -> dict[str, Any]:
    """How a digit is written on its colour: in black or white, whichever stands out more."""
    bright = relative_luminance(np.array(colour(digit)[:3])) > 0.18
    return {
        "color": "black" if bright else "white",
        "fontsize": 7,
        "ha": "center",
        "va": "center_baseline",
        "clip_on": True,
    }


@styled
def _draw_tile(digit: int) -> Image.Image:
    """Draw a digit on its colour, as large as `draw_embedding` does.

    Matplotlib takes a second to write 500 digits; pasting them takes a hundredth of that.
    """
    tile = Figure(figsize=TILE, facecolor=colour(digit))
    tile.text(0.5, 0.5, digit, **_lettering(digit))
    return _render(tile)


@styled
def _render(figure: Figure) -> Image.Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _paste(
    ground: Image.Image, tiles: list[Image.Image], pixels: np.ndarray, digits: np.ndarray
) -> Image.Image:
    """Paste tiles centred on their pixels (right, up), and halve all for smooth edges and moves."""
    picture = ground.copy()
    for (right, up), digit in zip(pixels, digits, strict=True):
        tile = tiles[digit]
        left, top = right - tile.width / 2, ground.height - up - tile.height / 2
        picture.paste(tile, (round(left), round(top)))
    return picture.reduce(2)
