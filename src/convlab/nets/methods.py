"""All the ways to enlarge a luminance image, measured side by side."""

import math
from collections.abc import Mapping

import numpy as np

from convlab.errors import InputError
from convlab.imaging.measure import Quality, quality
from convlab.imaging.patches import make_pair
from convlab.imaging.resize import INTERPOLATIONS, crop_to_multiple, upscale
from convlab.imaging.showcase import Comparison, colourise, hardest_window
from convlab.nets.superres import upscale_ensemble, upscale_luminance
from convlab.nets.upscaler import Upscaler


def enlarge(
    network: Upscaler, low: np.ndarray, *, self_ensemble: bool = False
) -> dict[str, np.ndarray]:
    """Enlarge one image by every method.

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
        By the names in `INTERPOLATIONS`, "network" and, if wanted, "network_ensemble".
    """
    enlarged = {method: upscale(low, network.scale, method) for method in INTERPOLATIONS}
    enlarged["network"] = upscale_luminance(network, low)
    if self_ensemble:
        enlarged["network_ensemble"] = upscale_ensemble(network, low)
    return enlarged


def measure(enlarged: dict[str, np.ndarray], truth: np.ndarray, scale: int) -> dict[str, Quality]:
    """Quality of every method on one image.

    Parameters
    ----------
    enlarged : dict of str to ndarray of uint8, shape (height, width)
        What `enlarge` gave.
    truth : ndarray of uint8, shape (height, width)
    scale : int
    """
    return {method: quality(truth, image, shave=scale) for method, image in enlarged.items()}


def compare(network: Upscaler, name: str, rgb: np.ndarray, size: int) -> Comparison:
    """Take the part of a photograph that is hardest for bicubic, in colour.

    Parameters
    ----------
    network : Upscaler
    name : str
        Of the photograph.
    rgb : ndarray of uint8, shape (height, width, 3)
    size : int
        Side of that part, in pixels.
    """
    rgb = crop_to_multiple(rgb, network.scale)
    pair = make_pair(rgb, network.scale)
    enlarged = enlarge(network, pair.low)
    measured = measure(enlarged, pair.high, network.scale)
    window = hardest_window(pair.high, enlarged["bicubic"], size)
    bicubic, ours = (
        colourise(enlarged[method], rgb, network.scale)[window] for method in ("bicubic", "network")
    )
    psnrs = measured["bicubic"].psnr, measured["network"].psnr
    return Comparison(name, rgb[window], bicubic, ours, *psnrs)


def check_finite(name: str, row: Mapping[str, Quality]) -> None:
    """See that an image can be part of a mean.

    Parameters
    ----------
    name : str
        Of the image.
    row : mapping of str to Quality
        What `measure` gave.

    Raises
    ------
    InputError
        If a method leaves no error in it.
    """
    if any(math.isinf(each.psnr) for each in row.values()):
        raise InputError(
            f"{name}: enlarging leaves no error in it, so its PSNR is infinite; it may be of a"
            " single colour: put another image in its place"
        )


def summarise(table: Mapping[str, Mapping[str, Quality]]) -> dict[str, dict[str, float]]:
    """Mean quality of every method over images, and what the network gains over bicubic.

    Parameters
    ----------
    table : mapping of str to mapping of str to Quality
        What `measure` gave, by the name of the image.

    Returns
    -------
    dict of str to dict
        `psnr` (dB, 4 decimals) and `ssim` (6 decimals) of each method and of `gain`.

    Raises
    ------
    InputError
        As `check_finite`.
    """
    for name, row in table.items():
        check_finite(name, row)
    rows = list(table.values())
    means = {method: np.mean([row[method] for row in rows], axis=0) for method in rows[0]}
    means["gain"] = means["network"] - means["bicubic"]
    return {
        name: {"psnr": round(float(psnr), 4), "ssim": round(float(ssim), 6)}
        for name, (psnr, ssim) in means.items()
    }
