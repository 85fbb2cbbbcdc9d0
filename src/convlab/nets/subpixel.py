"""The sub-pixel super-resolution network: a residual body at low resolution."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from convlab.errors import InputError
from convlab.imaging.colour import to_bytes
from convlab.nets.layers import pixel_shuffle
from convlab.nets.weights import load_network


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a ReLU between, added to the input.

    References
    ----------
    B. Lim et al., "Enhanced deep residual networks for single image
    super-resolution", CVPR Workshops 2017: a block without normalisation.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.second = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (batch, channels, h, w) in and out."""
        return features + self.second(functional.relu(self.first(features)))


class SubPixel(nn.Module):
    """Learns what bicubic interpolation misses.

    All convolutions work at low resolution, where a pixel costs a scale^2-th;
    the last one gives scale^2 channels, which pixel shuffle lays out as one
    image. It is added to the bicubic interpolation of the input, and starts
    at zero: the untrained network is bicubic interpolation.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    channels : int
        Width of the hidden layers.
    blocks : int
        Number of residual blocks.

    References
    ----------
    W. Shi et al., CVPR 2016 (see `pixel_shuffle`). J. Kim et al., "Accurate
    image super-resolution using very deep convolutional networks", CVPR 2016:
    the residual over bicubic.
    """

    def __init__(self, scale: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(1, channels, kernel_size=3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.tail = nn.Conv2d(channels, scale**2, kernel_size=3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)

    def forward(self, low: Tensor) -> Tensor:
        """Upscale luminance.

        Parameters
        ----------
        low : Tensor, shape (batch, 1, h, w)
            Luminance / 255.

        Returns
        -------
        Tensor, shape (batch, 1, scale * h, scale * w)
            Not clipped.
        """
        # antialias=True makes torch use the cubic kernel with a = -0.5, as the measure does.
        bicubic = functional.interpolate(
            low, scale_factor=self.scale, mode="bicubic", antialias=True
        )
        features = functional.relu(self.head(low))  # (b, channels, h, w)
        detail = self.tail(self.body(features))  # (b, scale^2, h, w)
        return bicubic + pixel_shuffle(detail, self.scale)  # (b, 1, scale h, scale w)


def upscale_luminance(network: SubPixel, low: np.ndarray) -> np.ndarray:
    """Upscale one luminance image in float32, clipped and rounded to 8 bits.

    Parameters
    ----------
    network : SubPixel
    low : ndarray of uint8, shape (h, w)

    Returns
    -------
    ndarray of uint8, shape (scale * h, scale * w)
    """
    with torch.inference_mode():
        batch = torch.from_numpy(low)[None, None].float().div_(255)
        return to_bytes(255 * network(batch)[0, 0].numpy())


def load_subpixel(path: Path, scale: int) -> SubPixel:
    """Load a trained network and see that it is for the wanted scale.

    Raises
    ------
    InputError
        As `load_network`; also if the network is for another scale.
    """
    network = load_network(path, {"subpixel": SubPixel})
    if network.scale != scale:
        raise InputError(
            f"{path}: holds a network for scale {network.scale}, wanted is {scale}: run `dvc repro`"
        )
    return network
