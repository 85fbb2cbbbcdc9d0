"""Draw photographs of sheets of paper with handwritten digits: what `sheets.py` measures on.

The strokes are those of MNIST's test digits, drawn with a pencil, a blue
ballpoint or a felt pen on plain, ruled or squared paper, which lies on a desk
and is photographed from an angle, in uneven light, with noise, as JPEG.
"""

from io import BytesIO
from itertools import product
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.morphology import skeletonize
from skimage.transform import ProjectiveTransform

KINDS = list(product(("plain", "ruled", "squared"), ("pencil", "ballpoint", "felt pen")))
"""Paper and pen of the sheets."""
_FORMATS = [(210, 297), (148, 210), (105, 148), (100, 100)]
"""Width and height in millimetres: A4, A5, A6, a note."""
_PHOTOGRAPHS = [*2 * [(1600, 1200)], *3 * [(2048, 1536)], (4032, 3024)]
"""Width and height in pixels, or the other way round."""
_PENS = {  # height of a digit and width of a line in millimetres, colour, least and most opacity
    "pencil": ((10, 32), (0.5, 0.9), (70, 70, 75), (0.35, 0.7)),
    "ballpoint": ((10, 32), (0.5, 0.9), (35, 50, 140), (0.75, 0.95)),
    "felt pen": ((18, 60), (1.5, 3.5), (25, 25, 30), (0.9, 1.0)),
}
_MARGIN = 0.08
"""Of the sheet, on each side, without digits."""
_GAPS = (0.2, 0.6)
"""Between two digits, as a fraction of their height."""


class Sheet(NamedTuple):
    """A photograph and what is on it."""

    kind: str
    jpeg: bytes
    rows: list[list[int]]
    """The numbers of the digits in the data set, in reading order."""


class _Page(NamedTuple):
    """A sheet of paper, seen from above."""

    colour: np.ndarray
    """float, shape (height, width, 3), 0 to 255."""
    scale: float
    """Pixels in a millimetre."""
    rules: np.ndarray
    """y in pixels of the horizontal lines."""


def draw_sheet(digits: np.ndarray, seed: int, number: int) -> Sheet:
    """Draw one of a series of sheets; the kinds take turns.

    Parameters
    ----------
    digits : ndarray of uint8, shape (n, 28, 28)
    seed, number : int
        Of the series, and in it.

    Returns
    -------
    Sheet
    """
    generator = np.random.default_rng([seed, number])
    paper, pen = KINDS[number % len(KINDS)]
    size = _PHOTOGRAPHS[generator.integers(len(_PHOTOGRAPHS))][:: generator.choice([1, -1])]
    width, height = _FORMATS[generator.integers(len(_FORMATS))][:: generator.choice([1, -1])]
    scale = 0.85 * min(size[0] / width, size[1] / height)  # pixels in a millimetre
    page = _draw_paper(generator, paper, (round(width * scale), round(height * scale)), scale)
    rows = _write(generator, page, digits, pen)
    photograph = _photograph(generator, page.colour, size)
    file = BytesIO()
    Image.fromarray(photograph).save(file, "JPEG", quality=int(generator.integers(60, 93)))
    return Sheet(f"{paper}, {pen}", file.getvalue(), rows)


def draw_strokes(digit: np.ndarray, height: float, width: float) -> np.ndarray:
    """Draw a digit of the data set with a pen of another width.

    Parameters
    ----------
    digit : ndarray of uint8, shape (28, 28)
    height : float
        Of the digit, in pixels.
    width : float
        Of the pen's line, in pixels.

    Returns
    -------
    ndarray of float, shape (height of the box, width of the box)
        0 to 1, in a box with a margin about the line.
    """
    ink = _crop(digit)
    factor = height / len(ink)
    image = Image.fromarray(np.pad(ink, 2))
    size = [round(side * factor) for side in image.size]
    large = np.asarray(image.resize(size, Image.Resampling.BICUBIC), float)
    smooth = ndimage.gaussian_filter(large, 0.4 * factor)
    line = np.pad(skeletonize(smooth > 0.45 * smooth.max()), int(width) + 2)
    return np.clip(width / 2 + 0.5 - ndimage.distance_transform_edt(~line), 0, 1)


