"""Choose the super-resolution training on the validation images.

Trains the network of params.yaml and variants of it, each for as many steps as
its cost allows in about a minute on two cores, and measures on the 20
validation images; the test images take no part. Prints a table in Markdown:
validation PSNR (mean over seeds and spread, where there are several). Needs
data/patches.
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.compute import Compute, prepare
from convlab.imaging.patches import read_pairs, read_patches
from convlab.nets.weights import count_parameters
from convlab.params import read_block
from convlab.training.superres import Training, TrainSr

STEPS = 650
SEEDS = (1, 2, 3)
VARIANTS: list[tuple[dict[str, Any], int, tuple[int, ...]]] = [
    ({}, STEPS, SEEDS),
    ({"kernel_learning_rate": 0.01}, STEPS, SEEDS[:1]),
    ({"kernel_learning_rate": 0.03}, STEPS, SEEDS[:1]),
    ({"learning_rate": 0.002}, STEPS, SEEDS[:1]),
    ({"learning_rate": 0.008}, STEPS, SEEDS[:1]),
    ({"detail": 0.0}, STEPS, SEEDS[:1]),
    ({"detail": 1.0}, STEPS, SEEDS[:1]),
    ({"batch_size": 14}, 2 * STEPS, SEEDS[:1]),
    ({"model": "edsr", "edsr": {"channels": 32, "blocks": 3}}, STEPS, SEEDS[:1]),
    ({"subpixel": {"channels": 48, "layers": 4}}, STEPS, SEEDS[:1]),
    ({"subpixel": {"channels": 24, "layers": 14}}, STEPS, SEEDS[:1]),
]


def variant(default: TrainSr, changes: dict[str, Any], steps: int, seed: int) -> TrainSr:
    """The default training, changed and shortened."""
    content = default.model_dump()
    for key, value in changes.items():
        content[key] = content[key] | value if isinstance(value, dict) else value
    length = {"steps": steps, "validate_every": steps, "warmup_steps": steps // 20}
    return TrainSr(**content | length | {"seed": seed})


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    prepare(read_block(Path("params.yaml"), "compute", Compute))
    default = read_block(Path("params.yaml"), "train_sr", TrainSr)
    folder = Path("data/patches") / f"x{default.scale}"
    patches, validation = read_patches(folder), read_pairs(folder / "validation")
    print("| changed | parameters | steps | seeds | validation PSNR (dB) |")
    print("|---|---|---|---|---|")
    for changes, steps, seeds in tqdm(VARIANTS):
        psnrs = []
        for seed in seeds:
            training = Training(patches, validation, variant(default, changes, steps, seed))
            for _ in training.run():
                pass
            psnrs.append(training.curve[-1].validation_psnr)
        spread = f" ± {stdev(psnrs):.3f}" if len(seeds) > 1 else ""
        named = ", ".join(f"`{key}` {value}" for key, value in changes.items()) or "nothing"
        tqdm.write(
            f"| {named} | {count_parameters(training.network):,} | {training.step} |"
            f" {len(seeds)} | {fmean(psnrs):.3f}{spread} |"
        )


if __name__ == "__main__":
    main()
