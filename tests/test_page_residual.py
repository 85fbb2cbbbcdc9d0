"""Bicubic + residual = output, and pixel shuffle: what the page computes, against torch."""

import json
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
import skimage.data
import torch
from playwright.sync_api import Page, expect
from torch import nn

from convlab.core.weights import find_network
from convlab.report.live import live_section
from convlab.report.residual import PART_SIZE, show_residual
from convlab.report.sources import read_superres_run, read_upscaled
from convlab.superres.comparison import UpscaledPhoto, compare_photo, hardest_window
from convlab.superres.layers import PixelShuffle, Upscaler, bicubic, pixel_shuffle
from convlab.superres.networks import vdsr
from convlab.superres.patches import make_pair
from convlab.superres.upscaling import NETWORKS, upscale_luminance
from section_pages import canvas_colours, open_section

STEP = "#shuffle-step"
PICTURE_GAP = 4
"""Cells between the channels and the picture."""
ENDS = np.array([(179, 74, 0), (247, 247, 247), (0, 114, 178)])
"""Colours of the most negative residual, of 0 and of the most positive one."""


class Shown(NamedTuple):
    """A network, a photograph, and the sections of the page made of them."""

    network: Upscaler
    photo: UpscaledPhoto
    sections: dict[str, Any]

    @property
    def window(self) -> tuple[slice, slice]:
        """The HR pixels that the page shows."""
        size = PART_SIZE * self.network.scale
        rows, columns = hardest_window(self.photo.truth, self.photo.bicubic, size)
        starts = [each.start // self.network.scale * self.network.scale for each in (rows, columns)]
        return tuple(slice(start, start + size) for start in starts)

    def compute(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Give bicubic interpolation and output in the window, from the whole photograph."""
        low = torch.from_numpy(self.photo.low)[None, None].float() / 255
        with torch.inference_mode():
            return tuple(
                image[0, 0][self.window]
                for image in (bicubic(low, self.network.scale), self.network(low))
            )


def make_network(name: str, scale: int, **settings: Any) -> Upscaler:
    module = find_network(NETWORKS, name)
    network = module.Network(scale, module.Settings(**settings)).eval()
    for weights in network.parameters():
        nn.init.normal_(weights, std=0.1)
    return network


def show(network: Upscaler) -> Shown:
    rgb = skimage.data.chelsea()[:192, :240]
    low = make_pair(rgb, network.scale).low
    photo = compare_photo(rgb, upscale_luminance(network, low), network.scale)
    superres = {"scale": network.scale, "residual": show_residual(network, photo)}
    live = live_section(nn.Identity(), nn.Identity(), network)
    return Shown(network, photo, {"superres": superres, "live": live})


@pytest.fixture(scope="module")
def subpixel():
    torch.manual_seed(0)
    return show(make_network("subpixel", 2, channels=4, layers=1))


@pytest.fixture(scope="module")
def page(browser, subpixel):
    with open_section(browser, "residual", subpixel.sections) as opened:
        opened.locator("#shuffle").wait_for()
        yield opened


def picture(page: Page, part: str) -> np.ndarray:
    return canvas_colours(page, f"[data-part={part}] canvas")


def grey_levels(values: torch.Tensor) -> np.ndarray:
    return np.clip(255 * values.numpy(), 0, 255)


def diverging(values: torch.Tensor) -> np.ndarray:
    """Give the colours of a residual: orange, white, blue."""
    share = (values / values.abs().max()).numpy()
    return np.stack([np.interp(share, (-1, 0, 1), channel) for channel in ENDS.T], axis=-1)


def texts(page: Page) -> tuple[str, str]:
    """Give what the page says of the chosen pixel, with plain minus signs."""
    return tuple(
        page.locator(f"#{name}-text").inner_text().replace("\u2212", "-")
        for name in ("residual", "shuffle")
    )


def test_bicubic_and_residual_make_the_output(page, subpixel):
    interpolated, output = subpixel.compute()
    residual = output - interpolated
    np.testing.assert_allclose(
        picture(page, "bicubic")[..., 0], grey_levels(interpolated), atol=0.51
    )
    np.testing.assert_allclose(picture(page, "output")[..., 0], grey_levels(output), atol=0.51)
    np.testing.assert_allclose(picture(page, "residual"), diverging(residual), atol=1)
    shown = picture(page, "truth")[..., 0]
    np.testing.assert_array_equal(shown, subpixel.photo.truth[subpixel.window])
    assert page.locator("#residual-most").inner_text() == f"+{255 * residual.abs().max():.0f}"
    for row, column in ((5, 8), (6, 8)):
        point(page, "[data-part=output]", (row, column), (32, 32))
        found = re.match(
            r"Row (\d+), column (\d+), in grey levels: ([\d.]+) \(bicubic\)"
            r" ([+-]) ([\d.]+) \(residual\) = ([\d.]+) \(output\). Ground truth: ([\d.]+).",
            texts(page)[0],
        )
        *place, left, sign, change, right, truth = found.groups()
        assert [int(each) for each in place] == [row, column]
        assert float(left) == pytest.approx(255 * float(interpolated[row, column]), abs=0.051)
        assert float(sign + change) == pytest.approx(255 * float(residual[row, column]), abs=0.051)
        assert float(right) == pytest.approx(255 * float(output[row, column]), abs=0.051)
        assert float(truth) == shown[row, column]


def point(page: Page, selector: str, cell: tuple[float, float], size: tuple[int, int]) -> None:
    """Move the mouse to a cell of a picture."""
    box = page.locator(selector).locator("canvas").bounding_box()
    x, y = (
        (place + 0.5) / cells * box[side]
        for place, cells, side in zip(cell[::-1], size[::-1], ("width", "height"), strict=True)
    )
    page.locator(selector).locator("canvas").hover(position={"x": x, "y": y})


def shuffled(page: Page, shown: Shown) -> np.ndarray:
    """Give the colours of the middle of each pixel of the shuffled picture."""
    side, scale = PART_SIZE * shown.network.scale, shown.network.scale
    colours = canvas_colours(page, "#shuffle-picture canvas")
    left = side + scale - 1 + PICTURE_GAP
    cell = colours.shape[1] / (left + side)
    middles = ((np.arange(side) + 0.5) * cell).astype(int)
    return colours[np.ix_(middles, middles + int(left * cell))]


@pytest.mark.parametrize("scale", [2, 3])
def test_the_animation_ends_in_the_interleaved_picture(browser, subpixel, scale):
    shown = subpixel if scale == 2 else show(make_network("subpixel", 3, channels=4, layers=1))
    inputs = []
    hook = next(each for each in shown.network.modules() if isinstance(each, PixelShuffle))
    hook.register_forward_hook(lambda _, arguments, __: inputs.append(arguments[0]))
    shown.compute()
    expected = diverging(pixel_shuffle(inputs[0], scale)[0, 0][shown.window])
    with open_section(browser, "residual", shown.sections) as page:
        page.locator("#shuffle-colours").uncheck()
        page.locator(STEP).fill("0")
        empty = shuffled(page, shown)
        assert len(np.unique(empty[2:, 2:].reshape(-1, 3), axis=0)) < 5  # and a mark
        page.locator(STEP).fill(str(PART_SIZE**2 - 20))
        page.locator("#shuffle-play").click()
        expect(page.locator("#shuffle-play")).to_have_text("Pause")
        expect(page.locator("#shuffle-play")).to_have_text("Play")
        expect(page.locator("#shuffle-place")).to_contain_text("256 of 256")
        np.testing.assert_allclose(shuffled(page, shown), expected, atol=1)


def test_the_animation_can_be_stepped(page):
    page.locator(STEP).fill("7")
    page.locator("#shuffle-next").press("Enter")
    expect(page.locator("#shuffle-place")).to_contain_text("8 of 256")
    page.locator("#shuffle-back").press("Enter")
    expect(page.locator("#shuffle-place")).to_contain_text("7 of 256")
    page.locator(STEP).press("ArrowRight")
    assert page.locator(STEP).get_attribute("aria-valuetext").startswith("8 of 256 pixels")


def test_a_pixel_tells_its_channel(page):
    size = (33, 33 + PICTURE_GAP + 32)
    point(page, "#shuffle-picture", (5, 33 + PICTURE_GAP + 8), size)
    expected = "Row 5 = 2 \u00b7 2 + 1, column 8 = 2 \u00b7 4 + 0: it comes from row 2, column 4"
    assert texts(page)[1].startswith(f"{expected} of channel 2 \u00b7 1 + 0 = 2. Its value is")
    value = re.search(r"[+-] ([\d.]+) \(residual\)", texts(page)[0])[0].replace(" ", "")
    assert value.split("(")[0].removeprefix("+") in texts(page)[1]
    point(page, "#shuffle-picture", (17 + 2, 4), size)  # the same pixel, among the channels
    assert texts(page)[1].startswith(expected)
    assert page.locator("#residual-spoken").inner_text() == ""
    page.locator("#shuffle-picture").press("ArrowDown")
    page.locator("#residual-pictures").press("ArrowRight")
    assert texts(page)[1].startswith("Row 6 = 2 \u00b7 3 + 0, column 9 = 2 \u00b7 4 + 1:")
    expect(page.locator("#residual-spoken")).to_contain_text("Row 6, column 9")


def test_a_finger_chooses_a_pixel_and_reduced_motion_skips_the_animation(browser, subpixel):
    phone = {"viewport": {"width": 320, "height": 700}, "has_touch": True}
    with open_section(
        browser, "residual", subpixel.sections, reduced_motion="reduce", **phone
    ) as page:
        page.locator("#shuffle").wait_for()
        expect(page.locator("#shuffle-play")).to_be_hidden()
        page.locator(STEP).fill("7")
        page.locator("#shuffle-next").tap()
        assert page.locator(STEP).input_value() == "8"  # at once
        box = page.locator("#shuffle-picture canvas").bounding_box()
        assert box["height"] > box["width"]  # the picture stands below the channels
        cell = box["width"] / 33
        place = (33 + PICTURE_GAP + 11.5) * cell, 4.5 * cell
        page.locator("#shuffle-picture canvas").tap(position={"x": place[1], "y": place[0]})
        assert texts(page)[1].startswith("Row 11 = 2 \u00b7 5 + 1, column 4 = 2 \u00b7 2 + 0")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_without_javascript_nothing_is_empty(browser, subpixel):
    with open_section(browser, "residual", subpixel.sections, java_script_enabled=False) as page:
        expect(page.locator("#residual")).to_be_hidden()
        expect(page.locator("#shuffle")).to_be_hidden()
        expect(page.locator(".note")).to_contain_text("Without JavaScript")


def headings(page: Page) -> list[str]:
    return page.locator("h3").all_inner_texts()


def test_a_network_without_interpolation_shows_its_output_and_the_shuffle(browser):
    shown = show(make_network("espcn", 2))
    with open_section(browser, "residual", shown.sections) as page:
        page.locator("#shuffle").wait_for()
        assert headings(page) == ["Output and ground truth", "Pixel shuffle, step by step"]
        assert page.locator("[data-part]").count() == 2
        _, output = shown.compute()
        np.testing.assert_allclose(picture(page, "output")[..., 0], grey_levels(output), atol=0.51)
        page.locator("#shuffle-colours").uncheck()
        page.locator(STEP).fill("256")
        point(page, "[data-part=output]", (0, 0), (32, 32))
        colours = shuffled(page, shown)[2:, 2:]  # without the mark
        np.testing.assert_allclose(colours[..., 0], grey_levels(output)[2:, 2:], atol=0.51)


def test_a_network_that_only_adds_shows_the_sum(browser, monkeypatch):
    monkeypatch.setattr(vdsr, "LAYERS", 3)
    monkeypatch.setattr(vdsr, "CHANNELS", 4)
    shown = show(make_network("vdsr", 2))
    with open_section(browser, "residual", shown.sections) as page:
        page.locator("#residual").wait_for()
        assert headings(page) == ["Bicubic + residual = output"]
        expect(page.locator("#shuffle")).to_have_count(0)
        _, output = shown.compute()
        np.testing.assert_allclose(picture(page, "output")[..., 0], grey_levels(output), atol=0.51)


@pytest.mark.parametrize(
    ("name", "scale", "settings"),
    [("fsrcnn", 2, {}), ("srcnn", 2, {}), ("edsr", 4, {"channels": 4, "blocks": 1})],
)
def test_a_network_without_both_gets_a_note(browser, name, scale, settings):
    shown = show(make_network(name, scale, **settings))
    assert shown.sections["superres"]["residual"] is None
    with open_section(browser, "residual", shown.sections) as page:
        expect(page.locator(".note")).to_contain_text("neither adds its result to a bicubic")
        assert headings(page) == ["From features to the output"]


class Unknown(Upscaler):
    """A network with a layer that the page does not know."""

    def __init__(self, scale: int, *, shuffles: bool) -> None:
        super().__init__(scale)
        last = PixelShuffle(scale) if shuffles else nn.ConvTranspose2d(4, 1, scale, scale)
        self.layers = nn.Sequential(nn.Conv2d(1, scale**2, 3, padding=1), nn.Softplus(), last)

    def forward(self, low):
        return self.layers(low)


@pytest.mark.parametrize("shuffles", [True, False])
def test_pictures_of_an_unknown_network_are_those_of_python(browser, shuffles):
    shown = show(Unknown(2, shuffles=shuffles).eval())
    with open_section(browser, "residual", shown.sections) as page:
        expect(page.locator(".note")).to_contain_text("because of the layer Softplus (layers.1)")
        assert page.locator(".before img").count() == (6 + 4 if shuffles else 0)
        assert ("Pixel shuffle, step by step" in headings(page)) == shuffles


def test_the_report_shows_what_python_made_of_the_photograph(open_report, pipeline):
    report = open_report(only="residual")
    report.locator("#residual").scroll_into_view_if_needed()
    data = json.loads(report.locator("#data").text_content())["superres"]
    run = read_superres_run(pipeline / "data/raw/bsds500", pipeline / "stages", data["scale"])
    (best,) = (row["name"] for row in data["photographs"] if row["rank"] == 1)
    (file,) = (photo for photo in run.photos if photo.stem == best)
    shown = Shown(run.network, read_upscaled(run, file), {})
    expected = shown.photo.network[shown.window].astype(int)
    assert np.abs(picture(report, "output")[..., 0] - expected).max() <= 1
    (bicubic_levels, output), residual = (
        [picture(report, part)[..., 0].astype(int) for part in ("bicubic", "output")],
        float(report.locator("#residual-most").inner_text()),
    )
    assert np.abs(output - bicubic_levels).max() == pytest.approx(residual, abs=1)
    assert report.locator("#shuffle").is_visible()
