"""The page reads what is drawn on it as Python does: mouse, touch and keys, shifts, neighbours."""

import base64
import io
import json
import subprocess
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

import render_report
from conftest import NODE, REPORT
from convlab.core.weights import load_network
from convlab.data.mnist import read_digits
from convlab.digits.evaluation import shift
from convlab.digits.inspection import feature_maps
from convlab.digits.prediction import NETWORKS, predict
from convlab.digits.preprocessing import _centre
from convlab.report.page import bundle, render_page

THREE = [
    [(0.3, 0.24), (0.48, 0.16), (0.66, 0.28), (0.48, 0.46)],
    [(0.48, 0.46), (0.7, 0.62), (0.5, 0.84), (0.28, 0.74)],
]
"""Strokes of a 3: places on the pad, as shares of its width and height."""
SAYS_UNKNOWN = {"unknown": "the layer Softplus (features.1)"}


@pytest.fixture(scope="module")
def networks(pipeline):
    return {
        name: load_network(pipeline / f"stages/train_cnn/{name}.safetensors", NETWORKS)
        for name in ("cnn", "mlp")
    }


@pytest.fixture(scope="module")
def opened(browser, pipeline) -> Iterator[Page]:
    """Open the page once for many tests, with a finger too; it must log nothing."""
    logged = []
    with browser.new_context(viewport={"width": 1000, "height": 900}, has_touch=True) as context:
        page = context.new_page()
        page.on("console", lambda message: logged.append(message.text))
        page.on("pageerror", lambda error: logged.append(str(error)))
        page.goto((pipeline / REPORT).as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        height = page.locator("#draw").bounding_box()["height"]
        expect(page.locator("#near-count")).to_have_text("500", timeout=30_000)
        assert page.locator("#draw").bounding_box()["height"] == height
        yield page
    assert logged == []


@pytest.fixture
def pad(opened) -> Page:
    """Give the page with a test digit on its pad, unshifted."""
    opened.locator("#draw-clear").click()
    opened.get_by_role("button", name="A 3 of the test set").click()
    opened.locator("#pad").scroll_into_view_if_needed()
    return opened


def places(page: Page, stroke) -> list[tuple[float, float]]:
    box = page.locator("#pad").bounding_box()
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]


def draw_by_mouse(page: Page, strokes) -> None:
    for stroke in strokes:
        first, *others = places(page, stroke)
        page.mouse.move(*first)
        page.mouse.down()
        for place in others:
            page.mouse.move(*place, steps=4)
        page.mouse.up()


def draw_by_touch(page: Page, strokes) -> None:
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        touches = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    for stroke in strokes:
        first, *others = places(page, stroke)
        touch("touchStart", first)
        for place in others:
            touch("touchMove", place)
        touch("touchEnd")


def draw_by_keys(page: Page, _) -> None:
    page.locator("#pad").focus()
    page.keyboard.press("Space")
    for key in ("Right", "Down", "Left", "Right", "Down", "Left"):
        for _ in range(4):
            page.keyboard.press(f"Arrow{key}")
    page.keyboard.down("ArrowLeft")
    page.keyboard.press("ArrowUp")  # both together: a diagonal
    page.keyboard.up("ArrowLeft")
    page.keyboard.press("Space")


def picture(page: Page, canvas: str) -> np.ndarray:
    """Give what a canvas shows, as RGBA."""
    uri = page.eval_on_selector(canvas, "canvas => canvas.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGBA"))


def levels(page: Page, canvas: str = "#seen") -> np.ndarray:
    """Give the grey levels of a canvas."""
    return picture(page, canvas)[..., 0].copy()


def shown(page: Page, name: str) -> list[str]:
    """Give the probabilities of a network, as texts."""
    return page.locator(f".probabilities td[data-network={name}]").all_inner_texts()


def assert_predictions(page: Page, networks) -> None:
    """See that the page shows what Python computes from the digit that the page shows."""
    digit = levels(page)[None]
    for name, network in networks.items():
        logits = predict(network, digit).logits[0]
        expected = 100 * torch.from_numpy(logits).double().softmax(0).numpy()
        found = [float(text.removesuffix("%")) for text in shown(page, name)]
        np.testing.assert_allclose(found, expected, atol=0.0501)
        assert page.inner_text(f"#{name}-prediction") == str(logits.argmax())


