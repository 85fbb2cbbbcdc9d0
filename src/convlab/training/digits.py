"""Training a network to read digits; it can be broken off and taken up again."""

from collections.abc import Iterator
from itertools import islice
from statistics import fmean
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from convlab.nets.digits import recognise, score, to_input
from convlab.params import Params, Seed
from convlab.training.checkpoint import pack, unpack
from convlab.training.optimisation import descend, learning_rate, make_optimizer


class TrainCnn(Params):
    """How the digit networks are trained (block `train_cnn`)."""

    seed: Seed
    steps: Annotated[int, Field(ge=2, le=10**9)]
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


class Point(NamedTuple):
    """A point of the training curve: what somebody who looks there sees."""

    step: int
    """Steps taken."""
    loss: float
    """Mean cross-entropy in nats of the mini-batches since the moment before."""
    accuracy: float
    """On the test digits, 0 to 1."""
    embedding: np.ndarray | None
    """At the snapshots, of the first test digits: float16, shape (n, width of the last layer)."""


class Training:
    """A training: the network, where it stands, and what was seen of it on the way.

    The order of the digits follows from the seed, and the learning rate from
    the step: so a training that is taken up from `state` ends with the same
    weights, bit for bit, as one that was never broken off.

    Parameters
    ----------
    network : Module
        `Cnn` or `Mlp`; its weights change in place.
    training : Digits
    test : Digits
        Looked at, never learned from.
    params : TrainCnn
    embedded : int
        How many of the test digits to keep the embedding of.
    """

    def __init__(
        self,
        network: nn.Module,
        training: Digits,
        test: Digits,
        params: TrainCnn,
        *,
        embedded: int,
    ) -> None:
        self.params = params
        self.network = network
        # Convolutions on the CPU are a third faster with the channels last in memory.
        self.network.to(memory_format=torch.channels_last)
        self.optimizer = make_optimizer(network.parameters(), params.weight_decay)
        self.digits = to_input(training.images)
        self.answers = torch.from_numpy(training.labels).long()
        self.test = test
        self.embedded = embedded
        self.curve: list[Point] = []
        self.step = 0

    def run(self) -> Iterator[float]:
        """Train, a step each time the next loss is asked for.

        After every `log_every` steps, the last one and those of the snapshots,
        `curve` has a new point.

        Yields
        ------
        float
            The mini-batch's cross-entropy in nats.
        """
        params, losses = self.params, []
        kept = set(snapshot_steps(params))
        batches = shuffled_batches(len(self.digits), params.batch_size, params.seed)
        for batch in islice(batches, self.step, params.steps):
            logits, _ = self.network(self.digits[batch])
            loss = functional.cross_entropy(logits, self.answers[batch])
            rate = learning_rate(self.step, steps=params.steps, peak=params.learning_rate)
            value = descend(loss, {self.optimizer: rate})
            losses.append(value)
            self.step += 1
            if self.step in kept or self.step % params.log_every == 0:
                self._look(fmean(losses), keep=self.step in kept)
                losses = []
            yield value

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What it takes to go on from a point of the curve: tensors and notes."""
        embeddings = {
            f"embedding.{point.step}": torch.from_numpy(point.embedding)
            for point in self.curve
            if point.embedding is not None
        }
        notes = {"curve": [point[:3] for point in self.curve]}
        return pack(self.network, [self.optimizer]) | embeddings, notes

    def resume(self, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        unpack(tensors, self.network, [self.optimizer])
        self.curve = []
        for step, loss, accuracy in notes["curve"]:
            embedding = tensors.get(f"embedding.{step}")
            kept = None if embedding is None else embedding.numpy()
            self.curve.append(Point(step, loss, accuracy, kept))
        self.step = self.curve[-1].step

    def _look(self, loss: float, *, keep: bool) -> None:
        logits, embedding = recognise(self.network, self.test.images)
        accuracy = score(logits, self.test.labels).accuracy
        # A copy: a slice would keep the embedding of all test digits in memory.
        snapshot = embedding[: self.embedded].astype(np.float16) if keep else None
        self.curve.append(Point(self.step, loss, accuracy, snapshot))


def shuffled_batches(count: int, batch_size: int, seed: int) -> Iterator[Tensor]:
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
