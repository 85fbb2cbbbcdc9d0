"""Choose the upscaled photographs to show, and the part of each, in colour."""

from dataclasses import dataclass

import numpy as np

from convlab.imaging.colour import chrominance, to_bytes, to_rgb
from convlab.imaging.resize import crop_to_multiple, downscale, upscale
from convlab.superres.metrics import quality
from convlab.superres.patches import make_pair

WINDOW_STEP = 8
"""Pixels from one candidate window to the next."""


@dataclass(frozen=True)
class UpscaledPhoto:
    """A photograph, its low-resolution version, and both upscaled versions."""

    rgb: np.ndarray
    """Ground truth, uint8, shape (scale * h, scale * w, 3)."""
    low: np.ndarray
    """Low-resolution luminance, uint8, shape (h, w)."""
    truth: np.ndarray
    """Luminance of the ground truth, uint8, shape (scale * h, scale * w)."""
    bicubic: np.ndarray
    """Luminance by bicubic interpolation, of the same dtype and shape."""
    network: np.ndarray
    """Luminance by the network, of the same dtype and shape."""

    @property
    def scale(self) -> int:
        """Upscaling factor."""
        return len(self.truth) // len(self.low)

    def in_colour(self) -> dict[str, np.ndarray]:
        """Give ground truth and both upscaled versions in RGB, with Cb and Cr interpolated.

        Returns
        -------
        dict of str to ndarray of uint8, shape (scale * h, scale * w, 3)
            Its keys are `truth`, `bicubic` and `network`.
        """
        return {
            "truth": self.rgb,
            "bicubic": add_chrominance(self.bicubic, self.rgb, self.scale),
            "network": add_chrominance(self.network, self.rgb, self.scale),
        }


@dataclass(frozen=True)
class Comparison:
    """The same part of the ground truth and of both upscaled versions of a photograph."""

    name: str
    truth: np.ndarray
    """RGB, uint8, shape (height, width, 3); so are `bicubic` and `network`."""
    bicubic: np.ndarray
    network: np.ndarray
    bicubic_psnr: float
    """PSNR of the whole image by bicubic interpolation, in dB."""
    network_psnr: float
    """PSNR of the whole image by the network, in dB."""


def compare_photo(rgb: np.ndarray, network_output: np.ndarray, scale: int) -> UpscaledPhoto:
    """Collect a photograph and its upscaled versions by bicubic interpolation and a network.

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
    """Take the part of a photograph where bicubic interpolation has the greatest error, in colour.

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
    """Choose the least value, the greatest, and others between them, evenly by rank.

    Parameters
    ----------
    values : ndarray, shape (n,)
    count : int
        How many to choose; at most n.

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
        Side in pixels; less if the image is smaller.

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

    The eye sees little detail in colour. So Cb and Cr, downscaled as the
    photograph was, are upscaled by bicubic interpolation.

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
