"""Run presets of the super-resolution track at all scales, and measure them on B100.

A preset is what params.<preset>.yaml changes in params.yaml; `default` changes
nothing. For each scale and seed the pipeline runs as far as evaluate_sr, with
the self-ensemble, in a copy of the working tree,
.work/presets/<preset>-x<scale>-seed<seed>/, which stays; what is broken off goes
on where it was when this is called again. Prints a table in Markdown.
CONVLAB_MIRROR is heeded. The longest presets want the machine for themselves.
"""

import argparse
import json
import sys
from itertools import product, starmap
from pathlib import Path

from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.params import read_yaml
from convlab.script import script
from demo import prepare_copy
from repository.commands import dvc

PRESETS = ("default", "long", "gpu")
SCALES = (2, 3, 4)
HEADER = (
    *("preset", "scale", "seed", "parameters", "steps"),
    *("validation PSNR (dB)", "B100 PSNR (dB) / SSIM", "with the self-ensemble"),
)


def measure(preset: str, scale: int, seed: int) -> tuple:
    """Run a preset at one scale with one seed; give its row of the table."""
    changes = {} if preset == "default" else read_yaml(Path(f"params.{preset}.yaml"))
    for block, values in (
        ("make_patches", {"scales": [scale]}),
        ("train_sr", {"scale": scale, "seed": seed}),
        ("evaluate_sr", {"self_ensemble": True}),
    ):
        changes[block] = changes.get(block, {}) | values
    copy = Path(".work/presets") / f"{preset}-x{scale}-seed{seed}"
    prepare_copy(copy, changes)
    dvc("repro", "evaluate_sr", folder=copy)
    trained, evaluated = (
        json.loads((copy / "metrics" / f"{stage}.json").read_text(encoding="utf-8"))
        for stage in ("train_sr", "evaluate_sr")
    )
    measured = (evaluated[f"x{scale}"][method] for method in ("network", "network_ensemble"))
    return (
        *(preset, f"x{scale}", seed, trained["parameters"], trained["steps"]),
        trained["validation_psnr"],
        *(f"{each['psnr']:.3f} / {each['ssim']:.4f}" for each in measured),
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which presets, at which scales, with which seeds."""
    parser.add_argument("presets", nargs="+", choices=PRESETS, metavar="PRESET")
    parser.add_argument("--scales", nargs="+", type=int, choices=SCALES, default=SCALES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[42], help="of train_sr")


def main(options: argparse.Namespace) -> None:
    """Print the table."""
    rows = list(starmap(measure, product(options.presets, options.scales, options.seeds)))
    print(tabulate(rows, HEADER, tablefmt="github", intfmt=",", floatfmt=".3f"))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/presets.lock"), add_options=add_options) as given:
        main(given)
