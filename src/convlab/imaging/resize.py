"""Downscale and upscale by the classical interpolations."""

from typing import Literal, get_args

import numpy as np
from PIL import Image

from convlab.imaging.colour import to_bytes

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)


def resize(plane: np.ndarray, height: int, width: int, method: Interpolation) -> np.ndarray:
    """Resize one plane, with antialiasing when it becomes smaller.

    These are Pillow's filters in mode F: bicubic with a = -0.5, Lanczos with
    3 lobes. In downscaling, their kernels are widened by the factor. They
    agree with MATLAB's `imresize`, which super-resolution papers use.

    Parameters
    ----------
    plane : ndarray, shape (height, width)
    height, width : int
        Size of the result in pixels.
    method : {"nearest", "bilinear", "bicubic", "lanczos"}

    Returns
    -------
    ndarray of float32, shape (height, width)
        Not clipped: bicubic and Lanczos overshoot the range of the input.

    References
    ----------
    R. Keys, "Cubic convolution interpolation for digital image processing",
    IEEE TASSP 29(6), 1981.
    """
    image = Image.fromarray(np.asarray(plane, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling[method.upper()]))


def crop_to_multiple(image: np.ndarray, scale: int) -> np.ndarray:
    """Crop an image at the bottom and right until `scale` divides its height and width.

    Parameters
    ----------
    image : ndarray, shape (height, width, ...)
    scale : int

    Returns
    -------
    ndarray, shape (scale * h, scale * w, ...)
        A view of `image`.
    """
    height, width = image.shape[:2]
    return image[: height - height % scale, : width - width % scale]


def downscale(plane: np.ndarray, scale: int) -> np.ndarray:
    """Make a low-resolution image by bicubic interpolation with antialiasing, rounded to 8 bits.

    Parameters
    ----------
    plane : ndarray of uint8, shape (scale * h, scale * w)
    scale : int

    Returns
    -------
    ndarray of uint8, shape (h, w)
    """
    height, width = plane.shape
    return to_bytes(resize(plane, height // scale, width // scale, "bicubic"))


def upscale(plane: np.ndarray, scale: int, method: Interpolation) -> np.ndarray:
    """Upscale a plane by interpolation, rounded to 8 bits.

    Parameters
    ----------
    plane : ndarray of uint8, shape (h, w)
    scale : int
    method : {"nearest", "bilinear", "bicubic", "lanczos"}

    Returns
    -------
    ndarray of uint8, shape (scale * h, scale * w)
    """
    height, width = plane.shape
    return to_bytes(resize(plane, scale * height, scale * width, method))
