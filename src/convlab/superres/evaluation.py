"""Upscale luminance images by all methods, and measure the results."""

import math
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from convlab.core.errors import InputError
from convlab.core.params import Params
from convlab.imaging.resize import INTERPOLATIONS, upscale
from convlab.superres.layers import Upscaler
from convlab.superres.metrics import Quality, quality
from convlab.superres.upscaling import upscale_ensemble, upscale_luminance

Qualities = Mapping[str, Quality]
"""Qualities of one image by method: a name in `INTERPOLATIONS`, "network", "network_ensemble"."""


class EvaluateSr(Params):
    """What is measured and shown (block `evaluate_sr`)."""

    self_ensemble: bool
    gallery_images: Annotated[int, Field(ge=2, le=100)]
    crop_size: Annotated[int, Field(ge=32, le=160)]


def upscale_by_all_methods(
    network: Upscaler, low: np.ndarray, *, self_ensemble: bool = False
) -> dict[str, np.ndarray]:
    """Upscale one image by every method.

    Parameters
    ----------
    network : Upscaler
    low : ndarray of uint8, shape (h, w)
        Luminance.
    self_ensemble : bool
        Whether to add `upscale_ensemble`.

    Returns
    -------
    dict of str to ndarray of uint8, shape (scale * h, scale * w)
        Upscaled images by the names of methods, as in `Qualities`.
    """
    upscaled = {method: upscale(low, network.scale, method) for method in INTERPOLATIONS}
    upscaled["network"] = upscale_luminance(network, low)
    if self_ensemble:
        upscaled["network_ensemble"] = upscale_ensemble(network, low)
    return upscaled


def measure(
    name: str, upscaled: Mapping[str, np.ndarray], truth: np.ndarray, scale: int
) -> dict[str, Quality]:
    """Measure the quality of every method on one image.

    Parameters
    ----------
    name : str
        Name of the image, for the error message.
    upscaled : mapping of str to ndarray of uint8, shape (height, width)
        The result of `upscale_by_all_methods`.
    truth : ndarray of uint8, shape (height, width)
    scale : int

    Returns
    -------
    dict of str to Quality

    Raises
    ------
    InputError
        If a method reproduces the image exactly, so that there is no mean PSNR.
    """
    qualities = {
        method: quality(truth, image, crop_border=scale) for method, image in upscaled.items()
    }
    if any(math.isinf(each.psnr) for each in qualities.values()):
        raise InputError(
            f"{name}: is upscaled without any error, so its PSNR is infinite; it may have a single"
            " colour: replace it by another image"
        )
    return qualities


def mean_qualities(table: Mapping[str, Qualities]) -> dict[str, dict[str, float]]:
    """Average the quality of every method over images, and give the network's gain over bicubic.

    Parameters
    ----------
    table : mapping of str to Qualities
        Results of `measure` by the name of the image.

    Returns
    -------
    dict of str to dict
        `psnr` (dB, 4 decimals) and `ssim` (6 decimals) of each method and of `gain`.
    """
    rows = list(table.values())
    means = {method: np.mean([row[method] for row in rows], axis=0) for method in rows[0]}
    means["gain"] = means["network"] - means["bicubic"]
    return {
        name: {"psnr": round(float(psnr), 4), "ssim": round(float(ssim), 6)}
        for name, (psnr, ssim) in means.items()
    }
