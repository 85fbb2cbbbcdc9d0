"""Run presets of the super-resolution track at all scales, and measure them on B100.

A preset is what params.<preset>.yaml changes in params.yaml; `default` changes
nothing. For each scale the pipeline runs as far as evaluate_sr in a copy of the
working tree, .work/presets/<preset>-x<scale>/, which stays; what is broken off
goes on where it was when this is called again. Prints a table in Markdown.
CONVLAB_MIRROR is heeded. The longest presets want the machine for themselves.
"""

import argparse
import json
import sys
from pathlib import Path

from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.params import read_yaml
from convlab.script import script
from demo import prepare_copy
from repository.commands import dvc

PRESETS = ("default", "long", "gpu")
SCALES = (2, 3, 4)
HEADER = ("preset", "scale", "parameters", "steps", "validation PSNR", "PSNR (dB)", "SSIM")


def measure(preset: str, scale: int) -> tuple:
    """Run a preset at one scale; give its row of the table."""
    changes = {} if preset == "default" else read_yaml(Path(f"params.{preset}.yaml"))
    for block, values in (("make_patches", {"scales": [scale]}), ("train_sr", {"scale": scale})):
        changes[block] = changes.get(block, {}) | values
    copy = Path(".work/presets") / f"{preset}-x{scale}"
    prepare_copy(copy, changes)
    dvc("repro", "evaluate_sr", folder=copy)
    trained, evaluated = (
        json.loads((copy / "metrics" / f"{stage}.json").read_text(encoding="utf-8"))
        for stage in ("train_sr", "evaluate_sr")
    )
    network = evaluated[f"x{scale}"]["network"]
    numbers = trained["parameters"], trained["steps"], trained["validation_psnr"]
    return preset, f"x{scale}", *numbers, network["psnr"], network["ssim"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which presets, at which scales."""
    parser.add_argument("presets", nargs="+", choices=PRESETS, metavar="PRESET")
    parser.add_argument("--scales", nargs="+", type=int, choices=SCALES, default=SCALES)


def main(options: argparse.Namespace) -> None:
    """Print the table."""
    rows = [measure(preset, scale) for preset in options.presets for scale in options.scales]
    print(tabulate(rows, HEADER, tablefmt="github", intfmt=","))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/presets.lock"), add_options=add_options) as given:
        main(given)
