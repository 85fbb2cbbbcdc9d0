"""Exercise 1 against `torch.nn.functional.conv2d`."""

from types import ModuleType

import torch
from checks.hints import find, judge, refuse
from torch import Tensor
from torch.nn import functional

SQUARE = [((1, 5, 6), (1, 3, 3), 0), ((2, 6, 5), (2, 3, 3), 1), ((3, 4, 5), (3, 3, 3), 2)]
OBLONG = [((2, 4, 7), (2, 3, 2), 1), ((2, 7, 4), (2, 1, 3), 0)]
"""Shapes of the image and of the kernel, and the padding."""


def draw(shapes: list[tuple]) -> list[tuple[Tensor, Tensor, int]]:
    """Draw images and kernels of these shapes."""
    return [(torch.randn(image), torch.randn(kernel), padding) for image, kernel, padding in shapes]


def correct(image: Tensor, kernel: Tensor, padding: int) -> Tensor:
    """Convolve as torch does."""
    return functional.conv2d(image[None], kernel[None], padding=padding)[0, 0]


def padded(image: Tensor, kernel: Tensor, sides: tuple[int, ...], mode: str = "constant") -> Tensor:
    """Pad left, right, top and bottom, then convolve."""
    return correct(functional.pad(image[None], sides, mode)[0], kernel, 0)


def backwards(image: Tensor, kernel: Tensor, padding: int) -> Tensor:
    """Take x[i - m]: where that is negative, Python counts from the end."""
    rows, columns = (side - 1 for side in kernel.shape[1:])
    rolled = functional.pad(image, [padding] * 4).roll((rows, columns), (1, 2))
    return correct(rolled, kernel.flip(1, 2), 0)


MISTAKES = [
    (
        lambda x, w, p: correct(x, w.flip(1, 2), p),
        "your kernel is flipped: conv2d is a cross-correlation: it multiplies x[i + m] by w[m], not"
        " x[i - m] by w[m]",
    ),
    (
        backwards,
        "you multiply x[i - m] by w[m]: conv2d does not flip the kernel, and takes x[i + m]",
    ),
    (
        lambda x, w, p: correct(x, w.flip(1), p),
        "your kernel is flipped top to bottom: conv2d does not flip the kernel",
    ),
    (
        lambda x, w, p: correct(x, w.flip(2), p),
        "your kernel is flipped left to right: conv2d does not flip the kernel",
    ),
    (
        lambda x, w, p: correct(x, w.mT, p),
        "your kernel is transposed: as in the image, its first index (after the channel) is the row"
        " and its second the column",
    ),
    (
        lambda x, w, p: correct(x[:1], w[:1], p),
        "only the first channel counts: sum over all channels",
    ),
    (
        lambda x, w, p: functional.conv2d(x[None], w[:, None], padding=p, groups=len(x))[0],
        "your result still has several channels: sum over them, too",
    ),
    (
        lambda x, w, p: correct(x, w, p) / len(x),
        "you take the mean over the channels: conv2d takes the sum",
    ),
    (
        lambda x, w, p: correct(x, w, 0),
        "the padding is missing: add `padding` rows and columns of zeros on each side",
    ),
    (
        lambda x, w, p: padded(x, w, (p, 0, p, 0)),
        "you pad at the top and the left only: pad at the bottom and the right, too",
    ),
    (
        lambda x, w, p: padded(x, w, (p, p, p, p), "replicate"),
        "you pad by repeating the edge: conv2d pads with zeros",
    ),
    (
        lambda x, w, p: correct(x, w, p)[:-1, :-1],
        "the last row and column are missing: a window of side k fits into n pixels at n - k + 1"
        " positions",
    ),
]


def check(answer: ModuleType) -> None:
    """Compare on square kernels, for which all mistakes can be computed, then on others."""
    refuse(answer, "conv2d", "Conv2d", "convolve2d", "correlate2d", "unfold", "Unfold")
    convolve = find(answer, "convolve")
    judge(convolve, correct, draw(SQUARE), MISTAKES)
    judge(convolve, correct, draw(OBLONG), [])
