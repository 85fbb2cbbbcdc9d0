"""VDSR: twenty convolutions find what a bicubic enlargement lacks."""

from itertools import pairwise

from torch import Tensor, nn

from convlab.nets.layers import bicubic
from convlab.nets.upscaler import Upscaler

LAYERS, CHANNELS = 20, 64


class Vdsr(Upscaler):
    """Very deep, at high resolution; the sum of bicubic and what it finds.

    Parameters
    ----------
    scale : int
        Upscaling factor.

    References
    ----------
    J. Kim, J. K. Lee, K. M. Lee, "Accurate image super-resolution using very
    deep convolutional networks", CVPR 2016. First weights: K. He et al.,
    "Delving deep into rectifiers", ICCV 2015.
    """

    def __init__(self, scale: int) -> None:
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
        enlarged = bicubic(low, self.scale)
        return enlarged + self.layers(enlarged)
