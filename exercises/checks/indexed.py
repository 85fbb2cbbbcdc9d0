"""Tensors whose numbers tell their position, so that a wrong order is visible."""

import torch
from torch import Tensor


def indexed(batch: int, channels: int, height: int, width: int) -> Tensor:
    """Make a tensor of this shape with a different number at each [b, c, h, w], see `decode`.

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
    """Give the position of a number in the result of `indexed`.

    Returns
    -------
    str
        `input[b, c, h, w]`
    """
    number = int(value)
    return f"input{[number // 10_000, number // 100 % 100, number // 10 % 10, number % 10]}"
