"""Cut and train on many photographs: time, peak memory, and waiting for data.

Makes 1, 10 and 100 % of a number of photographs of 480 x 320 pixels, by
cropping, resizing and recompressing photographs of installed libraries, in
.work/large_data/, which is removed at the end. Runs make_patches and a short
train_sr on each. Memory is that of all processes of a stage together, where
shared pages count once. Prints a table in Markdown; needs data/raw/bsds500, for
its test photographs. Do not run other programs at the same time.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tabulate import tabulate
from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("src", "benchmarks"))

import train_sr
from convlab.core.loop import Training
from convlab.core.outputs import remove
from convlab.core.script import script
from convlab.data.bundled import write_photos
from convlab.superres.patches import Shards
from observe import observe
from tools.preset import lay_over

ROOT = Path(__file__).parents[1]
WORK = Path(".work/large_data")
BSDS = Path("data/raw/bsds500")
SCALE, SIZE, SHARES = 2, (480, 320), (0.01, 0.1, 1)
STRIDE = 4
"""Small, so that a photograph gives 5.5 MB of patches; at a stride of 8, it gives 1.5 MB."""
SHORT = {"steps": 240, "warmup_steps": 2, "validate_every": 240}
BUSY = 0.02
"""GB: with so little memory, a window lasts for some hundred steps."""


def write_photographs(folder: Path, count: int) -> None:
    """Write photographs that are all different, as JPEG of various quality."""
    write_photos(folder.with_name("bundled"))
    originals = [Image.open(path) for path in sorted(folder.with_name("bundled").rglob("*.png"))]
    random = np.random.default_rng(0)
    for number in tqdm(range(count), desc="photographs", disable=None):
        original = originals[number % len(originals)].convert("RGB")
        zoom = random.uniform(0.6, 1) * min(original.width / SIZE[0], original.height / SIZE[1])
        width, height = (zoom * side for side in SIZE)
        left = random.uniform(0, original.width - width)
        top = random.uniform(0, original.height - height)
        part = original.resize(SIZE, box=(left, top, left + width, top + height))
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        part.save(path, quality=int(random.integers(70, 96)))


def train_and_watch(scale: int) -> None:
    """Run train_sr in this folder; print how long it waited for mini-batches, and for all steps."""
    seconds = {}

    def watched(batches: Callable[[int], Iterator]) -> Callable[[int], Iterator]:
        def give(step: int) -> Iterator:
            source, began = batches(step), time.perf_counter()
            batch = next(source)  # with it, the first window
            seconds.update(first=time.perf_counter() - began, waited=0.0)
            first = time.perf_counter()
            while True:
                seconds["total"] = time.perf_counter() - first
                yield batch
                asked = time.perf_counter()
                batch = next(source)
                seconds["waited"] += time.perf_counter() - asked

        return give

    make = train_sr.make_training

    def make_watched(*arguments: object) -> Training:
        training = make(*arguments)
        return dataclasses.replace(training, batches=watched(training.batches))

    train_sr.make_training = make_watched
    train_sr.main(scale)
    print(json.dumps(seconds))


def measure_share(count: int, stride: int) -> list[str]:
    """Give a row of the table."""
    folder = WORK / str(count)
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/bsds500").symlink_to(BSDS.absolute())
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    write_photographs(folder / "mine", count)
    source = {"folder": "mine", "validation_fraction": min(0.05, 20 / count)}
    dense = {"patch_size": 24, "stride": stride}
    lay_over(
        folder / "params.yaml", {"photographs": source, "make_patches": dense, "train_sr": SHORT}
    )
    cut = [sys.executable, str(ROOT / "src/make_patches.py"), "--scale", str(SCALE)]
    cutting, cut_memory, _ = observe(cut, folder)
    shards = Shards(folder / f"data/patches/x{SCALE}")
    watch = [sys.executable, str(Path(__file__).absolute()), "--watch"]
    _, memory, printed = observe(watch, folder)
    plain = json.loads(printed)
    lay_over(folder / "params.yaml", {"compute": {"memory_gb": BUSY}})
    _, _, printed = observe(watch, folder)
    windows = json.loads(printed)
    remove(folder)
    return [
        f"{count:,}",
        f"{shards.count:,}",
        f"{shards.count * shards.bytes_per_patch / 1e9:.2f}",
        f"{cutting:.0f}",
        f"{count / cutting:.0f}",
        f"{shards.count / cutting:,.0f}",
        f"{cut_memory:,.0f}",
        f"{memory:,.0f}",
        f"{plain['first']:.1f}",
        f"{100 * plain['waited'] / plain['total']:.1f}",
        f"{100 * windows['waited'] / windows['total']:.1f}",
    ]


HEADER = [
    *("photographs", "patches", "GB of patches", "make_patches (s)", "photographs per second"),
    *("patches per second", "its memory (MB)", "memory of train_sr (MB)"),
    *("first mini-batch after (s)", "waiting for data (%)", f"with {BUSY} GB (%)"),
]


def add_options(parser: argparse.ArgumentParser) -> None:
    """How many photographs."""
    parser.add_argument("--photographs", type=int, default=4_000, help="largest number of them")
    parser.add_argument("--stride", type=int, default=STRIDE, help="LR pixels between patches")
    parser.add_argument("--watch", action="store_true", help="train in this folder, and measure")


def main(options: argparse.Namespace) -> None:
    """Print the table."""
    remove(WORK)
    rows = [measure_share(round(share * options.photographs), options.stride) for share in SHARES]
    print(tabulate(rows, HEADER, tablefmt="github", disable_numparse=True))
    remove(WORK)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/large_data.lock"), add_options=add_options) as given:
        if given.watch:
            train_and_watch(SCALE)
        else:
            main(given)
