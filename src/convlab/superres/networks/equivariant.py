"""The project's own super-resolution network, which commutes with flips and transposes.

T. Cohen, M. Welling, "Group equivariant convolutional networks", ICML 2016.
W. Shi et al., CVPR 2016: pixel shuffle. J. Kim et al., "Accurate image
super-resolution using very deep convolutional networks", CVPR 2016: the
residual over bicubic interpolation. X. Ding et al., "RepVGG: making VGG-style
ConvNets great again", CVPR 2021: the skip connection inside the kernel.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from convlab.core.params import Params
from convlab.superres.layers import (
    SYMMETRIES,
    EquivariantConv2d,
    PixelShuffle,
    Upscaler,
    bicubic,
    start_near_identity,
    turned,
)


class Settings(Params):
    """Size of the network."""

    channels: Annotated[int, Field(ge=8, le=512, multiple_of=SYMMETRIES)] = 48
    """Channels of the hidden layers: eight for each pattern, one per symmetry."""
    layers: Annotated[int, Field(ge=1, le=128)] = 10
    """Number of hidden layers."""


class Network(Upscaler):
    """Learns the residual over bicubic interpolation, equivariant to flips and transposes.

    All convolutions work at low resolution; the last one gives scale^2
    channels, which pixel shuffle rearranges into one image. This image is added
    to the bicubic interpolation of the input. It starts at zero, so that the
    untrained network is bicubic interpolation.

    The kernels stay symmetric: each group of eight channels looks for the same
    pattern in eight orientations. The output for a flipped photograph is then
    the flipped output, and the gradient of a mini-batch is the mean over its
    eight flips and transposes, for the arithmetic of one.

    Each hidden layer is a convolution and a ReLU. Its kernel starts near the
    identity, which does what a residual block's skip connection does. The
    first kernel starts with whitening patterns. Up to nine of them give
    features that are almost uncorrelated, although neighbouring pixels are
    nearly equal.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    settings : Settings
    """

    def __init__(self, scale: int, settings: Settings) -> None:
        super().__init__(scale)
        width = settings.channels
        self.head = EquivariantConv2d(1, width, inputs="image")
        self.hidden = nn.ModuleList(EquivariantConv2d(width, width) for _ in range(settings.layers))
        self.tail = EquivariantConv2d(width, scale**2, outputs="shuffled")
        self.shuffle = PixelShuffle(scale)
        _start_whitening(self.head)
        for convolution in self.hidden:
            start_near_identity(convolution)
        for weights in self.tail.parameters():
            nn.init.zeros_(weights)

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        features = self.head(low).relu_()  # (b, channels, h, w)
        for convolution in self.hidden:
            features = convolution(features).relu_()
        return bicubic(low, self.scale) + self.shuffle(self.tail(features))


def _start_whitening(
    convolution: nn.Conv2d, *, correlation: float = 0.95, noise: float = 0.001, gain: float = 0.5
) -> None:
    """Set a kernel whose features are almost uncorrelated.

    Random patterns are multiplied by C^(-1/2), where C is the covariance of the
    pixels under the kernel. As many of them as a kernel has pixels (nine) are
    orthogonal to each other; if there are more, the next ones are drawn anew.
    In photographs, the covariance of two pixels decreases by about the same
    factor, `correlation`, for each pixel of distance. `noise` is added to the
    eigenvalues of C.
    """
    side = convolution.kernel_size[0]
    distances = (torch.arange(side)[:, None] - torch.arange(side)).abs().double()
    covariance = torch.kron(correlation**distances, correlation**distances)
    values, vectors = torch.linalg.eigh(covariance)
    whitening = vectors @ torch.diag((values + noise).rsqrt()) @ vectors.T
    count = convolution.out_channels // SYMMETRIES
    random = torch.randn(-(-count // side**2), side**2, side**2, dtype=torch.double)
    patterns = torch.linalg.qr(random).Q.flatten(0, 1)[:count] @ whitening
    patterns = gain * patterns.view(count, 1, side, side)
    kernels = torch.stack([turned(patterns, symmetry) for symmetry in range(SYMMETRIES)], dim=1)
    with torch.no_grad():
        convolution.weight.copy_(kernels.flatten(0, 1))
        convolution.bias.zero_()
