"""Measure the standard deviation of the metrics over seeds, and compute tolerances from it.

The pipeline runs once for each seed of train_cnn and train_sr, up to a stage,
in a copy of the working tree, .work/seeds/<seed>/, which is kept; an
interrupted run is resumed. Prints mean and standard deviation of each metric
that changes with the seed, and the tolerance for `regression` in params.yaml:
two runs differ by sqrt(2) standard deviations, and three times that is rounded
up to 1, 2 or 5 times a power of ten. Uses CONVLAB_MIRROR if it is set.
"""

import argparse
import math
import sys
from contextlib import chdir
from pathlib import Path
from statistics import fmean, stdev

from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.core.script import script
from convlab.core.tables import flatten
from tools.commands import dvc
from tools.demo import prepare_copy
from tools.metrics import read_metrics


def measure(seed: int, stage: str) -> dict[str, float]:
    """Run the pipeline with one seed; give its metrics by their paths."""
    copy = Path(".work/seeds") / str(seed)
    prepare_copy(copy, {"train_cnn": {"seed": seed}, "train_sr": {"seed": seed}})
    dvc("repro", stage, folder=copy)
    with chdir(copy):
        return dict(flatten(read_metrics()))


def tolerance(deviation: float) -> float:
    """Give the tolerance that follows from a standard deviation over seeds."""
    least = 3 * math.sqrt(2) * deviation
    power = 10.0 ** math.floor(math.log10(least))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least)


def add_options(parser: argparse.ArgumentParser) -> None:
    """How far, and with which seeds."""
    parser.add_argument("stage", help="last stage, such as evaluate_cnn or evaluate_sr@2")
    parser.add_argument("--seeds", nargs="+", type=int, default=[42, 43, 44, 45, 46])


def main(options: argparse.Namespace) -> None:
    """Print the table."""
    runs = [measure(seed, options.stage) for seed in options.seeds]
    rows = []
    for metric in runs[0]:
        values = [run[metric] for run in runs]
        if deviation := stdev(values):
            cells = f"{fmean(values):.6g}", f"{deviation:.2g}", f"{tolerance(deviation):g}"
            rows.append((metric, *cells))
    header = ("metric", f"mean of {len(runs)}", "standard deviation", "tolerance")
    print(tabulate(rows, header, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/seeds.lock"), add_options=add_options) as given:
        main(given)
