"""Exercise 9: pixel unshuffle."""

from einops import rearrange
from torch import Tensor


def unshuffle(image: Tensor, scale: int) -> Tensor:
    """Rearrange the scale^2 pixels of each square into the channels of one pixel: undo `shuffle`.

    Parameters
    ----------
    image : Tensor, shape (batch, channels, scale * height, scale * width)
    scale : int

    Returns
    -------
    Tensor, shape (batch, channels * scale^2, height, width)
        The same as `torch.nn.PixelUnshuffle` gives.
    """
    raise NotImplementedError
