"""Measure how a network changes pictures of a single colour, which it should not change."""

from functools import lru_cache

import torch
from einops import rearrange
from torch import Tensor

from convlab.superres.dependence import measure_dependence
from convlab.superres.layers import Upscaler

LEVELS = 33
"""Number of grey levels that are measured; errors between them are interpolated."""
_REACH = 32
"""LR pixels around the measured one, if the network depends on the whole picture."""


@lru_cache(maxsize=1)  # a folder of pictures is upscaled by one network
def measure_flat_errors(network: Upscaler) -> Tensor:
    """Measure by how much a network changes pictures of a single grey level.

    Parameters
    ----------
    network : Upscaler
        In evaluation mode, on the CPU.

    Returns
    -------
    Tensor, shape (LEVELS, scale, scale)
        The network's output minus the luminance of its input, for `LEVELS` luminances from 0 to 1,
        at the scale x scale output pixels of one LR pixel far from the borders.
    """
    dependence = measure_dependence(network)
    reach = dependence.reach if dependence else _REACH
    levels = torch.linspace(0, 1, LEVELS).view(-1, 1, 1, 1)
    middle = slice(network.scale * reach, network.scale * (reach + 1))
    with torch.inference_mode():
        outputs = network(levels.repeat(1, 1, 2 * reach + 1, 2 * reach + 1))
        return (outputs[..., middle, middle] - levels)[:, 0]


def flat_errors(network: Upscaler, low: Tensor) -> Tensor:
    """Give the error of a network at each pixel if its surroundings had the same luminance.

    Parameters
    ----------
    network : Upscaler
        As for `measure_flat_errors`.
    low : Tensor, shape (1, 1, h, w)
        Luminance / 255.

    Returns
    -------
    Tensor, shape (1, 1, scale * h, scale * w)
    """
    errors = measure_flat_errors(network).flatten(1)
    place = (LEVELS - 1) * low[0, 0]
    lower = place.floor().clamp_(0, LEVELS - 2)
    share, index = (place - lower)[..., None], lower.long()
    between = torch.lerp(errors[index], errors[index + 1], share)
    return rearrange(between, "h w (r1 r2) -> 1 1 (h r1) (w r2)", r1=network.scale)
