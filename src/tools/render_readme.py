"""Update the results in README.md and docs/: tables and pictures.

The tables are from metrics/ and benchmarks/compare/, the pictures from the
trained networks: embedding and shifts of MNIST digits, a digit drawn on the
report, and upscaled photographs of installed libraries (no image of BSDS500).
Run `dvc repro` before. Needs Chromium.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import skimage.data
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from convlab.cli.upscale import side_by_side, upscale_picture
from convlab.core.compute import Compute, prepare
from convlab.core.errors import InputError
from convlab.core.outputs import atomic_write, require_file
from convlab.core.params import read_block
from convlab.core.script import script
from convlab.data.bundled import write_photos
from convlab.data.photos import list_images, read_rgb
from convlab.figures.canvas import write_png
from convlab.figures.gallery import draw_gallery
from convlab.imaging.pictures import Picture
from convlab.imaging.saving import write_picture
from convlab.superres.comparison import choose_by_rank, compare_part, compare_photo
from convlab.superres.layers import Upscaler
from convlab.superres.patches import Scales, make_pair
from convlab.superres.upscaling import load_upscaler, upscale_luminance
from tools.metrics import read_metrics

README, BENCHMARKS = Path("README.md"), Path("docs/benchmarks.md")
PICTURES = Path("docs")
PARAMS = Path("params.yaml")
COMPARISON = Path("benchmarks/compare/table.md")
COPIED = {
    "tsne.png": Path("stages/render_tsne/tsne.png"),
    "shift.png": Path("stages/evaluate_cnn/shift.png"),
}
REPORT, DEMO_REPORT = (Path(folder) / "stages/render_report/report.html" for folder in ("", "demo"))
STROKE = (
    *((0.30, 0.27), (0.42, 0.17), (0.58, 0.17), (0.67, 0.28), (0.62, 0.40), (0.46, 0.47)),
    *((0.62, 0.52), (0.71, 0.65), (0.64, 0.79), (0.48, 0.85), (0.31, 0.78)),
)
"""The points of a drawn 3: columns and rows, as fractions of the pad."""
FRAME_MILLISECONDS, LAST_MILLISECONDS = 180, 2500
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CAT_PART = np.s_[70:190, 120:320]
"""Rows and columns of the cat's picture around its eyes."""
PHOTOS_SHOWN = 3
"""Number of photographs in the gallery, from the network's greatest gain to its least."""


def superresolution_table(metrics: dict[str, dict]) -> str:
    """Give a Markdown table of every method on B100, at every scale."""
    scales = [scale for scale in (2, 3, 4) if f"evaluate_sr_x{scale}" in metrics]
    if not scales:
        raise KeyError("evaluate_sr_x2")
    lines = ["| B100 | PSNR (dB) | SSIM |", "|---|---|---|"]
    for scale in scales:
        parameters = metrics[f"train_sr_x{scale}"]["parameters"]
        for method, score in metrics[f"evaluate_sr_x{scale}"].items():
            name = f"**network** ({parameters:,} parameters)" if method == "network" else method
            if method != "gain":
                lines.append(f"| x{scale} {name} | {score['psnr']:.2f} | {score['ssim']:.4f} |")
    return "\n".join(lines)


def digits_table(evaluated: dict, trained: dict) -> str:
    """Give a Markdown table of both networks on the MNIST test digits."""
    lines = [
        "| MNIST, 10,000 test digits | parameters | accuracy | shifted by 2 pixels |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name.upper()} | {trained[name]['parameters']:,} | {score['accuracy']:.2%} "
        f"| {score['accuracy_shifted_2px']:.2%} |"
        for name, score in evaluated.items()
    ]
    return "\n".join(lines)


def tables(metrics: dict[str, dict]) -> str:
    """Give both tables, from the result of `read_metrics`.

    Raises
    ------
    InputError
        If a stage has no metrics.
    """
    try:
        digits = digits_table(metrics["evaluate_cnn"], metrics["train_cnn"])
        return f"{superresolution_table(metrics)}\n\n{digits}"
    except KeyError as error:
        raise InputError(f"metrics/ lacks {error}: run `dvc repro`") from error


