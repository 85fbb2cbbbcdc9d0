"""The page upscales the reader's own photograph, as `convlab upscale` does."""

import base64
import io
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect
from torch import nn

from conftest import NODE
from convlab.cli.upscale import upscale_picture
from convlab.core.weights import find_network, load_network
from convlab.imaging.colour import chrominance, luminance, to_bytes, to_rgb
from convlab.imaging.pictures import Picture, read_picture
from convlab.imaging.resize import crop_to_multiple, downscale, upscale
from convlab.report.live import KERNEL, describe_network
from convlab.report.page import WORKER, bundle
from convlab.superres.dependence import measure_dependence
from convlab.superres.flat import measure_flat_errors
from convlab.superres.metrics import psnr
from convlab.superres.patches import make_pair
from convlab.superres.tiling import plan_tiles, upscale_tiled
from convlab.superres.upscaling import NETWORKS, upscale_luminance

RANDOM = np.random.default_rng(0)


def noise(*shape):
    return RANDOM.integers(0, 256, shape, np.uint8)


@pytest.fixture
def report(open_report):
    return open_report(only="photo", viewport={"width": 1440, "height": 900})


@pytest.fixture(scope="module")
def network(pipeline):
    return load_network(pipeline / "stages/train_sr/x2/model.safetensors", NETWORKS)


@pytest.fixture(scope="module")
def photograph(pipeline):
    """RGB, with all kinds of detail."""
    path = min((pipeline / "data/raw/bsds500/val").iterdir())
    return np.asarray(Image.open(path).convert("RGB"))


def veiled(part: np.ndarray) -> np.ndarray:
    """Make a picture transparent in its middle, and black where it is fully so."""
    height, width = part.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    distances = np.hypot(rows - height / 2, columns - width / 2)
    alpha = np.clip(distances * 12 - 60, 0, 255).astype(np.uint8)
    return np.dstack([part * (alpha > 0)[..., None], alpha])


def saved(path: Path, pixels: np.ndarray, **options) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def downloaded(report: Page) -> Picture:
    with report.expect_download() as waiting:
        report.locator("#own-save").click()
    assert waiting.value.suggested_filename.endswith("-x2.png")
    path = waiting.value.path()
    with Image.open(path) as image:
        assert image.format == "PNG"
    return read_picture(path)


def finished(report: Page):
    status = report.locator("#own-status")
    expect(status).to_contain_text("upscaled to", timeout=20_000)
    expect(report.locator("#own-work")).to_be_hidden()
    return status


def furthest(left: np.ndarray, right: np.ndarray) -> int:
    """Greatest difference in grey levels."""
    assert left.shape == right.shape
    return int(abs(left.astype(int) - right).max())


def assert_upscaled(report: Page, network: nn.Module, file: Path) -> Picture:
    """Upscale a file in the page, and compare the pixels with Python's."""
    report.set_input_files("#own-file", file)
    finished(report)
    expected, given = upscale_picture(network, read_picture(file), ""), downloaded(report)
    assert furthest(given.colour, expected.colour) <= 1
    assert (given.alpha is None) == (expected.alpha is None)
    if expected.alpha is not None:
        assert furthest(given.alpha, expected.alpha) <= 1
    return expected


def test_pixels_are_those_of_python(report, network, photograph, tmp_path):
    grey = luminance(photograph)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the left by 90 degrees
    turned = {"exif": exif, "quality": 95, "subsampling": 0}
    files = [
        saved(tmp_path / "odd.png", photograph[:51, :73]),
        saved(tmp_path / "one.png", photograph[:1, :1]),
        saved(tmp_path / "narrow.png", photograph[:1, :40]),
        saved(tmp_path / "grey.png", grey[:40, :50]),
        saved(tmp_path / "veiled.png", veiled(photograph[:60, :70])),
        saved(tmp_path / "grey and veiled.png", veiled(photograph[:60, :70])[..., [0, 3]]),
        saved(tmp_path / "turned.jpg", photograph[:40, :64], **turned),
    ]
    shapes = {assert_upscaled(report, network, file).colour.shape for file in files}
    assert shapes >= {(102, 146, 3), (2, 2, 3), (2, 80, 3), (80, 100), (120, 140), (128, 80, 3)}


def test_javascript_serves_where_webassembly_is_missing(report, network, photograph, tmp_path):
    report.evaluate(
        "document.getElementById('worker').prepend('globalThis.WebAssembly = undefined;')"
    )
    assert_upscaled(report, network, saved(tmp_path / "odd.png", photograph[:51, :73]))


