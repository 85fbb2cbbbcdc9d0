"""Train an entry of the board with three seeds at x2, and measure it on the validation images.

An entry is a small file that says what it changes in params.yaml; a new network
is a file in networks/ beside this one. Prints a row for the board, with the
minutes of a training here. An interrupted training is resumed; finished ones
are kept in .work/speedrun/. Needs data/patches/x2. Only records are measured on
B100, with --b100, after they were chosen; this needs data/raw/bsds500.
"""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from pydantic import Field
from tabulate import tabulate

sys.path.extend(str(Path(__file__).parents[2] / folder) for folder in ("src", "benchmarks"))

from b100 import mean_quality, read_b100
from convlab.core.checkpoint import Checkpoint
from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.errors import InputError
from convlab.core.fingerprint import fingerprint
from convlab.core.loop import train
from convlab.core.outputs import atomic_write
from convlab.core.params import Params, check_block, read_block, read_yaml
from convlab.core.script import script
from convlab.core.weights import count_parameters, find_network, save_network
from convlab.superres.checks import build_upscaler
from convlab.superres.cost import multiply_adds, training_pflop
from convlab.superres.metrics import Quality
from convlab.superres.patches import Pair, Shards, read_pairs
from convlab.superres.training import TrainSr, make_training
from convlab.superres.upscaling import NETWORKS, load_upscaler, upscale_luminance

HERE = Path(__file__).parent
PARAMS = Path("params.yaml")
WORK = Path(".work/speedrun")
SCALE = 2
PATCHES = Path("data/patches") / f"x{SCALE}"


class Entry(Params):
    """What is trained."""

    what: str
    """Description for the board, in a few words."""
    train_sr: dict[str, Any] = Field(default_factory=dict)
    """Changes to the block of params.yaml."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Changes to the block of the network."""


class Run(NamedTuple):
    """Result of a training with one seed."""

    validation_psnr: float
    """Best validation PSNR of the training, in dB."""
    minutes: float
    """Time of the training on this machine, without the time before an interruption."""
    model: Path
    """Its weights."""


def read_entry(path: Path, steps: int | None) -> tuple[Entry, TrainSr, Params]:
    """Give an entry, and the parameters and the network's settings that follow from it."""
    entry = check_block(path, "entry", read_yaml(path), Entry)
    default = read_block(PARAMS, "train_sr", TrainSr).model_dump()
    own = entry.train_sr | ({"steps": steps} if steps else {})
    length = own.get("steps", default["steps"])
    follows = {"warmup_steps": length // 20, "validate_every": max(1, length // 10)}
    params = check_block(path, "train_sr", default | follows | own, TrainSr)
    kind = find_network(NETWORKS, params.network).Settings
    blocks = read_yaml(PARAMS)["networks"]
    block = blocks.get(params.network, {}) | entry.settings
    return entry, params, check_block(path, "settings", block, kind)


def run(params: TrainSr, settings: Params, patches: Pair, validation: list[Pair]) -> Run:
    """Train with one seed, or read what that gave."""
    compute = read_block(PARAMS, "compute", Compute)
    blocks = [SCALE, params.model_dump(), settings.model_dump(), compute.model_dump()]
    key = fingerprint(blocks, PATCHES.rglob("*.*"))[:16]
    done, model = WORK / f"{key}.json", WORK / f"{key}.safetensors"
    if not done.exists():
        set_seed(params.seed)
        network = build_upscaler(params.network, SCALE, settings)
        training = make_training(network, patches, validation, params)
        checkpoint = Checkpoint(WORK / f"{key}.checkpoint.safetensors", key)
        began = time.monotonic()
        train(training, checkpoint, name=f"seed {params.seed}")
        minutes = (time.monotonic() - began) / 60
        network.load_state_dict(training.evaluation.best_weights)
        result = {"validation_psnr": training.evaluation.best_psnr, "minutes": minutes}
        with atomic_write(model, done) as (weights, results):
            arguments = {"scale": SCALE, "settings": settings.model_dump()}
            save_network(weights, network, params.network, arguments)
            results.write_text(json.dumps(result), encoding="utf-8")
        checkpoint.remove()
    return Run(**json.loads(done.read_text(encoding="utf-8")), model=model)


def measure_b100(model: Path, pairs: list[Pair]) -> Quality:
    """Measure weights on the test images."""
    network = load_upscaler(model, SCALE)
    return mean_quality(pairs, [upscale_luminance(network, pair.low) for pair in pairs], SCALE)


def describe(values: list[float]) -> str:
    """Give the mean, and the standard deviation of several."""
    deviation = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{fmean(values):.3f}{deviation}"


def add_options(parser: ArgumentParser) -> None:
    """The entry, and how it is measured."""
    parser.add_argument(
        "entry", type=Path, help="a file such as benchmarks/speedrun/entries/6-equivariant.yaml"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[42, 43, 44])
    parser.add_argument("--steps", type=int, help="train for fewer steps, to try an idea")
    parser.add_argument("--limit", type=float, default=0.035, help="most PFLOP of a training")
    parser.add_argument("--b100", action="store_true", help="also measure B100, for a record")


def main(options: Namespace) -> None:
    """Train, and print the row."""
    import_module(NETWORKS).__path__.append(str(HERE / "networks"))
    prepare(read_block(PARAMS, "compute", Compute))
    entry, params, settings = read_entry(options.entry, options.steps)
    patches, validation = Shards(PATCHES).read_all(), read_pairs(PATCHES / "validation")
    network = build_upscaler(params.network, SCALE, settings)
    pflop = training_pflop(multiply_adds(network.eval()), params, patches.high.shape[-1])
    if pflop > options.limit:
        raise InputError(f"{options.entry}: takes {pflop:.4f} PFLOP: at most {options.limit} count")
    train_one = partial(run, settings=settings, patches=patches, validation=validation)
    runs = [train_one(params.model_copy(update={"seed": seed})) for seed in options.seeds]
    row = {
        "entry": options.entry.stem,
        "what": entry.what,
        "parameters": f"{count_parameters(network):,}",
        "PFLOP": f"{pflop:.4f}",
        "steps": f"{params.steps:,}",
        "minutes": f"{fmean(each.minutes for each in runs):.1f}",
        "validation PSNR (dB)": describe([each.validation_psnr for each in runs]),
    }
    if options.b100:
        pairs = read_b100(SCALE)
        measured = [measure_b100(each.model, pairs) for each in runs]
        psnrs, ssims = zip(*measured, strict=True)
        row["B100 PSNR (dB)"], row["B100 SSIM"] = describe(psnrs), f"{fmean(ssims):.4f}"
    print(tabulate([row], headers="keys", tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/speedrun.lock"), add_options=add_options) as given:
        main(given)
