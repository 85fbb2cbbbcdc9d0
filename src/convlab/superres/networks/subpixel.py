"""The project's own super-resolution network: plain convolutions that start as the identity.

W. Shi et al., CVPR 2016: pixel shuffle. J. Kim et al., "Accurate image
super-resolution using very deep convolutional networks", CVPR 2016: the
residual over bicubic interpolation. X. Ding et al., "RepVGG: making VGG-style
ConvNets great again", CVPR 2021: the skip connection inside the kernel.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from convlab.core.params import Params
from convlab.superres.layers import (
    Upsampling,
    Upscaler,
    bicubic,
    make_upsampling,
    start_near_identity,
)


class Settings(Params):
    """Size of the network."""

    channels: Annotated[int, Field(ge=1, le=512)] = 48
    """Channels of the hidden layers."""
    layers: Annotated[int, Field(ge=1, le=128)] = 6
    """Number of hidden layers."""
    upsampling: Upsampling = "pixel_shuffle"
    """The last step, see `make_upsampling`."""


class Network(Upscaler):
    """Learns the residual over bicubic interpolation.

    All convolutions work at low resolution, where an image has 1 / scale^2 of
    the pixels; the last one gives scale^2 channels, which pixel shuffle
    rearranges into one image. This image is added to the bicubic interpolation
    of the input. It starts at zero, so that the untrained network is bicubic
    interpolation.

    Each hidden layer is a convolution and a ReLU. Its kernel starts near the
    identity, which does what a residual block's skip connection does, without
    the time and the memory of an addition.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    settings : Settings
    """

    def __init__(self, scale: int, settings: Settings) -> None:
        super().__init__(scale)
        channels = settings.channels
        widths = [1, *[channels] * settings.layers]
        convolutions = [nn.Conv2d(inputs, channels, kernel_size=3, padding=1) for inputs in widths]
        for convolution in convolutions[1:]:
            start_near_identity(convolution)
        self.body = nn.Sequential(
            *(
                layer
                for convolution in convolutions
                for layer in (convolution, nn.ReLU(inplace=True))
            )
        )
        self.tail = make_upsampling(settings.upsampling, channels, 1, scale)
        for weights in self.tail.parameters():
            nn.init.zeros_(weights)

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        features = self.body(low)  # (b, channels, h, w)
        return bicubic(low, self.scale) + self.tail(features)  # (b, 1, scale h, scale w)