KEEP_FILES = """() => {
    const make = URL.createObjectURL;
    window.made = [];
    URL.createObjectURL = (blob) => {
        if (blob.type === "image/png" && !(blob instanceof File)) window.made.push(blob);
        return make(blob);
    };
}"""
READ_FILES = """() => Promise.all(window.made.map((blob) => new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(blob);
})))"""


def test_a_photograph_of_several_tiles_is_upscaled_by_bicubic_too(
    report, network, photograph, tmp_path
):
    report.evaluate(KEEP_FILES)
    file = saved(tmp_path / "a.b.png", photograph[:200, :210])
    expected = assert_upscaled(report, network, file).colour
    expect(finished(report)).to_contain_text("a.b.png: 210 x 200 pixels upscaled to 420 x 400 in")
    expect(report.locator("#own-save")).to_have_attribute("download", "a.b-x2.png")
    assert (
        report.locator(".own-link")
        .nth(1)
        .evaluate("link => Boolean(document.querySelector(link.getAttribute('href')))")
    )
    *_, bicubic = upscale_tiled(None, read_picture(file).colour, 2, plan_tiles(None, 200, 210))
    assert furthest(bicubic, expected) > 1
    pictures = [decoded(address) for address in report.evaluate(READ_FILES)]
    assert len(pictures) == 2  # in any order
    for wanted in (bicubic, expected):
        assert min(furthest(picture, wanted) for picture in pictures) <= 1
    assert furthest(shown(report, "#own-picture"), expected) <= 1


def decoded(address: str) -> np.ndarray:
    """Give the RGB pixels of a data: URL."""
    content = base64.b64decode(address.split(",")[1])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def shown(report: Page, selector: str) -> np.ndarray:
    """Give the pixels of a picture in the page."""
    address = report.locator(selector).evaluate(
        """async (image) => {
            await image.decode();
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            canvas.getContext("2d").drawImage(image, 0, 0);
            return canvas.toDataURL();
        }"""
    )
    return decoded(address)


def test_downscaled_first_it_is_measured(report, network, photograph, tmp_path):
    file = saved(tmp_path / "photograph.png", photograph[:81, :99])
    report.locator("#own-downscale").check()
    report.set_input_files("#own-file", file)
    status = finished(report)
    expect(status).to_contain_text("49 x 40 pixels upscaled to 98 x 80 in")
    low, high = make_pair(photograph[:81, :99], 2)
    by_network, by_bicubic = upscale_luminance(network, low), upscale(low, 2, "bicubic")
    found = re.search(r"bicubic ([\d.]+) dB, network ([\d.]+) dB", status.inner_text())
    assert [float(number) for number in found.groups()] == pytest.approx(
        [psnr(high, each, crop_border=2) for each in (by_bicubic, by_network)], abs=0.01
    )
    planes = to_bytes(chrominance(crop_to_multiple(photograph[:81, :99], 2)))
    colours = [upscale(downscale(planes[..., channel], 2), 2, "bicubic") for channel in (0, 1)]
    assert furthest(downloaded(report).colour, to_rgb(by_network, np.dstack(colours))) <= 1
    report.locator("#own-downscale").uncheck()  # the same photograph again
    expect(finished(report)).to_contain_text("99 x 81 pixels upscaled to 198 x 162")
    report.locator("#own-downscale").check()
    flat = np.full((40, 40, 3), 90, np.uint8)
    report.set_input_files("#own-file", saved(tmp_path / "flat.png", flat))
    expect(status).to_contain_text("bicubic no error")


def test_work_can_be_cancelled_and_begun_again(report, network, photograph, tmp_path):
    large = saved(tmp_path / "large.png", np.resize(photograph, (1400, 1400, 3)))
    report.set_input_files("#own-file", large)
    progress = report.locator("#own-progress")
    expect(progress).to_have_attribute("value", re.compile(r"0\.\d"), timeout=20_000)
    expect(report.locator("#own-step")).to_contain_text(re.compile(r"Tile \d+ of 64"))
    canvas = report.locator("#own-canvas")
    assert canvas.evaluate("canvas => canvas.getContext('2d').getImageData(9, 9, 1, 1).data[3]")
    report.locator("#own-cancel").press("Enter")
    expect(report.locator("#own-status")).to_have_text("large.png: cancelled.")
    expect(report.locator("#own-file")).to_be_focused()
    for hidden in ("work", "figure", "results"):
        expect(report.locator(f"#photo-{hidden}")).to_be_hidden()
    assert_upscaled(report, network, saved(tmp_path / "small.png", photograph[:30, :30]))


