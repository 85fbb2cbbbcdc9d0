"""Measure which input pixels the output pixels of a network depend on.

Some input pixels are set to NaN. Every output pixel that depends on one of them
is then NaN, whatever the weights are. This works for convolutions, attention,
pooling and activations, but not for a layer that replaces NaN by numbers.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from convlab.superres.layers import Upscaler

STRIP = 16
"""LR pixels on the shorter side of the test images."""
MAX_REACH, MAX_PERIOD = 256, 64
"""LR pixels; a network with a larger reach or period is taken to depend on the whole image."""


class Dependence(NamedTuple):
    """What an output pixel of a network depends on, in LR pixels."""

    reach: int
    """Greatest distance of an input pixel that it depends on."""
    period: int
    """If the input is shifted by a multiple of the period, the output is shifted with it. It is 1
    for convolutions at low resolution, 2 if features are halved in size once, and the side of the
    windows for attention in windows."""


@lru_cache(maxsize=1)  # a folder of pictures is upscaled by one network
def measure_dependence(network: Upscaler) -> Dependence | None:
    """Measure the reach and the period of a network.

    Parameters
    ----------
    network : Upscaler
        In evaluation mode, on the CPU.

    Returns
    -------
    Dependence or None
        None if output pixels depend on the whole image.
    """
    extents = [_extent(network, vertical=vertical) for vertical in (False, True)]
    if None in extents:
        return None
    period = _period(network, max(extents) + MAX_PERIOD)
    return period and Dependence(max(extents) + period - 1, period)


def _extent(network: Upscaler, *, vertical: bool) -> int | None:
    """Measure how far beyond a block of NaN, which is `MAX_PERIOD` wide, the output is NaN."""
    radius = 32
    while radius <= MAX_REACH:
        strip = torch.full((1, 1, STRIP, radius + MAX_PERIOD + radius), 0.5)
        strip[..., radius:-radius] = torch.nan
        changed = _apply(network, strip, vertical=vertical).isnan().any(dim=(0, 1, 2))
        columns = changed.nonzero().flatten()
        if not len(columns):  # a layer replaces NaN by numbers, so that nothing can be measured
            return None
        left, right = int(columns[0]), len(changed) - 1 - int(columns[-1])
        nearest = min(left, right)
        if nearest > 0:
            return radius - nearest // network.scale
        radius *= 2
    return None


def _period(network: Upscaler, reach: int) -> int | None:
    """Find the least shift of the input that shifts the output with it, away from the borders."""
    random = torch.Generator().manual_seed(0)
    strip = torch.rand((1, 1, STRIP, 2 * (reach + MAX_PERIOD)), generator=random)
    scale = network.scale
    inside = slice(scale * reach, scale * (reach + MAX_PERIOD))
    wholes = {way: _apply(network, strip, vertical=way) for way in (False, True)}
    for shift in range(1, MAX_PERIOD + 1):
        if all(
            torch.allclose(
                whole[..., scale * shift :][..., inside],
                _apply(network, strip[..., shift:], vertical=way)[..., inside],
                rtol=0,
                atol=1e-4,
            )
            for way, whole in wholes.items()
        ):
            return shift
    return None


def _apply(network: Upscaler, strip: Tensor, *, vertical: bool) -> Tensor:
    """Upscale a strip, or its transpose and transpose the result back."""
    with torch.inference_mode():
        return network(strip.mT.contiguous()).mT if vertical else network(strip)
