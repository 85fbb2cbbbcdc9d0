"""Measure which part of train_sr's time is not spent in steps of the training.

Runs the stage at x2 for some steps in its own folder, with Python's profiler,
and computes from this how long each part takes in the training of params.yaml.
Needs data/patches/x2. Prints a table in Markdown.
"""

import cProfile
import pstats
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import train_sr
from convlab.core.params import read_block
from convlab.core.script import script
from convlab.superres.training import TrainSr
from tools.preset import lay_over

PARAMS = Path("params.yaml").absolute()
PATCHES = Path("data/patches").absolute()
SCALE = 2
VALIDATIONS = 3
"""Of the training that is measured."""


def profile(steps: int) -> pstats.Stats:
    """Run the stage, for fewer steps."""
    every = steps // VALIDATIONS
    block = {"steps": every * VALIDATIONS, "warmup_steps": 1, "validate_every": every}
    with TemporaryDirectory() as name, chdir(name):
        Path("params.yaml").write_bytes(PARAMS.read_bytes())
        lay_over(Path("params.yaml"), {"train_sr": block})
        Path("data").mkdir()
        Path("data/patches").symlink_to(PATCHES)
        profiler = cProfile.Profile()
        profiler.runcall(train_sr.main, SCALE)
    return pstats.Stats(profiler)


def seconds(stats: pstats.Stats, file: str, name: str) -> float:
    """Give the time in a function and all that it called, over all calls."""
    return sum(
        cumulative
        for (where, _, function), (_, _, _, cumulative, _) in stats.stats.items()
        if (Path(where).name, function) == (file, name)
    )


def import_seconds() -> float:
    """Give the time until a process has loaded the stage's code."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import train_sr"], cwd=PARAMS.parent / "src", check=True)
    return time.monotonic() - began


def add_options(parser: ArgumentParser) -> None:
    """How long the measured training is."""
    parser.add_argument("--steps", type=int, default=300)


def main(options: Namespace) -> None:
    """Print the table."""
    params = read_block(PARAMS, "train_sr", TrainSr)
    stats = profile(options.steps)
    taken = options.steps // VALIDATIONS * VALIDATIONS
    loop = seconds(stats, "loop.py", "train")
    validation = seconds(stats, "training.py", "__call__") + seconds(stats, "checkpoint.py", "save")
    parts = {
        "imports": import_seconds(),
        "checks of the network, reading, writing": seconds(stats, "train_sr.py", "main") - loop,
        "validations and checkpoints": validation
        * (params.steps // params.validate_every)
        / VALIDATIONS,
        "steps": (loop - validation) * params.steps / taken,
    }
    total = sum(parts.values())
    rows = [(name, f"{each:.1f}", f"{each / total:.1%}") for name, each in parts.items()]
    header = (f"train_sr@{SCALE}, {params.steps:,} steps", "seconds", "share")
    print(tabulate(rows, header, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/overhead.lock"), add_options=add_options) as given:
        main(given)
