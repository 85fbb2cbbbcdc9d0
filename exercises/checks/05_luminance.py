"""Exercise 5 against `convlab.imaging.colour.luminance`."""

from types import ModuleType

import numpy as np
from checks.hints import find, judge, refuse
from PIL import Image

from convlab.imaging.colour import luminance as correct
from convlab.imaging.colour import to_bytes

CORNERS = np.array(np.meshgrid(*[[0, 255]] * 3)).reshape(3, 2, 4).transpose(1, 2, 0)
DRAWN = np.random.default_rng(0).integers(256, size=(12, 20, 3))
CASES = [(CORNERS.astype(np.uint8),), (DRAWN.astype(np.uint8),)]
"""Black, white and the pure colours; then random colours."""
BT601, BT709 = (65.481, 128.553, 24.966), (46.5594, 156.6288, 15.8118)


def studio(rgb: np.ndarray, weights: tuple[float, ...] = BT601) -> np.ndarray:
    """Compute the luminance in studio range, not rounded."""
    return 16 + rgb / 255 @ np.array(weights)


MISTAKES = [
    (
        studio,
        "the values are not rounded: round to the nearest whole number and convert to uint8",
    ),
    (
        lambda rgb: studio(rgb).astype(np.uint8),
        "the fractions are cut off: astype(np.uint8) does not round, so round first",
    ),
    (
        lambda rgb: to_bytes(rgb @ np.array([0.299, 0.587, 0.114])),
        "this is full range, 0 to 255, as in JPEG: in studio range black is 16 and white 235",
    ),
    (
        lambda rgb: np.asarray(Image.fromarray(rgb).convert("YCbCr"))[..., 0],
        "Pillow's YCbCr is full range, 0 to 255, as in JPEG: in studio range black is 16 and white"
        " 235",
    ),
    (
        lambda rgb: to_bytes(studio(rgb, BT709)),
        "these are the weights of BT.709 (HDTV): take those of BT.601",
    ),
    (
        lambda rgb: correct(rgb[..., ::-1]),
        "red and blue are exchanged: the channels come in the order R, G, B, not B, G, R",
    ),
    (
        lambda rgb: to_bytes(studio(rgb) - 16),
        "the offset is missing: black is 16, not 0",
    ),
    (
        lambda rgb: to_bytes(16 + rgb @ np.array(BT601)),
        "R, G and B are 0 to 1 in the formula: divide the bytes by 255",
    ),
    (
        lambda rgb: 16 + rgb @ np.array(BT601),
        "R, G and B are 0 to 1 in the formula: divide the bytes by 255",
    ),
    (
        lambda rgb: np.rint(16 + rgb @ np.array(BT601)).astype(int).astype(np.uint8),
        "R, G and B are 0 to 1 in the formula: divide the bytes by 255",
    ),
    (
        lambda rgb: to_bytes(rgb.mean(axis=-1)),
        "all three colours have the same weight, in full range: take the weights and the offset of"
        " BT.601",
    ),
    (
        lambda rgb: to_bytes(16 + 219 * (rgb / 255).mean(axis=-1)),
        "all three colours have the same weight: for the eye, green is the brightest, blue the"
        " darkest",
    ),
]


def check(answer: ModuleType) -> None:
    """Compare on pure colours and on random colours."""
    refuse(answer, "rgb2ycbcr", "luminance")
    judge(find(answer, "luminance"), correct, CASES, MISTAKES)