def replace_between(page: Path, mark: str, content: str) -> str:
    """Give a page's text with other content between <!-- mark --> and <!-- /mark -->.

    Raises
    ------
    InputError
        If these comments are missing.
    """
    text = page.read_text(encoding="utf-8")
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    if start not in text or end not in text:
        raise InputError(
            f"{page}: the lines {start} and {end}, between which tables are written, are"
            f" missing: put them back, or restore the whole file with `git checkout {page}`"
        )
    return text.partition(start)[0] + f"{start}\n{content}\n{end}" + text.partition(end)[2]


def draw_photographs(network: Upscaler, path: Path) -> None:
    """Draw bundled photographs upscaled by the trained network."""
    with TemporaryDirectory() as folder:
        write_photos(Path(folder))
        photos = {photo.stem: read_rgb(photo) for photo in list_images(Path(folder), "val")}
    parts = []
    for name, rgb in photos.items():
        output = upscale_luminance(network, make_pair(rgb, network.scale).low)
        parts.append(compare_part(name, compare_photo(rgb, output, network.scale), size=80))
    gains = [part.network_psnr - part.bicubic_psnr for part in parts]
    write_png(path, draw_gallery([parts[index] for index in choose_by_rank(gains, PHOTOS_SHOWN)]))


def draw_upscaled(network: Upscaler, path: Path) -> None:
    """Upscale a part of a bundled photograph as `convlab upscale --compare` does."""
    picture = Picture(skimage.data.chelsea()[CAT_PART])
    upscaled = upscale_picture(network, picture, path.name)
    write_picture(path, side_by_side(picture, upscaled, network.scale))


@contextmanager
def start_browser() -> Iterator[Browser]:
    """Start Chromium, without a window.

    Raises
    ------
    InputError
        If there is no Chromium, or it cannot be started.
    """
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not path:
        raise InputError("there is no Chromium here: install Debian's package chromium")
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=options)
        except PlaywrightError as error:
            raise InputError(f"{path}: {str(error).splitlines()[0]}") from error
        with browser:
            yield browser


def animate_drawing(path: Path) -> None:
    """Draw a digit on the report, and record both networks' predictions as an animation."""
    require_file(REPORT)
    with start_browser() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 1060})
        page.goto(REPORT.absolute().as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        page.locator("#draw-clear").click()
        pad, desk = page.locator("#pad"), page.locator("#drawing .desk")
        desk.scroll_into_view_if_needed()
        box, frames = pad.bounding_box(), []
        for number, (right, down) in enumerate(STROKE):
            place = box["x"] + right * box["width"], box["y"] + down * box["height"]
            page.mouse.move(*place, steps=4)
            if number == 0:
                page.mouse.down()
            page.wait_for_timeout(FRAME_MILLISECONDS)
            frames.append(Image.open(BytesIO(desk.screenshot())).convert("RGB"))
        page.mouse.up()
    durations = [FRAME_MILLISECONDS] * (len(frames) - 1) + [LAST_MILLISECONDS]
    first, *others = frames
    options = {"duration": durations, "loop": 0, "quality": 70, "method": 6}
    first.save(path, format="WEBP", save_all=True, append_images=others, **options)


def main() -> None:
    prepare(read_block(PARAMS, "compute", Compute))
    comparison = COMPARISON.read_text(encoding="utf-8").rstrip()
    texts = [
        replace_between(README, "results", tables(read_metrics())),
        replace_between(BENCHMARKS, "comparison", comparison),
    ]
    names = ("superresolution.png", "upscaled.png", "draw.webp")
    drawn = [PICTURES / name for name in names]
    pages = README, BENCHMARKS
    with atomic_write(*pages, *drawn, *(PICTURES / name for name in COPIED)) as drafts:
        readme, benchmarks, photographs, upscaled, drawing, *copies = drafts
        scale = read_block(PARAMS, "scales", Scales).root[0]
        network = load_upscaler(Path(f"stages/train_sr/x{scale}/model.safetensors"), scale)
        for page, text in zip((readme, benchmarks), texts, strict=True):
            page.write_text(text, encoding="utf-8", newline="\n")
        draw_photographs(network, photographs)
        animate_drawing(drawing)
        draw_upscaled(network, upscaled)
        for source, copy in zip(COPIED.values(), copies, strict=True):
            require_file(source)
            shutil.copyfile(source, copy)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/render_readme.lock")):
        main()
