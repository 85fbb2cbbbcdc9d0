"""Enlarging pictures of any size, in colour, in bounded memory."""

from collections.abc import Iterator

import numpy as np
from torch import nn

from convlab.imaging.colour import chrominance, luminance, to_bytes, to_rgb
from convlab.imaging.resize import upscale
from convlab.nets.superres import upscale_luminance
from convlab.nets.upscaler import Upscaler

TILE = 256
"""LR pixels on a side of what is enlarged at once, without its surroundings."""
_INTERPOLATED = 3
"""LR pixels around a place that bicubic interpolation reads, and one more."""


def margin(network: Upscaler) -> int:
    """LR pixels around a place on which the network's answer there may depend, at most.

    Each convolution reads half its kernel on every side; what works at high
    resolution reads fewer LR pixels than it is counted for here.
    """
    kernels = (
        layer.kernel_size[0]
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    )
    return sum(kernel // 2 for kernel in kernels) + _INTERPOLATED


def tiles(
    height: int, width: int, *, side: int, around: int
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Cut a plane into tiles, and give each with its surroundings.

    Parameters
    ----------
    height, width : int
    side : int
        Of a tile; the last ones of a row or a column may be smaller.
    around : int
        Pixels of surroundings on each side, where the plane has them.

    Yields
    ------
    whole : tuple of slice
        Rows and columns of the tile with its surroundings.
    inner : tuple of slice
        Rows and columns of the tile alone.
    """
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            whole = (
                slice(max(0, top - around), min(height, bottom + around)),
                slice(max(0, left - around), min(width, right + around)),
            )
            yield whole, (slice(top, bottom), slice(left, right))


def enlarge_tiled(network: Upscaler | None, colour: np.ndarray, scale: int) -> Iterator[np.ndarray]:
    """Enlarge a picture tile by tile.

    Luminance goes through the network, Cb and Cr the bicubic way.

    Parameters
    ----------
    network : Upscaler or None
        None: bicubic interpolation of all.
    colour : ndarray of uint8, shape (height, width) or (height, width, 3)
        Grey is taken for luminance.
    scale : int

    Yields
    ------
    ndarray of uint8, shape (scale * height, scale * width) or (..., 3)
        The same array after each tile, complete after the last.
    """
    height, width = colour.shape[:2]
    enlarged = np.empty((scale * height, scale * width, *colour.shape[2:]), np.uint8)
    around = margin(network) if network else _INTERPOLATED
    for whole, inner in tiles(height, width, side=TILE, around=around):
        part = _enlarge(network, colour[whole], scale)
        inside = tuple(
            slice(scale * (small.start - large.start), scale * (small.stop - large.start))
            for small, large in zip(inner, whole, strict=True)
        )
        target = tuple(slice(scale * span.start, scale * span.stop) for span in inner)
        enlarged[target] = part[inside]
        yield enlarged


def count_tiles(height: int, width: int) -> int:
    """How many tiles `enlarge_tiled` cuts a picture into."""
    return -(-height // TILE) * -(-width // TILE)


def _enlarge(network: Upscaler | None, part: np.ndarray, scale: int) -> np.ndarray:
    def larger(plane: np.ndarray) -> np.ndarray:
        return upscale_luminance(network, plane) if network else upscale(plane, scale, "bicubic")

    if part.ndim == 2:
        return larger(part)
    cbcr = to_bytes(chrominance(part))
    planes = [upscale(plane, scale, "bicubic") for plane in np.moveaxis(cbcr, -1, 0)]
    return to_rgb(larger(luminance(part)), np.dstack(planes))
