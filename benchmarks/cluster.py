"""Predict a training by many processes from measurements with one, two and three processes.

A step takes a + b p for the forward and backward pass over p patches, m for the
optimizers (as if each process computed all of Muon's products), and, for the sum of
the gradients, of g bytes, around a ring of n processes,

    2 (n - 1) (l + g / (n w))

with latency l and bandwidth w. All of these are measured on this machine, and
compared with steps of n = 2 and 3. For a cluster, arithmetic, network and price
are options: assumptions, not measurements. Prints tables in Markdown. Do not
run other programs at the same time.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.core.compute import Compute, prepare, set_seed  # before torch: see convlab/__init__

# isort: split
import numpy as np
import torch
from tabulate import tabulate

from convlab.core.loop import Training, take_step
from convlab.core.params import read_block
from convlab.core.processes import average, count, joined
from convlab.core.script import rank, script
from convlab.core.weights import count_parameters, find_network
from convlab.superres.cost import FLOATING_POINT_OPERATIONS, multiply_adds
from convlab.superres.patches import Pair
from convlab.superres.training import TrainSr, make_training
from convlab.superres.upscaling import NETWORKS

PARAMS, SCALE, SIDE = Path("params.yaml"), 2, 24
BATCHES = (6, 24)
"""Patches per process in the mini-batches from which a and b are computed."""
ROUNDS = 7
SIZES = (2**10, 2**22)
"""Sizes, in bytes, of the sums from which latency and bandwidth are computed."""
PHOTOGRAPHS, PATCHES_EACH = 10**7, 126
"""Of BSDS500's size, 481 x 321 pixels, at the default stride."""


def median_seconds(call: Callable[[], object]) -> float:
    """Time a call; give the median of several."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return median(seconds)


def build(batch_size: int) -> Training:
    """Make a training of the chosen network on patches of noise."""
    params = read_block(PARAMS, "train_sr", TrainSr)
    params = params.model_copy(update={"batch_size": batch_size})
    module = find_network(NETWORKS, params.network)
    settings = read_block(PARAMS, f"networks.{params.network}", module.Settings)
    set_seed(params.seed)
    random = np.random.default_rng(0)
    sides = SIDE, SCALE * SIDE
    noise = [random.integers(0, 256, (256, side, side), np.uint8) for side in sides]
    validation = [Pair(*(each[0] for each in noise))]
    return make_training(
        module.Network(scale=SCALE, settings=settings), Pair(*noise), validation, params
    )


def measure_here() -> dict[str, float]:
    """Measure what this process, of one or several, takes: seconds by name."""
    found = {}
    for batch_size in BATCHES:
        training = build(batch_size * count())
        batches = training.batches(0)
        found[f"step {batch_size}"] = median_seconds(
            lambda training=training, batches=batches: take_step(training, next(batches), 0)
        )
    found["optimizers"] = median_seconds(lambda: [each.step() for each in training.optimizers])
    for size in SIZES:
        tensor = torch.ones(size // 4)
        found[f"sum {size}"] = median_seconds(lambda tensor=tensor: average([tensor], weight=1))
    found["parameters"] = count_parameters(training.network)
    found["multiply_adds"] = multiply_adds(training.network)
    return found


def measure(processes: int) -> dict[str, float]:
    """Let some processes, of one thread each, measure together."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *launcher, __file__, "--measure"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def ring_seconds(processes: int, size: float, latency: float, bandwidth: float) -> float:
    """Time of a sum over processes in a ring."""
    return 2 * (processes - 1) * (latency + size / (processes * bandwidth))


def check(cores: int) -> tuple[list[tuple], dict[str, float]]:
    """Predict the steps of two and three processes from those of one; give them, and the model."""
    alone, two = measure(1), measure(2)
    small, large = (alone[f"step {size}"] for size in BATCHES)
    per_patch = (large - small) / (BATCHES[1] - BATCHES[0])
    sums = [two[f"sum {size}"] for size in SIZES]
    bandwidth = (SIZES[1] - SIZES[0]) / (sums[1] - sums[0])  # 2 (n - 1) / n is 1 for two
    latency = max(0, (sums[0] - SIZES[0] / bandwidth) / 2)
    gradient = 4 * alone["parameters"]
    rows = []
    for processes, found in ((2, two), (3, measure(3))):
        turns = max(1, processes / cores)
        for size, seconds in zip(BATCHES, (small, large), strict=True):
            predicted = turns * seconds + ring_seconds(processes, gradient, latency, bandwidth)
            real = found[f"step {size}"]
            rows.append((processes, size, 1000 * predicted, 1000 * real, real / predicted))
    model = {"per_patch": per_patch, "fixed": small - BATCHES[0] * per_patch, "latency": latency}
    return rows, alone | model | {"bandwidth": bandwidth, "gradient": gradient}


def predict(model: dict[str, float], options: argparse.Namespace) -> list[tuple]:
    """Give a row for each number of GPUs: one pass over ten million photographs."""
    patch = FLOATING_POINT_OPERATIONS * model["multiply_adds"] * (SCALE * SIDE) ** 2
    rows = []
    for processes in (1, 8, 64, 512):
        batch = options.batch * processes
        computing = options.fixed + options.batch * patch / (options.tflops * 1e12)
        wire = options.latency, options.bandwidth * 1e9
        summing = ring_seconds(processes, model["gradient"], *wire)
        seconds = computing + summing
        hours = PHOTOGRAPHS * PATCHES_EACH / batch * seconds / 3600
        read = batch * SIDE**2 * (1 + SCALE**2) / seconds / 1e6
        rows.append(
            (
                *(processes, batch, 1000 * computing, 1000 * summing, computing / seconds),
                *(read, hours, hours * processes * options.price),
            )
        )
    return rows


CHECKED = ("processes", "patches of each", "predicted (ms)", "measured (ms)", "ratio")
PREDICTED = (
    *("GPUs", "mini-batch", "computing (ms)", "summing (ms)", "share of computing"),
    *("MB/s read by each machine", "hours", "cost ($)"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What is assumed of the cluster."""
    for name, value, text in (
        ("tflops", 40.0, "arithmetic of a GPU that the network reaches, 10^12 operations a second"),
        ("fixed", 0.01, "seconds of a step beside it: starting kernels, the optimizers"),
        ("latency", 2e-5, "seconds of a message"),
        ("bandwidth", 25.0, "of the slowest link, in GB/s"),
        ("price", 2.5, "of a GPU for an hour, in $"),
    ):
        parser.add_argument(f"--{name}", type=float, default=value, help=text)
    parser.add_argument("--batch", type=int, default=64, help="patches of each GPU in a step")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="cores of this machine")
    parser.add_argument("--measure", action="store_true", help="measure, as one of the processes")


def main(options: argparse.Namespace) -> None:
    """Print the tables, or measure as one of several processes."""
    compute = read_block(PARAMS, "compute", Compute)
    prepare(compute.model_copy(update={"threads": 1}))
    if options.measure:
        with joined():
            found = measure_here()
        print(json.dumps(found) if rank() == 0 else "")
        return
    checked, model = check(options.cores)
    print(tabulate(checked, CHECKED, tablefmt="github", floatfmt=".3g"), "\n")
    print(json.dumps({name: float(f"{value:.4g}") for name, value in model.items()}), "\n")
    rows = predict(model, options)
    print(tabulate(rows, PREDICTED, tablefmt="github", floatfmt=",.3g", intfmt=","))


if __name__ == "__main__":
    own = Path(".work/cluster_part.lock" if "--measure" in sys.argv else ".work/cluster.lock")
    with script(__doc__, lock=own, add_options=add_options) as given:
        main(given)
