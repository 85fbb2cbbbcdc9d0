"""Tensors whose numbers say where they stand, so that a mistake in the order shows itself."""

import torch
from torch import Tensor


def indexed(batch: int, channels: int, height: int, width: int) -> Tensor:
    """Make a tensor of this shape whose number at [b, c, h, w] is `decode`'s.

    Parameters
    ----------
    batch, channels, height, width : int
        At most 10, 100, 10 and 10.

    Returns
    -------
    Tensor of float32
    """
    sizes = map(torch.arange, (batch, channels, height, width))
    b, c, h, w = torch.meshgrid(*sizes, indexing="ij")
    return (10_000 * b + 100 * c + 10 * h + w).float()


def decode(value: float) -> str:
    """Say where a number of `indexed` stood.

    Returns
    -------
    str
        `input[b, c, h, w]`
    """
    number = int(value)
    return f"input{[number // 10_000, number // 100 % 100, number // 10 % 10, number % 10]}"
