"""ESPCN: three convolutions at low resolution; the last one is sub-pixel.

W. Shi et al., "Real-time single image and video super-resolution using an
efficient sub-pixel convolutional neural network", CVPR 2016.
"""

from torch import Tensor, nn

from convlab.core.params import Params
from convlab.superres.layers import Upsampling, Upscaler, make_upsampling


class Settings(Params):
    """The setting of ESPCN; the default is the paper's."""

    upsampling: Upsampling = "pixel_shuffle"


class Network(Upscaler):
    """Kernels of 5, 3 and 3 pixels, with tanh: the network that introduced pixel shuffle.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    settings : Settings
    """

    def __init__(self, scale: int, settings: Settings) -> None:
        super().__init__(scale)
        self.features = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5, padding=2),
            nn.Tanh(),
            nn.Conv2d(64, 32, kernel_size=3, padding=1),
            nn.Tanh(),
        )
        self.upsampling = make_upsampling(settings.upsampling, 32, 1, scale)

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        features = self.features(low)  # (b, 32, h, w)
        return self.upsampling(features)  # (b, 1, scale h, scale w)
