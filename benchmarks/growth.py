"""Measure how time and memory grow with the data: photographs, scales, megapixels.

Runs make_patches, train_sr (a few steps) and evaluate_sr on parts of BSDS500,
with one test photograph for every four others, and `convlab upscale` on
pictures of more and more pixels. Time should be proportional to the data,
memory (of all processes together) almost constant. Needs data/raw/bsds500 and
stages/train_sr/x2. Prints tables in Markdown; each cell is a single run,
because only the growth matters.
"""

import sys
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from tabulate import tabulate
from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("src", "benchmarks"))

from convlab.core.script import script
from convlab.data.photos import split_photos
from observe import observe
from tools.preset import lay_over

ROOT = Path(__file__).parents[1]
PHOTOS = Path("data/raw/bsds500")
MODEL = Path("stages/train_sr/x2/model.safetensors")
STAGES = ("make_patches", "train_sr", "evaluate_sr")
SCALES, COUNTS = (2, 3, 4), (50, 100, 200, 400)
MEGAPIXELS = (0.1, 1, 4, 12, 48)
"""Of the upscaled picture."""
SHORT = {"train_sr": {"steps": 40, "warmup_steps": 2, "validate_every": 40}}


def link_photos(folder: Path, count: int) -> None:
    """Give a folder some photographs of each split."""
    training, validation, testing = split_photos(PHOTOS)
    known = sorted(training + validation, key=lambda path: path.stem)
    for split, photos in (
        ("train", known[: count // 2]),
        ("test", known[count // 2 : count]),
        ("val", testing[: count // 4]),
    ):
        target = folder / "data/raw/bsds500" / split
        target.mkdir(parents=True)
        for photo in photos:
            (target / photo.name).symlink_to(photo.absolute())


def measure_stages() -> list[tuple]:
    """Give a row for each stage and scale, a cell for each number of photographs."""
    cells = {}
    for count in tqdm(COUNTS, desc="photographs"):
        with TemporaryDirectory() as name:
            folder = Path(name)
            link_photos(folder, count)
            (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
            lay_over(folder / "params.yaml", SHORT)
            for scale in SCALES:
                for stage in STAGES:
                    command = [sys.executable, ROOT / f"src/{stage}.py", "--scale", str(scale)]
                    cells[stage, scale, count] = write(*observe(command, folder)[:2])
    return [
        (stage, f"x{scale}", *(cells[stage, scale, count] for count in COUNTS))
        for stage in STAGES
        for scale in SCALES
    ]


def measure_upscaling() -> list[tuple]:
    """Give a row for `convlab upscale`, a cell for each number of megapixels."""
    cells = []
    for megapixels in tqdm(MEGAPIXELS, desc="megapixels"):
        with TemporaryDirectory() as name:
            folder = Path(name)
            height = round((megapixels * 1e6 * 3 / 4) ** 0.5 / 2)
            noise = np.random.default_rng(0).integers(
                0, 256, (height, round(height * 4 / 3), 3), np.uint8
            )
            Image.fromarray(noise).save(folder / "in.png")
            program = Path(sys.executable).with_name("convlab")
            options = ["in.png", "--output", "out.png", "--model", MODEL.absolute()]
            cells.append(write(*observe([program, "upscale", *options], folder)[:2]))
    return [("upscale, in colour", "x2", *cells)]


def write(seconds: float, megabytes: float) -> str:
    """Write a cell."""
    return f"{seconds:.1f} s, {megabytes:,.0f} MB"


def main(_: Namespace) -> None:
    """Print both tables."""
    rows = measure_stages()
    header = ("stage", "scale", *(f"{count} photographs" for count in COUNTS))
    print(tabulate(rows, header, tablefmt="github"), "\n")
    header = ("command", "scale", *(f"{each:g} megapixels" for each in MEGAPIXELS))
    print(tabulate(measure_upscaling(), header, tablefmt="github"))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/growth.lock")) as given:
        main(given)
