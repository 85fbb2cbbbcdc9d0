"""Exercise 8: pixel shuffle."""

from einops import rearrange
from torch import Tensor


def shuffle(features: Tensor, scale: int) -> Tensor:
    """Rearrange scale^2 channels into an image `scale` times as high and as wide.

    Parameters
    ----------
    features : Tensor, shape (batch, channels * scale^2, height, width)
    scale : int

    Returns
    -------
    Tensor, shape (batch, channels, scale * height, scale * width)
        The same as `torch.nn.PixelShuffle` gives.
    """
    raise NotImplementedError
