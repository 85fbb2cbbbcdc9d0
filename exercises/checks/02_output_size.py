"""Exercise 2 against the shape that torch gives, computed without any data."""

import math
from itertools import product
from types import ModuleType

import torch
from checks.hints import find, judge
from torch.nn import functional

CASES = list(product((28, 33), (2, 5), (1, 2, 3), (0, 1, 2), (1, 2, 3)))
"""Size, kernel, stride, padding, dilation."""


def correct(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Convolve on torch's device `meta`, which has shapes but no numbers."""
    signal, weights = (torch.empty(1, 1, side, device="meta") for side in (size, kernel))
    return functional.conv1d(
        signal, weights, stride=stride, padding=padding, dilation=dilation
    ).shape[-1]


MISTAKES = [
    (
        lambda n, k, s, p, d: correct(n, k, s, p, 1),
        "the dilation is missing: it moves the kernel's taps apart, so that the window is longer"
        " than `kernel`",
    ),
    (
        lambda n, k, s, p, d: (n + 2 * p - d * k) // s + 1,
        "the window is too long: k taps have only k - 1 gaps between them, and only those grow"
        " with the dilation",
    ),
    (
        lambda n, k, s, p, d: (n + p - d * (k - 1) - 1) // s + 1,
        "the padding counts once: it is added on both sides",
    ),
    (
        lambda n, k, s, p, d: (n - d * (k - 1) - 1) // s + 1,
        "the padding is missing",
    ),
    (
        lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) - 1) // s,
        "one position too few: the window also has a position before its first step",
    ),
    (
        lambda n, k, s, p, d: (n + 2 * p - d * (k - 1)) // s,
        "one is added too early: divide by the stride first",
    ),
    (
        lambda n, k, s, p, d: n + 2 * p - d * (k - 1),
        "the stride is missing: the window moves by `stride` pixels",
    ),
    (
        lambda n, k, s, p, d: math.ceil((n + 2 * p - d * (k - 1) - 1) / s) + 1,
        "you round up: a window that does not fit in completely does not count",
    ),
    (
        lambda n, k, s, p, d: round((n + 2 * p - d * (k - 1) - 1) / s) + 1,
        "you round to the nearest: a window that does not fit in completely does not count",
    ),
    (
        lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) - 1) / s + 1,
        "a size is a whole number, but `/` gives a float: how does torch round?",
    ),
]


def check(answer: ModuleType) -> None:
    """Compare on all combinations of a few values."""
    judge(find(answer, "output_size"), correct, CASES, MISTAKES)
