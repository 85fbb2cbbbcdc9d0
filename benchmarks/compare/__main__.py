"""Compare the super-resolution networks: the same data, and the same time or arithmetic for each.

Each network is trained at x2 as by `train_sr`, twice: for three minutes (the
number of steps that fit is measured first), and for 0.01 PFLOP. If that is fewer
than 500 or more than 20,000 steps, the network is not trained. Its learning rates
are the best of several that differ by factors of two: each is tried in a twelfth
of the training, and measured on the validation images. More are tried as long as the
best is the smallest or the largest. Then the network is measured on B100. A
network that fails is named at the end, and the others are trained. One that is
finished is not trained again (its row is kept in .work/compare/). At the end,
upscaling to one megapixel is timed for all in turn. Writes table.md and plot.png
beside this file. Needs data/patches/x2 and data/raw/bsds500. Do not run other
programs at the same time.
"""

import json
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[2] / folder) for folder in ("src", "benchmarks"))

from b100 import mean_quality, read_b100
from compare.entries import ENTRIES, SCALE, Entry
from compare.show import (
    BUDGETS,
    LEAST_STEPS,
    MOST_STEPS,
    PFLOP,
    SECONDS,
    Budget,
    Row,
    draw,
    write_table,
)
from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.errors import InputError
from convlab.core.fingerprint import fingerprint
from convlab.core.loop import Training
from convlab.core.outputs import atomic_write
from convlab.core.params import Params, read_block
from convlab.core.script import script
from convlab.core.weights import count_parameters, find_network
from convlab.figures.canvas import write_png
from convlab.superres.checks import build_upscaler
from convlab.superres.cost import multiply_adds, training_pflop
from convlab.superres.patches import Shards, read_pairs
from convlab.superres.training import TrainSr, make_training
from convlab.superres.upscaling import NETWORKS, upscale_luminance
from timing import interleave
from tools.commands import git
from training import train_once

HERE = Path(__file__).parent
PARAMS = Path("params.yaml")
WORK = Path(".work/compare")
PATCHES = Path("data/patches") / f"x{SCALE}"
RATE_TRIALS_PER_TRAINING = 12
"""Fraction of the steps for a training that tries a learning rate."""
RATES = (0.5, 1.0, 2.0)
"""The first factors that are tried, for both learning rates of train_sr."""


class NoEvaluation:
    """An evaluation that does nothing, so that only the steps of a training take time."""

    def __call__(self, network: Any, step: int) -> dict[str, float]:
        """Give nothing."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Give nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have nothing to restore."""


