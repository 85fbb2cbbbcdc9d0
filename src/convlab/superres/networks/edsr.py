"""EDSR: residual blocks without normalization at low resolution.

B. Lim et al., "Enhanced deep residual networks for single image
super-resolution", CVPR Workshops 2017.
"""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from convlab.core.params import Params
from convlab.superres.layers import Upsampling, Upscaler, make_upsampling


class Settings(Params):
    """Size of an EDSR; the defaults are the paper's baseline."""

    channels: Annotated[int, Field(ge=1, le=512)] = 64
    """Channels of the hidden layers; 256 in the paper's largest network."""
    blocks: Annotated[int, Field(ge=1, le=64)] = 16
    """Number of residual blocks; 32 in the largest network."""
    upsampling: Upsampling = "pixel_shuffle"
    """A factor of 4 is reached in two steps of 2."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a ReLU between them, whose result is added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.second = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (batch, channels, h, w) in and out."""
        return features + self.second(functional.relu(self.first(features)))


class Network(Upscaler):
    """Residual blocks with one long skip connection, then upsampling and one convolution.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    settings : Settings
    """

    def __init__(self, scale: int, settings: Settings) -> None:
        super().__init__(scale)
        channels = settings.channels
        self.head = nn.Conv2d(1, channels, kernel_size=3, padding=1)
        self.body = nn.Sequential(
            *(ResidualBlock(channels) for _ in range(settings.blocks)),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
        )
        steps = [2, 2] if scale == 4 else [scale]
        self.tail = nn.Sequential(
            *(make_upsampling(settings.upsampling, channels, channels, step) for step in steps),
            nn.Conv2d(channels, 1, kernel_size=3, padding=1),
        )

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        features = self.head(low)  # (b, channels, h, w)
        return self.tail(features + self.body(features))  # (b, 1, scale h, scale w)
