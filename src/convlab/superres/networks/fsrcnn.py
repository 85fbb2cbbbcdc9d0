"""FSRCNN: convolutions at low resolution, most of them narrow, then a transposed convolution.

C. Dong, C. C. Loy, X. Tang, "Accelerating the super-resolution convolutional
neural network", ECCV 2016.
"""

from torch import Tensor, nn

from convlab.core.params import Params
from convlab.superres.layers import Upsampling, Upscaler, make_upsampling

FEATURE_CHANNELS, SHRUNK_CHANNELS, MAPPING_LAYERS = 56, 12, 4
"""d, s and m of the paper."""


class Settings(Params):
    """The setting of FSRCNN; the default is the paper's transposed convolution of 9 x 9."""

    upsampling: Upsampling = "transposed"


class Network(Upscaler):
    """FSRCNN(56, 12, 4): 56 channels, shrunk to 12, mapped four times, expanded to 56.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    settings : Settings
    """

    def __init__(self, scale: int, settings: Settings) -> None:
        super().__init__(scale)
        wide, narrow = FEATURE_CHANNELS, SHRUNK_CHANNELS
        mappings = (
            layer
            for _ in range(MAPPING_LAYERS)
            for layer in (nn.Conv2d(narrow, narrow, kernel_size=3, padding=1), nn.PReLU(narrow))
        )
        self.features = nn.Sequential(
            nn.Conv2d(1, wide, kernel_size=5, padding=2),
            nn.PReLU(wide),
            nn.Conv2d(wide, narrow, kernel_size=1),
            nn.PReLU(narrow),
            *mappings,
            nn.Conv2d(narrow, wide, kernel_size=1),
            nn.PReLU(wide),
        )
        if settings.upsampling == "transposed":
            size = {"kernel_size": 9, "stride": scale, "padding": 4, "output_padding": scale - 1}
            self.upsampling = nn.ConvTranspose2d(wide, 1, **size)
        else:
            self.upsampling = make_upsampling(settings.upsampling, wide, 1, scale)

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        features = self.features(low)  # (b, 56, h, w)
        return self.upsampling(features)  # (b, 1, scale h, scale w)
