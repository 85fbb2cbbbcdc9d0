"""Layers that the networks share."""

from einops import rearrange
from torch import Tensor


def pixel_shuffle(features: Tensor, scale: int) -> Tensor:
    """Rearrange `scale^2` channels into an image `scale` times as large.

    Every output pixel (scale * h + i, scale * w + j) comes from input pixel
    (h, w), channel i * scale + j: no arithmetic, only another order. It equals
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
