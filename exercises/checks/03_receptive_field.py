"""Exercise 3 against the input pixels on which an output of torch depends."""

from itertools import accumulate
from math import prod
from operator import mul
from types import ModuleType

import torch
from checks.hints import find, judge
from torch.nn import functional

Layers = list[tuple[int, int, int]]
CASES = [
    ([],),
    ([(5, 1, 1), (2, 2, 1), (5, 1, 1), (2, 2, 1)],),
    ([(3, 2, 1), (3, 2, 1), (3, 2, 1), (3, 1, 1)],),
    ([(3, 1, 1), (3, 1, 2), (3, 1, 4)],),
    ([(7, 2, 1), (3, 3, 2), (1, 2, 1), (2, 1, 3)],),
]


def correct(layers: Layers) -> int:
    """Measure the extent of the pixels that have a gradient."""
    signal = torch.ones(1, 1, 300, dtype=torch.float64, requires_grad=True)
    values = signal
    for kernel, stride, dilation in layers:
        weights = torch.ones(1, 1, kernel, dtype=torch.float64)
        values = functional.conv1d(values, weights, stride=stride, dilation=dilation)
    values[0, 0, 0].backward()
    return int(signal.grad[0, 0].nonzero().max()) + 1


def widened(layers: Layers, steps: list[int]) -> int:
    """Compute a receptive field, if inputs of the layers are `steps` pixels of the image apart."""
    return 1 + sum((k - 1) * d * step for (k, _, d), step in zip(layers, steps, strict=False))


def steps_before(layers: Layers) -> list[int]:
    """Give the product of the strides before each layer, and of all strides at the end."""
    return list(accumulate((s for _, s, _ in layers), mul, initial=1))


MISTAKES = [
    (
        lambda layers: widened(layers, [1] * len(layers)),
        "the strides are missing: after a stride of 2, neighbours are 2 pixels of the image apart",
    ),
    (
        lambda layers: widened(layers, steps_before(layers)[1:]),
        "a layer's own stride counts too early: it changes the step of the layers after it, not its"
        " own",
    ),
    (
        lambda layers: widened(layers, [1] + [s for _, s, _ in layers]),
        "only the stride of the layer before counts: multiply the strides of all earlier layers",
    ),
    (
        lambda layers: widened(layers, list(accumulate((s for _, s, _ in layers), initial=0))),
        "the strides are added: two strides of 2 make a step of 4, three of 8: multiply them",
    ),
    (
        lambda layers: widened(layers, [prod(s for _, s, _ in layers)] * len(layers)),
        "every layer gets the product of all strides: only those before a layer count for it",
    ),
    (
        lambda layers: widened(layers[::-1], steps_before(layers[::-1])),
        "the layers are in the wrong order: the input of the first one of the list is the image",
    ),
    (
        lambda layers: correct([(k, s, 1) for k, s, _ in layers]),
        "the dilation is missing: it moves the kernel's taps apart",
    ),
    (
        lambda layers: correct(layers) - 1,
        "one pixel too few: without any layer, a pixel depends on itself, so start at 1",
    ),
    (
        lambda layers: correct([(k + 1, s, d) for k, s, d in layers]),
        "each kernel adds too much: k taps have k - 1 gaps between them, not k",
    ),
]


def check(answer: ModuleType) -> None:
    """Compare on a few stacks of layers."""
    judge(find(answer, "receptive_field"), correct, CASES, MISTAKES)
