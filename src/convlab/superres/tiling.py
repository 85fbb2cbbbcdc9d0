"""Upscale pictures of any size, in colour, with bounded memory."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from convlab.superres.dependence import measure_dependence
from convlab.superres.flat import flat_errors
from convlab.superres.layers import Upscaler, bicubic

TILE_SIDE = 304
"""LR pixels on a side of a tile, without its margin; less if it must be a multiple of the network's
period. With larger tiles, the memory of the default network's features is returned to the system
after each layer."""
BICUBIC_MARGIN = 3
"""Bicubic interpolation depends on 2 LR pixels around each pixel; one more is added."""

_VISIBLE, _OPAQUE = 0.02, 0.6
"""Opacity from which a pixel keeps its own colour. Below it, the colour is pulled towards that of
its neighbours, because a small error of the visible result would be a large error of the colour.
The greater number holds where the colours of the neighbours are similar."""
_WEIGHTS, _BLACK, _RANGE = (65.481, 128.553, 24.966), 16, 219
"""Y of BT.601 in studio range, 16 to 235, is `_BLACK` plus these weights times R, G, B in 0-1."""

Tile = tuple[tuple[slice, slice], tuple[slice, slice]]
"""Rows and columns of a tile with its margin, which may extend beyond the picture; then rows and
columns of the tile itself."""


def plan_tiles(network: Upscaler | None, height: int, width: int) -> list[Tile]:
    """Cut a picture into tiles whose results are the same as that of the whole picture.

    The margin of each tile is as wide as the network's reach. Tiles begin at
    multiples of the network's period, so that windows of attention, or features
    of half the size, have the same positions in a tile as in the picture.

    Parameters
    ----------
    network : Upscaler or None
        None means bicubic interpolation.
    height, width : int
        Size of the picture to upscale.

    Returns
    -------
    list of Tile
        A single one, so that memory is not bounded, if the network depends on the whole picture.
    """
    side, margin = TILE_SIDE, BICUBIC_MARGIN
    if network:
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
        Side of a tile; the last tile of a row or a column may be smaller.
    margin : int
        Pixels added on each side, also beyond the borders of the plane.

    Yields
    ------
    Tile
    """
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            padded = slice(top - margin, bottom + margin), slice(left - margin, right + margin)
            yield padded, (slice(top, bottom), slice(left, right))


def upscale_tiled(
    network: Upscaler | None,
    pixels: np.ndarray,
    scale: int,
    planned: list[Tile],
    *,
    dtype: type[np.unsignedinteger] = np.uint8,
) -> Iterator[np.ndarray]:
    """Upscale a picture tile by tile: luminance by the network, chrominance by interpolation.

    The difference that the network makes to the bicubic interpolation of the luminance is added to
    the interpolated red, green and blue, which leaves Cb and Cr as interpolated. Values are rounded
    once, at the end. `flat_errors` are subtracted, and a picture is mirrored beyond its borders, so
    that a picture of a single colour does not change. (The evaluation protocol does neither.)

    A transparent picture is upscaled twice, on a black and on a white background. Colour and
    opacity are computed from the two results, so that the colours of invisible pixels have no
    effect.

    Parameters
    ----------
    network : Upscaler or None
        If None, luminance is interpolated, too.
    pixels : ndarray of uint8 or uint16, shape (height, width) or (height, width, channels)
        Grey; or 1 to 4 channels: grey or RGB and, if their number is even, opacity.
    scale : int
        Upscaling factor of the network.
    planned : list of Tile
        The result of `plan_tiles`.
    dtype : {uint8, uint16}
        Type of the result, whose largest value is white.

    Yields
    ------
    ndarray of `dtype`, shape (scale * height, scale * width) or (..., channels)
        The same array after each tile; it is complete after the last one.
    """
    height, width = pixels.shape[:2]
    upscaled = np.empty((scale * height, scale * width, *pixels.shape[2:]), dtype)
    for padded, tile in planned:
        part = _upscale_part(network, _cut(pixels, padded), scale)
        inside = tuple(
            slice(scale * (inner.start - outer.start), scale * (inner.stop - outer.start))
            for inner, outer in zip(tile, padded, strict=True)
        )
        target = tuple(slice(scale * span.start, scale * span.stop) for span in tile)
        levels = part[:, *inside].clamp(0, 1).mul_(np.iinfo(dtype).max).round_().numpy()
        upscaled[target] = levels[0] if pixels.ndim == 2 else np.moveaxis(levels, 0, -1)
        yield upscaled


