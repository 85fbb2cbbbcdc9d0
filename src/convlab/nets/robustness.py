"""How well a digit network reads what it has never seen: shifted digits."""

import numpy as np
from torch import nn

from convlab.imaging.shift import DIRECTIONS, shift
from convlab.nets.digits import recognise, score


def shifted_accuracy(
    network: nn.Module, images: np.ndarray, labels: np.ndarray, pixels: int
) -> float:
    """Accuracy on shifted digits, the mean over right, left, down and up.

    Parameters
    ----------
    network : Module
        `Cnn` or `Mlp`.
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
    return float(np.mean([score(recognise(network, m).logits, labels).accuracy for m in moved]))
