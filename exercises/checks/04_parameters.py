"""Exercise 4 against the layers of torch, built on a device without memory."""

from types import ModuleType

from checks.hints import find, judge
from torch import nn

from convlab.core.weights import count_parameters

CONVOLUTIONS = [(1, 16, 5, True, 1), (16, 32, 3, False, 1), (8, 12, 3, True, 4), (6, 6, 1, True, 6)]
"""Inputs, outputs, kernel, bias, groups."""
LINEARS = [(1568, 10, True), (784, 36, False)]
"""Inputs, outputs, bias."""


def conv2d(inputs: int, outputs: int, kernel: int, bias: bool, groups: int) -> int:
    """Count the parameters of a convolution."""
    layer = nn.Conv2d(inputs, outputs, kernel, bias=bias, groups=groups, device="meta")
    return count_parameters(layer)


def linear(inputs: int, outputs: int, bias: bool) -> int:
    """Count the parameters of a linear layer."""
    return count_parameters(nn.Linear(inputs, outputs, bias=bias, device="meta"))


OF_CONVOLUTIONS = [
    (
        lambda i, o, k, b, g: conv2d(i, o, k, False, g),
        "the bias of the convolution is missing: one number for each output channel",
    ),
    (
        lambda i, o, k, b, g: conv2d(i, o, k, True, g),
        "the convolution always gets a bias: with bias=False it has none",
    ),
    (
        lambda i, o, k, b, g: conv2d(i, o, k, False, g) + b,
        "there is one bias for the whole convolution: each output channel has its own",
    ),
    (
        lambda i, o, k, b, g: conv2d(i, o, k, False, g) + b * i,
        "there is a bias for each input channel: a bias is added to an output channel",
    ),
    (
        lambda i, o, k, b, g: i // g * o * (k**2 + b),
        "there is a bias for each kernel: only the sum over the input channels gets a bias, not"
        " each of its terms",
    ),
    (
        lambda i, o, k, b, g: i // g * o * k + b * o,
        "the kernel is not squared: it has `kernel` rows and `kernel` columns",
    ),
    (
        lambda i, o, k, b, g: o * k**2 + b * o,
        "the input channels are missing: each output channel has a kernel for every one of them",
    ),
    (
        lambda i, o, k, b, g: conv2d(i, o, k, b, 1),
        "the groups are missing: an output channel depends only on the inputs of its group",
    ),
    (
        lambda i, o, k, b, g: i // g * (o // g) * k**2 + b * o,
        "you divide by the groups twice: the output channels are divided among the groups, but all"
        " of them count",
    ),
    (
        lambda i, o, k, b, g: conv2d(i, o, k, b, 1) // g,
        "the bias is divided by the groups, too: each output channel keeps its own",
    ),
]
OF_LINEARS = [
    (
        lambda i, o, b: i * o,
        "the bias of the linear layer is missing: one number for each output",
    ),
    (
        lambda i, o, b: i * o + o,
        "the linear layer always gets a bias: with bias=False it has none",
    ),
    (
        lambda i, o, b: i * o + b,
        "there is one bias for the whole linear layer: each output has its own",
    ),
    (
        lambda i, o, b: i * o + b * i,
        "there is a bias for each input of the linear layer: a bias is added to an output",
    ),
]


def check(answer: ModuleType) -> None:
    """Compare both functions on a few layers."""
    judge(find(answer, "conv2d_parameters"), conv2d, CONVOLUTIONS, OF_CONVOLUTIONS)
    judge(find(answer, "linear_parameters"), linear, LINEARS, OF_LINEARS)