def run_in_node(folder: Path, code: str, argument) -> list:
    """Run code after the modules that bring drawings to MNIST's form; it prints JSON."""
    program = folder / "program.mjs"
    exported = "Object.assign(globalThis, $kernel, $resize, $mnist);"
    script = f"{bundle(('kernel', 'resize', 'mnist'))}{exported}{code}"
    program.write_text(script, encoding="utf-8")
    (folder / "argument.json").write_text(json.dumps(argument))
    command = [NODE, program, folder / "argument.json"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


READ = """
import { readFileSync } from "node:fs";
const drawings = JSON.parse(readFileSync(process.argv[2])).map(({ width, height, base64 }) =>
  tensor(height, width, 1, Float32Array.from(Buffer.from(base64, "base64"))));
"""


def as_argument(drawings) -> list[dict]:
    return [
        {"width": width, "height": height, "base64": base64.b64encode(drawing.tobytes()).decode()}
        for drawing in drawings
        for height, width in [drawing.shape]
    ]


def random_drawings() -> list[np.ndarray]:
    """Strokes at random: in the middle and at the border, wide, high, as lines and as dots."""
    random = np.random.default_rng(0)
    drawings = []
    for width, height in ((280, 280), (448, 90), (60, 300), (31, 47)) * 5:
        image = Image.new("L", (2 * width, 2 * height))
        corners = random.uniform(0, (2 * width, 2 * height), (random.integers(1, 6), 2))
        radius = random.uniform(1, 0.2 * min(width, height))
        pen = ImageDraw.Draw(image)
        pen.line([tuple(corner) for corner in corners], fill=255, width=int(2 * radius) + 1)
        x, y = corners[0]
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        drawings.append(np.asarray(image.resize((width, height), Image.Resampling.BOX)))
    return drawings


def test_a_drawing_becomes_a_digit_as_in_python(tmp_path):
    drawings = random_drawings()
    code = READ + "console.log(JSON.stringify(drawings.map((each) => [...toMnist(each).values])));"
    found = run_in_node(tmp_path, code, as_argument(drawings))
    for drawing, values in zip(drawings, found, strict=True):
        ink = drawing > 127
        rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
        box = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        expected = _centre(box / 255).astype(int)
        assert expected.max() > 20
        assert np.abs(np.reshape(values, (28, 28)) - expected).max() <= 1


def test_a_pad_without_ink_gives_no_digit(tmp_path):
    code = READ + "console.log(JSON.stringify(drawings.map((each) => toMnist(each) ?? null)));"
    blank = [np.zeros((30, 40), np.uint8), np.full((3, 3), 127, np.uint8)]
    assert run_in_node(tmp_path, code, as_argument(blank)) == [None, None]


def test_pictures_shift_by_pixels_as_in_python(tmp_path):
    digit = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    shifts = [(0, 0), (4, -3), (-2, 1), (28, 0), (0, -40)]
    code = READ + (
        f"const shifted = {json.dumps(shifts)}.map((by) => shiftByPixels(drawings[0], ...by));"
        "console.log(JSON.stringify(shifted.map(({ values }) => [...values])));"
    )
    found = run_in_node(tmp_path, code, as_argument([digit]))
    for (down, right), values in zip(shifts, found, strict=True):
        expected = shift(digit[None], down, right) if max(abs(down), abs(right)) < 28 else 0 * digit
        np.testing.assert_array_equal(np.reshape(values, (28, 28)), np.squeeze(expected))


def test_the_page_begins_with_a_test_digit(opened, networks):  # before the others change it
    assert levels(opened).max() == 255
    assert_predictions(opened, networks)
    assert opened.inner_text("#draw-status") == ""
    before = levels(opened)
    opened.locator("#draw-undo").click()  # there is nothing to undo
    np.testing.assert_array_equal(levels(opened), before)


@pytest.mark.parametrize("draw", [draw_by_mouse, draw_by_touch, draw_by_keys])
def test_both_networks_predict_what_is_drawn(pad, networks, draw):
    before = {name: shown(pad, name) for name in networks}
    digit, position = levels(pad), pad.evaluate("scrollY")
    draw(pad, THREE)
    assert pad.locator(".test-digits [aria-pressed=true]").count() == 0
    assert not np.array_equal(levels(pad), digit)
    assert pad.evaluate("scrollY") == position  # neither a finger nor a key moves the page
    for name in networks:
        assert shown(pad, name) != before[name]
    assert_predictions(pad, networks)


def test_the_drawing_is_what_is_read(pad):
    pad.locator("#draw-clear").click()
    draw_by_mouse(pad, THREE)
    drawing = levels(pad, "#pad")
    assert drawing[int(0.16 * 448), int(0.48 * 448)] == 255  # on the first stroke
    rows, columns = (np.flatnonzero((drawing > 127).any(axis=axis)) for axis in (1, 0))
    box = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert np.abs(levels(pad).astype(int) - _centre(box / 255)).max() <= 1
    stroke = levels(pad)[14] > 127  # of the 3, the middle
    assert 1 <= stroke.sum() <= 12


def test_the_bars_follow_a_stroke_but_are_spoken_at_its_end_only(pad, networks):
    first, *others = places(pad, THREE[0])
    before = shown(pad, "cnn"), shown(pad, "mlp")
    said = pad.inner_text("#draw-status")
    pad.mouse.move(*first)
    pad.mouse.down()
    for place in others:
        pad.mouse.move(*place, steps=4)
    expect(pad.locator(".probabilities td[data-network=cnn]").nth(3)).not_to_have_text(before[0][3])
    assert shown(pad, "mlp") != before[1]
    assert pad.inner_text("#draw-status") == said
    pad.evaluate("document.getElementById('draw-status').textContent = ''")
    pad.mouse.up()
    predictions = [pad.inner_text(f"#{name}-prediction") for name in networks]
    said = "CNN predicts {}, MLP predicts {}".format(*predictions)
    expect(pad.locator("#draw-status")).to_have_text(said)


def test_undo_takes_stroke_after_stroke_and_clear_all(pad, networks):
    example = levels(pad)
    seen = []
    for stroke in THREE:
        draw_by_mouse(pad, [stroke])
        seen.append(levels(pad))
    pad.locator("#draw-undo").click()
    np.testing.assert_array_equal(levels(pad), seen[0])
    assert_predictions(pad, networks)
    pad.locator("#draw-clear").click()
    assert levels(pad).max() == levels(pad, "#pad").max() == 0
    assert pad.inner_text("#cnn-prediction") == pad.inner_text("#mlp-prediction") == "?"
    assert set(shown(pad, "cnn")) == {""}
    expect(pad.locator("#draw-status")).to_have_text("The pad is empty")
    pad.locator("#draw-undo").click()
    np.testing.assert_array_equal(levels(pad), seen[0])
    pad.locator("#pad").press("Backspace")
    np.testing.assert_array_equal(levels(pad), example)
    draw_by_mouse(pad, THREE[:1])
    pad.locator("#pad").press("Delete")
    assert levels(pad).max() == 0


def test_a_test_digit_goes_to_the_networks_as_it_is(pad, pipeline, networks):
    images, labels = read_digits(pipeline / "data/raw/MNIST", "test")
    for digit in (7, 0):
        button = pad.get_by_role("button", name=f"A {digit} of the test set")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        np.testing.assert_array_equal(levels(pad), images[np.flatnonzero(labels == digit)[0]])
        assert_predictions(pad, networks)
    assert pad.locator(".test-digits [aria-pressed=true]").count() == 1
    draw_by_mouse(pad, THREE)
    assert pad.locator(".test-digits [aria-pressed=true]").count() == 0


def test_sliders_buttons_and_the_hand_shift_the_digit(pad, networks):
    draw_by_mouse(pad, THREE)
    digit = levels(pad)[None]

    def assert_shifted(down, right):
        np.testing.assert_array_equal(levels(pad), shift(digit, down, right)[0])
        assert_predictions(pad, networks)

    pad.locator("#shift-right").press("ArrowRight")
    assert_shifted(0, 1)
    pad.locator("#shift-down").press("End")
    assert_shifted(4, 1)
    pad.get_by_role("button", name="Shift down by a pixel").click()  # as far as it goes
    pad.get_by_role("button", name="Shift left by a pixel").click(click_count=3)
    assert_shifted(4, -2)
    assert pad.inner_text("#shift-text") == "Shifted by 4 down, 2 to the left"
    predictions = [pad.inner_text(f"#{name}-prediction") for name in networks]
    spoken = "-2 pixels: CNN predicts {}, MLP predicts {}".format(*predictions)
    assert pad.get_attribute("#shift-right", "aria-valuetext") == spoken
    box = pad.locator("#held").bounding_box()
    pixel = box["width"] / 28
    pad.mouse.move(box["x"] + 50, box["y"] + 150)
    pad.mouse.down()
    pad.mouse.move(box["x"] + 50 + 5 * pixel, box["y"] + 150 - 6 * pixel)
    pad.mouse.up()
    assert_shifted(-2, 3)
    assert [pad.input_value(f"#shift-{way}") for way in ("down", "right")] == ["-2", "3"]
    pad.locator("#draw-clear").click()
    assert [pad.input_value(f"#shift-{way}") for way in ("down", "right")] == ["0", "0"]


def test_predictions_at_all_shifts_are_those_of_python(pad, networks):
    draw_by_mouse(pad, THREE)
    digit = levels(pad)[None]
    steps = range(-4, 5)
    moved = np.concatenate([shift(digit, down, right) for down in steps for right in steps])
    for name, network in networks.items():
        expected = predict(network, moved).logits.argmax(axis=1)
        same = int((expected == expected[40]).sum())
        expect(pad.locator(f"#{name}-kept")).to_have_text(f": same at {same} of 81", timeout=30_000)
        assert pad.locator(f"#{name}-shifts span").all_inner_texts() == [*map(str, expected)]
        assert pad.locator(f"#{name}-shifts .same").count() == same
    pad.locator("#mlp-shifts span").nth(9 * 8 + 1).click()
    np.testing.assert_array_equal(levels(pad), shift(digit, 4, -3)[0])
    assert pad.locator("#cnn-shifts span").nth(9 * 8 + 1).get_attribute("class").endswith("current")


def test_feature_maps_of_every_layer_follow_the_drawing(pad, networks):
    assert pad.locator("#layers-now figcaption").all_inner_texts() == [
        "convolution 1 16 x 28 x 28",
        "ReLU 1 16 x 28 x 28",
        "max pooling 1 16 x 14 x 14",
        "convolution 2 32 x 14 x 14",
        "ReLU 2 32 x 14 x 14",
        "max pooling 2 32 x 7 x 7: the embedding",
    ]
    before = levels(pad, "#layers-now figure:nth-child(1) canvas")
    draw_by_mouse(pad, THREE)
    assert not np.array_equal(levels(pad, "#layers-now figure:nth-child(1) canvas"), before)
    expected = feature_maps(networks["cnn"], levels(pad)[None])
    for place, (_, maps) in zip((2, 3, 5, 6), expected, strict=True):
        canvas = levels(pad, f"#layers-now figure:nth-child({place}) canvas").astype(int)
        _, channels, height, width = maps.shape
        assert canvas.shape == (channels // 8 * 29 - 1, 8 * 29 - 1)
        grey = 255 * maps[0] / maps.max()
        for channel in range(channels):
            top, left = (29 * at for at in divmod(channel, 8))
            found = canvas[top : top + 28 : 28 // height, left : left + 28 : 28 // width]
            assert np.abs(found - grey[channel]).max() <= 1


def test_the_nearest_test_digits_are_those_of_python(pad, pipeline, networks):
    images, labels = read_digits(pipeline / "data/raw/MNIST", "test")
    expect(pad.locator("#neighbours li")).to_have_count(5)
    before = picture(pad, "#near-marks")
    draw_by_mouse(pad, THREE)
    embeddings = predict(networks["cnn"], images[:500]).embedding
    drawn = predict(networks["cnn"], levels(pad)[None]).embedding
    nearest = np.linalg.norm(embeddings - drawn, axis=1).argsort()[:5]
    assert pad.locator("#neighbours li").all_inner_texts() == [str(labels[at]) for at in nearest]
    for place, index in enumerate(nearest):
        found = levels(pad, f"#neighbours li:nth-child({place + 1}) canvas")
        np.testing.assert_array_equal(found, images[index])
    assert before.any()
    assert not np.array_equal(picture(pad, "#near-marks"), before)
    pad.locator("#draw-clear").click()
    assert not picture(pad, "#near-marks").any()


def test_a_stroke_is_read_in_a_sixtieth_of_a_second(pad):
    session = pad.context.new_cdp_session(pad)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # others run meanwhile

    def milliseconds():
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(each["value"] for each in metrics if each["name"] == "ScriptDuration")

    pad.evaluate(
        """() => {
            window.frames_drawn = 0;
            const request = window.requestAnimationFrame;
            window.requestAnimationFrame = (draw) => request((now) => {
                frames_drawn++;
                draw(now);
            });
        }"""
    )
    first, *others = places(pad, THREE[1])
    pad.mouse.move(*first)
    pad.mouse.down()
    before = milliseconds()
    for place in others:
        pad.mouse.move(*place, steps=10)
    spent, frames = milliseconds() - before, pad.evaluate("frames_drawn")
    pad.mouse.up()
    assert frames >= 10
    assert 1 < spent / frames < 16


@pytest.fixture(scope="module")
def sections(pipeline):
    """What the pipeline's page was filled with."""
    kept = []

    def keep(*arguments, **_):
        kept.extend(arguments)
        raise InterruptedError  # the page is left as it is

    with pytest.MonkeyPatch.context() as patch, chdir(pipeline):
        patch.setattr(render_report, "render_page", keep)
        with pytest.raises(InterruptedError):
            render_report.main()
    torch.use_deterministic_algorithms(False)
    return kept


@pytest.mark.parametrize("unknown", [("cnn",), ("mlp",), ("cnn", "mlp")])
def test_the_page_names_what_it_cannot_run_and_shows_the_rest(browser, sections, tmp_path, unknown):
    digits, embedding, superres, live, provenance = sections
    live = live | dict.fromkeys(unknown, SAYS_UNKNOWN)
    text = render_page(digits, embedding, superres, live, provenance, published=False)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        note = page.locator("#draw-unknown")
        for name in ("cnn", "mlp"):
            said = f"cannot run the {name.upper()}, because of the layer Softplus (features.1)"
            assert (said in note.inner_text()) == (name in unknown)
            column = page.locator(f".probabilities [data-network={name}]")
            assert column.first.is_visible() == (name not in unknown)
        assert page.locator("#pad").is_visible() == (len(unknown) == 1)
        assert page.locator("#layers-now").is_visible() == ("cnn" not in unknown)
        assert page.locator("#map-choice").count() == ("cnn" in unknown)
        if "cnn" in unknown:  # the maps that Python computed
            first = page.locator("#maps img").first
            before = first.get_attribute("src")
            page.locator("#map-choice input").nth(7).check()
            assert first.get_attribute("src") != before
        if len(unknown) == 1:
            (known,) = {"cnn", "mlp"} - set(unknown)
            before = shown(page, known)
            page.locator("#pad").scroll_into_view_if_needed()
            draw_by_mouse(page, THREE)
            assert shown(page, known) != before
        assert errors == []


def test_maps_that_the_page_computes_are_not_in_it(sections):
    digits, *others = sections
    assert len(digits["maps"]) == 4
    page = render_page(digits, *others, published=False)
    assert digits["maps"][0]["images"][0] not in page


def test_without_javascript_there_is_no_dead_pad(open_report):
    page = open_report(java_script_enabled=False)
    assert page.locator("h1").is_visible()
    assert not page.locator("#pad").is_visible()
