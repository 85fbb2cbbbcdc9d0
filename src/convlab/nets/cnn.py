"""The practical's convolutional network for digits."""

from torch import Tensor, nn


class Cnn(nn.Module):
    """Two convolutions, each with ReLU and pooling, and one linear layer.

    References
    ----------
    Y. LeCun et al., "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE 86(11), 1998.
    """

    def __init__(self) -> None:
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
        """Read digits.

        Parameters
        ----------
        digits : Tensor, shape (batch, 1, 28, 28)
            Grey levels, 0 (paper) to 1 (ink).

        Returns
        -------
        logits : Tensor, shape (batch, 10)
        embedding : Tensor, shape (batch, 1568)
            What the linear layer sees of the digits.
        """
        embedding = self.features(digits)
        return self.classify(embedding), embedding
