"""Your own super-resolution network: a starting point, simple on purpose.

What every class `Network` must do:

- It is built as `Network(scale=2, settings=Settings())`, with scale 2, 3 or 4. Its `__init__`
  begins with `super().__init__(scale)`.
- `forward` gets luminance / 255, a float32 tensor of shape (batch, 1, h, w), in which black is
  16 / 255 and white is 235 / 255.
- It returns luminance / 255 of shape (batch, 1, scale * h, scale * w). Values below 0 or above 1
  need not be clipped there: they are clipped later.
- It must work for any height and width: 24 x 24 in the training, whole photographs afterwards.

Change this file, or copy it to `mine.py` beside it, add the line `mine: {}` under `networks:` in
params.yaml, and write `mine` for `student` below:

    make check-network NETWORK=student                       faults? how large? how fast?
    dvc exp run -n first -S train_sr.network=student         train it, measure it
    dvc exp show                                             compare it

Ideas, from small to large: a second convolution with a ReLU before it, more channels, more layers
(a loop and an nn.Sequential), other activations, batch normalization (does it help here?), residual
blocks, attention. The report draws the pixel shuffle if the network has it as a layer.
"""

from torch import Tensor, nn

from convlab.core.params import Params
from convlab.superres.layers import PixelShuffle, Upscaler, bicubic


class Settings(Params):
    """What can be changed in params.yaml, such as `networks: student: {kernel_size: 9}`."""

    kernel_size: int = 5
    """Pixels on a side of the convolution's kernel: an odd number."""


class Network(Upscaler):
    """Bicubic interpolation, plus one small convolution that learns a part of the residual.

    Parameters
    ----------
    scale : int
        Upscaling factor.
    settings : Settings
    """

    def __init__(self, scale: int, settings: Settings) -> None:
        super().__init__(scale)
        size = settings.kernel_size
        # This padding keeps height and width as they are.
        self.convolution = nn.Conv2d(1, scale**2, kernel_size=size, padding=size // 2)
        self.shuffle = PixelShuffle(scale)

    def forward(self, low: Tensor) -> Tensor:
        """As `Upscaler` says."""
        residual = self.convolution(low)  # (b, scale^2, h, w)
        return bicubic(low, self.scale) + self.shuffle(residual)
