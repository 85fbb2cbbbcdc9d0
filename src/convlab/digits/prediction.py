"""What all digit networks have in common: their input, their predictions and their scores."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from convlab.core.processes import shared

NETWORKS = "convlab.digits.networks"
"""The package with a file for each network."""


class Prediction(NamedTuple):
    """What a network computes from digits."""

    logits: np.ndarray
    """float32, shape (n, 10)."""
    embedding: np.ndarray
    """float32, shape (n, width): the input of the last layer."""


class Score(NamedTuple):
    """How well digits were classified."""

    accuracy: float
    """Fraction of correct predictions, 0 to 1."""
    loss: float
    """Mean cross-entropy in nats."""


def to_input(images: np.ndarray) -> Tensor:
    """Convert digits to the input of the networks.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 28, 28)

    Returns
    -------
    Tensor of float32, shape (n, 1, 28, 28)
        Grey levels, 0 (paper) to 1 (ink).
    """
    return torch.from_numpy(images).unsqueeze(1).float().div_(255)


def predict(network: nn.Module, images: np.ndarray, *, batch_size: int = 1000) -> Prediction:
    """Classify digits, a batch at a time; several processes share the batches.

    Parameters
    ----------
    network : Module
        A network of `NETWORKS`.
    images : ndarray of uint8, shape (n, 28, 28)
    batch_size : int
        A smaller one needs less memory.

    Returns
    -------
    Prediction
    """
    with torch.inference_mode():
        starts = range(0, len(images), batch_size)
        batches = shared(lambda at: network(to_input(images[at : at + batch_size])), starts)
        logits, embedding = (torch.cat(parts).numpy() for parts in zip(*batches, strict=True))
    return Prediction(logits, embedding)


def score(logits: np.ndarray, labels: np.ndarray) -> Score:
    """Compute accuracy and mean cross-entropy.

    Parameters
    ----------
    logits : ndarray of float32, shape (n, 10)
    labels : ndarray of uint8, shape (n,)

    Returns
    -------
    Score
    """
    loss = functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels).long())
    return Score(float(np.mean(logits.argmax(axis=1) == labels)), float(loss))
