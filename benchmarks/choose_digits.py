"""Choose the digit networks' training on held-out digits: steps and learning rate.

Trains the CNN of the pipeline on the first 55,000 MNIST training digits and
measures on the last 5,000; the 10,000 test digits take no part. Prints a table
in Markdown: mean accuracy over the seeds, and their spread.
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean, stdev

import torch
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.compute import Compute, prepare
from convlab.data.idx import read_digits
from convlab.nets.cnn import Cnn
from convlab.params import read_block
from convlab.training.digits import Digits, TrainCnn, Training

HELD_OUT = 5_000
VARIANTS = [(1_876, 0.002), (2_814, 0.001), (2_814, 0.002), (2_814, 0.004), (3_752, 0.002)]
SEEDS = (1, 2)


def held_out_accuracy(digits: Digits, params: TrainCnn) -> float:
    """Train on all digits but the last, measure on those."""
    torch.manual_seed(params.seed)
    learned = Digits(digits.images[:-HELD_OUT], digits.labels[:-HELD_OUT])
    held_out = Digits(digits.images[-HELD_OUT:], digits.labels[-HELD_OUT:])
    training = Training(Cnn(), learned, held_out, params, embedded=0)
    for _ in training.run():
        pass
    return training.curve[-1].accuracy


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    prepare(read_block(Path("params.yaml"), "compute", Compute))
    default = read_block(Path("params.yaml"), "train_cnn", TrainCnn)
    digits = Digits(*read_digits(Path("data/raw/mnist"), "train"))
    print("| steps | learning rate | held-out accuracy | spread over seeds |")
    print("|---|---|---|---|")
    for steps, rate in tqdm(VARIANTS):
        accuracies = [
            held_out_accuracy(
                digits,
                default.model_copy(update={"steps": steps, "learning_rate": rate, "seed": seed}),
            )
            for seed in SEEDS
        ]
        tqdm.write(f"| {steps} | {rate} | {fmean(accuracies):.2%} | {stdev(accuracies):.2%} |")


if __name__ == "__main__":
    main()
