"""What each of several processes does in test_processes.py.

Forks them after its imports, which take longer than all else. With a folder,
2 and then 3 processes compute in its folders 2 and 3, 4 resume their trainings,
and of 2 more, one hangs; with names of stages, 2 processes run those in the
folder where this is called.
"""

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path

from convlab.core.checkpoint import Checkpoint  # before torch: see convlab/__init__.py

# isort: split
import torch
import torchvision.datasets  # noqa: F401 - with what torch loads in its first step
from skimage import data
from torch import nn

from convlab.core import processes
from convlab.core.compute import Compute, prepare
from convlab.core.loop import take_step, train
from convlab.core.optimizers import make_adamw
from convlab.core.params import read_yaml
from convlab.core.script import rank
from convlab.core.weights import find_network
from convlab.superres.evaluation import measure, upscale_by_all_methods
from convlab.superres.patches import Pair, cut, make_pair
from convlab.superres.training import TrainSr, make_training
from convlab.superres.upscaling import NETWORKS
from failing_process import train_until
from toy_training import training as toy_training

PHOTO = data.astronaut()[:96, 150:246]
PARAMS = read_yaml(Path(__file__).parents[1] / "params.yaml")["train_sr"] | {
    "network": "subpixel",
    "steps": 9,
    "batch_size": 5,  # which neither 2 nor 3 divides
    "warmup_steps": 2,
    "precision": "float32",
    "validate_every": 3,
}


class KeptCheckpoint(Checkpoint):
    """A checkpoint that keeps each state that was saved, beside the last one."""

    def save(self, state):
        super().save(state)
        shutil.copy(self.path, self.path.with_suffix(f".{state['step']}"))


def superres(patches=None, **changes):
    params = TrainSr(**PARAMS | changes)
    torch.manual_seed(params.seed)
    module = find_network(NETWORKS, params.network)
    network = module.Network(scale=2, settings=module.Settings(channels=8, layers=2))
    low, high = make_pair(PHOTO, 2)
    patches = patches or Pair(cut(low, 8, 6), cut(high, 16, 12))
    validation = [make_pair(part, 2) for part in (PHOTO[:40, :52], PHOTO[40:], PHOTO[:, 12:])]
    return make_training(network, patches, validation, params)


def kept(training, curve):
    """What a training leaves."""
    return {"curve": curve, "weights": training.network.state_dict()}


def trained(checkpoint):
    training = superres()
    return kept(training, train(training, checkpoint, name="sr"))


def gradients():
    """The gradients of the whole mini-batch in the first step."""
    training = superres()
    take_step(training, next(training.batches(0)), 0)
    return [weight.grad for weight in training.network.parameters()]


def table(network):
    """The qualities of all methods on some images, as evaluate_sr measures them."""

    def evaluate(side):
        low, high = make_pair(PHOTO[:side], 2)
        return measure(str(side), upscale_by_all_methods(network.eval(), low), high, 2)

    return list(processes.shared(evaluate, range(40, 96, 8)))


def batch_norm():
    """A training with the state that a network keeps in buffers, on batches of six."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    batches = toy_training().batches
    return toy_training(
        network=network,
        optimizers={make_adamw(network.parameters()): 0.05},
        batches=lambda step: (
            tuple(each[:6][processes.share(6)] for each in batch) for batch in batches(step)
        ),
    )


def take_over(folder):
    """Trainings from the checkpoints of each number of processes that computed before."""
    if rank() == 0:
        for other in folder.parent.glob("*/sr.3"):
            shutil.copy(other, folder / f"from-{other.parent.name}.safetensors")
    processes.in_turn(lambda: None)
    return {
        path.stem.removeprefix("from-"): trained(Checkpoint(path, "me"))
        for path in sorted(folder.glob("from-*"))
    }


def compute(folder):
    first = KeptCheckpoint(folder / "sr.safetensors", "me")
    if rank():  # another file would do harm, none is written
        first.path = folder / "other.safetensors"
    found = {"count": processes.count(), "threads": torch.get_num_threads()}
    found |= {"gradients": gradients(), "sr": trained(first)}
    found["table"] = table(superres().network)
    again = folder / "again.safetensors"
    if rank() == 0:
        shutil.copy(folder / "sr.3", again)
    processes.in_turn(lambda: None)
    found |= {"resumed": trained(Checkpoint(again, "me")), "taken over": take_over(folder)}
    norm = batch_norm()
    found["norm"] = kept(norm, train(norm, Checkpoint(folder / "norm.safetensors", "me"), name="n"))
    tensor = torch.tensor([1.0, 2.0]) * (1 + rank())
    processes.average([tensor], weight=1 + rank())
    doubled = processes.spread(lambda some: 2 * some, torch.arange(10.0).reshape(5, 2))
    return found | {"mean": tensor, "doubled": doubled}


def save(folder, work):
    """Do some work in a folder, and let the first process keep what it found."""
    prepare(Compute(launch="python", memory_gb=4, threads=3))
    with processes.joined():
        found = work(folder)
    if rank() == 0:
        torch.save(found, folder / "found")


def hang(folder):
    """Train, until the second process hangs, and keep what the first one says at the end."""
    said = folder / "said"

    def sleep():
        deadline = time.monotonic() + 60
        while not said.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os._exit(0)

    sys.argv[1:] = []
    try:
        train_until(sleep, folder, patience=timedelta(seconds=2))
    except SystemExit as end:
        said.write_text(end.code)


def fork(count: int, work: Callable[[], None]) -> None:
    """Let several processes do some work, with what torchrun would tell them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    os.environ |= {"TORCHELASTIC_RUN_ID": "test", "MASTER_ADDR": "127.0.0.1"}
    os.environ |= {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    os.environ["MASTER_PORT"] = str(port)
    children = []
    for number in range(count):
        os.environ["RANK"] = str(number)
        children.append(os.fork())
        if not children[-1]:
            status = 1
            try:
                work()
                status = 0
            finally:
                os._exit(status)
    if any(os.waitpid(child, 0)[1] for child in children):
        sys.exit("a process failed")


if __name__ == "__main__":
    if (folder := Path(sys.argv[1])).is_absolute():
        for count, work in ((2, compute), (3, compute), (4, take_over)):
            own = folder / str(count)
            own.mkdir()
            fork(count, partial(save, own, work))
        (folder / "hang").mkdir()
        fork(2, partial(hang, folder / "hang"))
    else:
        for stage in [import_module(name) for name in sys.argv[1:]]:
            scale = [2] if stage.__name__.endswith("_sr") else []
            fork(2, partial(stage.main, *scale))
