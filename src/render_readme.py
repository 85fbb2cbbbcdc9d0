"""Renew what the README shows of the results: its tables and its pictures.

The tables come from metrics/ and benchmarks/compare/, the pictures from the
trained networks: the embedding and the shifts of MNIST digits, photographs that
libraries bundle, enlarged, and the demo's report (no BSDS500 image leaves its
data folder). Run `dvc repro` and `make demo` before. Needs Chromium.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import skimage.data
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from convlab.checksums import check_whole
from convlab.commands.upscale import enlarge_picture, side_by_side
from convlab.compute import Compute, prepare
from convlab.data.bundled import write_photos
from convlab.data.photos import list_images, read_rgb
from convlab.errors import InputError
from convlab.figures.canvas import write_png
from convlab.figures.gallery import draw_gallery
from convlab.files import staged
from convlab.imaging.pictures import Picture, write_picture
from convlab.imaging.showcase import spread_by_rank
from convlab.nets.methods import compare
from convlab.nets.superres import load_superres
from convlab.nets.upscaler import Upscaler
from convlab.params import Upscaling, read_block
from convlab.script import script
from repository.metrics import read_metrics

README = Path("README.md")
PICTURES = Path("docs")
PARAMS = Path("params.yaml")
MODEL = Path("stages/train_sr/model.safetensors")
COMPARISON = Path("benchmarks/compare/table.md")
COPIED = {
    "tsne.png": Path("stages/render_tsne/tsne.png"),
    "shift.png": Path("stages/evaluate_cnn/shift.png"),
}
REPORT = Path("demo/stages/render_report/report.html")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
EYES = np.s_[70:190, 120:320]  # of the cat
SHOWN = 3  # photographs: where the network gains most, least, and between


def superresolution_table(evaluated: dict, trained: dict) -> str:
    """Markdown table of every method on B100."""
    lines = ["| B100 | PSNR (dB) | SSIM |", "|---|---|---|"]
    for scale, methods in evaluated.items():
        names = {method: method for method in methods if method != "gain"}
        names["network"] = f"**network** ({trained['parameters']:,} parameters)"
        lines += [
            f"| {scale} {name} | {methods[method]['psnr']:.2f} | {methods[method]['ssim']:.4f} |"
            for method, name in names.items()
        ]
    return "\n".join(lines)


def digits_table(evaluated: dict, trained: dict) -> str:
    """Markdown table of both networks on the MNIST test digits."""
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


def tables() -> str:
    """Both tables, from the workspace's metrics."""
    files = read_metrics()
    missing = {"evaluate_sr", "train_sr", "evaluate_cnn", "train_cnn"} - files.keys()
    if missing:
        raise InputError(f"metrics/ lacks {', '.join(sorted(missing))}: run `dvc repro`")
    return "\n\n".join(
        [
            superresolution_table(files["evaluate_sr"], files["train_sr"]),
            digits_table(files["evaluate_cnn"], files["train_cnn"]),
        ]
    )


def replace_between(text: str, mark: str, content: str) -> str:
    """Put content between the comments <!-- mark --> and <!-- /mark -->."""
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    if start not in text or end not in text:
        raise InputError(
            f"{README}: the lines {start} and {end}, between which tables are written, are"
            f" missing: put them back, or restore the whole file with `git checkout {README}`"
        )
    return text.partition(start)[0] + f"{start}\n{content}\n{end}" + text.partition(end)[2]


def draw_photographs(network: Upscaler, path: Path) -> None:
    """Draw bundled photographs enlarged by the trained network."""
    with TemporaryDirectory() as folder:
        write_photos(Path(folder))
        comparisons = [
            compare(network, photo.stem, read_rgb(photo), size=80)
            for photo in list_images(Path(folder), "val")
        ]
    gains = [row.network_psnr - row.bicubic_psnr for row in comparisons]
    chosen = [comparisons[index] for index in spread_by_rank(gains, SHOWN)]
    write_png(path, draw_gallery(chosen))


def draw_upscaled(network: Upscaler, path: Path) -> None:
    """Enlarge a part of a bundled photograph as `convlab upscale --compare` does."""
    picture = Picture(skimage.data.chelsea()[EYES])
    enlarged = enlarge_picture(network, picture, path.name)
    write_picture(path, side_by_side(picture, enlarged, network.scale))


@contextmanager
def start_browser() -> Iterator[Browser]:
    """Start Chromium, without a window.

    Raises
    ------
    InputError
        If there is none, or it cannot be started.
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


def photograph_report(path: Path) -> None:
    """Take a picture of what the demo's report shows of super-resolution."""
    if not REPORT.exists():
        raise InputError(f"{REPORT}: is missing: run `make demo`")
    with start_browser() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 1060})
        page.goto(REPORT.absolute().as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        heading = page.get_by_role("heading", name="Look closely")
        heading.evaluate("element => element.scrollIntoView()")
        page.screenshot(path=path)


def main() -> None:
    prepare(read_block(PARAMS, "compute", Compute))
    text = replace_between(README.read_text(encoding="utf-8"), "results", tables())
    comparison = COMPARISON.read_text(encoding="utf-8").rstrip()
    text = replace_between(text, "comparison", comparison)
    drawn = [PICTURES / f"{name}.png" for name in ("superresolution", "report", "upscaled")]
    with staged(README, *drawn, *(PICTURES / name for name in COPIED)) as drafts:
        readme, photographs, report, upscaled, *copies = drafts
        network = load_superres(MODEL, read_block(PARAMS, "train_sr", Upscaling).scale)
        readme.write_text(text, encoding="utf-8", newline="\n")
        draw_photographs(network, photographs)
        photograph_report(report)
        draw_upscaled(network, upscaled)
        for source, copy in zip(COPIED.values(), copies, strict=True):
            check_whole(source)
            shutil.copyfile(source, copy)


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/render_readme.lock")):
        main()
