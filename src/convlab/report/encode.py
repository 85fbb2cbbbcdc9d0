"""Encode pictures as data URIs, which are text inside the page instead of separate files."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image


def png(pixels: np.ndarray) -> str:
    """Encode uint8 pixels, shape (height, width) or (height, width, 3), as a lossless data URI."""
    return _uri(pixels, "png", optimize=True)


def webp(pixels: np.ndarray) -> str:
    """Encode a photograph as a lossless data URI, a quarter shorter than by `png`."""
    # `quality` is the effort of compression here: 100 takes thirty times as long and saves 1 %.
    return _uri(pixels, "webp", lossless=True, quality=75, method=6)


def sheet(tiles: Sequence[np.ndarray], columns: int, *, gap: int = 0, fill: int = 0) -> np.ndarray:
    """Arrange tiles of the same size in rows.

    Parameters
    ----------
    tiles : sequence of ndarray of uint8, shape (height, width)
    columns : int
    gap : int
        Pixels between tiles.
    fill : int
        Grey level of the gaps and of the empty part of the last row.

    Returns
    -------
    ndarray of uint8
    """
    height, width = tiles[0].shape
    rows = -(-len(tiles) // columns)
    shape = rows * (height + gap) - gap, columns * (width + gap) - gap
    picture = np.full(shape, fill, np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        top, left = row * (height + gap), column * (width + gap)
        picture[top : top + height, left : left + width] = tile
    return picture


def stretch(values: np.ndarray) -> np.ndarray:
    """Convert values to grey levels: black for the minimum, white for the maximum.

    Parameters
    ----------
    values : ndarray of float, shape (...)

    Returns
    -------
    ndarray of uint8, of the same shape
    """
    low, high = float(values.min()), float(values.max())
    return np.rint(255 * (values - low) / ((high - low) or 1)).astype(np.uint8)


def diverge(values: np.ndarray) -> np.ndarray:
    """Convert values to grey levels: medium grey for zero, darker below, brighter above.

    Parameters
    ----------
    values : ndarray of float, shape (...)

    Returns
    -------
    ndarray of uint8, of the same shape
    """
    reach = float(np.abs(values).max()) or 1.0
    return np.rint(127.5 + 127.5 * values / reach).astype(np.uint8)


def _uri(pixels: np.ndarray, kind: str, **options: bool | int) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
