"""What a network makes of pictures of a single colour, which should stay as they are."""

from functools import lru_cache

import torch
from einops import rearrange
from torch import Tensor

from convlab.superres.dependence import measure_dependence
from convlab.superres.layers import Upscaler

LEVELS = 33
"""Grey levels that are tried; between them, errors are interpolated."""
_REACH = 32
"""LR pixels around the one that is measured, for a network that depends on the whole picture."""


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
        For each luminance from 0 to 1, of the pixels that an LR pixel becomes, far from borders:
        the network's output minus that luminance.
    """
    dependence = measure_dependence(network)
    reach = dependence.reach if dependence else _REACH
    levels = torch.linspace(0, 1, LEVELS).view(-1, 1, 1, 1)
    middle = slice(network.scale * reach, network.scale * (reach + 1))
    with torch.inference_mode():
        outputs = network(levels.repeat(1, 1, 2 * reach + 1, 2 * reach + 1))
        return (outputs[..., middle, middle] - levels)[:, 0]


def flat_errors(network: Upscaler, low: Tensor) -> Tensor:
    """Give the error that a network would make at each pixel, if all around were as it is.

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
