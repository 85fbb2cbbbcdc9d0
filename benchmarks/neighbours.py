"""Measure a training step on a quiet machine, and while another program keeps one core busy.

Threads of OpenMP that wait can spin or sleep. Each setting is tried in
processes of its own, in turn, since it is read when torch is loaded; the
median over the rounds counts. The training is that of params.yaml at x2, on
patches of noise. Prints a table in Markdown.
"""

import os
import subprocess
import sys
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
from tools.check_network import read_settings, time_step

PARAMS = Path("params.yaml")
SCALE = 2
SETTINGS = {
    "libgomp's default": {"GOMP_SPINCOUNT": "300000"},
    "GOMP_SPINCOUNT=10000": {"GOMP_SPINCOUNT": "10000"},
    "GOMP_SPINCOUNT=1000 (convlab's)": {"GOMP_SPINCOUNT": "1000"},
    "OMP_WAIT_POLICY=PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
}
OWN = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME"}
"""What importing convlab has set here, too."""
BUSY = "while True: pass"
WARM_UP, STEPS = 3, 9


def make_training(**changes: str) -> Training:
    """Give the training of params.yaml with some changes, on noise."""
    params = read_block(PARAMS, "train_sr", TrainSr).model_copy(update=changes)
    settings = read_settings("superres", params.network)
    patch_size = read_block(PARAMS, "make_patches", MakePatches).patch_size
    build = partial(build_upscaler, params.network, SCALE, settings)
    return try_training(build, params, patch_size)


def measure(variables: dict[str, str], *, busy: bool) -> float:
    """Give the milliseconds of a step in a process of its own, beside a busy one or not."""
    neighbour = subprocess.Popen([sys.executable, "-c", BUSY]) if busy else None
    try:
        done = subprocess.run(
            [sys.executable, __file__, "--one"],
            env={k: v for k, v in os.environ.items() if k not in OWN} | variables,
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        if neighbour:
            neighbour.kill()
            neighbour.wait()
    return 1000 * float(done.stdout)


def add_options(parser: ArgumentParser) -> None:
    """How often, and what the processes of this script are called with."""
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", action="store_true", help="time one process, as this one does")


def main(options: Namespace) -> None:
    """Print the table."""
    if options.one:
        prepare(read_block(PARAMS, "compute", Compute))
        print(time_step(make_training(), warm_up=WARM_UP, steps=STEPS))
        return
    milliseconds = defaultdict(list)
    for _ in tqdm(range(options.rounds), unit="round"):
        for name, variables in SETTINGS.items():
            for busy in (False, True):
                milliseconds[name, busy].append(measure(variables, busy=busy))
    rows = []
    for name in SETTINGS:
        quiet, busy = (median(milliseconds[name, each]) for each in (False, True))
        rows.append((name, f"{quiet:.0f}", f"{busy:.0f}", f"{busy / quiet:.1f}"))
    header = ("threads that wait", "quiet (ms)", "beside a busy program (ms)", "ratio")
    print(tabulate(rows, header, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    own = Path(".work") / ("neighbours-one.lock" if "--one" in sys.argv else "neighbours.lock")
    with script(__doc__, lock=own, add_options=add_options) as given:
        main(given)
