"""Super-resolution networks by name, and what is done with any of them alike."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from convlab.errors import InputError
from convlab.imaging.colour import to_bytes
from convlab.nets.edsr import Edsr
from convlab.nets.espcn import Espcn
from convlab.nets.fsrcnn import Fsrcnn
from convlab.nets.srcnn import Srcnn
from convlab.nets.subpixel import SubPixel
from convlab.nets.upscaler import Upscaler
from convlab.nets.vdsr import Vdsr
from convlab.nets.weights import load_network

NETWORKS: dict[str, type[Upscaler]] = {
    "srcnn": Srcnn,
    "fsrcnn": Fsrcnn,
    "espcn": Espcn,
    "vdsr": Vdsr,
    "edsr": Edsr,
    "subpixel": SubPixel,
}
"""The designs by the name that `train_sr.model` has."""


def load_superres(path: Path, scale: int) -> Upscaler:
    """Load a trained network and see that it is for the wanted scale.

    Raises
    ------
    InputError
        As `load_network`; also if the network is for another scale.
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
    """Upscale all eight flips and transposes of an image; the mean, turned back.

    A photograph that is flipped is still a photograph, but a network reads it
    as another one: what it makes of the eight differs, and the mean is better
    than most. It costs eight times as much.

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


def multiply_adds(network: Upscaler) -> int:
    """Count the multiplications and additions, in pairs, for one high-resolution pixel.

    Those of convolutions, as papers count them; a million of pixels needs a
    million times as many.

    Parameters
    ----------
    network : Upscaler
    """
    counts = []

    def count(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        # A transposed convolution uses its kernel once for every pixel that comes in.
        transposed = isinstance(layer, nn.ConvTranspose2d)
        plane = (inputs[0] if transposed else output)[0, 0]
        counts.append(plane.numel() * layer.weight.numel())

    # torch's own FlopCounterMode gives the same, but takes two seconds to start.
    convolutions = [
        layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    ]
    hooks = [layer.register_forward_hook(count) for layer in convolutions]
    side = 8
    with torch.inference_mode():
        network(torch.zeros(1, 1, side, side, device=next(network.parameters()).device))
    for hook in hooks:
        hook.remove()
    return round(sum(counts) / (network.scale * side) ** 2)


def _upscale(network: Upscaler, low: np.ndarray) -> np.ndarray:
    """Grey levels, neither clipped nor rounded."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        batch = torch.from_numpy(np.ascontiguousarray(low))[None, None].to(device)
        return 255 * network(batch.float().div_(255))[0, 0].cpu().numpy()
