"""A multilayer perceptron with as many parameters as the CNN, to compare it with."""

from torch import Tensor, nn

from convlab.core.params import Params


class Settings(Params):
    """No settings: the network is always the same."""


class Network(nn.Module):
    """One hidden layer of 36 units: 28,630 parameters (the CNN has 28,938).

    It treats the pixels as a list and does not know which are neighbours, so
    that a shifted digit is a completely different input.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 36), nn.ReLU())
        self.classify = nn.Linear(36, 10)

    def forward(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        """Classify digits.

        Parameters
        ----------
        digits : Tensor, shape (batch, 1, 28, 28)
            Grey levels, 0 (paper) to 1 (ink).

        Returns
        -------
        logits : Tensor, shape (batch, 10)
        embedding : Tensor, shape (batch, 36)
        """
        embedding = self.features(digits)
        return self.classify(embedding), embedding
