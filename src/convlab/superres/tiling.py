"""Upscaling of pictures of any size, in colour, in bounded memory."""

from collections.abc import Iterator

import numpy as np
from torch import nn

from convlab.imaging.colour import chrominance, luminance, to_bytes, to_rgb
from convlab.imaging.resize import upscale
from convlab.superres.layers import Upscaler
from convlab.superres.upscaling import upscale_luminance

TILE_SIDE = 256
"""LR pixels on a side of a tile, without its margin."""
BICUBIC_MARGIN = 3
"""LR pixels around a pixel on which bicubic interpolation depends, and one more."""


def margin(network: Upscaler) -> int:
    """Bound how far away an LR pixel can be that an output pixel depends on.

    Each convolution reads half of its kernel on every side. A convolution at
    high resolution is counted as if it read as many LR pixels, which is more
    than it reads.

    Parameters
    ----------
    network : Upscaler

    Returns
    -------
    int
        LR pixels.
    """
    reaches = (
        max(
            kernel // 2 * dilation
            for kernel, dilation in zip(layer.kernel_size, layer.dilation, strict=True)
        )
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    )
    return sum(reaches) + BICUBIC_MARGIN


def tiles(
    height: int, width: int, *, side: int, margin: int
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
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
    padded : tuple of slice
        Rows and columns of the tile with its margin.
    tile : tuple of slice
        Rows and columns of the tile alone.
    """
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            padded = (
                slice(max(0, top - margin), min(height, bottom + margin)),
                slice(max(0, left - margin), min(width, right + margin)),
            )
            yield padded, (slice(top, bottom), slice(left, right))


def count_tiles(height: int, width: int) -> int:
    """Count the tiles into which `upscale_tiled` cuts a picture.

    Returns
    -------
    int
    """
    return -(-height // TILE_SIDE) * -(-width // TILE_SIDE)


def upscale_tiled(network: Upscaler | None, colour: np.ndarray, scale: int) -> Iterator[np.ndarray]:
    """Upscale a picture tile by tile: luminance by the network, Cb and Cr bicubic.

    Parameters
    ----------
    network : Upscaler or None
        None: luminance is interpolated, too.
    colour : ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey is taken as luminance.
    scale : int
        The network's.

    Yields
    ------
    ndarray of uint8, shape (scale * height, scale * width) or (..., 3)
        The same array after each tile, complete after the last.
    """
    height, width = colour.shape[:2]
    upscaled = np.empty((scale * height, scale * width, *colour.shape[2:]), np.uint8)
    around = margin(network) if network else BICUBIC_MARGIN
    for padded, tile in tiles(height, width, side=TILE_SIDE, margin=around):
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
