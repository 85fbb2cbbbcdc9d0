"""EDSR: residual blocks without normalisation at low resolution."""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from convlab.nets.layers import Upsampling, make_upsampling
from convlab.nets.upscaler import Upscaler
from convlab.params import Params


class EdsrSettings(Params):
    """Size of an EDSR (`train_sr.edsr`)."""

    channels: Annotated[int, Field(ge=1, le=512)]
    blocks: Annotated[int, Field(ge=1, le=64)]
    upsampling: Upsampling


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a ReLU between, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.second = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (batch, channels, h, w) in and out."""
        return features + self.second(functional.relu(self.first(features)))


class Edsr(Upscaler):
    """A residual body with one long skip, enlarged features, one convolution.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    channels : int
        Width; 64 in the paper's baseline, 256 in its largest network.
    blocks : int
        Residual blocks; 16 in the baseline, 32 in the largest.
    upsampling : {"pixel_shuffle", "transposed", "resize"}
        The paper's is "pixel_shuffle"; a factor of 4 is taken in two steps.

    References
    ----------
    B. Lim et al., "Enhanced deep residual networks for single image
    super-resolution", CVPR Workshops 2017.
    """

    def __init__(self, scale: int, channels: int, blocks: int, upsampling: Upsampling) -> None:
        super().__init__(scale)
        self.head = nn.Conv2d(1, channels, kernel_size=3, padding=1)
        self.body = nn.Sequential(
            *(ResidualBlock(channels) for _ in range(blocks)),
            nn.Conv2d(channels, channels, kernel_size=3, padding=1),
        )
        steps = [2, 2] if scale == 4 else [scale]
        self.tail = nn.Sequential(
            *(make_upsampling(upsampling, channels, channels, step) for step in steps),
            nn.Conv2d(channels, 1, kernel_size=3, padding=1),
        )

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        features = self.head(low)  # (b, channels, h, w)
        return self.tail(features + self.body(features))
