"""Compare `convlab upscale` with ONNX Runtime on the exported network, in turn.

Upscales luminance to 0.1, 1 and 12 megapixels: as the command does, tile by
tile, and by ONNX Runtime, as a whole and with the same number of threads. Then
upscales a picture in colour, and prints which part of the time is not spent in
the network. Needs stages/train_sr/x2. Prints tables in Markdown.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from onnxruntime import InferenceSession, SessionOptions
from tabulate import tabulate

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("src", "benchmarks"))

from convlab.cli.onnx import export_superres
from convlab.core.compute import Compute, prepare
from convlab.core.params import read_block
from convlab.core.script import script
from convlab.superres.layers import Upscaler
from convlab.superres.tiling import plan_tiles, upscale_tiled
from convlab.superres.upscaling import load_upscaler
from timing import interleave

PARAMS = Path("params.yaml")
SCALE = 2
MODEL = Path(f"stages/train_sr/x{SCALE}/model.safetensors")
MEGAPIXELS = (0.1, 1.0, 12.0)
"""Of the upscaled picture."""


def picture(megapixels: float, *, channels: int | None = None) -> np.ndarray:
    """Make noise that becomes a picture of 4:3 with so many megapixels."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5 / SCALE)
    shape = (height, round(height * 4 / 3), *([channels] if channels else []))
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def convlab(network: Upscaler, low: np.ndarray) -> None:
    """Upscale as the command does."""
    for _ in upscale_tiled(network, low, SCALE, plan_tiles(network, *low.shape[:2])):
        pass


def onnx_runtime(network: Upscaler, threads: int) -> Callable[[np.ndarray], None]:
    """Give a function that upscales luminance with ONNX Runtime."""
    options = SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    with TemporaryDirectory() as folder:
        file = Path(folder) / "network.onnx"
        export_superres(network, file)
        session = InferenceSession(file.read_bytes(), options)
    name = session.get_inputs()[0].name

    def upscale(low: np.ndarray) -> None:
        batch = low[None, None].astype(np.float32) / 255
        (high,) = session.run(None, {name: batch})
        np.rint(np.clip(255 * high, 0, 255)).astype(np.uint8)

    return upscale


def add_options(parser: ArgumentParser) -> None:
    """How often."""
    parser.add_argument("--rounds", type=int, default=7)


def main(options: Namespace) -> None:
    """Print both tables."""
    compute = read_block(PARAMS, "compute", Compute)
    prepare(compute)
    network = load_upscaler(MODEL, SCALE)
    runtime = onnx_runtime(network, compute.threads)
    rows, shares = [], []
    for megapixels in MEGAPIXELS:
        grey, colour = picture(megapixels), picture(megapixels, channels=3)
        seconds = interleave(
            {
                "convlab": partial(convlab, network, grey),
                "ONNX Runtime": partial(runtime, grey),
                "in colour": partial(convlab, network, colour),
            },
            rounds=options.rounds,
        )
        ratio = seconds["convlab"] / seconds["ONNX Runtime"]
        rows.append((megapixels, seconds["convlab"], seconds["ONNX Runtime"], ratio))
        share = 1 - seconds["convlab"] / seconds["in colour"]
        shares.append((megapixels, seconds["in colour"], f"{share:.0%}"))
    header = ("megapixels of the result", "convlab (s)", "ONNX Runtime (s)", "ratio")
    print(
        tabulate(rows, header, tablefmt="github", floatfmt=("g", ".3f", ".3f", ".2f")), end="\n\n"
    )
    header = ("megapixels of the result", "in colour (s)", "colour and interpolation")
    print(tabulate(shares, header, tablefmt="github", floatfmt=("g", ".3f")))


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/upscaling.lock"), add_options=add_options) as given:
        main(given)
