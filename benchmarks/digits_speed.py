"""Measure how fast digits are learned: seconds and steps to 98 % and 99 % accuracy on the test set.

Three trainings, in turn on the same processor, each with several seeds:

- `train_cnn` with the parameters of params.yaml;
- the last recipe of tuomaso/train_mnist_fast, implemented again: a larger network, Adam, one epoch
  with 256 digits per step and a learning rate that rises and falls (OneCycleLR);
- the loop of an introductory practical: the network of `train_cnn`, a DataLoader over single
  pictures, 64 digits per step, Adam with a constant learning rate.

The accuracy is measured several times; this time is not counted. Needs
data/raw/MNIST. Prints a table in Markdown.
"""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from statistics import median

from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.loop import take_step
from convlab.core.params import read_block
from convlab.core.script import script
from convlab.core.weights import find_network
from convlab.data.mnist import read_digits
from convlab.digits.prediction import NETWORKS, to_input
from convlab.digits.training import Digits, TrainCnn, make_training

# isort: split
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import functional as pictures

PARAMS, MNIST = Path("params.yaml"), Path("data/raw/MNIST")
TARGETS = (0.98, 0.99)
LOOK_EVERY = 6_000
"""Digits: a tenth of an epoch."""
MEAN, DEVIATION = 0.1307, 0.3081
"""Of MNIST's grey levels, as train_mnist_fast normalizes them."""

Classify = Callable[[Tensor], Tensor]
Race = Iterator[tuple[int, Classify | None]]
"""A generator: it first prepares and yields (0, None); then it takes a step each time, and yields
the number of digits seen so far and a function that classifies other digits."""


class FastNetwork(nn.Module):
    """The network of train_mnist_fast, 8_Final."""

    def __init__(self) -> None:
        super().__init__()
        self.convolve, self.again = nn.Conv2d(1, 24, 5), nn.Conv2d(24, 32, 3)
        self.hidden, self.classify = nn.Linear(800, 256), nn.Linear(256, 10)

    def forward(self, digits: Tensor) -> Tensor:
        """Give logits."""
        x = functional.max_pool2d(self.convolve(digits), 2).relu()
        x = functional.max_pool2d(self.again(x), 2).relu().flatten(1)
        return self.classify(self.hidden(x).relu())


def train_cnn(digits: Digits, seed: int) -> Race:
    """Train as the stage does."""
    params = read_block(PARAMS, "train_cnn", TrainCnn).model_copy(update={"seed": seed})
    module = find_network(NETWORKS, params.network)
    set_seed(seed)
    network = module.Network(read_block(PARAMS, f"networks.{params.network}", module.Settings))
    training = make_training(network, digits, digits, params)
    yield 0, None
    for step, batch in enumerate(islice(training.batches(0), params.steps)):
        take_step(training, batch, step)
        yield (step + 1) * params.batch_size, lambda images: network(images)[0]


def train_mnist_fast(digits: Digits, seed: int) -> Race:
    """Train with that recipe."""
    set_seed(seed)
    order = torch.randperm(len(digits.labels))
    images = ((to_input(digits.images) - MEAN) / DEVIATION)[order]
    labels = torch.from_numpy(digits.labels).long()[order]
    network = FastNetwork()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01, betas=(0.7, 0.9))
    batches = list(zip(images.split(256), labels.split(256), strict=True))
    schedule = OneCycleLR(optimizer, 0.01, total_steps=len(batches), cycle_momentum=False)
    yield 0, None
    for step, (batch, wanted) in enumerate(batches, 1):
        optimizer.zero_grad()
        functional.cross_entropy(network(batch), wanted).backward()
        optimizer.step()
        schedule.step()
        yield step * 256, lambda images: network((images - MEAN) / DEVIATION)


class Pictures(Dataset):
    """Digits one by one, as torchvision's MNIST gives them."""

    def __init__(self, digits: Digits) -> None:
        self.digits = digits

    def __len__(self) -> int:
        return len(self.digits.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return pictures.to_tensor(self.digits.images[index]), int(self.digits.labels[index])


def practical(digits: Digits, seed: int) -> Race:
    """Train as introductions to torch do."""
    set_seed(seed)
    module = find_network(NETWORKS, "cnn")
    network = module.Network(module.Settings())
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    loader = DataLoader(Pictures(digits), batch_size=64, shuffle=True)
    yield 0, None
    for step, (batch, wanted) in enumerate(chain(loader, loader, loader), 1):
        optimizer.zero_grad()
        functional.cross_entropy(network(batch)[0], wanted).backward()
        optimizer.step()
        yield step * 64, lambda images: network(images)[0]


RACES = {
    "train_cnn": train_cnn,
    "train_mnist_fast": train_mnist_fast,
    "an introductory loop": practical,
}


def run(race: Race, images: Tensor, labels: Tensor) -> dict[float, tuple[int, float]]:
    """Give the steps and the seconds after which each of `TARGETS` was reached first."""
    next(race)
    reached, seconds, looks, began = {}, 0.0, 0, time.perf_counter()
    for step, (seen, classify) in enumerate(race, 1):
        if seen < (looks + 1) * LOOK_EVERY:
            continue
        seconds, looks = seconds + time.perf_counter() - began, seen // LOOK_EVERY
        measured = accuracy(classify, images, labels)
        for target in TARGETS:
            if measured >= target:
                reached.setdefault(target, (step, seconds))
        if len(reached) == len(TARGETS):
            break
        began = time.perf_counter()
    return reached


def accuracy(classify: Classify, images: Tensor, labels: Tensor) -> float:
    """Give the share of digits that are classified correctly."""
    with torch.inference_mode():
        logits = torch.cat([classify(batch) for batch in images.split(2000)])
    return float((logits.argmax(1) == labels).double().mean())


def describe(results: list[tuple[int, float] | None]) -> tuple[str, str]:
    """Give the median steps and seconds, if most of the trainings reached the target."""
    there = [result for result in results if result]
    if 2 * len(there) <= len(results):
        return "not reached", "not reached"
    steps, seconds = (median(values) for values in zip(*there, strict=True))
    missing = f" ({len(there)} of {len(results)})" if len(there) < len(results) else ""
    return f"{steps:,.0f}{missing}", f"{seconds:.1f}"


def add_options(parser: ArgumentParser) -> None:
    """How many trainings of each."""
    parser.add_argument("--seeds", type=int, default=5)


def main(options: Namespace) -> None:
    """Print the table."""
    prepare(read_block(PARAMS, "compute", Compute))
    digits, test = (Digits(*read_digits(MNIST, split)) for split in ("train", "test"))
    images, labels = to_input(test.images), torch.from_numpy(test.labels).long()
    results = defaultdict(list)
    for seed in tqdm(range(options.seeds), unit="seed"):
        for name, race in RACES.items():
            results[name].append(run(race(digits, seed), images, labels))
    rows = [
        (
            name,
            *(cell for target in TARGETS for cell in describe([run.get(target) for run in runs])),
        )
        for name, runs in results.items()
    ]
    header = ("training", *(f"{what} to {t:.0%}" for t in TARGETS for what in ("steps", "seconds")))
    print(tabulate(rows, header, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/digits_speed.lock"), add_options=add_options) as given:
        main(given)
