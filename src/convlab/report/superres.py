"""Collect the report's section on super-resolution: results, photographs, colours."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
import torch

from convlab.core.weights import count_parameters
from convlab.imaging.colour import chrominance, luminance, to_bytes, to_rgb
from convlab.imaging.resize import crop_to_multiple, downscale, upscale
from convlab.report.architecture import architecture
from convlab.report.encode import png, webp
from convlab.report.residual import show_residual
from convlab.report.sources import SuperresRun
from convlab.superres.comparison import UpscaledPhoto, choose_by_rank, hardest_window
from convlab.superres.cost import LOW_SIDE, multiply_adds, training_pflop
from convlab.superres.evaluation import mean_qualities
from convlab.superres.metrics import Quality
from convlab.superres.patches import MakePatches
from convlab.superres.published import PUBLISHED
from convlab.superres.training import TrainSr

NETWORK_METHODS = {
    "network": "this run's network",
    "network_ensemble": "this run's network, self-ensemble",
}
"""Methods that use a network of this run, and their names on the page."""
COLOUR_PART_SIZE = 160
"""Pixels on a side of the part that is shown as Y, Cb and Cr."""
CHROMA_SUBSAMPLING = 4
"""Factor by which that part's luminance or chrominance is downscaled."""
MAX_ERROR = 42
"""Largest error, in grey levels, with its own colour in error maps; larger ones share a colour."""
REACH = 2
"""LR pixels around a part of a picture that its bicubic interpolation depends on."""


def superres_section(
    runs: Sequence[SuperresRun],
    photos: Iterable[UpscaledPhoto],
    *,
    gallery_images: int,
    part_size: int,
    training: TrainSr,
    patches: MakePatches,
) -> dict[str, Any]:
    """Collect what the page shows about super-resolution.

    Parameters
    ----------
    runs : sequence of SuperresRun
        One for each scale; the photographs are shown at the scale of the first.
    photos : iterable of UpscaledPhoto
        All test photographs, upscaled by the first network.
    gallery_images : int
        Number of photographs that are shown whole.
    part_size : int
        Pixels on a side of the part that is shown of each other photograph.
    training : TrainSr
        How the networks were trained.
    patches : MakePatches
        What they were trained on.

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
            extra = {
                "residual": show_residual(first.network, photo),
                "colours": show_colours(photo),
            }
    return {
        "scales": [_results(run, training, patches) for run in runs],
        "input_side": LOW_SIDE,
        "curves": {f"x{run.network.scale}": run.curve for run in runs},
        "scale": first.network.scale,
        "error_colours": _error_colours(),
        "photographs": photographs,
        **extra,
    }


def show_photo(photo: UpscaledPhoto, window: tuple[slice, slice]) -> dict[str, Any]:
    """Give, without loss, what the page needs to draw a photograph's pictures and error maps.

    Parameters
    ----------
    photo : UpscaledPhoto
    window : tuple of slice
        Rows and columns of the part that is shown.

    Returns
    -------
    dict
        `width` and `height` in pixels; as data URIs, the ground truth in colour, `truth`, the
        network's luminance, `network`, and as much of the low resolution as bicubic interpolation
        needs, `low` (Y, Cb and Cr instead of red, green and blue); and `top` and `left`, row and
        column of the interpolated low resolution at which the part begins.
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


def show_colours(photo: UpscaledPhoto) -> dict[str, str]:
    """Show a part of a photograph as Y, Cb and Cr, and with coarse colour or coarse luminance.

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


def _results(run: SuperresRun, training: TrainSr, patches: MakePatches) -> dict[str, Any]:
    """Give the results at one scale."""
    network = run.network
    qualities = _qualities(run.images)
    means = mean_qualities(qualities)
    gains = [row["network"].psnr - row["bicubic"].psnr for row in qualities.values()]
    needed = multiply_adds(network)
    return {
        "scale": network.scale,
        "count": len(qualities),
        "network": type(network).__module__.rpartition(".")[-1],
        "parameters": count_parameters(network),
        "multiply_adds": needed,
        "steps": training.steps,
        "pflop": training_pflop(needed, training, patches.patch_size * network.scale),
        "architecture": architecture(network, torch.zeros(1, 1, LOW_SIDE, LOW_SIDE)),
        "methods": _methods(means, network.scale),
        "psnr": means["network"]["psnr"],
        "gain": means["gain"]["psnr"],
        "least_gain": min(gains),
        "largest_gain": max(gains),
        "better": sum(gain > 0 for gain in gains),
        "published_below": sum(
            each.quality[network.scale].psnr < means["network"]["psnr"] for each in PUBLISHED
        ),
    }


def _qualities(images: dict[str, list[Any]]) -> dict[str, dict[str, Quality]]:
    """Give the qualities of each photograph, by method."""
    methods = [name.removesuffix("_psnr") for name in images if name.endswith("_psnr")]
    return {
        name: {
            method: Quality(images[f"{method}_psnr"][row], images[f"{method}_ssim"][row])
            for method in methods
        }
        for row, name in enumerate(images["image"])
    }


def _methods(means: dict[str, dict[str, float]], scale: int) -> list[dict[str, Any]]:
    """Give the rows of the table of results: this run's network, then other methods by PSNR."""
    measured = [
        {
            "name": NETWORK_METHODS.get(method, method),
            "ours": method in NETWORK_METHODS,
            "published": None,
            **quality,
        }
        for method, quality in means.items()
        if method != "gain"
    ]
    published = [
        {
            "name": each.name,
            "ours": False,
            "published": each._asdict() | {"parameters": each.parameters[scale]},
            **each.quality[scale]._asdict(),
        }
        for each in PUBLISHED
    ]
    return sorted([*measured, *published], key=lambda row: (not row["ours"], row["psnr"]))


def _error_colours() -> list[list[int]]:
    """Give the RGB colour of each error: 0 is black, `MAX_ERROR` + 1 and more are bright."""
    errors = np.arange(MAX_ERROR + 2) / (MAX_ERROR + 1)
    return to_bytes(255 * matplotlib.colormaps["inferno"](errors)[:, :3]).tolist()
