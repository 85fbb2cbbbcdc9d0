"""Upscaling of pictures of any size, in colour, in bounded memory."""

from collections.abc import Iterator

import numpy as np

from convlab.imaging.colour import chrominance, luminance, to_bytes, to_rgb
from convlab.imaging.resize import upscale
from convlab.superres.dependence import measure_dependence
from convlab.superres.layers import Upscaler
from convlab.superres.upscaling import upscale_luminance

TILE_SIDE = 384
"""LR pixels on a side of a tile, without its margin; less where a network's period asks for it."""
BICUBIC_MARGIN = 3
"""LR pixels around a pixel on which bicubic interpolation depends, and one more."""

Tile = tuple[tuple[slice, slice], tuple[slice, slice]]
"""Rows and columns of a tile with its margin, and of the tile alone."""


def plan_tiles(network: Upscaler | None, height: int, width: int) -> list[Tile]:
    """Cut a picture into tiles that a network upscales as it does the whole picture.

    Each tile gets as wide a margin as the output depends on. Tiles begin at
    multiples of the network's period, so that windows of attention, or features
    of half the size, lie in a tile as in the picture.

    Parameters
    ----------
    network : Upscaler or None
        None: bicubic interpolation.
    height, width : int
        Of the picture to upscale.

    Returns
    -------
    list of Tile
        A single one if the network depends on the whole picture: then memory is not bounded.
    """
    side, margin = TILE_SIDE, BICUBIC_MARGIN
    if network and max(height, width) > side:
        dependence = measure_dependence(network)
        if dependence is None:
            side, margin = max(height, width), 0
        else:
            reach, period = dependence
            side -= side % period
            margin = -(-max(reach, margin) // period) * period
    return list(tiles(height, width, side=side, margin=margin))


def tiles(height: int, width: int, *, side: int, margin: int) -> Iterator[Tile]:
    """Cut a plane into square tiles, row by row, and give each also with a margin.

    Parameters
    ----------
    height, width : int
    side : int
        Of a tile; the last ones of a row or a column may be smaller.
    margin : int
        Pixels added on each side, where the plane has them.

    Yields
    ------
    Tile
    """
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            padded = (
                slice(max(0, top - margin), min(height, bottom + margin)),
                slice(max(0, left - margin), min(width, right + margin)),
            )
            yield padded, (slice(top, bottom), slice(left, right))


def upscale_tiled(
    network: Upscaler | None, colour: np.ndarray, scale: int, planned: list[Tile]
) -> Iterator[np.ndarray]:
    """Upscale a picture tile by tile: luminance by the network, Cb and Cr bicubic.

    Parameters
    ----------
    network : Upscaler or None
        None: luminance is interpolated, too.
    colour : ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey is taken as luminance.
    scale : int
        The network's.
    planned : list of Tile
        What `plan_tiles` gave.

    Yields
    ------
    ndarray of uint8, shape (scale * height, scale * width) or (..., 3)
        The same array after each tile, complete after the last.
    """
    height, width = colour.shape[:2]
    upscaled = np.empty((scale * height, scale * width, *colour.shape[2:]), np.uint8)
    for padded, tile in planned:
        part = _upscale_part(network, colour[padded], scale)
        inside = tuple(
            slice(scale * (inner.start - outer.start), scale * (inner.stop - outer.start))
            for inner, outer in zip(tile, padded, strict=True)
        )
        target = tuple(slice(scale * span.start, scale * span.stop) for span in tile)
        upscaled[target] = part[inside]
        yield upscaled


def _upscale_part(network: Upscaler | None, part: np.ndarray, scale: int) -> np.ndarray:
    y = luminance(part) if part.ndim == 3 else part
    y = upscale_luminance(network, y) if network else upscale(y, scale, "bicubic")
    if part.ndim == 2:
        return y
    planes = np.moveaxis(to_bytes(chrominance(part)), -1, 0)
    return to_rgb(y, np.dstack([upscale(plane, scale, "bicubic") for plane in planes]))
