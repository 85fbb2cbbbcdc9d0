"""Measure how time and memory grow with the data: photographs, scales, megapixels.

Runs make_patches, train_sr (a few steps) and evaluate_sr on parts of BSDS500,
with one test photograph for every four others, and `convlab upscale` on
pictures of more and more pixels. Time should be proportional to the data,
memory almost constant. Needs data/raw/bsds500 and stages/train_sr/x2. Prints
tables in Markdown; each cell is a single run, because only the growth matters.
"""

import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from convlab.core.errors import InputError
from convlab.core.script import script
from convlab.data.photos import split_photos
from tools.preset import lay_over

ROOT = Path(__file__).parents[1]
PHOTOS = Path("data/raw/bsds500")
MODEL = Path("stages/train_sr/x2/model.safetensors")
STAGES = ("make_patches", "train_sr", "evaluate_sr")
SCALES, COUNTS = (2, 3, 4), (50, 100, 200, 400)
MEGAPIXELS = (0.1, 1, 4, 12, 48)
"""Of the upscaled picture."""
OBSERVER = """
import resource, subprocess, sys, time
began = time.monotonic()
status = subprocess.run(sys.argv[1:]).returncode
print(time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""
"""A small process in between, because the peak memory of a child is at least that of its parent."""
SHORT = {"train_sr": {"steps": 40, "warmup_steps": 2, "validate_every": 40}}


def measure(command: Sequence[str | Path], folder: Path) -> tuple[float, float]:
    """Run a program in a folder; give the seconds and the peak memory in MB.

    Raises
    ------
    InputError
        If it fails, with what it says.
    """
    done = subprocess.run(
        [sys.executable, "-c", OBSERVER, *command],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise InputError(f"{command[0]}: {done.stderr}")
    seconds, kilobytes = done.stdout.split()[-2:]
    return float(seconds), int(kilobytes) / 1024


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
                    cells[stage, scale, count] = measure(command, folder)
    return [
        (stage, f"x{scale}", *(write(cells[stage, scale, count]) for count in COUNTS))
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
            cells.append(write(measure([program, "upscale", *options], folder)))
    return [("upscale, in colour", "x2", *cells)]


def write(measured: tuple[float, float]) -> str:
    """Write a cell."""
    seconds, megabytes = measured
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
