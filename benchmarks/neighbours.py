"""Measure a training step on a quiet machine, and while another program keeps one core busy.

Waiting threads of OpenMP can spin or sleep. The setting is read when torch is
loaded, so each setting has its own process. The processes take a few steps in
turn, while the others sleep; the result is the median over the rounds. The
training is that of params.yaml at x2, on patches of noise. Prints a table in
Markdown.
"""

import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median

from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.core.compute import Compute, prepare
from convlab.core.loop import Training
from convlab.core.params import read_block
from convlab.core.script import script
from convlab.superres.checks import build_upscaler, try_training
from convlab.superres.patches import MakePatches
from convlab.superres.training import TrainSr
from timing import PAUSE
from tools.check_network import read_settings, time_step

PARAMS = Path("params.yaml")
SCALE = 2
SETTINGS = {
    "libgomp's default": {"GOMP_SPINCOUNT": "300000"},
    "GOMP_SPINCOUNT=100000": {"GOMP_SPINCOUNT": "100000"},
    "GOMP_SPINCOUNT=30000": {"GOMP_SPINCOUNT": "30000"},
    "GOMP_SPINCOUNT=10000": {"GOMP_SPINCOUNT": "10000"},
    "GOMP_SPINCOUNT=3000 (convlab's)": {"GOMP_SPINCOUNT": "3000"},
    "GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"},
    "OMP_WAIT_POLICY=PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
}
OWN = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME"}
"""What importing convlab has set here, too."""
BUSY = "while True: pass"
STEPS = 5
"""In a row, after one that does not count."""


def make_training(**changes: str) -> Training:
    """Give the training of params.yaml with some changes, on noise."""
    params = read_block(PARAMS, "train_sr", TrainSr).model_copy(update=changes)
    settings = read_settings("superres", params.network)
    patch_size = read_block(PARAMS, "make_patches", MakePatches).patch_size
    build = partial(build_upscaler, params.network, SCALE, settings)
    return try_training(build, params, patch_size)


def answer() -> None:
    """Time a few steps for each line that comes in, and print the milliseconds of one."""
    prepare(read_block(PARAMS, "compute", Compute))
    training = make_training()
    time_step(training, warm_up=2, steps=1)
    for _ in sys.stdin:
        print(1000 * time_step(training, warm_up=1, steps=STEPS), flush=True)


def start(variables: dict[str, str]) -> subprocess.Popen:
    """Start a process that answers, with these variables in its environment."""
    given = {name: value for name, value in os.environ.items() if name not in OWN}
    return subprocess.Popen(
        [sys.executable, "-c", "from neighbours import answer; answer()"],
        env=given | variables | {"PYTHONPATH": str(Path(__file__).parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ask(process: subprocess.Popen, *, busy: bool) -> float:
    """Give the milliseconds of a step, beside a busy program or not."""
    neighbour = subprocess.Popen([sys.executable, "-c", BUSY]) if busy else None
    time.sleep(PAUSE)
    try:
        process.stdin.write("\n")
        process.stdin.flush()
        return float(process.stdout.readline())
    finally:
        if neighbour:
            neighbour.kill()
            neighbour.wait()


def add_options(parser: ArgumentParser) -> None:
    """How often."""
    parser.add_argument("--rounds", type=int, default=11)


def main(options: Namespace) -> None:
    """Print the table."""
    processes = {name: start(variables) for name, variables in SETTINGS.items()}
    milliseconds = defaultdict(list)
    try:
        for _ in tqdm(range(options.rounds), unit="round"):
            for busy in (False, True):
                for name, process in processes.items():
                    milliseconds[name, busy].append(ask(process, busy=busy))
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    rows = []
    for name in SETTINGS:
        quiet, busy = (median(milliseconds[name, each]) for each in (False, True))
        rows.append((name, f"{quiet:.0f}", f"{busy:.0f}", f"{busy / quiet:.1f}"))
    header = ("threads that wait", "quiet (ms)", "beside a busy program (ms)", "ratio")
    print(tabulate(rows, header, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/neighbours.lock"), add_options=add_options) as given:
        main(given)
