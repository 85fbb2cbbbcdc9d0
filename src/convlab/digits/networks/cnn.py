"""The convolutional network for digits, as in the practical that the course follows.

Y. LeCun et al., "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998.
"""

from torch import Tensor, nn

from convlab.core.params import Params


class Settings(Params):
    """No settings: the network is always the same."""


class Network(nn.Module):
    """Two convolutions, each with ReLU and pooling, and one linear layer.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=5, padding=2),  # (b, 16, 28, 28)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (b, 16, 14, 14)
            nn.Conv2d(16, 32, kernel_size=5, padding=2),  # (b, 32, 14, 14)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (b, 32, 7, 7)
            nn.Flatten(),  # (b, 1568)
        )
        self.classify = nn.Linear(32 * 7 * 7, 10)

    def forward(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        """Classify digits.

        Parameters
        ----------
        digits : Tensor, shape (batch, 1, 28, 28)
            Grey levels, 0 (paper) to 1 (ink).

        Returns
        -------
        logits : Tensor, shape (batch, 10)
        embedding : Tensor, shape (batch, 1568)
            The input of the linear layer.
        """
        embedding = self.features(digits)
        return self.classify(embedding), embedding
