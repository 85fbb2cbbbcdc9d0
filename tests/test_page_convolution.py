"""Stepping through a convolution: what the page computes and shows, against torch."""

import base64
import io
import json
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from torch import nn
from torch.nn import functional

from convlab.digits.networks import cnn, mlp
from convlab.digits.prediction import to_input
from convlab.report.encode import png
from convlab.report.live import describe_network
from section_pages import canvas_colours, open_section

CENT = 0.00501
"""Numbers are shown with two decimals."""


def number(text: str) -> float:
    return float(text.replace("\u2212", "-"))


def numbers(cells: Locator) -> list[float]:
    return [number(text) for text in cells.all_inner_texts()]


def table(page: Page, part: int) -> np.ndarray:
    """Give the numbers of the patch (0), the kernel (1) or the products (2)."""
    rows = page.locator("#convolution-product > div").nth(part).locator("tr")
    texts = rows.evaluate_all("rows => rows.map(({cells}) => [...cells].map((c) => c.innerText))")
    return np.array([[number(text) for text in row] for row in texts])


def total(page: Page) -> dict[str, float]:
    """Give the lines of the sum."""
    lines = page.locator("#convolution-sum")
    return dict(
        zip(lines.locator("th").all_inner_texts(), numbers(lines.locator("td")), strict=True)
    )


def place(page: Page) -> tuple[int, int]:
    """Give row and column of the cell that is shown."""
    row, column = re.findall(r"\d+", page.locator("#convolution-place").inner_text())
    return int(row), int(column)


def go_to(page: Page, row: int, column: int) -> None:
    """Point at a cell of the output."""
    box = page.locator("#convolution-output canvas").bounding_box()
    height, width = page.eval_on_selector(
        "#convolution-output canvas", "canvas => [canvas.height, canvas.width]"
    )
    position = {
        "x": (column + 0.5) * box["width"] / width,
        "y": (row + 0.5) * box["height"] / height,
    }
    page.locator("#convolution-output").hover(position=position)
    assert place(page) == (row, column)


def digit(page: Page, index: int) -> torch.Tensor:
    """Give one of the digits to choose from, as the network's input."""
    examples = json.loads(page.locator("#data").text_content())["digits"]["examples"]
    picture = Image.open(io.BytesIO(base64.b64decode(examples[index].split(",")[1])))
    return to_input(np.array(picture)[None])


def sections(network: nn.Module) -> dict[str, Any]:
    random = np.random.default_rng(0)
    examples = [png(random.integers(0, 256, (28, 28), np.uint8)) for _ in range(10)]
    return {"digits": {"examples": examples}, "live": {"cnn": describe_network(network)}}


@pytest.fixture(scope="module")
def layers():
    torch.manual_seed(0)
    return cnn.Network(cnn.Settings()).eval().features


@pytest.fixture(scope="module")
def page(browser, layers):
    with open_section(browser, "convolution", sections(layers)) as opened:
        yield opened


class Choice(NamedTuple):
    """What is chosen in the page, and the cells of the output that are looked at."""

    digit: int
    layer: int
    """Index in `features`: 0 or 3."""
    channel: int
    options: tuple[int, int, int]
    """Padding, stride, dilation."""
    cells: list[tuple[int, int]]


def choose(page: Page, choice: Choice) -> None:
    page.locator("#convolution-digit input").nth(choice.digit).check()
    page.select_option("#convolution-layer", str(int(choice.layer > 0)))
    page.select_option("#convolution-channel", str(choice.channel))
    for name, value in zip(("padding", "stride", "dilation"), choice.options, strict=True):
        page.select_option(f"#convolution-{name}", f"{value},{value}")


