"""Train a network to classify digits."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from convlab.core.compute import to_channels_last
from convlab.core.loop import Training
from convlab.core.optimizers import make_adamw
from convlab.core.params import Params, Seed
from convlab.core.processes import share
from convlab.digits.augmentation import random_affine
from convlab.digits.prediction import predict, score, to_input

EMBEDDED = 500
"""The snapshots hold the embeddings of so many test digits, the first ones."""


class TrainCnn(Params):
    """How the digit networks are trained (block `train_cnn`)."""

    network: str
    seed: Seed
    steps: Annotated[int, Field(ge=2, le=10**9)]
    batch_size: Annotated[int, Field(ge=1, le=60_000)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    weight_decay: Annotated[float, Field(ge=0, le=1)]
    augmentation: Literal["none", "affine"]
    log_every: Annotated[int, Field(ge=1)]
    snapshots: Annotated[int, Field(ge=2, le=100)]


class Digits(NamedTuple):
    """Images of digits and their labels."""

    images: np.ndarray
    """uint8, shape (n, 28, 28): white (255) on black (0)."""
    labels: np.ndarray
    """uint8, shape (n,): 0 to 9."""


class AccuracyEvaluation:
    """Measures accuracy on the test digits, and keeps their embeddings after some steps.

    Parameters
    ----------
    test : Digits
        They are only for evaluation.
    snapshot_steps : sequence of int
        Steps after which embeddings are kept.
    """

    def __init__(self, test: Digits, snapshot_steps: list[int]) -> None:
        self.test = test
        self.snapshot_steps = snapshot_steps
        self.embeddings: dict[int, Tensor] = {}
        """Embeddings by step: float16, shape (EMBEDDED, width)."""

    def __call__(self, network: nn.Module, step: int) -> dict[str, float]:
        """Give `accuracy`, 0 to 1."""
        logits, embedding = predict(network, self.test.images)
        if step in self.snapshot_steps:
            # A copy: a slice would keep the embedding of all test digits in memory.
            self.embeddings[step] = torch.from_numpy(embedding[:EMBEDDED].astype(np.float16))
        return {"accuracy": score(logits, self.test.labels).accuracy}

    def state_dict(self) -> dict[str, Any]:
        """Give the embeddings kept so far."""
        return {"embeddings": self.embeddings}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.embeddings = state["embeddings"]


def make_training(network: nn.Module, training: Digits, test: Digits, params: TrainCnn) -> Training:
    """Put together what the training loop needs.

    Parameters
    ----------
    network : Module
        Training changes its weights in place.
    training : Digits
    test : Digits
        They are only for evaluation.
    params : TrainCnn

    Returns
    -------
    Training
        Its `evaluation` is an `AccuracyEvaluation`.
    """
    to_channels_last(network)
    images, labels = to_input(training.images), torch.from_numpy(training.labels).long()
    kept = snapshot_steps(params)

    def batches(step: int) -> Iterator[tuple[Tensor, Tensor]]:
        order = islice(shuffled(len(images), params.batch_size, params.seed), step, None)
        for number, chosen in enumerate(order, step):
            batch = images[chosen]
            if params.augmentation == "affine":
                batch = random_affine(batch, [params.seed, number])
            own = share(len(batch))
            yield batch[own], labels[chosen][own]

    return Training(
        network=network,
        batches=batches,
        loss=cross_entropy,
        optimizers={
            make_adamw(network.parameters(), weight_decay=params.weight_decay): params.learning_rate
        },
        evaluation=AccuracyEvaluation(test, kept),
        evaluate_at=lambda step: step in kept or step % params.log_every == 0,
        steps=params.steps,
        seed=params.seed,
    )


def cross_entropy(network: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Compute the mean cross-entropy of a mini-batch, in nats.

    Parameters
    ----------
    network : Module
    batch : tuple of Tensor
        Images of shape (b, 1, 28, 28), labels of shape (b,).

    Returns
    -------
    Tensor, scalar
    """
    images, labels = batch
    logits, _ = network(images)
    return functional.cross_entropy(logits, labels)


def shuffled(count: int, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Give endless mini-batches of indices; every epoch has all indices in a new order.

    Yields
    ------
    Tensor of int64, shape (batch_size,)
        The last mini-batch of an epoch may be smaller.
    """
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.randperm(count, generator=generator).split(batch_size)


def snapshot_steps(params: TrainCnn) -> list[int]:
    """Give the steps after which embeddings are kept, evenly spaced on a logarithmic scale.

    A network changes fastest in its first steps. A short training has fewer
    snapshots than `params.snapshots`.

    Returns
    -------
    list of int
        Increasing, from 1 to `params.steps`.
    """
    spaced = np.geomspace(1, params.steps, params.snapshots).round().astype(int)
    return np.unique(spaced).tolist()