def _cut(pixels: np.ndarray, spans: tuple[slice, slice]) -> np.ndarray:
    """Cut a part out of a picture; beyond its borders, the picture is mirrored."""
    rows, columns = (
        _mirrored(np.arange(span.start, span.stop), length)
        for span, length in zip(spans, pixels.shape[:2], strict=True)
    )
    return pixels[rows[:, None], columns]


def _mirrored(places: np.ndarray, length: int) -> np.ndarray:
    places = places % (2 * length)
    return np.minimum(places, 2 * length - 1 - places)


@torch.inference_mode()
def _upscale_part(network: Upscaler | None, part: np.ndarray, scale: int) -> Tensor:
    """Upscale a part of a picture; the result has shape (channels, scale * h, scale * w), 0 to 1.

    It is not clipped.
    """
    planes = torch.from_numpy(np.atleast_3d(part).astype(np.float32)).movedim(-1, 0)
    planes = planes.contiguous().div_(np.iinfo(part.dtype).max)
    has_opacity = len(planes) % 2 == 0
    colour = planes[:-1] if has_opacity else planes
    shape = len(colour), -1, -1
    if (colour == colour[:1]).all():  # grey, also if it is saved as RGB
        colour = colour[:1]
    if not has_opacity or (planes[-1] == 1).all():
        colour = _upscale_colour(network, colour, scale).expand(shape)
        return torch.cat([colour, torch.ones_like(colour[:1])]) if has_opacity else colour
    colour, opacity = _upscale_transparent(network, colour, planes[-1:], scale)
    return torch.cat([colour.expand(shape), opacity])


def _upscale_transparent(
    network: Upscaler | None, colour: Tensor, opacity: Tensor, scale: int
) -> tuple[Tensor, Tensor]:
    """Upscale colour and opacity, of shape (channels, h, w) and (1, h, w), 0 to 1."""
    seen = opacity * colour
    on_black = _upscale_colour(network, seen, scale).clamp_(0, 1)
    on_white = _upscale_colour(network, seen + (1 - opacity), scale).clamp_(0, 1)
    # Means over the visible pixels nearby; far from visible pixels, nothing is visible.
    means = functional.avg_pool2d(torch.cat([seen, opacity])[None], 5, stride=1, padding=2)
    means = functional.interpolate(means, scale_factor=scale, mode="bilinear")[0]
    near, around = means[-1:] > 0, means[:-1] / means[-1:].clamp(min=1e-6)
    contrast = functional.interpolate(
        _contrast(colour, opacity > _VISIBLE)[None], scale_factor=scale, mode="nearest"
    )[0]
    opacity = (1 - (on_white - on_black).amin(0, keepdim=True)) * near
    # The visible part of the colour: the mean of what the two backgrounds give.
    seen = (on_black + on_white - (1 - opacity)) / 2 * near
    exact, cautious = (
        (seen - opacity * around) / opacity.clamp(min=least) for least in (_VISIBLE, _OPAQUE)
    )
    difference = cautious + (exact - cautious).clamp(-contrast, contrast)
    return around + difference, opacity


def _contrast(colour: Tensor, visible: Tensor) -> Tensor:
    """Give how much the colours of the visible ones of 5 x 5 pixels differ; shape (1, h, w)."""
    lightest, darkest = (
        functional.max_pool2d((sign * colour).where(visible, -1)[None], 5, stride=1, padding=2)[0]
        for sign in (1, -1)
    )
    return (lightest + darkest).clamp_(min=0).amax(0, keepdim=True)


def _upscale_colour(network: Upscaler | None, colour: Tensor, scale: int) -> Tensor:
    """Upscale grey or RGB values, shape (channels, h, w), 0 to 1."""
    if network is None:
        return bicubic(colour[None], scale)[0]
    low = _luminance(colour)
    sharp = network(low)  # first, before other tensors fragment the memory
    sharp -= flat_errors(network, low)
    smooth = bicubic(colour[None], scale)[0]
    detail = sharp - _luminance(smooth)
    return smooth.add_(detail[0], alpha=255 / _RANGE)


def _luminance(colour: Tensor) -> Tensor:
    """Map grey or RGB, 0 to 1, (channels, h, w), to luminance / 255, not rounded, (1, 1, h, w)."""
    weights = colour.new_tensor(_WEIGHTS if len(colour) == 3 else [_RANGE])
    return (torch.tensordot(weights, colour, dims=1)[None, None] + _BLACK) / 255