def test_what_cannot_be_upscaled_is_refused_in_one_line(report, photograph, tmp_path):
    (tmp_path / "notes.txt").write_text("No picture")
    (tmp_path / "broken.png").write_bytes(
        saved(tmp_path / "whole.png", photograph[:40, :40]).read_bytes()[:900]
    )
    small = saved(tmp_path / "small.png", photograph[:5, :40])
    report.locator("#own-downscale").check()
    for file, problem in (
        (tmp_path / "notes.txt", "not a picture that this browser can read"),
        (tmp_path / "broken.png", "not a picture that this browser can read"),
        (small, "too small to be downscaled first"),
    ):
        report.set_input_files("#own-file", file)
        expect(report.locator("#own-status")).to_have_text(f"{file.name}: {problem}.")
        for hidden in ("work", "figure", "results"):
            expect(report.locator(f"#own-{hidden}")).to_be_hidden()


def test_a_photograph_that_is_too_large_can_be_made_smaller(report, photograph, tmp_path):
    report.evaluate(
        """() => {
            const worker = document.getElementById("worker");
            worker.textContent = worker.textContent.replace("PIXELS = 2 ** 21", "PIXELS = 1000");
        }"""
    )
    report.set_input_files("#own-file", saved(tmp_path / "large.png", photograph[:40, :80]))
    status = report.locator("#own-status")
    expect(status).to_have_text("large.png: 80 x 40 pixels, more than this page upscales.")
    report.get_by_role("button", name="Make it smaller first: 44 x 22 pixels").click()
    expect(finished(report)).to_contain_text("44 x 22 pixels upscaled to 88 x 44")
    expect(report.locator("#own-offer")).to_be_hidden()
    smaller = np.asarray(Image.fromarray(photograph[:40, :80]).resize((88, 44)))
    assert abs(downloaded(report).colour.astype(int) - smaller).mean() < 10
    report.locator("#own-downscale").check()  # 40 x 20 pixels are not too many
    expect(finished(report)).to_contain_text("40 x 20 pixels upscaled to 80 x 40")


TRANSFER = """([content, name, target, events]) => {
    const data = new DataTransfer();
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    data.items.add(new File([bytes], name, { type: "image/png" }));
    for (const type of events) {
        const options = { bubbles: true, dataTransfer: data, clipboardData: data };
        const event = new (type === "paste" ? ClipboardEvent : DragEvent)(type, options);
        document.querySelector(target).dispatchEvent(event);
    }
    return document.getElementById("own-drop").className;
}"""


def test_photographs_can_be_dropped_and_pasted(report, photograph, tmp_path):
    def transfer(side, *events, target="body"):
        file = saved(tmp_path / "x.png", photograph[:side, :side])
        content = base64.b64encode(file.read_bytes()).decode()
        return report.evaluate(TRANSFER, [content, f"{side}.png", target, events])

    status = report.locator("#own-status")
    assert "over" in transfer(20, "dragover")
    assert "over" not in transfer(20, "drop")
    expect(status).to_contain_text("20.png: 20 x 20 pixels upscaled to 40 x 40")
    transfer(30, "paste")
    expect(status).to_contain_text("30.png: 30 x 30 pixels upscaled to 60 x 60")
    transfer(40, "dragstart", "dragover", "drop", "dragend")  # a picture of the page, by mistake
    transfer(50, "dragstart", "dragover", "drop", "dragend", target="#own-drop")
    expect(status).to_contain_text("50.png: 50 x 50 pixels upscaled to 100 x 100")


def test_the_keyboard_chooses_a_file(report, photograph, tmp_path):
    report.on("filechooser", lambda _: None)  # else the first key opens one outside of the tests
    report.get_by_label("Choose a photograph").focus()
    file = saved(tmp_path / "same.png", photograph[:20, :20])
    for key in ("Enter", "Space"):
        with report.expect_file_chooser() as waiting:
            report.keyboard.press(key)
        waiting.value.set_files(file)
        expect(finished(report)).to_contain_text("same.png: 20 x 20")
        report.locator("#own-status").evaluate("status => { status.textContent = ''; }")
    report.keyboard.press("Tab")
    expect(report.locator("#own-downscale")).to_be_focused()


def test_without_javascript_there_are_no_controls(open_report):
    page = open_report(java_script_enabled=False)
    expect(page.locator("#own-tool")).to_be_hidden()
    expect(page.locator("#superres noscript p").first).to_be_visible()


