"""Which upscaled photographs to show, and which part of each, in colour."""

from dataclasses import dataclass

import numpy as np

from convlab.imaging.colour import chrominance, to_bytes, to_rgb
from convlab.imaging.resize import crop_to_multiple, downscale, upscale
from convlab.superres.metrics import quality
from convlab.superres.patches import make_pair

WINDOW_STEP = 8
"""Pixels from one compared window to the next."""


@dataclass(frozen=True)
class UpscaledPhoto:
    """A photograph, its low resolution, and both upscaled versions."""

    rgb: np.ndarray
    """Ground truth, uint8, shape (scale * h, scale * w, 3)."""
    low: np.ndarray
    """Luminance that was upscaled, uint8, shape (h, w)."""
    truth: np.ndarray
    """Luminance, uint8, shape (scale * h, scale * w), as the two others."""
    bicubic: np.ndarray
    network: np.ndarray

    @property
    def scale(self) -> int:
        """Upscaling factor."""
        return len(self.truth) // len(self.low)

    def in_colour(self) -> dict[str, np.ndarray]:
        """Ground truth and both versions, with Cb and Cr interpolated.

        Returns
        -------
        dict of str to ndarray of uint8, shape (scale * h, scale * w, 3)
            By `truth`, `bicubic` and `network`.
        """
        return {
            "truth": self.rgb,
            "bicubic": add_chrominance(self.bicubic, self.rgb, self.scale),
            "network": add_chrominance(self.network, self.rgb, self.scale),
        }


@dataclass(frozen=True)
class Comparison:
    """A part of a photograph: ground truth, bicubic and network."""

    name: str
    truth: np.ndarray
    """RGB, uint8, shape (height, width, 3), as the two others: the same part of each."""
    bicubic: np.ndarray
    network: np.ndarray
    bicubic_psnr: float
    """Of the whole image, in dB."""
    network_psnr: float


def compare_photo(rgb: np.ndarray, network_output: np.ndarray, scale: int) -> UpscaledPhoto:
    """Put a photograph beside what bicubic interpolation and a network made of it.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (height, width, 3)
    network_output : ndarray of uint8
        Luminance that the network made from `make_pair(rgb, scale).low`.
    scale : int

    Returns
    -------
    UpscaledPhoto
    """
    rgb = crop_to_multiple(rgb, scale)
    low, high = make_pair(rgb, scale)
    return UpscaledPhoto(rgb, low, high, upscale(low, scale, "bicubic"), network_output)


def compare_part(name: str, photo: UpscaledPhoto, size: int) -> Comparison:
    """Take the part of a photograph that is hardest for bicubic, in colour.

    Parameters
    ----------
    name : str
    photo : UpscaledPhoto
    size : int
        Side of that part, in pixels.

    Returns
    -------
    Comparison
    """
    window = hardest_window(photo.truth, photo.bicubic, size)
    parts = {method: image[window] for method, image in photo.in_colour().items()}
    psnrs = {
        f"{method}_psnr": quality(photo.truth, image, crop_border=photo.scale).psnr
        for method, image in (("bicubic", photo.bicubic), ("network", photo.network))
    }
    return Comparison(name, **parts, **psnrs)


def choose_by_rank(values: np.ndarray, count: int) -> list[int]:
    """Choose some of many fairly: the least, the greatest, and evenly by rank between.

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
    """Find the square with the greatest squared error.

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
    # Summed-area table: four of its entries give the sum over any window.
    table = np.pad(error, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    rows = table[size::WINDOW_STEP] - table[:-size:WINDOW_STEP]
    sums = rows[:, size::WINDOW_STEP] - rows[:, :-size:WINDOW_STEP]
    row, column = (WINDOW_STEP * int(i) for i in np.unravel_index(sums.argmax(), sums.shape))
    return np.s_[row : row + size, column : column + size]


def add_chrominance(upscaled: np.ndarray, rgb: np.ndarray, scale: int) -> np.ndarray:
    """Give an upscaled luminance image the colours of the photograph.

    The eye sees little detail in colour, so Cb and Cr are downscaled with the
    photograph and upscaled by bicubic interpolation.

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
