"""The project's own super-resolution network: plain convolutions that begin as nothing at all."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from convlab.nets.layers import Upsampling, bicubic, make_upsampling
from convlab.nets.upscaler import Upscaler
from convlab.params import Params


class SubPixelSettings(Params):
    """Size of the project's own network (`train_sr.subpixel`)."""

    channels: Annotated[int, Field(ge=1, le=512)]
    layers: Annotated[int, Field(ge=1, le=128)]
    upsampling: Upsampling


class SubPixel(Upscaler):
    """Learns what bicubic interpolation misses.

    All convolutions work at low resolution, where a pixel costs a scale^2-th;
    the last one gives scale^2 channels, which pixel shuffle lays out as one
    image. It is added to the bicubic interpolation of the input, and starts
    at zero: the untrained network is bicubic interpolation.

    The hidden layers are a convolution and a ReLU each. Their kernels begin
    near the identity, which is what a residual block's skip does, without
    the time and the memory that it takes to add: the skip is in the kernel.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    channels : int
        Width of the hidden layers.
    layers : int
        Number of hidden layers.
    upsampling : {"pixel_shuffle", "transposed", "resize"}
        The last step, see `make_upsampling`.

    References
    ----------
    W. Shi et al., CVPR 2016 (see `pixel_shuffle`). J. Kim et al., "Accurate
    image super-resolution using very deep convolutional networks", CVPR 2016:
    the residual over bicubic. X. Ding et al., "RepVGG: making VGG-style
    ConvNets great again", CVPR 2021: the skip in the kernel.
    """

    def __init__(self, scale: int, channels: int, layers: int, upsampling: Upsampling) -> None:
        super().__init__(scale)
        widths = [1, *[channels] * layers]
        convolutions = [nn.Conv2d(inputs, channels, kernel_size=3, padding=1) for inputs in widths]
        for convolution in convolutions[1:]:
            _begin_near_identity(convolution)
        self.body = nn.Sequential(
            *(layer for convolution in convolutions for layer in (convolution, nn.ReLU()))
        )
        self.tail = make_upsampling(upsampling, channels, 1, scale)
        for weights in self.tail.parameters():
            nn.init.zeros_(weights)

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        features = self.body(low)  # (b, channels, h, w)
        return bicubic(low, self.scale) + self.tail(features)  # (b, 1, scale h, scale w)


def _begin_near_identity(convolution: nn.Conv2d) -> None:
    """Halve the random kernel and add one that hands every channel through."""
    identity = nn.init.dirac_(torch.empty_like(convolution.weight))
    with torch.no_grad():
        convolution.weight.mul_(0.5).add_(identity)
