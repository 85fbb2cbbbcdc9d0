"""Applying a super-resolution network to a whole luminance image."""

from pathlib import Path

import numpy as np
import torch

from convlab.core.errors import InputError
from convlab.core.weights import load_network
from convlab.imaging.colour import to_bytes
from convlab.superres.layers import Upscaler

NETWORKS = "convlab.superres.networks"
"""The package with a file for each network."""


def load_upscaler(path: Path, scale: int) -> Upscaler:
    """Load a trained network and check that it is for the wanted scale.

    Returns
    -------
    Upscaler

    Raises
    ------
    InputError
        For the reasons of `load_network`, or if the network is for another scale.
    """
    network = load_network(path, NETWORKS)
    if network.scale != scale:
        raise InputError(
            f"{path}: holds a network for scale {network.scale}, not {scale}: run `dvc repro`"
        )
    return network


def upscale_luminance(network: Upscaler, low: np.ndarray) -> np.ndarray:
    """Upscale one luminance image in float32, clipped and rounded to 8 bits.

    Parameters
    ----------
    network : Upscaler
    low : ndarray of uint8, shape (h, w)

    Returns
    -------
    ndarray of uint8, shape (scale * h, scale * w)
    """
    return to_bytes(_upscale(network, low))


def upscale_ensemble(network: Upscaler, low: np.ndarray) -> np.ndarray:
    """Upscale all eight flips and transposes of an image, turn the results back, and average them.

    For most networks the eight results differ, and their mean is better than
    most of them. It takes eight times as long. For an equivariant network the
    eight results are equal.

    Parameters
    ----------
    network : Upscaler
    low : ndarray of uint8, shape (h, w)

    Returns
    -------
    ndarray of uint8, shape (scale * h, scale * w)

    References
    ----------
    R. Timofte, R. Rothe, L. Van Gool, "Seven ways to improve example-based
    single image super resolution", CVPR 2016.
    """
    turned = [
        np.rot90(_upscale(network, np.rot90(view, turns)), -turns)
        for view in (low, low.T)
        for turns in range(4)
    ]
    return to_bytes(np.mean([*turned[:4], *(image.T for image in turned[4:])], axis=0))


def _upscale(network: Upscaler, low: np.ndarray) -> np.ndarray:
    """Upscale to grey levels, which are neither clipped nor rounded."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        batch = torch.from_numpy(np.ascontiguousarray(low))[None, None].to(device)
        return 255 * network(batch.float().div_(255))[0, 0].cpu().numpy()
