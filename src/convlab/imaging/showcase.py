"""What to show of many upscaled photographs: which of them, which part, in colour."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from convlab.imaging.colour import chrominance, to_bytes, to_rgb
from convlab.imaging.resize import downscale, upscale
from convlab.params import Params

GRID = 8  # pixels between the windows that are compared


class EvaluateSr(Params):
    """What is measured and shown (block `evaluate_sr`)."""

    self_ensemble: bool
    gallery_images: Annotated[int, Field(ge=2, le=100)]
    crop_size: Annotated[int, Field(ge=16, le=320)]


@dataclass(frozen=True)
class Comparison:
    """A part of a photograph, true and enlarged twice."""

    name: str
    truth: np.ndarray
    """RGB, uint8, shape (height, width, 3), as the two others: the same part of each."""
    bicubic: np.ndarray
    network: np.ndarray
    bicubic_psnr: float
    """Of the whole image, in dB."""
    network_psnr: float


def spread_by_rank(values: np.ndarray, count: int) -> list[int]:
    """Choose some of many without picking cherries: the least, the greatest, evenly between.

    Parameters
    ----------
    values : ndarray, shape (n,)
    count : int
        At most n are chosen.

    Returns
    -------
    list of int
        Indices into `values`, by decreasing value.
    """
    order = np.argsort(-np.asarray(values), kind="stable")
    ranks = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return order[ranks].tolist()


def hardest_window(truth: np.ndarray, estimate: np.ndarray, size: int) -> tuple[slice, slice]:
    """Find the square in which an estimate is furthest from the truth.

    Parameters
    ----------
    truth, estimate : ndarray of uint8, shape (height, width)
    size : int
        Side in pixels; cut down to the image.

    Returns
    -------
    tuple of slice
        Rows and columns.
    """
    error = np.square(truth.astype(np.int64) - estimate)
    size = min(size, *error.shape)
    # The sum over a rectangle from (0, 0), for every rectangle: four of them give any window's.
    corner = np.pad(error, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    rows = corner[size::GRID] - corner[:-size:GRID]
    sums = rows[:, size::GRID] - rows[:, :-size:GRID]
    row, column = (GRID * int(index) for index in np.unravel_index(sums.argmax(), sums.shape))
    return np.s_[row : row + size, column : column + size]


def colourise(upscaled: np.ndarray, rgb: np.ndarray, scale: int) -> np.ndarray:
    """Give an upscaled luminance image the colours of the photograph.

    The eye sees little detail in colour, so that Cb and Cr go the simple way:
    downscaled with the photograph, and up again by bicubic interpolation.

    Parameters
    ----------
    upscaled : ndarray of uint8, shape (height, width)
        Luminance.
    rgb : ndarray of uint8, shape (height, width, 3)
        The photograph, cropped to a multiple of `scale`.
    scale : int

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    planes = np.moveaxis(to_bytes(chrominance(rgb)), -1, 0)
    blurred = [upscale(downscale(plane, scale), scale, "bicubic") for plane in planes]
    return to_rgb(upscaled, np.dstack(blurred))
