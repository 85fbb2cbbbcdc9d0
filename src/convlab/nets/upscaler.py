"""What all super-resolution networks have in common."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Upscaler(nn.Module, ABC):
    """A network that enlarges luminance by a whole factor.

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
