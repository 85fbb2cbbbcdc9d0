"""A training whose second process fails in the seventh step.

`torchrun ... failing_process.py FOLDER` kills it; torchrun starts that for test_processes.py.
"""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from convlab.core.checkpoint import Checkpoint  # before torch: see convlab/__init__.py

# isort: split
import torch

from convlab.core.loop import train
from convlab.core.processes import PATIENCE, joined
from convlab.core.script import rank, script
from toy_training import batches, training


def train_until(failure: Callable[[], None], folder: Path, patience: timedelta = PATIENCE) -> None:
    """Train, until the second process calls `failure`."""

    def failing(step):
        for number, batch in enumerate(batches(step)):
            if number == 6 and rank() == 1:
                (folder / "failed").touch()
                failure()
            yield batch

    torch.set_num_threads(1)
    with script(__doc__, lock=folder / "train.lock"), joined(patience):
        train(training(batches=failing), Checkpoint(folder / "toy.safetensors", "me"), name="")


if __name__ == "__main__":
    train_until(lambda: os.kill(os.getpid(), 9), Path(sys.argv.pop()))
