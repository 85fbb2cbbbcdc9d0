"""What both digit networks share: their input, their output and its measure."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


class Reading(NamedTuple):
    """What a network makes of digits."""

    logits: np.ndarray
    """float32, shape (n, 10)."""
    embedding: np.ndarray
    """float32, shape (n, width of the last layer)."""


class Score(NamedTuple):
    """How well digits were read."""

    accuracy: float
    """Share of right answers, 0 to 1."""
    loss: float
    """Mean cross-entropy in nats."""


def to_input(images: np.ndarray) -> Tensor:
    """Digits as the networks take them.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 28, 28)

    Returns
    -------
    Tensor of float32, shape (n, 1, 28, 28)
        Grey levels, 0 (paper) to 1 (ink).
    """
    return torch.from_numpy(images).unsqueeze(1).float().div_(255)


def recognise(network: nn.Module, images: np.ndarray, *, batch_size: int = 1000) -> Reading:
    """Let a network read digits, a batch at a time.

    Parameters
    ----------
    network : Module
        `Cnn` or `Mlp`.
    images : ndarray of uint8, shape (n, 28, 28)
    batch_size : int
        Bounds the memory; the result does not depend on it.
    """
    with torch.inference_mode():
        batches = [
            network(to_input(images[start : start + batch_size]))
            for start in range(0, len(images), batch_size)
        ]
    logits, embedding = (torch.cat(parts).numpy() for parts in zip(*batches, strict=True))
    return Reading(logits, embedding)


def score(logits: np.ndarray, labels: np.ndarray) -> Score:
    """Accuracy and mean cross-entropy.

    Parameters
    ----------
    logits : ndarray of float32, shape (n, 10)
    labels : ndarray of uint8, shape (n,)
    """
    loss = functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels).long())
    return Score(float(np.mean(logits.argmax(axis=1) == labels)), float(loss))
