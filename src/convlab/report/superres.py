"""The report's section on super-resolution: results per scale, photographs, pixel shuffle."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
from einops import rearrange

from convlab.core.weights import count_parameters
from convlab.imaging.colour import chrominance, luminance, to_bytes, to_rgb
from convlab.imaging.resize import crop_to_multiple, downscale, upscale
from convlab.report.encode import diverge, png, webp
from convlab.report.sources import SuperresRun
from convlab.superres.comparison import UpscaledPhoto, choose_by_rank, hardest_window
from convlab.superres.cost import multiply_adds
from convlab.superres.evaluation import mean_qualities
from convlab.superres.inspection import shuffled_features
from convlab.superres.layers import Upscaler
from convlab.superres.metrics import Quality
from convlab.superres.published import PUBLISHED

NETWORK_METHODS = {
    "network": "this run's network",
    "network_ensemble": "this run's network, self-ensemble",
}
"""Methods that are a network of this run, and their names on the page."""
COLOUR_PART_SIZE = 160
"""Pixels on a side of the part that is shown as Y, Cb and Cr."""
CHROMA_SUBSAMPLING = 4
"""Factor by which that part's luminance or chrominance is downscaled."""
MAX_ERROR = 42
"""Grey levels of the largest error that has a colour of its own in error maps."""
REACH = 2
"""LR pixels beyond a part of a picture that bicubic interpolation of the part reads."""
SHUFFLE_PART_SIZE = 24
"""LR pixels on a side of the part on which pixel shuffle is shown."""
CHANNEL_COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167))
"""RGB of the channels that pixel shuffle rearranges; more than four repeat them."""


def superres_section(
    runs: Sequence[SuperresRun],
    photos: Iterable[UpscaledPhoto],
    *,
    gallery_images: int,
    part_size: int,
) -> dict[str, Any]:
    """Collect what the page shows of super-resolution.

    Parameters
    ----------
    runs : sequence of SuperresRun
        One of each scale; the photographs are shown at the scale of the first.
    photos : iterable of UpscaledPhoto
        All test photographs, upscaled by the first network.
    gallery_images : int
        How many photographs are shown whole.
    part_size : int
        Pixels on a side of the part that is shown of each of the others.

    Returns
    -------
    dict
        Numbers, texts, and pictures as data URIs.
    """
    first = runs[0]
    qualities = _qualities(first.images)
    gains = {name: row["network"].psnr - row["bicubic"].psnr for name, row in qualities.items()}
    ranked = sorted(gains, key=gains.get, reverse=True)
    names = list(qualities)
    whole = {names[index] for index in choose_by_rank(list(gains.values()), gallery_images)}
    photographs, extra = [], {}
    for name, photo in zip(names, photos, strict=True):
        window = np.s_[:, :]
        if name not in whole:
            window = hardest_window(photo.truth, photo.bicubic, part_size)
        facts = {"name": name, "gain": gains[name], "rank": ranked.index(name) + 1}
        quality = {method: qualities[name][method]._asdict() for method in ("bicubic", "network")}
        shown = {"whole": name in whole, **show_photo(photo, window)}
        photographs.append({**facts, "quality": quality, **shown})
        if name == ranked[0]:
            extra = {"shuffle": show_shuffle(first.network, photo), "colours": show_colours(photo)}
    return {
        "scales": [_results(run) for run in runs],
        "curves": {f"x{run.network.scale}": run.curve for run in runs},
        "scale": first.network.scale,
        "error_colours": _error_colours(),
        "photographs": photographs,
        **extra,
    }


