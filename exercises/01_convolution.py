"""Exercise 1: convolution by hand."""

import torch
from torch import Tensor


def convolve(image: Tensor, kernel: Tensor, padding: int) -> Tensor:
    """Convolve an image with one kernel, as `torch.nn.functional.conv2d` does.

    Parameters
    ----------
    image : Tensor of float32, shape (channels, height, width)
    kernel : Tensor of float32, shape (channels, rows, columns)
    padding : int
        Rows and columns of zeros that are added on each of the four sides.

    Returns
    -------
    Tensor of float32
        Shape (height + 2 padding - rows + 1, width + 2 padding - columns + 1).
    """
    raise NotImplementedError
