"""The first network of this project: residual blocks, as in EDSR, added to bicubic interpolation.

B. Lim et al., "Enhanced deep residual networks for single image
super-resolution", CVPR Workshops 2017.
"""

from torch import Tensor, nn

from convlab.core.params import Params
from convlab.superres.layers import PixelShuffle, Upscaler, bicubic
from convlab.superres.networks.edsr import ResidualBlock


class Settings(Params):
    """Size of the network."""

    channels: int = 32
    blocks: int = 4


class Network(Upscaler):
    """Learns the residual over bicubic interpolation; untrained, it is bicubic interpolation.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    settings : Settings
    """

    def __init__(self, scale: int, settings: Settings) -> None:
        super().__init__(scale)
        self.head = nn.Conv2d(1, settings.channels, kernel_size=3, padding=1)
        self.body = nn.Sequential(
            *(ResidualBlock(settings.channels) for _ in range(settings.blocks))
        )
        self.tail = nn.Conv2d(settings.channels, scale**2, kernel_size=3, padding=1)
        self.shuffle = PixelShuffle(scale)
        for weights in self.tail.parameters():
            nn.init.zeros_(weights)

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        return bicubic(low, self.scale) + self.shuffle(self.tail(self.body(self.head(low))))
