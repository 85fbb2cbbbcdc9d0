"""Exercise 8 on tensors whose numbers tell their position in the input."""

from types import ModuleType

from checks.hints import find, judge, refuse
from checks.indexed import decode, indexed
from einops import rearrange
from torch import Tensor
from torch.nn import functional

CASES = [(indexed(2, 8, 2, 3), 2), (indexed(1, 18, 3, 2), 3), (indexed(1, 4, 3, 3), 2)]


def correct(features: Tensor, scale: int) -> Tensor:
    """Shuffle as torch does."""
    return functional.pixel_shuffle(features, scale)


def rearranged(features: Tensor, scale: int, channels: str, rows: str, columns: str) -> Tensor:
    """Shuffle with the axes in another order."""
    pattern = f"b {channels} h w -> b c {rows} {columns}"
    return rearrange(features, pattern, r1=scale, r2=scale)


MISTAKES = [
    (
        lambda x, r: rearranged(x, r, "(r1 r2 c)", "(h r1)", "(w r2)"),
        "the channels are in the wrong order: the s^2 channels of one output channel are"
        " neighbours: (c r1 r2), not (r1 r2 c)",
    ),
    (
        lambda x, r: rearranged(x, r, "(c r2 r1)", "(h r1)", "(w r2)"),
        "r1 and r2 are exchanged: the next channel is the next pixel to the right, not the next one"
        " below",
    ),
    (
        lambda x, r: rearranged(x, r, "(r2 r1 c)", "(h r1)", "(w r2)"),
        "the channels are in the wrong order, and r1 and r2 are exchanged",
    ),
    (
        lambda x, r: rearranged(x, r, "(c r1 r2)", "(r1 h)", "(r2 w)"),
        "(r1 h) puts whole images beside each other, but the s x s pixels of one position must be"
        " neighbours: the last name in brackets varies fastest",
    ),
    (
        lambda x, r: rearranged(x, r, "(c r1 r2)", "(r1 h)", "(w r2)"),
        "(r1 h) puts whole rows of images below each other: the last name in brackets varies"
        " fastest; the width is right",
    ),
    (
        lambda x, r: rearranged(x, r, "(c r1 r2)", "(h r1)", "(r2 w)"),
        "(r2 w) puts whole columns of images beside each other: the last name in brackets varies"
        " fastest; the height is right",
    ),
    (
        lambda x, r: rearranged(x, r, "(c r1 r2)", "(w r2)", "(h r1)"),
        "height and width are exchanged: your result is transposed",
    ),
    (
        lambda x, r: rearranged(x, r, "(c r1 r2)", "(w r1)", "(h r2)"),
        "height and width are exchanged: r1 belongs to the height h, r2 to the width w",
    ),
    (
        lambda x, r: x.reshape(correct(x, r).shape),
        "a reshape keeps the numbers in their order, but they must change places",
    ),
    (
        lambda x, r: correct(x, r)[:, :1],
        "there is only the first output channel: c may be more than 1",
    ),
]


def check(answer: ModuleType) -> None:
    """Compare at two scales, with one output channel and with two."""
    refuse(answer, "pixel_shuffle", "PixelShuffle")
    judge(find(answer, "shuffle"), correct, CASES, MISTAKES, explain=decode)