def show_photo(photo: UpscaledPhoto, window: tuple[slice, slice]) -> dict[str, Any]:
    """Give what the page makes a photograph's pictures and error maps from, without loss.

    Parameters
    ----------
    photo : UpscaledPhoto
    window : tuple of slice
        Rows and columns of the part that is shown.

    Returns
    -------
    dict
        `width` and `height` in pixels; the ground truth in colour, the network's luminance, and
        as much of the low resolution (Y, Cb and Cr in place of red, green and blue) as bicubic
        interpolation needs, as data URIs; and at which row, `top`, and column, `left`, of the
        low resolution after interpolation the part begins.
    """
    scale, truth = photo.scale, photo.rgb[window]
    spans = [span.indices(side) for span, side in zip(window, photo.truth.shape, strict=True)]
    starts = [max(0, start // scale - REACH) for start, *_ in spans]
    low_window = tuple(
        slice(low_start, -(-stop // scale) + REACH)
        for low_start, (_, stop, _) in zip(starts, spans, strict=True)
    )
    chroma = np.moveaxis(to_bytes(chrominance(photo.rgb)), -1, 0)
    low = np.dstack([photo.low, *(downscale(plane, scale) for plane in chroma)])
    top, left = (
        start - scale * low_start for low_start, (start, *_) in zip(starts, spans, strict=True)
    )
    return {
        "height": truth.shape[0],
        "width": truth.shape[1],
        "top": top,
        "left": left,
        "truth": webp(truth),
        "low": webp(low[low_window]),
        "network": webp(photo.network[window]),
    }


def show_shuffle(network: Upscaler, photo: UpscaledPhoto) -> dict[str, Any] | None:
    """Show the steps of a network's pixel shuffle on a part of a photograph.

    Parameters
    ----------
    network : Upscaler
    photo : UpscaledPhoto

    Returns
    -------
    dict or None
        Pictures as data URIs; None for a network that upscales otherwise.
    """
    scale, size = network.scale, SHUFFLE_PART_SIZE
    features = shuffled_features(network, photo.low)
    if features is None:
        return None
    rows, columns = hardest_window(photo.truth, photo.bicubic, size * scale)
    row, column = rows.start // scale, columns.start // scale
    low = np.s_[row : row + size, column : column + size]
    high = np.s_[scale * row : scale * (row + size), scale * column : scale * (column + size)]
    channels = diverge(features[(slice(None), *low)])  # (scale^2, h, w)
    indices = np.arange(len(channels)) % len(CHANNEL_COLOURS)
    coloured = channels[..., None] / 255 * np.array(CHANNEL_COLOURS)[indices][:, None, None]
    return {
        "low": png(photo.low[low]),
        "channels": [png(to_bytes(channel)) for channel in coloured],
        "interleaved": png(to_bytes(_shuffle(coloured, scale))),
        "shuffled": png(_shuffle(channels[..., None], scale)[..., 0]),
        "bicubic": png(photo.bicubic[high]),
        "network": png(photo.network[high]),
        "truth": png(photo.truth[high]),
    }


def show_colours(photo: UpscaledPhoto) -> dict[str, str]:
    """Show a part of a photograph as Y, Cb and Cr, and with one or the other downscaled.

    Parameters
    ----------
    photo : UpscaledPhoto

    Returns
    -------
    dict of str to str
        Pictures as data URIs.
    """
    window = hardest_window(photo.truth, photo.bicubic, COLOUR_PART_SIZE)
    rgb = crop_to_multiple(np.ascontiguousarray(photo.rgb[window]), CHROMA_SUBSAMPLING)
    y, cbcr = luminance(rgb), to_bytes(chrominance(rgb))
    coarse_y, *coarse_cbcr = (
        upscale(downscale(plane, CHROMA_SUBSAMPLING), CHROMA_SUBSAMPLING, "bicubic")
        for plane in (y, cbcr[..., 0], cbcr[..., 1])
    )
    return {
        "rgb": webp(rgb),
        "y": png(y),
        "cb": png(cbcr[..., 0]),
        "cr": png(cbcr[..., 1]),
        "coarse_colour": webp(to_rgb(y, np.dstack(coarse_cbcr))),
        "coarse_luminance": webp(to_rgb(coarse_y, cbcr)),
    }


def _results(run: SuperresRun) -> dict[str, Any]:
    """Figures of one scale."""
    qualities = _qualities(run.images)
    means = mean_qualities(qualities)
    return {
        "scale": run.network.scale,
        "count": len(qualities),
        "parameters": count_parameters(run.network),
        "multiply_adds": multiply_adds(run.network),
        "methods": _methods(means, run.network),
        "psnr": means["network"]["psnr"],
        "gain": means["gain"]["psnr"],
        "error_ratio": _mean_error(qualities, "network") / _mean_error(qualities, "bicubic"),
    }


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


def _mean_error(qualities: dict[str, dict[str, Quality]], method: str) -> float:
    """Mean squared error over all photographs, luminance 0 to 1."""
    return float(np.mean([10 ** (-row[method].psnr / 10) for row in qualities.values()]))


def _methods(means: dict[str, dict[str, float]], network: Upscaler) -> list[dict[str, Any]]:
    """Rows of the table of results: methods of this run and published ones, by PSNR."""
    network_facts = {
        "parameters": f"{count_parameters(network):,}",
        "training": "380 photographs of BSDS500",
    }
    measured = [
        {
            "name": NETWORK_METHODS.get(method, method),
            "ours": method in NETWORK_METHODS,
            "published": False,
            **(network_facts if method in NETWORK_METHODS else dict.fromkeys(network_facts, "")),
            **quality,
        }
        for method, quality in means.items()
        if method != "gain"
    ]
    published = [
        {
            "name": f"{each.name} ({each.year})",
            "ours": False,
            "published": True,
            "parameters": each.parameters[network.scale],
            "training": each.training,
            **each.quality[network.scale]._asdict(),
        }
        for each in PUBLISHED
    ]
    return sorted([*measured, *published], key=lambda row: row["psnr"])


def _error_colours() -> list[list[int]]:
    """Colour of each error, as red, green and blue: 0 is black, `MAX_ERROR` + 1 and more bright."""
    errors = np.arange(MAX_ERROR + 2) / (MAX_ERROR + 1)
    return to_bytes(255 * matplotlib.colormaps["inferno"](errors)[:, :3]).tolist()


def _shuffle(channels: np.ndarray, scale: int) -> np.ndarray:
    """Rearrange (scale^2, h, w, colours) into (scale h, scale w, colours), as `pixel_shuffle`."""
    return rearrange(channels, "(r1 r2) h w c -> (h r1) (w r2) c", r1=scale, r2=scale)