def run_javascript(modules, code, *arguments):
    """Run modules of the page outside of a browser; `code` sees `given` and sets `answer`."""
    read = "const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
    exported = "".join(f"Object.assign(globalThis, ${module});" for module in modules)
    program = f"{read} let answer; {code}; console.log(JSON.stringify(answer))"
    script = f"{bundle(modules)}{exported}{program}"
    done = subprocess.run(
        [NODE, "-e", script],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def as_picture(pixels: np.ndarray) -> dict:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    shape = {"height": pixels.shape[0], "width": pixels.shape[1], "channels": channels}
    return {**shape, "values": pixels.ravel().tolist()}


TYPED = (
    "for (const each of given) if (each.values) each.values = Uint8ClampedArray.from(each.values)"
)


def test_colours_are_those_of_python():
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    colours = np.hstack([greys, noise(1, 20_000, 3)])
    code = f"{TYPED}; answer = [toYCbCr, toRgb].map((each) => [...each(given[0]).values])"
    converted, back = (
        np.reshape(each, colours.shape)
        for each in run_javascript(("colour",), code, as_picture(colours))
    )
    expected = np.dstack([luminance(colours), to_bytes(chrominance(colours))])
    assert furthest(converted, expected) <= 1
    assert (converted != expected).mean() < 1e-3  # only where the exact value ends with .5
    expected = to_rgb(colours[..., 0], colours[..., 1:])
    assert furthest(back, expected) <= 1
    assert (back != expected).mean() < 1e-3


@pytest.mark.parametrize("period", [1, 2, 48])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (192, 193), (400, 1000)])
def test_tiles_cover_each_pixel_once_and_have_margins(height, width, period):
    dependence = {"reach": 5, "period": period, "scale": 2}
    tiles = run_javascript(
        ("kernel", "tiles"), "answer = planTiles(...given)", height, width, dependence
    )
    covered = np.zeros((2 * height, 2 * width), int)
    for tile in tiles:
        covered[slices(tile["target"])] += 1
        for axis, length in enumerate((height, width)):
            (first, size), (before, inside), (start, _) = (
                tile[name][axis::2] for name in ("padded", "inside", "target")
            )
            assert first % period == 0
            assert start == 2 * first + before
            assert before >= 2 * 5 or first == 0
            assert 2 * size - before - inside >= 2 * 5 or first + size == length
            assert size <= 192 + period + 2 * max(5, period)
    assert (covered == 1).all()


def slices(rectangle):
    top, left, height, width = rectangle
    return slice(top, top + height), slice(left, left + width)


@pytest.mark.parametrize(
    ("name", "scale", "settings"),
    [
        ("subpixel", 3, {"channels": 6, "layers": 2}),
        ("edsr", 4, {"channels": 4, "blocks": 1}),
        ("fsrcnn", 3, {}),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_the_worker_upscales_by_other_networks_and_scales(name, scale, settings, whole):
    module = find_network(NETWORKS, name)
    network = module.Network(scale, module.Settings(**settings)).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(0.02 * torch.randn_like(weights))
    rgb = np.asarray(Image.fromarray(noise(7, 9, 3)).resize((45, 35)))
    reach, period = (None, None) if whole else measure_dependence(network)
    kernel = base64.b64encode(KERNEL.read_bytes()).decode()
    code = (
        f"{TYPED};"
        + """
        const [picture, description, kernel, dependence] = given;
        TASKS.open({ ...dependence, description, kernel: decode(kernel) });
        const tiles = planTiles(picture.height, picture.width, dependence, 16);
        answer = tiles.map(({ padded, inside, target }) => {
            const { network } = TASKS.upscale({ part: cut(picture, ...padded), inside });
            return [target, [...network.picture.values]];
        });
    """
    )
    dependence = {"reach": reach, "period": period, "scale": scale}
    dependence["flat"] = measure_flat_errors(network).flatten(1).tolist()
    description = describe_network(network)
    tiles = run_javascript(WORKER, code, as_picture(rgb), description, kernel, dependence)
    assert len(tiles) == (1 if whole else 9)
    everything = slice(0, 35), slice(0, 45)
    planned = [(everything, everything)] if whole else plan_tiles(network, 35, 45)
    *_, expected = upscale_tiled(network, rgb, scale, planned)
    for target, values in tiles:
        part = expected[slices(target)]
        assert furthest(np.reshape(values, part.shape), part) <= 1
