"""What super-resolution networks have in common: interface, pixel shuffle, upsampling, symmetry."""

from abc import ABC, abstractmethod
from functools import cache
from math import prod
from typing import Any, Literal

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

Upsampling = Literal["pixel_shuffle", "transposed", "resize"]
"""The learned step from low to high resolution, see `make_upsampling`."""
SYMMETRIES = 8
"""Symmetries of a square: flips, transposes and the rotations that result from both."""
Channels = Literal["image", "patterns", "shuffled"]
"""How channels change when the image is flipped or transposed, see `EquivariantConv2d`."""


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
    channel i * scale + j. Values are only reordered, without arithmetic. It
    equals `torch.nn.PixelShuffle`.

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
    # antialias=True makes torch use a = -0.5 instead of -0.75; it does nothing else in upscaling.
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
    `pixel_shuffle`. "transposed" is a transposed convolution. Its kernel has
    a side of 3 scale, a multiple of its stride, so that every output pixel is
    the sum of equally many terms. "resize" repeats pixels, then applies a 3x3
    convolution at high resolution. The first two have 9 scale^2 weights per
    pair of channels; "resize" has 9, and uses each scale^2 times as often.

    Parameters
    ----------
    how : {"pixel_shuffle", "transposed", "resize"}
    inputs, outputs : int
        Numbers of channels.
    scale : int

    Returns
    -------
    Sequential
        Maps (batch, inputs, h, w) to (batch, outputs, scale * h, scale * w).

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


def turned(planes: Tensor, symmetry: int) -> Tensor:
    """Apply one of the eight symmetries: flip rows, flip columns, transpose, or several of these.

    Parameters
    ----------
    planes : Tensor, shape (..., side, side)
    symmetry : int
        0 (no change) to 7. Bit 0 flips the rows, then bit 1 flips the columns, then bit 2
        transposes.

    Returns
    -------
    Tensor of the same shape
    """
    planes = planes.flip(-2) if symmetry & 1 else planes
    planes = planes.flip(-1) if symmetry & 2 else planes
    return planes.mT if symmetry & 4 else planes


class EquivariantConv2d(nn.Conv2d):
    """A convolution that commutes with flips and transposes.

    Its output has the height and width of its input. The kernel is symmetric
    at the start. Its gradient is replaced by the mean over all symmetries,
    which keeps the kernel symmetric up to rounding. It costs as much as any
    convolution of its size.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int
        An odd number.
    inputs, outputs : {"image", "patterns", "shuffled"}
        Kind of channels, which says how they change when the image is flipped or transposed.
        "image": each channel is flipped as the image is. "patterns": each group of eight channels
        looks for one pattern in eight orientations; each channel is flipped and takes the place of
        another one of its group. "shuffled": the scale^2 channels that pixel shuffle rearranges
        into one image.

    Raises
    ------
    ValueError
        If the number of patterns is not a multiple of eight, or that of shuffled channels is not a
        square.

    References
    ----------
    T. Cohen, M. Welling, "Group equivariant convolutional networks", ICML 2016.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        inputs: Channels = "patterns",
        outputs: Channels = "patterns",
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        self.symmetric = _symmetries(tuple(self.weight.shape), inputs, outputs)
        with torch.no_grad():
            for weights, symmetric in zip((self.weight, self.bias), self.symmetric, strict=True):
                weights.copy_(symmetric.start(weights))
        self._keep_symmetric()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy, whose parameters have no hooks yet."""
        super().__setstate__(state)
        self._keep_symmetric()

    def _keep_symmetric(self) -> None:
        for weights, symmetric in zip((self.weight, self.bias), self.symmetric, strict=True):
            weights.register_hook(symmetric.mean)


class _Symmetric:
    """Which weights the symmetries exchange.

    Parameters
    ----------
    places : Tensor of int64, shape (SYMMETRIES, weights)
        The index of the weight that each symmetry moves to each place.
    """

    def __init__(self, places: Tensor) -> None:
        first, self.orbit, self.sizes = places.amin(0).unique(
            return_inverse=True, return_counts=True
        )
        # One weight of each orbit is enough: all weights of an orbit get the same mean.
        self.places = places[:, first]

    def mean(self, weights: Tensor) -> Tensor:
        """Replace each weight by the mean of all weights that the symmetries exchange it with."""
        self.places, self.orbit = (each.to(weights.device) for each in (self.places, self.orbit))
        means = weights.flatten()[self.places].mean(0)[self.orbit]
        return torch.empty_like(weights).copy_(means.view(weights.shape))

    def start(self, weights: Tensor) -> Tensor:
        """Make independent weights symmetric, and keep their standard deviation."""
        return self.mean(weights) * self.sizes.sqrt()[self.orbit].view(weights.shape)


@cache
def _symmetries(
    shape: tuple[int, int, int, int], inputs: Channels, outputs: Channels
) -> tuple[_Symmetric, _Symmetric]:
    """Give what the symmetries exchange in a kernel of a given shape, and in its biases."""
    after, before = _places(outputs, shape[0]), _places(inputs, shape[1])
    numbers = torch.arange(prod(shape)).view(shape)
    moved = [
        turned(numbers[o][:, i], s).flatten()
        for s, (o, i) in enumerate(zip(after, before, strict=True))
    ]
    return _Symmetric(torch.stack(moved)), _Symmetric(torch.stack(after))


def start_near_identity(convolution: nn.Conv2d) -> None:
    """Halve the random kernel and add the identity, which passes every channel through.

    Parameters
    ----------
    convolution : Conv2d
        Its kernel is changed. It has as many output channels as input channels, and sides of odd
        length.
    """
    identity = nn.init.dirac_(torch.empty_like(convolution.weight))
    with torch.no_grad():
        convolution.weight.mul_(0.5).add_(identity)


def _places(channels: Channels, count: int) -> list[Tensor]:
    """Give, for each symmetry, the channel that it moves to each place."""
    match channels:
        case "image":
            return [torch.arange(count)] * SYMMETRIES
        case "shuffled":
            side = round(count**0.5)
            if side**2 != count:
                raise ValueError(f"{count} shuffled channels: must be a square, such as scale^2")
            grid = torch.arange(count).view(side, side)
            return [turned(grid, symmetry).flatten() for symmetry in range(SYMMETRIES)]
        case "patterns":
            if count % SYMMETRIES:
                raise ValueError(
                    f"{count} channels of patterns: must be a multiple of {SYMMETRIES}"
                )
            cells = torch.arange(9).view(3, 3)  # each symmetry gives another arrangement of them
            made = torch.stack([turned(cells, symmetry) for symmetry in range(SYMMETRIES)])
            groups = SYMMETRIES * torch.arange(count // SYMMETRIES)[:, None]
            places = []
            for symmetry in range(SYMMETRIES):
                again = turned(made, symmetry)
                becomes = (again[:, None] == made).all((-2, -1)).int().argmax(1)
                places.append((groups + becomes.argsort()).flatten())
            return places
        case _:
            raise ValueError(f"unknown kind of channels: {channels}")
