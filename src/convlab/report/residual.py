"""Show how a network makes its output: bicubic interpolation plus residual, and pixel shuffle."""

from typing import Any

import numpy as np
from einops import rearrange

from convlab.imaging.colour import to_bytes
from convlab.report.encode import diverge, png
from convlab.report.live import Operation, describe_network
from convlab.superres.comparison import UpscaledPhoto, hardest_window
from convlab.superres.dependence import measure_dependence
from convlab.superres.inspection import shuffled_features
from convlab.superres.layers import Upscaler
from convlab.superres.tiling import BICUBIC_MARGIN

PART_SIZE = 16
"""LR pixels on a side of the part that is shown; few, so that single pixels are visible."""
CHANNEL_COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167))
"""RGB colours of the channels that pixel shuffle rearranges; more than four channels repeat
them."""


def show_residual(network: Upscaler, photo: UpscaledPhoto) -> dict[str, Any] | None:
    """Give what the page needs to show how a network makes its output.

    Parameters
    ----------
    network : Upscaler
    photo : UpscaledPhoto

    Returns
    -------
    dict or None
        If the page runs the network itself: `low` and `truth`, pictures as data URIs, where `low`
        is larger than the part, because the output depends on pixels around it; `top` and `left`,
        where the part begins in `low`; its `height` and `width` in LR pixels; and `steps`, the
        result of `output_steps`. Else `pictures`, the result of `show_shuffle`. None if there is
        nothing to show.
    """
    description, dependence = describe_network(network), measure_dependence(network)
    if "unknown" in description or dependence is None:
        pictures = show_shuffle(network, photo)
        return pictures and {"steps": None, "pictures": pictures}
    steps = output_steps(description["operations"], description["outputs"][0], network.scale)
    if steps["bicubic"] is None and steps["channels"] is None:
        return None
    reach, period = dependence
    margin = -(-max(reach, BICUBIC_MARGIN) // period) * period
    (rows, columns), high = _part(photo)
    above, before = (max(0, n.start - n.start % period - margin) for n in (rows, columns))
    return {
        "steps": steps,
        "low": png(photo.low[above : rows.stop + margin, before : columns.stop + margin]),
        "truth": png(photo.truth[high]),
        "top": rows.start - above,
        "left": columns.start - before,
        "height": rows.stop - rows.start,
        "width": columns.stop - columns.start,
    }


def output_steps(operations: list[Operation], output: int, scale: int) -> dict[str, int | None]:
    """Find the steps that lead to a network's output.

    Parameters
    ----------
    operations : list of Operation
    output : int
        Index of the output: n for the output of operation n - 1.
    scale : int
        Upscaling factor of the network.

    Returns
    -------
    dict
        Indices of the same kind: `bicubic`, the bicubic interpolation of the input, if it is added
        last, else None; `residual`, the tensor that it is added to, else the output; `channels`,
        the scale^2 channels that pixel shuffle rearranges into the residual, else None; `output`.
    """

    def made_by(index: int, operation: str) -> bool:
        return index > 0 and operations[index - 1]["operation"] == operation

    def inputs(index: int) -> list[int]:
        return operations[index - 1]["inputs"]

    bicubic, residual = None, output
    if made_by(output, "add"):
        for one, other in (inputs(output), inputs(output)[::-1]):
            if made_by(one, "bicubic") and inputs(one) == [0]:
                bicubic, residual = one, other
    channels = None
    if made_by(residual, "shuffle") and operations[residual - 1]["scale"] == scale:
        (channels,) = inputs(residual)
    return {"bicubic": bicubic, "residual": residual, "channels": channels, "output": output}


def show_shuffle(network: Upscaler, photo: UpscaledPhoto) -> dict[str, Any] | None:
    """Show the steps of a network's pixel shuffle on a part of a photograph.

    Parameters
    ----------
    network : Upscaler
    photo : UpscaledPhoto

    Returns
    -------
    dict or None
        Pictures as data URIs; None for a network that upscales in another way.
    """
    features = shuffled_features(network, photo.low)
    if features is None:
        return None
    low, high = _part(photo)
    channels = diverge(features[(slice(None), *low)])  # (scale^2, h, w)
    indices = np.arange(len(channels)) % len(CHANNEL_COLOURS)
    coloured = channels[..., None] / 255 * np.array(CHANNEL_COLOURS)[indices][:, None, None]
    return {
        "low": png(photo.low[low]),
        "channels": [png(to_bytes(channel)) for channel in coloured],
        "interleaved": png(to_bytes(_shuffle(coloured, network.scale))),
        "shuffled": png(_shuffle(channels[..., None], network.scale)[..., 0]),
        "bicubic": png(photo.bicubic[high]),
        "network": png(photo.network[high]),
        "truth": png(photo.truth[high]),
    }


def _part(photo: UpscaledPhoto) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Give LR and HR pixels of the part where bicubic interpolation has the largest error."""
    window = hardest_window(photo.truth, photo.bicubic, PART_SIZE * photo.scale)
    starts = [each.start // photo.scale for each in window]
    stops = [min(start + PART_SIZE, n) for start, n in zip(starts, photo.low.shape, strict=True)]
    rows, columns = (slice(*each) for each in zip(starts, stops, strict=True))
    high = [slice(photo.scale * each.start, photo.scale * each.stop) for each in (rows, columns)]
    return (rows, columns), (high[0], high[1])


def _shuffle(channels: np.ndarray, scale: int) -> np.ndarray:
    """Rearrange (scale^2, h, w, colours) into (scale h, scale w, colours), as `pixel_shuffle`."""
    return rearrange(channels, "(r1 r2) h w c -> (h r1) (w r2) c", r1=scale, r2=scale)
