"""Exercise 11: global average pooling."""

from torch import Tensor, nn


class Network(nn.Module):
    """Three convolutions, then the mean of each feature map."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=5, padding=2),  # (b, 8, 28, 28)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (b, 8, 14, 14)
            nn.Conv2d(8, 16, kernel_size=5, padding=2),  # (b, 16, 14, 14)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (b, 16, 7, 7)
            nn.Conv2d(16, 32, kernel_size=3, padding=1),  # (b, 32, 7, 7)
            nn.ReLU(),
        )
        raise NotImplementedError

    def forward(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        """Classify digits.

        Parameters
        ----------
        digits : Tensor, shape (batch, 1, 28, 28)
            Grey levels, 0 (paper) to 1 (ink).

        Returns
        -------
        logits : Tensor, shape (batch, 10)
            The output of `classify`, a linear layer, for the embedding.
        embedding : Tensor, shape (batch, 32)
            The mean of each feature map over its height and width.
        """
        raise NotImplementedError
