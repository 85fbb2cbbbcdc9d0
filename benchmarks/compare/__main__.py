"""Compare the super-resolution networks: the same data, tuning and time for each.

Each network trains for three minutes at x2 as `train_sr` does, at the best of
some learning rates: as many trainings of a twelfth of that time tell which, by
the validation images. How many steps fit into the time is measured first. Then
B100 is measured, and the time to upscale to one megapixel. A network that fails
is named, and the others go on; one that is done is not trained again (its row
is kept in .work/compare/). Writes table.md and plot.png beside this file. Needs
data/patches/x2 and data/raw/bsds500; let nothing else run beside it.
"""

import json
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[2] / folder) for folder in ("src", "benchmarks"))

from b100 import mean_quality, read_b100
from compare.entries import ENTRIES, SCALE, Entry
from compare.show import Row, draw, write_table
from convlab.core.checkpoint import fingerprint
from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.errors import InputError
from convlab.core.loop import Training
from convlab.core.outputs import atomic_write
from convlab.core.params import Params, read_block
from convlab.core.script import script
from convlab.core.weights import count_parameters, find_network
from convlab.figures.canvas import write_png
from convlab.imaging.resize import upscale
from convlab.superres.cost import multiply_adds
from convlab.superres.layers import Upscaler
from convlab.superres.patches import Pair, read_pairs, read_patches
from convlab.superres.training import TrainSr, make_training
from convlab.superres.upscaling import NETWORKS, upscale_luminance
from tools.commands import git
from training import train_once

HERE = Path(__file__).parent
PARAMS = Path("params.yaml")
WORK = Path(".work/compare")
PATCHES = Path("data/patches") / f"x{SCALE}"
SECONDS = 180
RATE_TRIALS_PER_TRAINING = 12
"""A training that tries a learning rate has this part of the steps."""
RATES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Factors for both of train_sr's learning rates."""


class NoEvaluation:
    """Measures nothing, so that only the steps of a training take time."""

    def __call__(self, network: Any, step: int) -> dict[str, float]:
        """Give nothing."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Give nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have nothing to restore."""


class Bench:
    """One network, and the data that all networks share."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.params, self.settings = parameters(entry)
        self.patches = read_patches(PATCHES)
        self.validation = read_pairs(PATCHES / "validation")

    def training(self, factor: float, steps: int) -> Training:
        """Prepare a training of some steps, at a multiple of train_sr's learning rates."""
        rates = {
            name: factor * getattr(self.params, name)
            for name in ("adamw_learning_rate", "muon_learning_rate")
        }
        length = {"steps": steps, "validate_every": steps, "warmup_steps": steps // 20}
        set_seed(self.params.seed)
        network = find_network(NETWORKS, self.entry.network).Network(SCALE, self.settings)
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


def compete(entry: Entry) -> Row:
    """Train and measure one network."""
    bench = Bench(entry)
    steps = max(2, round(bench.steps_per_second() * SECONDS))
    psnrs = {
        factor: bench.validation_psnr(factor, max(2, steps // RATE_TRIALS_PER_TRAINING))
        for factor in tqdm(RATES, desc=f"{entry.name}: learning rates")
    }
    factor = max(psnrs, key=psnrs.get)
    training = bench.training(factor, steps)
    curve = train_once(training, name=entry.name)
    network = training.network
    network.load_state_dict(training.evaluation.best_weights)
    pairs = read_b100(SCALE)
    psnr, ssim = rounded_quality(pairs, [upscale_luminance(network, pair.low) for pair in pairs])
    bicubic = rounded_quality(pairs, [upscale(pair.low, SCALE, "bicubic") for pair in pairs])
    return Row(
        name=entry.name,
        parameters=count_parameters(network),
        multiply_adds=multiply_adds(network),
        seconds=seconds_per_megapixel(network),
        factor=factor,
        bracketed=RATES[0] < factor < RATES[-1],
        steps=steps,
        patches_seen=round(steps * bench.params.batch_size / len(bench.patches.low), 2),
        validation_psnr=round(curve[-1]["validation_psnr"], 3),
        psnr=psnr,
        ssim=ssim,
        trained=(psnr, ssim) != bicubic,
    )


def rounded_quality(pairs: list[Pair], upscaled: list[np.ndarray]) -> tuple[float, float]:
    """Give the mean PSNR (dB) and SSIM over images, to the digits of the table."""
    psnr, ssim = mean_quality(pairs, upscaled, SCALE)
    return round(psnr, 2), round(ssim, 4)


def seconds_per_megapixel(network: Upscaler) -> float:
    """Measure the time to upscale to one megapixel in float32."""
    low, timings = np.zeros((500, 500), np.uint8), []
    for _ in range(6):
        began = time.monotonic()
        upscale_luminance(network, low)
        timings.append(time.monotonic() - began)
    return round(median(timings[1:]), 3)  # the first one prepares


def result(entry: Entry) -> Path:
    """Give where an entry's row is kept: a file for these parameters, data and code."""
    compute = read_block(PARAMS, "compute", Compute)
    params, network_settings = parameters(entry)
    blocks = [block.model_dump() for block in (params, network_settings, compute)]
    for each in ENTRIES:  # so that the same code is loaded in every process
        find_network(NETWORKS, each.network)
    name = fingerprint([SECONDS, RATES, blocks], PATCHES.rglob("*.*"))[:16]
    return WORK / f"{name}.json"


def add_options(parser: ArgumentParser) -> None:
    """The name of one network, for the process that trains it."""
    parser.add_argument("--only", choices=[entry.name for entry in ENTRIES], help="train this one")


def main(options: Namespace) -> None:
    """Train each network that is not done, in a process of its own; then show all."""
    if options.only:
        prepare(read_block(PARAMS, "compute", Compute))
        (entry,) = (entry for entry in ENTRIES if entry.name == options.only)
        row = compete(entry)
        with atomic_write(result(entry)) as (file,):
            file.write_text(json.dumps(row._asdict()), encoding="utf-8")
        return
    failed, rows = [], []
    for entry in ENTRIES:
        path = result(entry)
        if not path.exists():
            subprocess.run([sys.executable, str(HERE), "--only", entry.name], check=False)
        if path.exists():
            rows.append(Row(**json.loads(path.read_text(encoding="utf-8"))))
        else:
            failed.append(entry.name)
    if rows:
        with atomic_write(HERE / "table.md", HERE / "plot.png") as (table, plot):
            write_table(table, rows, git("describe", "--always", "--dirty").strip())
            write_png(plot, draw(rows))
    if failed:
        raise InputError(f"failed, see above: {', '.join(failed)}; call again to try them again")


if __name__ == "__main__":
    own = Path(".work") / ("compare-one.lock" if "--only" in sys.argv else "compare.lock")
    with script(__doc__, lock=own, add_options=add_options) as given:
        main(given)
