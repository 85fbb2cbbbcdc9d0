"""A training in which the second of two processes is gone, or hangs, in its seventh step.

`torchrun ... failing_process.py FOLDER kill` (or `hang`); torchrun starts it for
test_processes.py.
"""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

from convlab.core.checkpoint import Checkpoint  # before torch: see convlab/__init__.py

# isort: split
import torch

from convlab.core.loop import train
from convlab.core.processes import joined
from convlab.core.script import rank, script
from toy_training import batches, training


def failing(how):
    """Give the batches of a training, until the second process fails."""

    def give(step):
        for number, batch in enumerate(batches(step)):
            if number == 6 and rank() == 1:
                (folder / "failed").touch()
                os.kill(os.getpid(), 9) if how == "kill" else time.sleep(100)
            yield batch

    return give


if __name__ == "__main__":
    folder, how = Path(sys.argv.pop(1)), sys.argv.pop(1)
    torch.set_num_threads(1)
    patience = timedelta(seconds=2 if how == "hang" else 60)
    with script(__doc__, lock=folder / "train.lock"), joined(patience):
        train(training(batches=failing(how)), Checkpoint(folder / "toy.safetensors", "me"), name="")
