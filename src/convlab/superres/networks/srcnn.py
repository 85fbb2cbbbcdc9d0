"""SRCNN: three convolutions that sharpen a bicubic interpolation.

C. Dong, C. C. Loy, K. He, X. Tang, "Learning a deep convolutional network for
image super-resolution", ECCV 2014 (9-1-5); "Image super-resolution using deep
convolutional networks", IEEE TPAMI 38(2), 2016 (9-5-5, as here).
"""

import torch
from torch import Tensor, nn

from convlab.core.params import Params
from convlab.superres.layers import Upscaler, bicubic


class Settings(Params):
    """SRCNN has no settings: the paper fixes everything."""


class Network(Upscaler):
    """Kernels of 9, 5 and 5 pixels: extract patches, map them, reconstruct; at high resolution.

    One channel of each layer starts as the identity, so that the untrained
    network is close to bicubic interpolation and need not learn it first.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    settings : Settings
    """

    def __init__(self, scale: int, settings: Settings) -> None:
        super().__init__(scale)
        self.layers = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=9, padding=4),
            nn.ReLU(),
            nn.Conv2d(64, 32, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.Conv2d(32, 1, kernel_size=5, padding=2),
        )
        with torch.no_grad():
            for layer in self.layers[::2]:
                centre = layer.kernel_size[0] // 2
                layer.weight[0] = 0
                layer.bias[0] = 0
                layer.weight[0, 0, centre, centre] = 1

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        return self.layers(bicubic(low, self.scale))