@pytest.mark.parametrize(
    "choice",
    [
        Choice(0, 0, 0, (2, 1, 1), [(0, 0), (13, 9), (27, 27)]),
        Choice(3, 0, 5, (4, 1, 1), [(1, 30), (16, 16)]),
        Choice(7, 0, 15, (0, 3, 2), [(6, 6), (3, 1)]),
        Choice(8, 3, 31, (2, 1, 1), [(0, 13), (7, 6)]),
        Choice(5, 3, 2, (1, 2, 3), [(1, 1)]),
    ],
)
def test_the_numbers_are_those_of_torch(page, layers, choice):
    choose(page, choice)
    padding, stride, dilation = choice.options
    weight, bias = (each.detach() for each in layers[choice.layer].parameters())
    with torch.inference_mode():
        image = layers[: choice.layer](digit(page, choice.digit))
        z = functional.conv2d(image, weight, bias, stride, padding, dilation)[0, choice.channel]
    sizes = (
        f"({image.shape[2]} + 2 \u00b7 {padding} \u2212 {dilation} \u00b7 (5 \u2212 1) \u2212 1)"
    )
    formula = f"\u230a{sizes} / {stride}\u230b + 1 = {len(z)}"
    assert page.locator("#convolution-size").inner_text() == formula
    shown = canvas_colours(page, "#convolution-output canvas")[..., 0]
    assert shown.shape == z.shape
    np.testing.assert_allclose(shown, 255 * z.relu() / (z.relu().max() or 1), atol=0.51)
    inputs = image.shape[1]
    if inputs > 1:
        page.locator("#convolution-inputs input").last.check()
    padded = functional.pad(image[0], (padding,) * 4)
    kernels, span = weight[choice.channel], 4 * dilation + 1
    for row, column in choice.cells:
        go_to(page, row, column)
        top, left = row * stride, column * stride
        patches = padded[:, top : top + span : dilation, left : left + span : dilation]
        products = patches * kernels
        for part, values in enumerate((patches, kernels, products)):
            np.testing.assert_allclose(table(page, part), values[-1], atol=CENT)
        expected = {
            "sum of these products": products[-1].sum(),
            "+ other input channels": products[:-1].sum(),
            "+ bias": bias[choice.channel],
            "= z": z[row, column],
            "ReLU": z[row, column].relu(),
        }
        if inputs == 1:
            del expected["+ other input channels"]
        else:
            sums = numbers(page.locator("#convolution-inputs output"))
            np.testing.assert_allclose(sums, products.sum((1, 2)), atol=CENT)
        assert total(page) == pytest.approx(
            {name: float(value) for name, value in expected.items()}, abs=CENT
        )


def test_the_layer_can_be_as_trained_again(page):
    page.select_option("#convolution-layer", "0")
    for name in ("stride", "padding"):
        page.select_option(f"#convolution-{name}", "3,3")
    assert "/ 3\u230b + 1 = 10" in page.locator("#convolution-size").inner_text()
    page.locator("#convolution-trained").click()
    assert "/ 1\u230b + 1 = 28" in page.locator("#convolution-size").inner_text()
    chosen = [page.locator(f"#convolution-{name}").input_value() for name in ("stride", "padding")]
    assert chosen == ["1,1", "2,2"]


def marked(page: Page, name: str) -> list[tuple[int, int]]:
    """Give row and column of the marked cells of a map."""
    drawn = page.locator(f"#convolution-{name} .mark").get_attribute("d")
    return [(int(y), int(x)) for x, y in re.findall(r"M(-?\d+) (-?\d+)", drawn)]


def test_keys_buttons_and_the_mouse_move_the_kernel(open_report):
    report = open_report(only="convolution")
    go_to(report, 0, 26)
    box = report.locator("#convolution-input").bounding_box()
    middle = box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1
    report.mouse.move(*middle)
    assert place(report) == (14, 14)
    assert marked(report, "input") == [(14 + y, 14 + x) for y in range(5) for x in range(5)]
    assert marked(report, "output") == [(14, 14)]
    assert report.locator("#convolution-spoken").inner_text() == ""  # moving the mouse says nothing
    report.mouse.move(0, 0)
    for key, expected in (
        ("ArrowUp", (13, 14)),
        ("ArrowLeft", (13, 13)),
        ("ArrowDown", (14, 13)),
        ("ArrowRight", (14, 14)),
    ):
        report.locator("#convolution-input").press(key)
        assert place(report) == expected
    expect(report.locator("#convolution-spoken")).to_contain_text("row 14, column 14, sum of these")
    go_to(report, 27, 27)
    report.mouse.move(0, 0)
    for button, expected in (
        ("next", (0, 0)),
        ("next", (0, 1)),
        ("back", (0, 0)),
        ("back", (27, 27)),
    ):
        report.locator(f"#convolution-{button}").press("Enter")
        assert place(report) == expected
    play = report.locator("#convolution-play")
    play.press("Enter")
    expect(play).to_have_text("Pause")
    expect(report.locator("#convolution-place")).to_contain_text("row 0, column 2")
    play.press("Enter")
    stopped = place(report)
    expect(play).to_have_text("Play")
    report.wait_for_timeout(400)
    assert place(report) == stopped


