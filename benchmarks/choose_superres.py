"""Choose the super-resolution training on the validation images.

Trains the network of params.yaml and variants of it on the same number of
training patches, an eighth of what the default training sees, and measures on
the 20 validation images; the test images take no part. Prints a table in
Markdown: validation PSNR (mean over seeds and spread, where there are several).
Needs data/patches.
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean, stdev

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.compute import Compute, prepare
from convlab.imaging.patches import read_pairs, read_patches
from convlab.nets.weights import count_parameters
from convlab.params import read_block
from convlab.training.superres import Training, TrainSr

SHARE = 8
SEEDS = (1, 2, 3)
VARIANTS = [
    ({}, SEEDS),
    ({"learning_rate": 0.002}, SEEDS[:1]),
    ({"largest_gradient": 1000.0}, SEEDS[:1]),
    ({"batch_size": 8, "learning_rate": 0.002}, SEEDS[:1]),
    ({"channels": 24, "blocks": 7}, SEEDS[:1]),
]


def variant(default: TrainSr, changes: dict, seed: int) -> TrainSr:
    """The default training with some changes, on a share of its patches."""
    params = default.model_copy(update=changes | {"seed": seed})
    steps = default.steps * default.batch_size // params.batch_size // SHARE
    return params.model_copy(update={"steps": steps, "validate_every": steps})


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    prepare(read_block(Path("params.yaml"), "compute", Compute))
    default = read_block(Path("params.yaml"), "train_sr", TrainSr)
    folder = Path("data/patches") / f"x{default.scale}"
    patches, validation = read_patches(folder), read_pairs(folder / "validation")
    print("| changed | parameters | steps | seeds | validation PSNR (dB) |")
    print("|---|---|---|---|---|")
    for changes, seeds in tqdm(VARIANTS):
        psnrs = []
        for seed in seeds:
            training = Training(patches, validation, variant(default, changes, seed))
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
