"""Exercise 7 against `convlab.superres.layers.bicubic`, on an image of one row."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import torch
from checks.hints import find, judge, refuse

from convlab.superres.layers import bicubic

DISTANCES = [(float(each),) for each in (0, 0.25, -0.25, 0.5, 1, -1.25, 1.5, 1.75, 2, 2.5, -3)]
DRAW = np.random.default_rng(0).random
CASES = [(DRAW(9), 2), (DRAW(7), 3), (DRAW(8), 4)]


def correct(signal: np.ndarray, scale: int) -> np.ndarray:
    """Upscale a row."""
    row = torch.from_numpy(signal)[None, None, None]
    return bicubic(row, scale)[0, 0, 0].numpy()


def keys(distance: float, a: float = -0.5) -> float:
    """Compute Keys' kernel."""
    x = abs(distance)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def signed(x: float) -> float:
    """Compute Keys' kernel with absolute values only in the comparisons."""
    if abs(x) <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * (x - 1) * (x - 2) ** 2 if abs(x) < 2 else 0.0


def interpolate(
    signal: np.ndarray,
    scale: int,
    *,
    offset: float = 0.5,
    normalized: bool = True,
    kernel: Callable[[float], float] = keys,
) -> np.ndarray:
    """Upscale a signal in ways that may be wrong."""
    centres = (np.arange(scale * len(signal)) + offset) / scale - offset
    weights = np.vectorize(kernel)(np.arange(len(signal)) - centres[:, None])
    sums = weights.sum(axis=1) if normalized else 1
    return weights @ signal / sums


def repeat_edges(signal: np.ndarray, scale: int) -> np.ndarray:
    """Upscale with two more pixels on each side."""
    return interpolate(np.pad(signal, 2, "edge"), scale)[2 * scale : -2 * scale]


OF_KERNELS = [
    (
        lambda x: keys(x, -0.75),
        "your kernel has a = -0.75, as in some libraries: here a = -0.5",
    ),
    (
        lambda x: keys(x, 0.5),
        "a is -0.5, not 0.5: beyond 1 the kernel must be negative",
    ),
    (
        lambda x: keys(x) if x >= 0 else 0.0,
        "the kernel is 0 at negative distances: it is the same to the left and to the right",
    ),
    (
        lambda x: keys(x) if x >= 0 else 1.5 * x**3 - 2.5 * x**2 + 1,
        "negative distances give wrong values: take the absolute value first",
    ),
    (
        signed,
        "negative distances give wrong values: the powers need the absolute value, too",
    ),
    (
        lambda x: keys(x) if abs(x) <= 1 else 0.0,
        "the kernel ends at 1: between 1 and 2 it is negative, not 0",
    ),
    (
        lambda x: keys(x) if abs(x) <= 1 else -0.5 * (abs(x) - 1) * (abs(x) - 2) ** 2,
        "the kernel goes on beyond 2: there it should be 0",
    ),
]
OF_SIGNALS = [
    (
        lambda x, s: interpolate(x, s, offset=0),
        "the half pixel is missing: pixels are squares, and output j has its centre at"
        " (j + 1/2) / scale - 1/2",
    ),
    (
        lambda x, s: interpolate(x, s, normalized=False),
        "near the ends the weights do not sum to 1: divide by their sum",
    ),
    (
        repeat_edges,
        "you repeat the edge pixel: here, pixels that do not exist have no weight, and the sum is"
        " divided by the other weights",
    ),
    (
        lambda x, s: interpolate(x, s, kernel=lambda distance: keys(distance / s)),
        "your kernel is stretched by the scale, as in downscaling: do not divide the distances",
    ),
    (
        lambda x, s: interpolate(x, s, kernel=lambda distance: max(1 - abs(distance), 0)),
        "this is linear interpolation: compute the weights with your function `keys`",
    ),
    (
        lambda x, s: correct(x, s)[::-1],
        "your result is mirrored: is the sign of the offset right?",
    ),
    (
        np.repeat,
        "this repeats pixels: compute weights of the neighbours with your function `keys`",
    ),
]


def check(answer: ModuleType) -> None:
    """Compare the kernel, then the interpolation with it."""
    refuse(answer, "interpolate", "resize", "bicubic", "zoom", "Upsample")
    judge(find(answer, "keys"), keys, DISTANCES, OF_KERNELS)
    judge(find(answer, "upscale"), correct, CASES, OF_SIGNALS)
