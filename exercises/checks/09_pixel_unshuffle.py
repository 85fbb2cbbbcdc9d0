"""Exercise 9 on tensors whose numbers tell their position in the input."""

from types import ModuleType

from checks.hints import find, judge, refuse
from checks.indexed import decode, indexed
from einops import rearrange
from torch import Tensor
from torch.nn import functional

CASES = [(indexed(2, 2, 4, 6), 2), (indexed(1, 2, 9, 6), 3), (indexed(1, 1, 6, 6), 2)]


def correct(image: Tensor, scale: int) -> Tensor:
    """Unshuffle as torch does."""
    return functional.pixel_unshuffle(image, scale)


def rearranged(image: Tensor, scale: int, rows: str, columns: str, channels: str) -> Tensor:
    """Unshuffle with the axes in another order."""
    pattern = f"b c {rows} {columns} -> b {channels} h w"
    return rearrange(image, pattern, r1=scale, r2=scale)


MISTAKES = [
    (
        lambda x, r: rearranged(x, r, "(h r1)", "(w r2)", "(r1 r2 c)"),
        "the channels are in the wrong order: the s^2 channels from one input channel are"
        " neighbours: (c r1 r2), not (r1 r2 c)",
    ),
    (
        lambda x, r: rearranged(x, r, "(h r1)", "(w r2)", "(c r2 r1)"),
        "r1 and r2 are exchanged: the next pixel to the right goes to the next channel, not the"
        " next pixel below",
    ),
    (
        lambda x, r: rearranged(x, r, "(h r1)", "(w r2)", "(r2 r1 c)"),
        "the channels are in the wrong order, and r1 and r2 are exchanged",
    ),
    (
        lambda x, r: rearranged(x, r, "(r1 h)", "(r2 w)", "(c r1 r2)"),
        "(r1 h) cuts the image into s x s large pieces, but s x s neighbours must be separated:"
        " the last name in brackets varies fastest",
    ),
    (
        lambda x, r: rearranged(x, r, "(r1 h)", "(w r2)", "(c r1 r2)"),
        "(r1 h) cuts the height into s large pieces: the last name in brackets varies fastest; the"
        " width is right",
    ),
    (
        lambda x, r: rearranged(x, r, "(h r1)", "(r2 w)", "(c r1 r2)"),
        "(r2 w) cuts the width into s large pieces: the last name in brackets varies fastest; the"
        " height is right",
    ),
    (
        lambda x, r: rearranged(x, r, "(w r2)", "(h r1)", "(c r1 r2)"),
        "height and width are exchanged: the rows of an image are its third axis, the columns its"
        " fourth",
    ),
    (
        lambda x, r: correct(x, r).mT,
        "height and width are exchanged: your result is transposed",
    ),
    (
        lambda x, r: x.reshape(correct(x, r).shape),
        "a reshape keeps the numbers in their order, but they must change places",
    ),
    (
        lambda x, r: x[..., ::r, ::r],
        "only one of s x s pixels is kept: all of them must be in the result, as channels",
    ),
]


def check(answer: ModuleType) -> None:
    """Compare at two scales, with one input channel and with two."""
    refuse(answer, "pixel_unshuffle", "PixelUnshuffle")
    judge(find(answer, "unshuffle"), correct, CASES, MISTAKES, explain=decode)
