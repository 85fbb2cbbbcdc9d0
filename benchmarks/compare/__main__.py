"""Compare the super-resolution networks: the same data, care and time for each.

Each network trains for three minutes at x2 as `train_sr` does, at the best of
some learning rates: as many trainings of a twelfth of that time tell which, by
the validation images. How many steps fit into the time is measured first. Then
B100 is measured, and how long one megapixel takes. A network that fails is
named, and the others go on; one that is done is not trained again (its row
waits in .work/compare/). Writes table.md and plot.png beside this file. Needs
data/patches/x2 and data/raw/bsds500, and the machine for itself.
"""

import json
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from itertools import islice
from pathlib import Path
from statistics import fmean, median

import numpy as np
from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[2] / folder) for folder in ("src", "benchmarks"))

from compare.entries import ENTRIES, SCALE, Entry
from compare.show import Row, draw, write_table
from convlab.compute import Compute, prepare
from convlab.data.photos import read_rgb, split_photos
from convlab.errors import InputError
from convlab.figures.canvas import write_png
from convlab.files import staged
from convlab.imaging.measure import quality
from convlab.imaging.patches import make_pair, read_pairs, read_patches
from convlab.nets.superres import multiply_adds, upscale_luminance
from convlab.nets.weights import count_parameters
from convlab.params import read_block
from convlab.script import script
from convlab.training.checkpoint import identity, loaded_sources
from convlab.training.superres import Training, TrainSr

HERE = Path(__file__).parent
WORK = Path(".work/compare")
PATCHES = Path("data/patches") / f"x{SCALE}"
SECONDS = 180
SHARE = 12
RATES = (0.25, 0.5, 1.0, 2.0)
"""Factors for both of train_sr's learning rates."""


class Bench:
    """The data that all share, and trainings on them."""

    def __init__(self) -> None:
        self.patches = read_patches(PATCHES)
        self.validation = read_pairs(PATCHES / "validation")

    def training(self, params: TrainSr, factor: float, steps: int) -> Training:
        """Begin a training of a certain length, at a multiple of the default's rates."""
        rates = {
            name: factor * getattr(params, name)
            for name in ("learning_rate", "kernel_learning_rate")
        }
        length = {"steps": steps, "validate_every": steps, "warmup_steps": steps // 20}
        return Training(self.patches, self.validation, params.model_copy(update=rates | length))

    def steps_per_second(self, params: TrainSr) -> float:
        """Measure the speed of a training, less its first steps."""
        run = self.training(params, 1.0, 10**6).run()
        list(islice(run, 5))
        began, steps = time.monotonic(), 0
        while (seconds := time.monotonic() - began) < SECONDS / SHARE:
            next(run)
            steps += 1
        return steps / seconds

    def validation_psnr(self, params: TrainSr, factor: float, steps: int) -> float:
        """Train; give the validation PSNR in dB, and minus infinity if it diverged."""
        training = self.training(params, factor, steps)
        try:
            list(training.run())
        except InputError as error:
            tqdm.write(str(error))
            return -np.inf
        return training.curve[-1].validation_psnr


def parameters(entry: Entry) -> TrainSr:
    """What params.yaml says, with the entry's network."""
    content = read_block(Path("params.yaml"), "train_sr", TrainSr).model_dump()
    if entry.settings:
        content[entry.model] |= entry.settings
    return TrainSr(**content | {"scale": SCALE, "model": entry.model})


def compete(entry: Entry) -> Row:
    """Train and measure one network."""
    params, bench = parameters(entry), Bench()
    speed = bench.steps_per_second(params)
    steps = max(2, round(speed * SECONDS))
    psnrs = {
        factor: bench.validation_psnr(params, factor, max(2, steps // SHARE))
        for factor in tqdm(RATES, desc=f"{entry.name}: learning rates")
    }
    factor = max(psnrs, key=psnrs.get)
    training = bench.training(params, factor, steps)
    for _ in tqdm(training.run(), desc=entry.name, total=steps, unit="step"):
        pass
    network = training.best_network()
    _, _, photos = split_photos(Path("data/raw/bsds500"))
    pairs = [make_pair(read_rgb(photo), SCALE) for photo in photos]
    measured = [
        quality(pair.high, upscale_luminance(network, pair.low), shave=SCALE)
        for pair in tqdm(pairs, desc="B100", unit="photo")
    ]
    low, timings = np.zeros((500, 500), np.uint8), []
    for _ in range(6):
        began = time.monotonic()
        upscale_luminance(network, low)
        timings.append(time.monotonic() - began)
    return Row(
        name=entry.name,
        parameters=count_parameters(network),
        multiply_adds=multiply_adds(network),
        seconds=round(median(timings[1:]), 3),  # the first one prepares
        factor=factor,
        steps=steps,
        patches_seen=round(steps * params.batch_size / len(bench.patches.low), 2),
        validation_psnr=round(training.curve[-1].validation_psnr, 3),
        psnr=round(fmean(each.psnr for each in measured), 3),
        ssim=round(fmean(each.ssim for each in measured), 4),
    )


def result(entry: Entry) -> Path:
    """Where an entry's row waits: a file for these parameters, data and code."""
    compute = read_block(Path("params.yaml"), "compute", Compute)
    settings = [SECONDS, RATES, parameters(entry).model_dump(), compute.model_dump()]
    files = [*loaded_sources(), *PATCHES.rglob("*.*")]
    return WORK / f"{identity(settings, files)[:16]}.json"


def add_options(parser: ArgumentParser) -> None:
    """The name of one network, for the process that trains it."""
    parser.add_argument("--only", choices=[entry.name for entry in ENTRIES], help="train this one")


def main(options: Namespace) -> None:
    """Train whoever is not done, each in a process of its own; then show all."""
    if options.only:
        prepare(read_block(Path("params.yaml"), "compute", Compute))
        (entry,) = (entry for entry in ENTRIES if entry.name == options.only)
        row = compete(entry)
        with staged(result(entry)) as (file,):
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
        with staged(HERE / "table.md", HERE / "plot.png") as (table, plot):
            write_table(table, rows)
            write_png(plot, draw(rows))
    if failed:
        raise InputError(f"failed, see above: {', '.join(failed)}; call again to try them again")


if __name__ == "__main__":
    own = Path(".work") / ("compare-one.lock" if "--only" in sys.argv else "compare.lock")
    with script(__doc__, lock=own, add_options=add_options) as given:
        main(given)
