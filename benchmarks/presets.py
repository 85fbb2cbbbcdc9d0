"""Run presets of the super-resolution track at all scales, and measure them on B100.

A preset is what params.<preset>.yaml changes in params.yaml; `default` changes
nothing. For each preset and seed the pipeline runs up to evaluate_sr in a copy
of the working tree, .work/presets/<preset>-seed<seed>/, which is kept; an
interrupted run is resumed at the next call. Prints a table in Markdown. Uses
CONVLAB_MIRROR if it is set. Do not run other programs at the same time as the
longest presets.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.core.script import script
from tools.commands import dvc
from tools.demo import prepare_copy
from tools.preset import lay_over, read_preset

PRESETS = ("default", "long", "gpu")
SCALES = (2, 3, 4)
HEADER = (
    *("preset", "scale", "seed", "parameters", "PFLOP", "steps"),
    *("validation PSNR (dB)", "B100 PSNR (dB) / SSIM"),
)


def measure(preset: str, scales: list[int], seed: int) -> Iterator[tuple]:
    """Run a preset with one seed; give its rows of the table, one per scale."""
    changes = {} if preset == "default" else read_preset(preset)
    copy = Path(".work/presets") / f"{preset}-seed{seed}"
    prepare_copy(copy, changes)
    lay_over(copy / "params.yaml", {"scales": scales, "train_sr": {"seed": seed}})
    dvc("repro", "evaluate_sr", folder=copy)
    for scale in scales:
        trained, evaluated = (
            json.loads((copy / f"metrics/{stage}_x{scale}.json").read_text(encoding="utf-8"))
            for stage in ("train_sr", "evaluate_sr")
        )
        yield (
            *(preset, f"x{scale}", seed, trained["parameters"], trained["pflop"]),
            *(trained["steps"], trained["validation_psnr"]),
            "{psnr:.3f} / {ssim:.4f}".format(**evaluated["network"]),
        )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which presets, at which scales, with which seeds."""
    parser.add_argument("presets", nargs="+", choices=PRESETS, metavar="PRESET")
    parser.add_argument("--scales", nargs="+", type=int, choices=SCALES, default=list(SCALES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[42], help="seeds of train_sr")


def main(options: argparse.Namespace) -> None:
    """Print the table."""
    runs = product(options.presets, options.seeds)
    rows = [row for preset, seed in runs for row in measure(preset, options.scales, seed)]
    print(tabulate(rows, HEADER, tablefmt="github", intfmt=",", floatfmt=".3f"))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/presets.lock"), add_options=add_options) as given:
        main(given)
