"""Choose the super-resolution training on the validation images, at x2.

Trains the network of params.yaml and variants of it, each for about a minute
on two cores, and measures on the 20 validation images; the test images are not
used. Prints a table in Markdown: mean validation PSNR over seeds and, if there
are several seeds, its standard deviation. Needs data/patches/x2.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("src", "benchmarks"))

from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.errors import InputError
from convlab.core.params import read_block
from convlab.core.weights import count_parameters, find_network
from convlab.superres.patches import Shards, read_pairs
from convlab.superres.training import TrainSr, make_training
from convlab.superres.upscaling import NETWORKS
from training import train_once

PARAMS = Path("params.yaml")
SCALE = 2
STEPS = 650
SEEDS = (1, 2, 3)
"""Seeds of the unchanged training; variants are trained with the first one."""


@dataclass(frozen=True)
class Variant:
    """A variant: what it changes in params.yaml."""

    train_sr: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of the network."""
    steps: int = STEPS


VARIANTS = [
    Variant(),
    Variant({"muon_learning_rate": 0.0075}),
    Variant({"muon_learning_rate": 0.03}),
    Variant({"muon_weight_decay": 0.0}),
    Variant({"muon_weight_decay": 0.3}),
    Variant({"adamw_learning_rate": 0.001}),
    Variant({"adamw_learning_rate": 0.004}),
    Variant({"hard_patch_exponent": 0.0}),
    Variant({"hard_patch_exponent": 1.0}),
    Variant({"batch_size": 14}, steps=2 * STEPS),
    Variant({"network": "edsr"}, {"channels": 32, "blocks": 3}),
    Variant(settings={"channels": 48, "layers": 4}),
    Variant(settings={"channels": 24, "layers": 14}),
]


def apply(variant: Variant) -> tuple[TrainSr, Any]:
    """Give the parameters and the network's settings of a variant.

    Raises
    ------
    InputError
        If the variant changes nothing, because params.yaml already has these values.
    """
    default = read_block(PARAMS, "train_sr", TrainSr)
    params = default.model_copy(update=variant.train_sr)
    settings = find_network(NETWORKS, params.network).Settings
    block = read_block(PARAMS, f"networks.{params.network}", settings)
    changed = block.model_copy(update=variant.settings)
    if variant != Variant() and (params, changed) == (default, block):
        raise InputError(f"{variant}: is what params.yaml says: vary another value")
    steps = variant.steps
    length = {"steps": steps, "validate_every": steps, "warmup_steps": steps // 20}
    return params.model_copy(update=length), changed


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    prepare(read_block(PARAMS, "compute", Compute))
    variants = [(variant, *apply(variant)) for variant in VARIANTS]
    folder = Path("data/patches") / f"x{SCALE}"
    patches, validation = Shards(folder).read_all(), read_pairs(folder / "validation")
    print("| changed | parameters | steps | seeds | validation PSNR (dB) |")
    print("|---|---|---|---|---|")
    for variant, params, settings in tqdm(variants):
        psnrs = []
        for seed in SEEDS if variant == Variant() else SEEDS[:1]:
            set_seed(seed)
            network = find_network(NETWORKS, params.network).Network(SCALE, settings)
            seeded = params.model_copy(update={"seed": seed})
            curve = train_once(
                make_training(network, patches, validation, seeded), name=params.network
            )
            psnrs.append(curve[-1]["validation_psnr"])
        deviation = f" ± {stdev(psnrs):.3f}" if len(psnrs) > 1 else ""
        changes = variant.train_sr | variant.settings
        named = ", ".join(f"`{key}` {value}" for key, value in changes.items()) or "nothing"
        tqdm.write(
            f"| {named} | {count_parameters(network):,} | {params.steps} | {len(psnrs)} |"
            f" {fmean(psnrs):.3f}{deviation} |"
        )


if __name__ == "__main__":
    main()
