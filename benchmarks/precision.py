"""Compare a training step in float32 and in bfloat16 on this machine, in turn.

The training is that of params.yaml at x2, on patches of noise. Prints which
precision `train_sr.precision: auto` uses here, and whether it is the faster one.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from itertools import count
from pathlib import Path

from tabulate import tabulate

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("src", "benchmarks"))

from convlab.core.compute import Compute, has_bfloat16_units, prepare
from convlab.core.loop import take_step
from convlab.core.params import read_block
from convlab.core.script import script
from neighbours import PARAMS, make_training
from timing import interleave


def stepper(precision: str) -> Callable[[], object]:
    """Give a function that takes a training step in that precision."""
    training = make_training(precision=precision)
    training.network.train()
    batches, steps = training.batches(0), count()
    return lambda: float(take_step(training, next(batches), next(steps)))


def main(options: Namespace) -> None:
    """Print both times, their ratio, and the choice."""
    prepare(read_block(PARAMS, "compute", Compute))
    steppers = {precision: stepper(precision) for precision in ("float32", "bfloat16")}
    seconds = interleave(steppers, rounds=options.rounds)
    print(tabulate([{name: f"{1000 * each:.0f} ms" for name, each in seconds.items()}], "keys"))
    ratio = seconds["bfloat16"] / seconds["float32"]
    chosen = "bfloat16" if has_bfloat16_units() else "float32"
    verdict = "the faster one" if chosen == min(seconds, key=seconds.get) else "THE SLOWER ONE"
    print(f"bfloat16 takes {ratio:.2f} times as long as float32; auto is {chosen}: {verdict}")


def add_options(parser: ArgumentParser) -> None:
    """How often."""
    parser.add_argument("--rounds", type=int, default=15)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/precision.lock"), add_options=add_options) as given:
        main(given)
