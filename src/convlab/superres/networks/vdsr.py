"""VDSR: twenty convolutions learn the residual over bicubic interpolation.

J. Kim, J. K. Lee, K. M. Lee, "Accurate image super-resolution using very deep
convolutional networks", CVPR 2016. Initial weights: K. He et al., "Delving
deep into rectifiers", ICCV 2015.
"""

from itertools import pairwise

from torch import Tensor, nn

from convlab.core.params import Params
from convlab.superres.layers import Upscaler, bicubic

LAYERS, CHANNELS = 20, 64


class Settings(Params):
    """VDSR has no settings: the paper fixes everything."""


class Network(Upscaler):
    """Twenty convolutions at high resolution, whose output is added to bicubic interpolation.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    settings : Settings
    """

    def __init__(self, scale: int, settings: Settings) -> None:
        super().__init__(scale)
        widths = [1, *[CHANNELS] * (LAYERS - 1), 1]
        convolutions = [
            nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)
            for inputs, outputs in pairwise(widths)
        ]
        for convolution in convolutions:
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)
        nn.init.zeros_(convolutions[-1].weight)
        first, *others = convolutions
        self.layers = nn.Sequential(
            first, *(layer for convolution in others for layer in (nn.ReLU(), convolution))
        )

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        interpolated = bicubic(low, self.scale)
        return interpolated + self.layers(interpolated)