def _crop(digit: np.ndarray) -> np.ndarray:
    return digit[ndimage.find_objects((digit > 0).astype(int))[0]]


def _draw_paper(
    generator: np.random.Generator, paper: str, size: tuple[int, int], scale: float
) -> _Page:
    """Draw an empty sheet."""
    tint = np.array([1, generator.uniform(0.97, 1), generator.uniform(0.92, 1)])
    white = generator.uniform(205, 250) * tint
    image = Image.new("RGB", size, tuple(map(round, white)))
    rules = np.array([])
    if paper != "plain":
        rules = _draw_rules(generator, image, paper, white, scale)
    grain = ndimage.gaussian_filter(generator.normal(0, 1, size[::-1]), 1)
    return _Page(np.asarray(image, float) + 5 * grain[..., None], scale, rules)


def _draw_rules(
    generator: np.random.Generator,
    image: Image.Image,
    paper: str,
    white: np.ndarray,
    scale: float,
) -> np.ndarray:
    draw, (width, height) = ImageDraw.Draw(image), image.size
    pitch = scale * (5 if paper == "squared" else generator.uniform(7, 10))
    line = max(1, round(scale * generator.uniform(0.15, 0.45)))
    ink = np.array([(110, 120, 140), (90, 140, 210), (150, 120, 180)][generator.integers(3)])
    colour = tuple((white + generator.uniform(0.25, 0.75) * (ink - white)).round().astype(int))
    edge = scale * generator.choice([0, 0, 5])
    rules = np.arange(pitch + edge, height - edge, pitch)
    for y in rules:
        draw.line([(edge, y), (width - edge, y)], fill=colour, width=line)
    if paper == "squared":
        for x in np.arange(pitch + edge, width - edge, pitch):
            draw.line([(x, edge), (x, height - edge)], fill=colour, width=line)
    elif generator.random() < 0.5:
        x = _MARGIN * width
        draw.line([(x, 0), (x, height)], fill=(225, 130, 130), width=line)
    return rules


def _write(
    generator: np.random.Generator, page: _Page, digits: np.ndarray, pen: str
) -> list[list[int]]:
    """Write digits on the page, in one to three rows; half of the rows stand on a rule."""
    heights, lines, colour, opacities = _PENS[pen]
    sides = np.array(page.colour.shape[:2])
    free = sides * (1 - 2 * _MARGIN)
    count = int(generator.integers(1, 13))
    row_count = min(count, int(generator.integers(1, 4)))
    cuts = np.sort(generator.choice(np.arange(1, count), row_count - 1, replace=False))
    rows = np.split(generator.integers(len(digits), size=count), cuts)
    widest = max(_relative_width(digits[row]) for row in rows)
    height = min(
        page.scale * generator.uniform(*heights), free[0] / row_count / 1.5, free[1] / widest
    )
    line = min(page.scale * generator.uniform(*lines), height / 8)
    ink = np.zeros(sides)
    for at, row in enumerate(rows):
        unused = free[1] - _relative_width(digits[row]) * height
        left = _MARGIN * sides[1] + generator.uniform(0, max(0, unused))
        bottom = _MARGIN * sides[0] + free[0] * (at + 0.5) / row_count + height / 2
        slant = generator.uniform(-0.04, 0.04)
        if len(page.rules) and generator.random() < 0.5:
            bottom, slant = page.rules[np.abs(page.rules - bottom).argmin()], slant / 10
        for digit in digits[row]:
            strokes = draw_strokes(digit, height * generator.uniform(0.85, 1.05), line)
            lowest = bottom + slant * (left - sides[1] / 2) + generator.normal(0, 0.03 * height)
            y, x = np.clip([round(lowest) - len(strokes), round(left)], 0, sides - strokes.shape)
            box = np.s_[y : y + strokes.shape[0], x : x + strokes.shape[1]]
            np.maximum(ink[box], strokes, out=ink[box])
            left += strokes.shape[1] + generator.uniform(*_GAPS) * height
    if pen == "pencil":
        grain = ndimage.gaussian_filter(generator.normal(0, 1, ink.shape), 0.12 * page.scale)
        ink *= np.clip(0.8 + 0.3 * grain / grain.std(), 0, 1)
    page.colour[:] += generator.uniform(*opacities) * ink[..., None] * (colour - page.colour)
    return [row.tolist() for row in rows]


