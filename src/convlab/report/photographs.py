"""The report's part on super-resolution: photographs to compare, and the last layer's work."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import matplotlib
import numpy as np

from convlab.imaging.colour import chrominance, luminance, to_bytes, to_rgb
from convlab.imaging.measure import Quality
from convlab.imaging.patches import make_pair
from convlab.imaging.published import PUBLISHED
from convlab.imaging.resize import crop_to_multiple, downscale, upscale
from convlab.imaging.showcase import colourise, hardest_window, spread_by_rank
from convlab.nets.insight import shuffled_features
from convlab.nets.methods import summarise
from convlab.nets.superres import multiply_adds, upscale_luminance
from convlab.nets.upscaler import Upscaler
from convlab.nets.weights import count_parameters
from convlab.report.encode import diverge, png, webp
from convlab.report.page import RenderReport
from convlab.report.sources import SuperresRun

OURS = {
    "network": "this run's network",
    "network_ensemble": "this run's network, mean of eight views",
}
"""The methods that are ours, in words."""
SMALL = {2: "half", 3: "a third of", 4: "a quarter of"}
LARGE = {2: "twice", 3: "three times", 4: "four times"}
"""How much a scale is, in words."""
COLOURED = 200
"""Pixels on a side of the part that is taken apart into Y, Cb and Cr."""

LOUD = 6
"""By what errors are multiplied to be seen."""
SHUFFLED = 24
"""LR pixels on a side of the part on which pixel shuffle is shown."""
TINTS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167))
"""Of the channels that pixel shuffle lays side by side; more than four take turns."""


class Enlarged(NamedTuple):
    """A photograph and its two enlargements."""

    rgb: np.ndarray
    """The truth, uint8, shape (scale * h, scale * w, 3)."""
    low: np.ndarray
    """What was enlarged, uint8, shape (h, w)."""
    truth: np.ndarray
    """Luminance, uint8, shape (scale * h, scale * w), as the two others."""
    bicubic: np.ndarray
    network: np.ndarray
    scale: int

    def colour(self) -> dict[str, np.ndarray]:
        """The truth and both enlargements; uint8, shape (scale * h, scale * w, 3).

        Colour of the enlargements goes the simple way.
        """
        return {
            "truth": self.rgb,
            "bicubic": colourise(self.bicubic, self.rgb, self.scale),
            "network": colourise(self.network, self.rgb, self.scale),
        }

    def error(self, enlarged: np.ndarray) -> np.ndarray:
        """The absolute error, black to bright; uint8, shape (scale * h, scale * w, 3)."""
        error = np.abs(enlarged.astype(int) - self.truth)
        return to_bytes(255 * matplotlib.colormaps["inferno"](LOUD * error / 255)[..., :3])


def tell_photographs(
    run: SuperresRun, photos: Iterable[tuple[str, Enlarged]], params: RenderReport
) -> dict[str, Any]:
    """Gather all that is told of super-resolution.

    Parameters
    ----------
    run : SuperresRun
    photos : iterable of tuple of str and Enlarged
        All test photographs with their names.
    params : RenderReport

    Returns
    -------
    dict
        Numbers, texts, and pictures as data URIs, for the page.

    Raises
    ------
    InputError
        As `summarise`.
    """
    network, qualities = run.network, _qualities(run.images)
    means = summarise(qualities)
    gains = {name: row["network"].psnr - row["bicubic"].psnr for name, row in qualities.items()}
    ranked = sorted(gains, key=gains.get, reverse=True)
    names = list(qualities)
    shown = {names[index] for index in spread_by_rank(list(gains.values()), params.photographs)}
    rows, gallery, extra = [], [], {}
    for name, photo in photos:
        colours = photo.colour()
        quality = {method: qualities[name][method]._asdict() for method in ("bicubic", "network")}
        known = {"name": name, "gain": gains[name], "rank": ranked.index(name) + 1}
        window = hardest_window(photo.truth, photo.bicubic, params.part_size)
        part = {each: webp(colours[each][window], params.quality) for each in colours}
        rows.append(known | {key: value["psnr"] for key, value in quality.items()} | {"part": part})
        if name in shown:
            whole = show_photo(photo, colours, params.quality)
            gallery.append(known | {"quality": quality} | whole)
        if name == ranked[0]:
            extra = {
                "shuffle": show_shuffle(network, photo),
                "colours": show_colours(photo, COLOURED, params.quality),
            }
    return {
        "scale": network.scale,
        "small": SMALL[network.scale],
        "large": LARGE[network.scale],
        "count": len(rows),
        "loud": LOUD,
        "parameters": count_parameters(network),
        "multiply_adds": multiply_adds(network),
        "methods": _methods(means, network),
        "network": means["network"],
        "gain": means["gain"]["psnr"],
        "error_left": _mean_error(qualities, "network") / _mean_error(qualities, "bicubic"),
        "curve": run.curve,
        "rows": rows,
        "gallery": sorted(gallery, key=lambda each: each["rank"]),
        **extra,
    }


def _mean_error(qualities: dict[str, dict[str, Quality]], method: str) -> float:
    """Mean squared error over all photographs, as a share of that of black for white."""
    return float(np.mean([10 ** (-row[method].psnr / 10) for row in qualities.values()]))


def _qualities(images: dict[str, list[Any]]) -> dict[str, dict[str, Quality]]:
    """Of each photograph, by method."""
    methods = [name.removesuffix("_psnr") for name in images if name.endswith("_psnr")]
    return {
        name: {
            method: Quality(images[f"{method}_psnr"][row], images[f"{method}_ssim"][row])
            for method in methods
        }
        for row, name in enumerate(images["image"])
    }


def _methods(means: dict[str, dict[str, float]], network: Upscaler) -> list[dict[str, Any]]:
    """The published figures and those of this run, the worst first."""
    nothing = {"parameters": "", "training": "", "ours": False, "published": False}
    ours = nothing | {
        "parameters": f"{count_parameters(network):,}",
        "training": "380 photographs of BSDS500",
        "ours": True,
    }
    found = [
        (ours if method in OURS else nothing) | {"name": OURS.get(method, method)} | quality
        for method, quality in means.items()
        if method != "gain"
    ]
    published = [
        {
            "name": f"{each.name} ({each.year})",
            "parameters": each.parameters[network.scale],
            "training": each.training,
            "ours": False,
            "published": True,
            **each.quality[network.scale]._asdict(),
        }
        for each in PUBLISHED
    ]
    return sorted([*found, *published], key=lambda row: row["psnr"])


def enlarge_photo(network: Upscaler, rgb: np.ndarray) -> Enlarged:
    """Make a photograph small, and large again in two ways.

    Parameters
    ----------
    network : Upscaler
    rgb : ndarray of uint8, shape (height, width, 3)
    """
    rgb = crop_to_multiple(rgb, network.scale)
    low, high = make_pair(rgb, network.scale)
    bicubic = upscale(low, network.scale, "bicubic")
    return Enlarged(rgb, low, high, bicubic, upscale_luminance(network, low), network.scale)


def show_photo(photo: Enlarged, colours: dict[str, np.ndarray], quality: int) -> dict[str, Any]:
    """Give a whole photograph to look at closely.

    Parameters
    ----------
    photo : Enlarged
    colours : dict of str to ndarray
        Its `colour`.
    quality : int
        Of WebP, 1 to 100.

    Returns
    -------
    dict
        `width` and `height` in pixels, the pictures and both error maps as data URIs.
    """
    height, width = photo.truth.shape
    errors = {
        "bicubic_error": photo.error(photo.bicubic),
        "network_error": photo.error(photo.network),
    }
    pictures = {name: webp(picture, quality) for name, picture in (colours | errors).items()}
    return {"width": width, "height": height, **pictures}


def show_shuffle(network: Upscaler, photo: Enlarged) -> dict[str, Any] | None:
    """Follow a part of a photograph through the network's pixel shuffle.

    Returns
    -------
    dict or None
        Pictures as data URIs; None for a network that enlarges otherwise.
    """
    scale = network.scale
    features = shuffled_features(network, photo.low)
    if features is None:
        return None
    rows, columns = hardest_window(photo.truth, photo.bicubic, SHUFFLED * scale)
    row, column = rows.start // scale, columns.start // scale
    small = np.s_[row : row + SHUFFLED, column : column + SHUFFLED]
    large = np.s_[
        scale * row : scale * (row + SHUFFLED), scale * column : scale * (column + SHUFFLED)
    ]
    channels = diverge(features[(slice(None), *small)])  # (scale^2, h, w)
    tints = np.array([TINTS[index % len(TINTS)] for index in range(len(channels))])
    tinted = channels[..., None] / 255 * tints[:, None, None]  # (scale^2, h, w, 3)
    height, width = channels.shape[1:]
    laid = tinted.reshape(scale, scale, height, width, 3).transpose(2, 0, 3, 1, 4)
    grey = channels.reshape(scale, scale, height, width).transpose(2, 0, 3, 1)
    return {
        "low": png(photo.low[small]),
        "channels": [png(to_bytes(channel)) for channel in tinted],
        "laid": png(to_bytes(laid.reshape(scale * height, scale * width, 3))),
        "shuffled": png(grey.reshape(scale * height, scale * width)),
        "bicubic": png(photo.bicubic[large]),
        "network": png(photo.network[large]),
        "truth": png(photo.truth[large]),
    }


def show_colours(photo: Enlarged, size: int, quality: int) -> dict[str, str]:
    """Take a photograph apart into Y, Cb and Cr, and coarsen one or the other.

    Halving is done twice here (a sixteenth of the pixels), so that it is seen
    where it can be seen.

    Parameters
    ----------
    photo : Enlarged
    size : int
        Pixels on a side of the part that is hardest for bicubic interpolation.
    quality : int
        Of WebP, 1 to 100.

    Returns
    -------
    dict of str to str
        Pictures as data URIs.
    """
    window = hardest_window(photo.truth, photo.bicubic, size)
    rgb = crop_to_multiple(np.ascontiguousarray(photo.rgb[window]), 4)
    y, cbcr = luminance(rgb), to_bytes(chrominance(rgb))
    coarse = [upscale(downscale(plane, 4), 4, "bicubic") for plane in np.moveaxis(cbcr, -1, 0)]
    coarse_y = upscale(downscale(y, 4), 4, "bicubic")
    return {
        "rgb": webp(rgb, quality),
        "y": png(y),
        "cb": png(cbcr[..., 0]),
        "cr": png(cbcr[..., 1]),
        "coarse_colour": webp(to_rgb(y, np.dstack(coarse)), quality),
        "coarse_luminance": webp(to_rgb(coarse_y, cbcr), quality),
    }
