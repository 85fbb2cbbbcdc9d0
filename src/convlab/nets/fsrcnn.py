"""FSRCNN: an hourglass at low resolution, then one transposed convolution."""

from torch import Tensor, nn

from convlab.nets.layers import Upsampling, make_upsampling
from convlab.nets.upscaler import Upscaler
from convlab.params import Params

WIDE, NARROW, MAPPINGS = 56, 12, 4
"""d, s and m of the paper."""


class FsrcnnSettings(Params):
    """What FSRCNN leaves open (`train_sr.fsrcnn`)."""

    upsampling: Upsampling


class Fsrcnn(Upscaler):
    """FSRCNN(56, 12, 4): wide features, shrunk, mapped four times, expanded.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    upsampling : {"pixel_shuffle", "transposed", "resize"}
        The paper's is "transposed", with a kernel of 9 x 9.

    References
    ----------
    C. Dong, C. C. Loy, X. Tang, "Accelerating the super-resolution
    convolutional neural network", ECCV 2016.
    """

    def __init__(self, scale: int, upsampling: Upsampling) -> None:
        super().__init__(scale)
        mappings = (
            layer
            for _ in range(MAPPINGS)
            for layer in (nn.Conv2d(NARROW, NARROW, kernel_size=3, padding=1), nn.PReLU(NARROW))
        )
        self.features = nn.Sequential(
            nn.Conv2d(1, WIDE, kernel_size=5, padding=2),
            nn.PReLU(WIDE),
            nn.Conv2d(WIDE, NARROW, kernel_size=1),
            nn.PReLU(NARROW),
            *mappings,
            nn.Conv2d(NARROW, WIDE, kernel_size=1),
            nn.PReLU(WIDE),
        )
        if upsampling == "transposed":
            size = {"kernel_size": 9, "stride": scale, "padding": 4, "output_padding": scale - 1}
            self.upsampling = nn.ConvTranspose2d(WIDE, 1, **size)
        else:
            self.upsampling = make_upsampling(upsampling, WIDE, 1, scale)

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        return self.upsampling(self.features(low))
