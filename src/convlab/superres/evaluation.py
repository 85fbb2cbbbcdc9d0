"""All ways to upscale a luminance image, measured side by side."""

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
"""Of one image, by method: the names in `INTERPOLATIONS`, "network", "network_ensemble"."""


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
        By the names in `Qualities`.
    """
    upscaled = {method: upscale(low, network.scale, method) for method in INTERPOLATIONS}
    upscaled["network"] = upscale_luminance(network, low)
    if self_ensemble:
        upscaled["network_ensemble"] = upscale_ensemble(network, low)
    return upscaled


def measure(
    name: str, upscaled: Mapping[str, np.ndarray], truth: np.ndarray, scale: int
) -> dict[str, Quality]:
    """Quality of every method on one image.

    Parameters
    ----------
    name : str
        Of the image, for the error.
    upscaled : mapping of str to ndarray of uint8, shape (height, width)
        What `upscale_by_all_methods` gave.
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
            f"{name}: is upscaled without any error, so its PSNR is infinite; it may be of a"
            " single colour: put another image in its place"
        )
    return qualities


def mean_qualities(table: Mapping[str, Qualities]) -> dict[str, dict[str, float]]:
    """Mean quality of every method over images, and the gain of the network over bicubic.

    Parameters
    ----------
    table : mapping of str to Qualities
        What `measure` gave, by the name of the image.

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
