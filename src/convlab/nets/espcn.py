"""ESPCN: three convolutions at low resolution; the last one is sub-pixel."""

from torch import Tensor, nn

from convlab.nets.layers import Upsampling, make_upsampling
from convlab.nets.upscaler import Upscaler
from convlab.params import Params


class EspcnSettings(Params):
    """What ESPCN leaves open (`train_sr.espcn`)."""

    upsampling: Upsampling


class Espcn(Upscaler):
    """5-3-3 with tanh: the network that pixel shuffle was made for.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    upsampling : {"pixel_shuffle", "transposed", "resize"}
        The paper's is "pixel_shuffle".

    References
    ----------
    W. Shi et al., "Real-time single image and video super-resolution using an
    efficient sub-pixel convolutional neural network", CVPR 2016.
    """

    def __init__(self, scale: int, upsampling: Upsampling) -> None:
        super().__init__(scale)
        self.features = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5, padding=2),
            nn.Tanh(),
            nn.Conv2d(64, 32, kernel_size=3, padding=1),
            nn.Tanh(),
        )
        self.upsampling = make_upsampling(upsampling, 32, 1, scale)

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        return self.upsampling(self.features(low))  # (b, 1, scale h, scale w)
