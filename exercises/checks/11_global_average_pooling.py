"""Exercise 11: check the structure, then train, and compare with a network that flattens."""

from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import torch
from checks.hints import NotYet, find, judge
from checks.training import fit
from torch import Tensor, nn
from torch.nn import functional

from convlab.data.bundled import write_digits
from convlab.data.mnist import read_digits
from convlab.digits.evaluation import shifted_accuracy
from convlab.digits.prediction import predict, score, to_input

SHIFT = 4
"""Pixels."""
STEPS = 200
LEAST_ACCURACY = 0.6
"""Least accuracy on digits that are not shifted; the solution reaches about 0.85."""


class Flatten(nn.Module):
    """The network to compare with: the same feature maps, and a weight for each of their cells."""

    def __init__(self, features: nn.Module, width: int) -> None:
        super().__init__()
        self.features = features
        self.classify = nn.Linear(width, 10)

    def forward(self, digits: Tensor) -> tuple[Tensor, Tensor]:
        """Classify digits."""
        embedding = self.features(digits).flatten(1)
        return self.classify(embedding), embedding


OF_EMBEDDINGS = [
    (
        lambda maps: maps.flatten(1),
        "the embedding is flattened: it has a number for each cell of each map, so that shifted"
        " maps are multiplied by other weights: take the mean of each map",
    ),
    (
        lambda maps: maps.amax((2, 3)),
        "the embedding is the maximum of each map: it hardly depends on a shift either, but this"
        " exercise asks for the mean (try the maximum afterwards: which is better?)",
    ),
    (
        lambda maps: maps.mean(1).flatten(1),
        "the mean is over the channels: it keeps the position of what was found, and loses what was"
        " found: take the mean over height and width",
    ),
    (
        lambda maps: maps.mean(2).flatten(1),
        "the mean is over the height only: take it over the width, too",
    ),
    (
        lambda maps: maps.mean(3).flatten(1),
        "the mean is over the width only: take it over the height, too",
    ),
    (
        lambda maps: maps.sum((2, 3)),
        "the embedding is the sum of each map: divide by the number of its cells",
    ),
    (
        lambda maps: maps.mean((2, 3), keepdim=True),
        "the embedding still has a height and a width of 1: its shape should be (batch, channels)",
    ),
]
OF_LOGITS = [
    (
        lambda logits: logits.softmax(1),
        "softmax is applied already, but it is a part of cross-entropy: return the logits",
    ),
    (
        lambda logits: logits.log_softmax(1),
        "log-softmax is applied already, but it is a part of cross-entropy: return the logits",
    ),
    (
        lambda logits: logits.relu(),
        "ReLU is applied to the logits, so that negative ones get no gradient: remove it",
    ),
]


def check(answer: ModuleType) -> str:
    """Check the structure, train, and give the accuracies."""
    network = find(answer, "Network")().eval()
    maps, logits, embedding = run(network, torch.rand(5, 1, 28, 28))

    def embedding_of(_: Tensor) -> Tensor:
        return embedding

    def logits_of(_: Tensor) -> Tensor:
        return logits

    judge(embedding_of, lambda maps: maps.mean((2, 3)), [(maps.detach(),)], OF_EMBEDDINGS)
    right = network.classify(embedding).detach()
    judge(logits_of, lambda right: right, [(right,)], OF_LOGITS)
    if not embedding.requires_grad:
        raise NotYet("the embedding is cut off from the feature maps: they would learn nothing")
    return train_and_compare(network, Flatten(deepcopy(network.features), maps[0].numel()))


def run(network: nn.Module, digits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Give feature maps, logits and embedding, and check their shapes."""
    for part, kind in (("features", nn.Module), ("classify", nn.Linear)):
        if not isinstance(getattr(network, part, None), kind):
            raise NotYet(f"the network needs `self.{part}`, an nn.{kind.__name__}")
    maps = network.features(digits)
    if maps.ndim != 4:
        raise NotYet(
            f"`features` gives the shape {tuple(maps.shape)}, should be (batch, channels, height,"
            " width): do the pooling in `forward`"
        )
    try:
        outputs = network(digits)
    except RuntimeError as error:
        if "shapes cannot be multiplied" not in str(error):
            raise
        raise NotYet(
            f"`classify` takes {network.classify.in_features} numbers, but gets another number of"
            f" them: the mean of each of the {maps.shape[1]} maps is one number"
        ) from error
    if not isinstance(outputs, tuple) or list(map(type, outputs)) != [Tensor, Tensor]:
        raise NotYet("`forward` should return two tensors: logits, embedding")
    logits, embedding = outputs
    if logits.shape != (len(digits), 10):
        raise NotYet(
            f"the logits have the shape {tuple(logits.shape)}, should be {(len(digits), 10)}: they"
            " come first, the embedding second"
        )
    return maps, logits, embedding


def train_and_compare(pooling: nn.Module, flatten: nn.Module) -> str:
    """Train both networks on bundled digits, and measure them on shifted digits."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "MNIST")
        folder.mkdir()
        write_digits(folder)
        (images, labels), test = (read_digits(folder, split) for split in ("train", "test"))
    inputs, targets = to_input(images), torch.from_numpy(labels).long()
    accuracies = []
    for network in (pooling, flatten):
        network.to(memory_format=torch.channels_last)  # faster
        fit(network, inputs, targets, cross_entropy, steps=STEPS, peak=0.02, batch_size=32)
        plain = score(predict(network, test[0]).logits, test[1]).accuracy
        accuracies.append((plain, shifted_accuracy(network, *test, SHIFT)))
    (plain, shifted), (flatten_plain, flatten_shifted) = accuracies
    measured = (
        f"accuracy on unshifted digits: {plain:.1%} (flatten: {flatten_plain:.1%}),"
        f" shifted by {SHIFT} pixels: {shifted:.1%} (flatten: {flatten_shifted:.1%})"
    )
    if plain < LEAST_ACCURACY:
        raise NotYet(f"{measured}: too few are correct: do the feature maps learn enough?")
    if shifted <= flatten_shifted:
        raise NotYet(f"{measured}: not better: do the feature maps move with the digit?")
    return measured


def cross_entropy(outputs: tuple[Tensor, Tensor], labels: Tensor) -> Tensor:
    """Compute the loss of a network that gives logits and an embedding."""
    return functional.cross_entropy(outputs[0], labels)
