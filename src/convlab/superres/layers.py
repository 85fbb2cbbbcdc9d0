"""What super-resolution networks share: their interface, pixel shuffle, ways of upsampling."""

from abc import ABC, abstractmethod
from typing import Literal

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

Upsampling = Literal["pixel_shuffle", "transposed", "resize"]
"""The learned step from low to high resolution, see `make_upsampling`."""


class Upscaler(nn.Module, ABC):
    """A network that upscales luminance by a whole factor.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    @abstractmethod
    def forward(self, low: Tensor) -> Tensor:
        """Upscale luminance.

        Parameters
        ----------
        low : Tensor, shape (batch, 1, h, w)
            Luminance / 255.

        Returns
        -------
        Tensor, shape (batch, 1, scale * h, scale * w)
            Not clipped.
        """


def pixel_shuffle(features: Tensor, scale: int) -> Tensor:
    """Rearrange `scale^2` channels into an image `scale` times as large.

    Output pixel (scale * h + i, scale * w + j) is input pixel (h, w) of
    channel i * scale + j: no arithmetic, only another order. It equals
    `torch.nn.PixelShuffle`.

    Parameters
    ----------
    features : Tensor, shape (batch, channels * scale^2, height, width)
    scale : int

    Returns
    -------
    Tensor, shape (batch, channels, scale * height, scale * width)

    Raises
    ------
    einops.EinopsError
        If `scale^2` does not divide the number of channels.

    References
    ----------
    W. Shi et al., "Real-time single image and video super-resolution using an
    efficient sub-pixel convolutional neural network", CVPR 2016.
    """
    return rearrange(features, "b (c r1 r2) h w -> b c (h r1) (w r2)", r1=scale, r2=scale)


def bicubic(low: Tensor, scale: int) -> Tensor:
    """Upscale by bicubic interpolation with a = -0.5, as the evaluation protocol does.

    Parameters
    ----------
    low : Tensor, shape (batch, channels, h, w)
    scale : int

    Returns
    -------
    Tensor, shape (batch, channels, scale * h, scale * w)
        Not clipped.
    """
    # antialias=True makes torch use a = -0.5 instead of -0.75; upscaling smooths nothing.
    return functional.interpolate(low, scale_factor=scale, mode="bicubic", antialias=True)


class PixelShuffle(nn.Module):
    """`pixel_shuffle` as a layer."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, features: Tensor) -> Tensor:
        """Rearrange channels; shapes as in `pixel_shuffle`."""
        return pixel_shuffle(features, self.scale)


def make_upsampling(how: Upsampling, inputs: int, outputs: int, scale: int) -> nn.Sequential:
    """Build the learned step from low to high resolution.

    "pixel_shuffle" is a 3x3 convolution to `scale^2` times the channels, then
    `pixel_shuffle`. "transposed" is a transposed convolution whose kernel,
    3 scale x 3 scale, is a multiple of its stride, so that every pixel gets
    equally many terms. "resize" repeats pixels, then applies a 3x3
    convolution at high resolution. The first two have 9 scale^2 weights per
    pair of channels; "resize" has 9, and uses each scale^2 times as often.

    Parameters
    ----------
    how : {"pixel_shuffle", "transposed", "resize"}
    inputs, outputs : int
        Channels.
    scale : int

    Returns
    -------
    Sequential
        From (batch, inputs, h, w) to (batch, outputs, scale * h, scale * w).

    Raises
    ------
    ValueError
        If `how` is none of these.

    References
    ----------
    W. Shi et al., CVPR 2016 (see `pixel_shuffle`). A. Odena, V. Dumoulin, C.
    Olah, "Deconvolution and checkerboard artifacts", Distill, 2016.
    """
    match how:
        case "pixel_shuffle":
            convolution = nn.Conv2d(inputs, outputs * scale**2, kernel_size=3, padding=1)
            return nn.Sequential(convolution, PixelShuffle(scale))
        case "transposed":
            size = {"kernel_size": 3 * scale, "stride": scale, "padding": scale}
            return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, **size))
        case "resize":
            convolution = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)
            return nn.Sequential(nn.Upsample(scale_factor=scale), convolution)
        case _:
            raise ValueError(f"unknown upsampling: {how}")
