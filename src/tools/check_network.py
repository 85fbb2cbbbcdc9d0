"""Check a network before its training, and estimate what the training costs.

Finds NETWORK in superres/networks, in digits/networks, or in both. Checks its
shapes, its gradients, saving and loading, and a few training steps with the
parameters of params.yaml, and measures the time of a step. If something is
wrong, says so in one line and ends with exit status 1.
"""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import Any

import numpy as np
from tabulate import tabulate

from convlab.core.checks import summarize
from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.loop import Training, take_step
from convlab.core.optimizers import Muon
from convlab.core.params import Params, read_block
from convlab.core.script import script
from convlab.core.weights import count_parameters, find_network, network_names
from convlab.digits import checks as digits_checks
from convlab.digits import prediction
from convlab.digits.training import TrainCnn
from convlab.superres import checks, upscaling
from convlab.superres.cost import multiply_adds, training_pflop
from convlab.superres.dependence import measure_dependence
from convlab.superres.layers import Upscaler
from convlab.superres.patches import MakePatches, Scales
from convlab.superres.training import TrainSr
from convlab.superres.upscaling import upscale_luminance

PARAMS = Path("params.yaml")
PACKAGES = {"superres": upscaling.NETWORKS, "digits": prediction.NETWORKS}
VALIDATION_PHOTOS, PHOTO_SIZE = 20, (321, 481)
"""Number of BSDS500's validation photographs, and their height and width in pixels."""


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("network", metavar="NETWORK", help="name of the network's file without .py")
    parser.add_argument("--track", choices=PACKAGES, help="look only in this folder of the two")
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")


def read_settings(track: str, name: str) -> Params:
    settings = find_network(PACKAGES[track], name).Settings
    return read_block(PARAMS, f"networks.{name}", settings)


def examine_upscaler(name: str) -> dict[str, Any]:
    """Check a super-resolution network, and measure its cost."""
    params = read_block(PARAMS, "train_sr", TrainSr).model_copy(update={"network": name})
    patch_size = read_block(PARAMS, "make_patches", MakePatches).patch_size
    scale, settings = read_block(PARAMS, "scales", Scales).root[0], read_settings("superres", name)
    set_seed(params.seed)
    levels = {
        each: checks.check_shapes(name, checks.build_upscaler(name, each, settings))
        for each in (2, 3, 4)
    }
    checks.check_upscaler(name, scale, settings, params, patch_size)
    build = partial(checks.build_upscaler, name, scale, settings)
    training = checks.try_training(build, params, patch_size)
    step = time_step(training)
    validation = VALIDATION_PHOTOS * time_photo(training.network.eval())
    seconds = params.steps * (step + validation / params.validate_every)
    network = build().eval()  # on the CPU, also if the training is on a GPU
    dependence = measure_dependence(network)
    needed, high_side = multiply_adds(network), scale * patch_size
    muon = training.names_trained_by(Muon)
    others = [key for key, _ in network.named_parameters() if key not in muon]
    return {
        "scale": scale,
        "parameters": count_parameters(network),
        "multiply_adds": needed,
        "receptive_field": 2 * dependence.reach + 1 if dependence else None,
        "period": dependence.period if dependence else None,
        "grey": levels[scale],
        "pflop": float(f"{training_pflop(needed, params, high_side):.6g}"),
        "steps": params.steps,
        "seconds_per_step": step,
        "minutes": seconds / 60,
        "muon": muon,
        "adamw": others,
    }


def examine_classifier(name: str) -> dict[str, Any]:
    """Check a digit network, and measure its cost."""
    params = read_block(PARAMS, "train_cnn", TrainCnn).model_copy(update={"network": name})
    settings = read_settings("digits", name)
    digits_checks.check_classifier(name, settings, params)
    build = partial(find_network(PACKAGES["digits"], name).Network, settings=settings)
    training = digits_checks.try_training(build, params)
    step = time_step(training)
    return {
        "parameters": count_parameters(training.network),
        "steps": params.steps,
        "seconds_per_step": step,
        "minutes": params.steps * step / 60,
    }


def time_step(training: Training, *, warm_up: int = 1, steps: int = 2) -> float:
    """Measure the seconds of a training step: the median of `steps` steps, after a warm-up."""
    training.network.train()
    seconds, batches = [], training.batches(0)
    for step in range(warm_up + steps):
        batch, began = next(batches), time.perf_counter()
        float(take_step(training, batch, step))  # float() waits until a GPU has finished
        seconds.append(time.perf_counter() - began)
    return median(seconds[warm_up:])


def time_photo(network: Upscaler) -> float:
    """Measure the seconds that it takes to upscale a photograph."""
    photo = np.zeros([side // network.scale for side in PHOTO_SIZE], np.uint8)
    began = time.perf_counter()
    upscale_luminance(network, photo)
    return time.perf_counter() - began


EXAMINE = {"superres": examine_upscaler, "digits": examine_classifier}


def describe(figures: dict[str, Any]) -> str:
    """Write the figures of a network as a table for people."""
    rows = {}
    if "scale" in figures:
        side = figures["receptive_field"]
        rows["upscaling factor"] = figures["scale"]
        rows["multiply-adds per HR pixel"] = f"{figures['multiply_adds']:,}"
        bound = "" if figures["period"] == 1 else "at most "
        field = f"{bound}{side} x {side} LR pixels" if side else "the whole image (no tiles)"
        rows["receptive field"] = field
        rows["luminance 0.5 becomes, untrained"] = f"{figures['grey']:.3g}"
        rows["arithmetic of the training"] = f"{figures['pflop']:.2g} PFLOP"
        rows["trained by Muon (hidden weights)"] = fill(summarize(figures["muon"]) or "none")
        rows["trained by AdamW (all others)"] = fill(summarize(figures["adamw"]))
    rows = {"parameters": f"{figures['parameters']:,}"} | rows
    rows["time of a step"] = f"{1000 * figures['seconds_per_step']:.3g} ms"
    what = f"{figures['steps']:,} steps" + (" and their validation" if "scale" in figures else "")
    rows[f"time of {what}"] = f"{figures['minutes']:.2g} min"
    return tabulate(rows.items(), tablefmt="plain", disable_numparse=True)


def main(options: Namespace) -> None:
    """Check the network in every track that has it, and print its figures."""
    prepare(read_block(PARAMS, "compute", Compute))
    tracks = [options.track] if options.track else list(PACKAGES)
    found = [track for track in tracks if options.network in network_names(PACKAGES[track])]
    if not found:
        find_network(PACKAGES[tracks[0]], options.network)  # raises an error that lists the names
    with redirect_stdout(sys.stderr):  # the network may print something
        figures = {track: EXAMINE[track](options.network) for track in found}
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for track, values in figures.items():
        print(f"src/{PACKAGES[track].replace('.', '/')}/{options.network}.py: no faults found")
        print(describe(values), end="\n\n")


if __name__ == "__main__":
    lock = Path(".work/check_network.lock")
    with script(__doc__, lock=lock, add_options=add_options) as options:
        main(options)
