"""Training a network to read digits."""

from collections.abc import Iterator
from statistics import fmean
from typing import Annotated, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from convlab.nets.digits import recognise, score, to_input
from convlab.params import Params, Seed
from convlab.training.optimisation import descend, learning_rate, make_optimizer


class TrainCnn(Params):
    """How the digit networks are trained (block `train_cnn`)."""

    seed: Seed
    steps: Annotated[int, Field(ge=2)]
    batch_size: Annotated[int, Field(ge=1, le=60_000)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    log_every: Annotated[int, Field(ge=1)]
    snapshots: Annotated[int, Field(ge=2, le=100)]


class Digits(NamedTuple):
    """Pictures of digits and what they are."""

    images: np.ndarray
    """uint8, shape (n, 28, 28)."""
    labels: np.ndarray
    """uint8, shape (n,)."""


class Moment(NamedTuple):
    """A moment of a training at which somebody looks."""

    step: int
    """Steps taken."""
    loss: float
    """Mean cross-entropy in nats of the mini-batches since the moment before."""
    accuracy: float
    """On the test digits, 0 to 1."""
    embedding: np.ndarray | None
    """At the snapshots, of the first test digits: float32, shape (n, width of the last layer)."""


def train(network: nn.Module, training: Digits, params: TrainCnn) -> Iterator[float]:
    """Train a network, a step each time the next loss is asked for.

    Parameters
    ----------
    network : Module
        `Cnn` or `Mlp`; its weights change in place.
    training : Digits
    params : TrainCnn

    Yields
    ------
    float
        The mini-batch's cross-entropy in nats, `params.steps` times.
    """
    # Convolutions on the CPU are a third faster with the channels last in memory.
    network.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(network, params.weight_decay)
    digits, answers = to_input(training.images), torch.from_numpy(training.labels).long()
    batches = shuffled_batches(len(digits), params.batch_size, params.seed)
    for step in range(params.steps):
        batch = next(batches)
        logits, _ = network(digits[batch])
        loss = functional.cross_entropy(logits, answers[batch])
        rate = learning_rate(step, steps=params.steps, peak=params.learning_rate)
        yield descend(optimizer, loss, rate)


def watch(
    network: nn.Module, training: Digits, test: Digits, params: TrainCnn, *, embedded: int
) -> Iterator[Moment]:
    """Train a network and look at it now and then: every `log_every` steps and at the snapshots.

    Parameters
    ----------
    network, training, params
        As for `train`.
    test : Digits
        Looked at, never learned from.
    embedded : int
        How many of the test digits to keep the embedding of.

    Yields
    ------
    Moment
    """
    kept = set(snapshot_steps(params))
    looks = kept.union(range(0, params.steps, params.log_every))
    losses = []
    for step, loss in enumerate(train(network, training, params), start=1):
        losses.append(loss)
        if step in looks:
            logits, embedding = recognise(network, test.images)
            accuracy = score(logits, test.labels).accuracy
            # A copy: a slice would keep the embedding of all test digits in memory.
            snapshot = embedding[:embedded].copy() if step in kept else None
            yield Moment(step, fmean(losses), accuracy, snapshot)
            losses = []


def shuffled_batches(count: int, batch_size: int, seed: int) -> Iterator[torch.Tensor]:
    """Endless mini-batches of indices: every pass goes through all, in a new order.

    Yields
    ------
    Tensor of int64, shape (batch_size,)
        The last one of a pass may be shorter.
    """
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.randperm(count, generator=generator).split(batch_size)


def snapshot_steps(params: TrainCnn) -> list[int]:
    """Steps after which the embedding is kept: the first, the last, and denser early on.

    The network changes fastest in its first steps, so they are spaced evenly
    on a logarithmic scale; a short training has fewer than asked for.
    """
    spaced = np.geomspace(1, params.steps, params.snapshots).round().astype(int)
    return np.unique(spaced).tolist()