class Bench:
    """One network, and the data, which are the same for all networks."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.params, self.settings = parameters(entry)
        self.patches = Shards(PATCHES).read_all()
        self.validation = read_pairs(PATCHES / "validation")

    def training(self, factor: float, steps: int) -> Training:
        """Prepare a training of some steps, at a multiple of train_sr's learning rates."""
        rates = {
            name: factor * getattr(self.params, name)
            for name in ("adamw_learning_rate", "muon_learning_rate")
        }
        length = {"steps": steps, "validate_every": steps, "warmup_steps": steps // 20}
        set_seed(self.params.seed)
        network = build_upscaler(self.entry.network, SCALE, self.settings)
        params = self.params.model_copy(update=rates | length)
        return make_training(network, self.patches, self.validation, params)

    def steps_per_second(self) -> float:
        """Measure the speed of a training, in runs of more and more steps."""
        training, steps = replace(self.training(1.0, 1), evaluation=NoEvaluation()), 2
        while True:
            began = time.monotonic()
            train_once(replace(training, steps=steps), name="speed")
            seconds = time.monotonic() - began
            if seconds > SECONDS / RATE_TRIALS_PER_TRAINING:
                return steps / seconds
            steps *= 2

    def steps(self, budget: Budget) -> int:
        """Give how many steps a training may take."""
        if budget == "time":
            return round(self.steps_per_second() * SECONDS)
        network = build_upscaler(self.entry.network, SCALE, self.settings).eval()
        one = self.params.model_copy(update={"steps": 1})
        per_step = training_pflop(multiply_adds(network), one, self.patches.high.shape[-1])
        return round(PFLOP / per_step)

    def validation_psnr(self, factor: float, steps: int) -> float:
        """Train; give the validation PSNR in dB, or minus infinity if the training diverged."""
        try:
            curve = train_once(self.training(factor, steps), name=f"rates x {factor:g}")
        except InputError as error:
            tqdm.write(str(error))
            return -np.inf
        return curve[-1]["validation_psnr"]


def parameters(entry: Entry) -> tuple[TrainSr, Params]:
    """Give what params.yaml says, with the entry's network and its settings."""
    params = read_block(PARAMS, "train_sr", TrainSr).model_copy(update={"network": entry.network})
    settings = find_network(NETWORKS, entry.network).Settings
    block = read_block(PARAMS, f"networks.{entry.network}", settings)
    return params, block.model_copy(update=entry.settings)


def bracket(measure: Callable[[float], float]) -> float:
    """Find the best factor; a smaller and a larger one must be tried and give less."""
    measured = {factor: measure(factor) for factor in RATES}
    while (best := max(measured, key=measured.get)) in (min(measured), max(measured)):
        factor = best / 2 if best == min(measured) else best * 2
        measured[factor] = measure(factor)
    return best


def compete(entry: Entry, budget: Budget) -> Row:
    """Train and measure one network."""
    bench = Bench(entry)
    steps = bench.steps(budget)
    training = bench.training(1.0, max(1, steps))
    network = training.network
    row = Row(
        name=entry.name,
        budget=budget,
        parameters=count_parameters(network),
        multiply_adds=multiply_adds(network.eval()),
        steps=steps,
        patches_seen=round(steps * bench.params.batch_size / len(bench.patches.low), 2),
    )
    if not LEAST_STEPS <= steps <= MOST_STEPS:
        return row
    short = steps // RATE_TRIALS_PER_TRAINING
    factor = bracket(lambda factor: bench.validation_psnr(factor, short))
    training = bench.training(factor, steps)
    curve = train_once(training, name=entry.name)
    network = training.network
    network.load_state_dict(training.evaluation.best_weights)
    pairs = read_b100(SCALE)
    quality = mean_quality(pairs, [upscale_luminance(network, pair.low) for pair in pairs], SCALE)
    return row._replace(
        factor=factor,
        validation_psnr=round(curve[-1]["validation_psnr"], 3),
        psnr=round(quality.psnr, 2),
        ssim=round(quality.ssim, 4),
    )


def seconds_per_megapixel(names: set[str]) -> dict[str, float]:
    """Time upscaling to one megapixel in float32, for the entries with these names in turn."""
    prepare(read_block(PARAMS, "compute", Compute))
    low = np.zeros((500, 500), np.uint8)
    actions = {}
    for entry in (entry for entry in ENTRIES if entry.name in names):
        _, settings = parameters(entry)
        network = build_upscaler(entry.network, SCALE, settings).eval()
        actions[entry.name] = partial(upscale_luminance, network, low)
    return interleave(actions, rounds=5)


def result(entry: Entry, budget: Budget) -> Path:
    """Give where an entry's row is kept: a file for these parameters, data and convlab's code."""
    compute = read_block(PARAMS, "compute", Compute)
    params, network_settings = parameters(entry)
    blocks = [block.model_dump() for block in (params, network_settings, compute)]
    for each in ENTRIES:  # so that the same code is loaded in every process
        find_network(NETWORKS, each.network)
    limit = {"time": SECONDS, "arithmetic": PFLOP}[budget]
    name = fingerprint([budget, limit, RATES, blocks], PATCHES.rglob("*.*"))[:16]
    return WORK / f"{name}.json"


def add_options(parser: ArgumentParser) -> None:
    """The name of one network and its budget, for the process that trains it."""
    parser.add_argument("--only", choices=[entry.name for entry in ENTRIES], help="train this one")
    parser.add_argument("--budget", choices=BUDGETS, default=BUDGETS[0], help="budget for --only")


def main(options: Namespace) -> None:
    """Train each network that is not done, in a process of its own; then show all."""
    if options.only:
        prepare(read_block(PARAMS, "compute", Compute))
        (entry,) = (entry for entry in ENTRIES if entry.name == options.only)
        row = compete(entry, options.budget)
        with atomic_write(result(entry, options.budget)) as (file,):
            file.write_text(json.dumps(row._asdict()), encoding="utf-8")
        return
    failed, rows = [], []
    for budget, entry in product(BUDGETS, ENTRIES):
        path = result(entry, budget)
        if not path.exists():
            one = ["--only", entry.name, "--budget", budget]
            subprocess.run([sys.executable, str(HERE), *one], check=False)
        if path.exists():
            rows.append(Row(**json.loads(path.read_text(encoding="utf-8"))))
        else:
            failed.append(f"{entry.name} ({budget})")
    if rows:
        seconds = seconds_per_megapixel({row.name for row in rows})
        rows = [row._replace(seconds=seconds[row.name]) for row in rows]
        with atomic_write(HERE / "table.md", HERE / "plot.png") as (table, plot):
            write_table(table, rows, git("describe", "--always", "--dirty").strip())
            write_png(plot, draw(rows))
    if failed:
        raise InputError(f"failed, see above: {', '.join(failed)}; call again to try them again")


if __name__ == "__main__":
    own = Path(".work") / ("compare-one.lock" if "--only" in sys.argv else "compare.lock")
    with script(__doc__, lock=own, add_options=add_options) as given:
        main(given)