def _relative_width(digits: np.ndarray) -> float:
    """Greatest width of several digits in a row, for a height of 1."""
    inks = [_crop(digit) for digit in digits]
    return sum(1.05 * (ink.shape[1] + 4) / len(ink) + 0.3 + _GAPS[1] for ink in inks)


def _place(
    generator: np.random.Generator, page: tuple[int, int], size: tuple[int, int]
) -> ProjectiveTransform:
    """Choose where the corners of the page lie in the photograph."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * page
    middle = corners.mean(axis=0)
    angle = np.radians(generator.uniform(-14, 14))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    placed = (corners - middle) @ turn + generator.uniform(-0.06, 0.06, (4, 2)) * min(page)
    # It fits into the photograph, with a margin, and is smaller in some of them.
    room = np.array(size) * generator.uniform(0.7, 0.97)
    placed *= min(room / np.ptp(placed, axis=0))
    free = (np.array(size) - np.ptp(placed, axis=0)) / 2
    placed += np.array(size) / 2 - (placed.max(axis=0) + placed.min(axis=0)) / 2
    placed += generator.uniform(-0.9, 0.9, 2) * free
    return ProjectiveTransform.from_estimate(corners, placed)


def _photograph(
    generator: np.random.Generator, page: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Photograph a page on a desk: uint8, shape (height, width, 3)."""
    to_photograph = _place(generator, page.shape[1::-1], size)
    rgba = np.dstack([page, np.full(page.shape[:2], 255)]).clip(0, 255).round().astype(np.uint8)
    matrix = to_photograph.inverse.params
    sheet = Image.fromarray(rgba).transform(
        size,
        Image.Transform.PERSPECTIVE,
        (matrix / matrix[2, 2]).ravel()[:8],
        Image.Resampling.BICUBIC,
    )
    seen = np.asarray(sheet, float)
    opacity = seen[..., 3:] / 255
    scene = (1 - opacity) * _draw_desk(generator, size) + opacity * seen[..., :3]
    scene *= _light(generator, size)[..., None]
    blur = generator.uniform(0.0003, 0.0007) * max(size)
    scene = ndimage.gaussian_filter(scene, (blur, blur, 0))
    scene += generator.normal(0, generator.uniform(1.5, 6), scene.shape)
    return scene.clip(0, 255).round().astype(np.uint8)


def _draw_desk(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Draw a dark, a grey or a wooden desk: float, shape (height, width, 3)."""
    kind = generator.choice(["dark", "grey", "wood"])
    if kind != "wood":
        level = generator.uniform(*((15, 60) if kind == "dark" else (70, 130)))
        return level * generator.uniform(0.9, 1.1, 3) * np.ones((*size[::-1], 1))
    small = generator.normal(0, 1, (size[1] // 4, size[0] // 4))
    grain = ndimage.gaussian_filter(small, generator.permutation([1.5, 60]))
    grain = ndimage.zoom(grain / grain.std(), 4, order=1)
    grain = np.pad(grain, [(0, 3), (0, 3)], mode="edge")[: size[1], : size[0]]
    colour = np.array([150, 110, 75]) * generator.uniform(0.5, 1.05)
    return colour * (1 + 0.09 * grain[..., None])


def _light(generator: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Light that falls off in one direction and, on half of the pictures, a soft shadow."""
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    angles = generator.uniform(0, 2 * np.pi, 2)
    across = np.cos(angles[0]) * x + np.sin(angles[0]) * y
    light = 1 - generator.uniform(0, 0.2) * (1 + across / np.sqrt(2))
    if generator.random() < 0.5:
        across = np.cos(angles[1]) * x + np.sin(angles[1]) * y - generator.uniform(-0.4, 0.4)
        depth, softness = generator.uniform(0.15, 0.45), generator.uniform(0.03, 0.15)
        light *= 1 - depth / (1 + np.exp(-across / softness))
    return light
