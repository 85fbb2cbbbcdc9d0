"""Choose the training of the digit networks on held-out digits: steps and learning rate.

Trains the network `train_cnn.network` on the first 55,000 MNIST training
digits and measures on the last 5,000; the 10,000 test digits are not used.
With --augmentation affine, trainings are longer, because each step has other
random images. Prints a table in Markdown: mean accuracy over seeds, and its
standard deviation. Needs data/raw/MNIST.
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean, stdev

from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("src", "benchmarks"))

from convlab.core.compute import Compute, prepare, set_seed
from convlab.core.params import read_block
from convlab.core.weights import find_network
from convlab.data.mnist import read_digits
from convlab.digits.prediction import NETWORKS
from convlab.digits.training import Digits, TrainCnn, make_training
from training import train_once

PARAMS = Path("params.yaml")
HELD_OUT = 5_000
VARIANTS = {
    "none": [(1_876, 0.002), (2_814, 0.001), (2_814, 0.002), (2_814, 0.004), (3_752, 0.002)],
    "affine": [(2_814, 0.004), (9_380, 0.002), (9_380, 0.004), (9_380, 0.008), (18_760, 0.004)],
}
"""Steps and learning rate of the trainings, by augmentation."""


def held_out_accuracy(digits: Digits, params: TrainCnn) -> float:
    """Train on all digits except the last ones, and measure on the last ones."""
    module = find_network(NETWORKS, params.network)
    settings = read_block(PARAMS, f"networks.{params.network}", module.Settings)
    set_seed(params.seed)
    network = module.Network(settings=settings)
    training_digits = Digits(digits.images[:-HELD_OUT], digits.labels[:-HELD_OUT])
    held_out = Digits(digits.images[-HELD_OUT:], digits.labels[-HELD_OUT:])
    training = make_training(network, training_digits, held_out, params)
    return train_once(training, name=params.network)[-1]["accuracy"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--augmentation", choices=VARIANTS, default="none")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2])
    options = parser.parse_args()
    prepare(read_block(PARAMS, "compute", Compute))
    default = read_block(PARAMS, "train_cnn", TrainCnn)
    digits = Digits(*read_digits(Path("data/raw/MNIST"), "train"))
    print("| steps | learning rate | held-out accuracy | standard deviation over seeds |")
    print("|---|---|---|---|")
    for steps, rate in tqdm(VARIANTS[options.augmentation]):
        changes = {
            "steps": steps,
            "learning_rate": rate,
            "log_every": steps,
            "snapshots": 2,
            "augmentation": options.augmentation,
        }
        accuracies = [
            held_out_accuracy(digits, default.model_copy(update=changes | {"seed": seed}))
            for seed in options.seeds
        ]
        deviation = f"{stdev(accuracies):.2%}" if len(accuracies) > 1 else ""
        tqdm.write(f"| {steps} | {rate} | {fmean(accuracies):.2%} | {deviation} |")


if __name__ == "__main__":
    main()
