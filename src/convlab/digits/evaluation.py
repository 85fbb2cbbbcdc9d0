"""Measure how well digit networks classify the test digits, also when these are shifted."""

from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field
from torch import nn

from convlab.core.params import Params
from convlab.digits.prediction import Score, predict, score

DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))
"""Shifts by one pixel as (down, right): to the right, left, down, up."""


class EvaluateCnn(Params):
    """How the digit networks are evaluated (block `evaluate_cnn`)."""

    max_shift: Annotated[int, Field(ge=2, le=14)]
    misclassified_shown: Annotated[int, Field(ge=1, le=200)]


class Evaluation(NamedTuple):
    """Results of a network on the test digits."""

    predictions: np.ndarray
    """int, shape (n,): the class with the greatest logit."""
    score: Score
    accuracy_by_shift: list[float]
    """Accuracy on digits shifted by 0, 1, ... pixels."""

    def metrics(self) -> dict[str, float]:
        """Give the numbers of the metrics file.

        Returns
        -------
        dict of str to float
        """
        values = self.score._asdict() | {"accuracy_shifted_2px": self.accuracy_by_shift[2]}
        return {name: round(value, 6) for name, value in values.items()}


def evaluate(
    network: nn.Module, images: np.ndarray, labels: np.ndarray, *, max_shift: int
) -> Evaluation:
    """Classify the test digits, unchanged and shifted.

    Parameters
    ----------
    network : Module
    images : ndarray of uint8, shape (n, 28, 28)
    labels : ndarray of uint8, shape (n,)
    max_shift : int
        Pixels; at least 2.

    Returns
    -------
    Evaluation
    """
    logits = predict(network, images).logits
    plain = score(logits, labels)
    shifted = [
        shifted_accuracy(network, images, labels, pixels) for pixels in range(1, max_shift + 1)
    ]
    return Evaluation(logits.argmax(axis=1), plain, [plain.accuracy, *shifted])


def shifted_accuracy(
    network: nn.Module, images: np.ndarray, labels: np.ndarray, pixels: int
) -> float:
    """Give the accuracy on shifted digits, as the mean over right, left, down and up.

    Parameters
    ----------
    network : Module
    images : ndarray of uint8, shape (n, 28, 28)
    labels : ndarray of uint8, shape (n,)
    pixels : int
        How far to shift.

    Returns
    -------
    float
        0 to 1.
    """
    moved = (shift(images, pixels * down, pixels * right) for down, right in DIRECTIONS)
    return float(np.mean([score(predict(network, each).logits, labels).accuracy for each in moved]))


def shift(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Shift images; pixels that are moved out are lost, and new pixels are 0.

    Parameters
    ----------
    images : ndarray, shape (n, height, width)
    down, right : int
        Pixels; negative ones move up and left.

    Returns
    -------
    ndarray, shape (n, height, width)
    """
    _, height, width = images.shape
    moved = np.zeros_like(images)
    moved[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = images[
        :, max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return moved