def test_a_finger_moves_the_kernel_and_reduced_motion_skips_the_animation(browser, layers):
    phone = {"viewport": {"width": 320, "height": 700}, "has_touch": True}
    with open_section(
        browser, "convolution", sections(layers), reduced_motion="reduce", **phone
    ) as page:
        page.locator("#convolution-input").scroll_into_view_if_needed()
        box = page.locator("#convolution-input").bounding_box()
        cell = box["width"] / 32
        page.touchscreen.tap(box["x"] + 7.5 * cell, box["y"] + 9.5 * cell)
        assert place(page) == (7, 5)
        expect(page.locator("#convolution-play")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        controls = page.locator("#convolution :is(button, select, label)").locator("visible=true")
        assert min(control.bounding_box()["height"] for control in controls.all()) >= 24


def test_without_javascript_the_text_stays_and_says_so(browser, layers):
    with open_section(browser, "convolution", sections(layers), java_script_enabled=False) as page:
        expect(page.locator("#convolution")).to_be_hidden()
        expect(page.locator(".note")).to_contain_text("Without JavaScript")


class Grouped(nn.Module):
    """Kernels that are not square, groups, batch normalization, an activation below 0."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=(3, 5), padding=(0, 2), stride=(2, 1)),
            nn.BatchNorm2d(4),
            nn.LeakyReLU(0.1),
            nn.Conv2d(4, 6, kernel_size=3, groups=2, bias=False),
            nn.Flatten(),
        )
        self.classify = nn.Linear(6 * 11 * 26, 10)

    def forward(self, digits):
        embedding = self.features(digits)
        return self.classify(embedding), embedding


def test_other_convolutions_have_their_own_shapes(browser):
    network = Grouped().eval()
    nn.init.normal_(network.features[1].running_mean)
    with open_section(browser, "convolution", sections(network)) as page:
        image = digit(page, 0)
        with torch.inference_mode():
            steps = [(image := layer(image))[0] for layer in network.features[:4]]
        assert table(page, 1).shape == (3, 5)
        assert "height: \u230a(28 + 2 \u00b7 0" in page.locator("#convolution-size").inner_text()
        page.select_option("#convolution-channel", "1")
        go_to(page, 3, 20)
        lines = total(page)
        for name, step in zip(("= z", "batch normalization", "leaky ReLU"), steps, strict=False):
            assert lines[name] == pytest.approx(float(step[1, 3, 20]), abs=CENT)
        page.select_option("#convolution-layer", "1")
        page.select_option("#convolution-channel", "4")  # of the second group
        assert [
            each.split()[0] for each in page.locator("#convolution-inputs label").all_inner_texts()
        ] == ["2", "3"]
        go_to(page, 2, 5)
        np.testing.assert_allclose(table(page, 0), steps[2][2, 2:5, 5:8], atol=CENT)
        assert total(page)["= z"] == pytest.approx(float(steps[3][4, 2, 5]), abs=CENT)


def test_what_would_leave_no_output_cannot_be_chosen(browser):
    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(1, 2, kernel_size=28), nn.Linear(2, 10)

        def forward(self, digits):
            embedding = self.first(digits).flatten(start_dim=1)
            return self.last(embedding), embedding

    with open_section(browser, "convolution", sections(Whole().eval())) as page:
        dilation = page.locator("#convolution-dilation option")
        assert [each.is_disabled() for each in dilation.all()] == [False, True, True]
        assert page.locator("#convolution-size").inner_text().endswith("/ 1\u230b + 1 = 1")
        cells = page.locator("#convolution-product > div").nth(1).locator("td")
        assert cells.count() == 28 * 28
        assert set(cells.all_inner_texts()) == {""}  # there is no room for numbers


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (mlp.Network(mlp.Settings()), "because it has no convolution"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Softplus()), "The reason is the layer Softplus (1)."),
    ],
)
def test_a_page_says_why_there_is_no_convolution_to_step_through(browser, network, why):
    with open_section(browser, "convolution", sections(network.eval())) as page:
        expect(page.locator(".note")).to_contain_text("cannot be stepped through")
        expect(page.locator(".note")).to_contain_text(why)
        assert page.locator("#convolution").count() == 0
