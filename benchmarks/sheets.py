"""Measure how `convlab digits` reads photographs of sheets of paper: 1 to 12 digits on each.

The sheets are drawn (drawn_sheets.py) with MNIST's test digits. The code was
written and its constants were chosen with seed 1, which serves no other
purpose; what is reported is seed 2. Prints a table in Markdown: sheets read
without any error, rows included; digits that were found (as many as were
written, at most), digits found that were not written; and digits read right, in
reading order: the longest common subsequence of what was written and what was
read. `taken as one digit` is what `convlab digits` did before it looked for
paper. `as MNIST has them` is what the network makes of the same digits when
it is given MNIST's own 28 x 28 pixels. Needs a run of the pipeline.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Callable
from io import BytesIO
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image
from tabulate import tabulate
from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("src", "benchmarks"))

from convlab.core.script import script
from convlab.core.weights import load_network
from convlab.data.mnist import read_digits
from convlab.digits.prediction import NETWORKS, predict
from convlab.digits.preprocessing import to_mnist
from convlab.digits.sheet import find_digits
from convlab.imaging.colour import luminance
from drawn_sheets import draw_sheet

COLUMNS = (
    *("sheets", "read without error", "digits", "found", "not written"),
    *("read right", "taken as one digit", "as MNIST has them"),
)


def common_length(first: list[int], second: list[int]) -> int:
    """Length of the longest common subsequence."""
    lengths = [0] * (len(second) + 1)
    for one in first:
        before = lengths.copy()
        for at, other in enumerate(second):
            lengths[at + 1] = before[at] + 1 if one == other else max(before[at + 1], lengths[at])
    return lengths[-1]


def take_as_one(grey: np.ndarray) -> list[list[np.ndarray]]:
    """Give the digit that is seen if the whole picture is taken for one."""
    return [[to_mnist(grey)]]


def rows_or_none(find: Callable[[np.ndarray], list[list[np.ndarray]]], grey: np.ndarray) -> list:
    """Give the rows of digits that a function finds; none if it sees no digit."""
    try:
        return find(grey)
    except ValueError:
        return []


def add_options(parser: ArgumentParser) -> None:
    """Which sheets, and where the run is."""
    parser.add_argument("--sheets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--run", type=Path, default=Path(), help="folder of a run  [default: here]")
    parser.add_argument("--keep", type=Path, help="folder for the photographs that are misread")


def main(options: Namespace) -> None:
    """Print the table."""
    network = load_network(options.run / "stages/train_cnn/cnn.safetensors", NETWORKS)
    images, labels = read_digits(options.run / "data/raw/MNIST", "test")

    def classify(digits: list[np.ndarray]) -> list[int]:
        return predict(network, np.stack(digits)).logits.argmax(axis=1).tolist() if digits else []

    counts: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(COLUMNS), int))
    for number in tqdm(range(options.sheets), unit="sheet"):
        sheet = draw_sheet(images, options.seed, number)
        grey = luminance(np.asarray(Image.open(BytesIO(sheet.jpeg))))
        rows = [labels[row].tolist() for row in sheet.rows]
        found = [classify(row) for row in rows_or_none(find_digits, grey)]
        written, read = list(chain(*rows)), list(chain(*found))
        clean = classify(list(images[list(chain(*sheet.rows))]))
        row = (
            *(1, found == rows, len(written), min(len(read), len(written))),
            *(max(0, len(read) - len(written)), common_length(written, read)),
            common_length(written, classify(list(chain(*rows_or_none(take_as_one, grey))))),
            np.equal(clean, written).sum(),
        )
        for kind in (sheet.kind, "all"):
            counts[kind] += row
        if options.keep and found != rows:
            options.keep.mkdir(parents=True, exist_ok=True)
            texts = ["-".join("".join(map(str, row)) for row in each) for each in (rows, found)]
            file = options.keep / f"{number:03} {texts[0]} read {texts[1]}.jpg"
            file.write_bytes(sheet.jpeg)
    counts["all"] = counts.pop("all")  # the last row
    rows = [(kind, *row) for kind, row in counts.items()]
    print(tabulate(rows, ("kind of sheet", *COLUMNS), tablefmt="github"))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/sheets.lock"), add_options=add_options) as given:
        main(given)
