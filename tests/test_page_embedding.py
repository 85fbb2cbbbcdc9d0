"""The embedding's plot in a real browser: what is drawn where, and how it is explored."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from conftest import REPORT
from convlab.report.sources import read_digits_run
from section_pages import digit_shown

MARGIN = 0.04  # of the plane, around all points
DRAWN = "document.getElementById('plane').toDataURL()"


@pytest.fixture(scope="module")
def run(pipeline):
    return read_digits_run(pipeline / "data/raw/MNIST", pipeline / "stages")


@pytest.fixture(scope="module")
def data(pipeline):
    """What the page knows of the embedding."""
    text = (pipeline / REPORT).read_text(encoding="utf-8")
    start = text.index('id="data">') + len('id="data">')
    return json.loads(text[start : text.index("</script>", start)])["embedding"]


@pytest.fixture
def report(open_report):
    return open_report(only="embedding", viewport={"width": 1440, "height": 900})


@pytest.fixture
def plot(report):
    """The page, with the canvas in the middle of the window and no digit chosen."""
    report.locator("#plane").press("Escape")
    show_middle(report)
    return report


def show_middle(page):
    page.locator("#plane").evaluate("canvas => canvas.scrollIntoView({block: 'center'})")


def places_on_screen(page, run, frame=-1):
    """Where the digits are in the window; shape (n, 2)."""
    points = run.positions.round(2)
    left, right = points[..., 0].min(), points[..., 0].max()
    top, bottom = points[..., 1].max(), points[..., 1].min()
    width = max(right - left, top - bottom)  # the plane is as wide as its longer side
    height = max(top - bottom, 0.6 * width)
    left, top = (left + right - width) / 2, (top + bottom + height) / 2
    box = page.locator("#plane").bounding_box()
    scale = (1 - 2 * MARGIN) / width * (box["width"] - 2)  # the border is 1 pixel wide
    margin = MARGIN * (box["width"] - 2) + 1
    x, y = points[frame].T
    return np.stack(
        [box["x"] + margin + (x - left) * scale, box["y"] + margin + (top - y) * scale], axis=1
    )


def most_isolated(places):
    """Index of the point whose nearest neighbour is furthest away."""
    distances = np.linalg.norm(places[:, None] - places, axis=-1)
    np.fill_diagonal(distances, np.inf)
    return int(distances.min(axis=1).argmax())


def expect_change(page, before):
    page.wait_for_function(f"before => {DRAWN} !== before", arg=before)


def settled(page):
    """Wait until nothing is drawn any more, and give the picture."""
    return page.evaluate(
        f"""async () => {{
          const frames = async (count) => {{
            for (let i = 0; i < count; i++) await new Promise(requestAnimationFrame);
          }};
          let before;
          do {{ before = {DRAWN}; await frames(4); }} while ({DRAWN} !== before);
          return before;
        }}"""
    )


def test_points_are_where_python_says_at_every_snapshot(plot, run):
    text = plot.locator("#selected-text")
    before = settled(plot)
    for key, frame in (("End", -1), ("Home", 0)):
        plot.locator("#snapshot").press(key)
        show_middle(plot)
        settled(plot)
        places = places_on_screen(plot, run, frame)
        digit = most_isolated(places)
        plot.mouse.move(*places[digit])
        label, prediction = run.labels[digit], run.predictions[digit]
        wrong = "" if label == prediction else " (wrong)"
        expect(text).to_have_text(
            f"Test digit {digit}: label {label}, prediction {prediction}{wrong}"
        )
        plot.mouse.move(0, 0)
    assert settled(plot) != before
    expect(plot.locator("#snapshot-text")).to_contain_text("step 1:")


def test_a_wrong_prediction_is_shown_from_the_start(report, run):
    wrong = int(np.flatnonzero(run.labels != run.predictions)[0])
    expect(report.locator("#selected-text")).to_contain_text(f"Test digit {wrong}:")
    expect(report.locator("#selected-spoken")).to_be_empty()
    before = settled(report)
    report.locator("#plane").press("Escape")
    assert settled(report) != before  # it was marked


def test_the_text_says_how_many_neighbours_are_of_one_class(plot, run):
    for key, frame in (("End", -1), ("Home", 0)):
        plot.locator("#snapshot").press(key)
        points = run.positions[frame]
        distances = np.linalg.norm(points[:, None] - points, axis=-1)
        np.fill_diagonal(distances, np.inf)
        labels = run.snapshots.labels
        share = 100 * np.mean(labels[distances.argmin(axis=1)] == labels)
        expect(plot.locator("#plane-text")).to_contain_text(f" {share:.0f} % of the digits")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_training_is_played_between_the_snapshots(open_report, motion):
    plot = open_report(
        only="embedding", viewport={"width": 1000, "height": 700}, reduced_motion=motion
    )
    expect(plot.locator("#play")).to_have_text("Play")
    plot.locator("#play").click()
    seen, texts = plot.evaluate(
        f"""async () => {{
          const seen = new Set(), texts = new Set();
          for (;;) {{
            await new Promise(requestAnimationFrame);
            if (document.getElementById("snapshot").value !== "0") break;
            seen.add({DRAWN});
            texts.add(document.getElementById("play").textContent);
          }}
          return [seen.size, [...texts]];
        }}"""
    )
    assert seen > 1 if motion == "no-preference" else seen == 1  # points on their way
    assert texts == ["Pause"]
    expect(plot.locator("#play")).to_have_text("Play")  # at the end
    expect(plot.locator("#snapshot")).to_have_js_property("value", "1")
    plot.locator("#play").click()
    plot.locator("#play").click()
    expect(plot.locator("#play")).to_have_text("Play")
    paused = settled(plot)
    plot.wait_for_timeout(100)
    assert plot.evaluate(DRAWN) == paused


def test_the_slider_stays_as_wide_as_it_is(report, data):
    for width in (320, 768, 1440):
        report.set_viewport_size({"width": width, "height": 800})
        seen = report.evaluate(
            """() => {
              const slider = document.getElementById("snapshot");
              const text = document.getElementById("snapshot-text");
              return [...Array(Number(slider.max) + 1).keys()].map((value) => {
                slider.value = value;
                slider.dispatchEvent(new Event("input"));
                return [slider.clientWidth, text.textContent, text.scrollWidth - text.clientWidth];
              });
            }"""
        )
        tracks, texts, overflows = zip(*seen, strict=True)
        assert len(set(texts)) == len(data["steps"])
        assert len(set(tracks)) == 1
        assert tracks[0] > 100
        assert max(overflows) <= 0


def test_pointing_is_cheap_and_silent_and_choosing_is_spoken(plot, run):
    plot.evaluate(
        """() => {
          window.mutations = 0;
          const count = (records) => { window.mutations += records.length; };
          const what = { subtree: true, childList: true, attributes: true, characterData: true };
          new MutationObserver(count).observe(document, what);
          window.drawn = 0;
          const { clearRect } = CanvasRenderingContext2D.prototype;
          CanvasRenderingContext2D.prototype.clearRect = function (...all) {
            window.drawn++;
            return clearRect.apply(this, all);
          };
        }"""
    )
    spoken = plot.locator("#selected-spoken")
    places = places_on_screen(plot, run)
    digits = range(0, 500, 50)
    for digit in digits:
        plot.mouse.move(*places[digit])
    assert 0 < plot.evaluate("mutations") <= 10 * len(digits)
    assert plot.locator("#selected-text").inner_text().startswith("Test digit")
    for region in plot.locator("[aria-live]:not([aria-live=off])").all():
        assert "Test digit" not in region.inner_text()
    settled(plot)
    drawn = plot.evaluate(
        """async () => {
          const canvas = document.getElementById("plane");
          const { left, top, width, height } = canvas.getBoundingClientRect();
          const before = window.drawn;
          for (let share = 0; share < 1; share += 0.05) {
            const clientX = left + share * width, clientY = top + share * height;
            canvas.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY }));
          }
          await new Promise(requestAnimationFrame);
          await new Promise(requestAnimationFrame);
          return window.drawn - before;
        }"""
    )
    assert drawn == 1
    digit = most_isolated(places)
    plot.mouse.click(*places[digit])
    expect(spoken).to_contain_text(f"Test digit {digit}:")
    plot.mouse.move(*places[(digit + 1) % 500])
    expect(spoken).to_contain_text(f"Test digit {digit}:")
    plot.mouse.move(0, 0)
    expect(plot.locator("#selected-text")).to_contain_text(f"Test digit {digit}:")
    expect(plot.locator("#selected")).to_have_attribute(
        "aria-label", f"A handwritten {run.labels[digit]}"
    )
    shown = digit_shown(plot.locator("#selected"))
    assert np.abs(shown - run.images[digit]).mean() < 12


def chosen(plot):
    return int(plot.locator("#selected-spoken").inner_text().split(":")[0].split()[-1])


def test_digits_are_chosen_by_keyboard(plot, run):
    places = places_on_screen(plot, run)
    canvas = plot.locator("#plane")
    canvas.focus()
    plot.keyboard.press("ArrowRight")  # from the middle
    before = chosen(plot)
    for key, axis, sign in (
        ("ArrowLeft", 0, -1),
        ("ArrowUp", 1, -1),
        ("ArrowRight", 0, 1),
        ("ArrowDown", 1, 1),
    ):
        plot.keyboard.press(key)
        move = places[chosen(plot)] - places[before]
        assert sign * move[axis] > 0
        assert np.abs(move).sum() < 200
        before = chosen(plot)
    for button, by in (("#digit-next", 1), ("#digit-back", -1)):
        plot.locator(button).press("Enter")
        assert chosen(plot) == (before + by) % 500
        before = chosen(plot)
    canvas.press("Escape")
    expect(plot.locator("#selected-spoken")).to_be_empty()


def shown_at(plot, place):
    """Say which digit is at a place in the window."""
    plot.mouse.move(0, 0)
    plot.mouse.move(*place)
    return int(plot.locator("#selected-text").inner_text().split(":")[0].split()[-1])


def test_the_plane_zooms_around_the_pointer_and_moves_with_it(plot, run):
    places = places_on_screen(plot, run)
    digit = most_isolated(places)
    place = places[digit]
    whole = settled(plot)
    assert shown_at(plot, place) == digit
    plot.keyboard.down("Control")
    plot.mouse.wheel(0, -50)
    plot.mouse.wheel(0, -50)
    plot.keyboard.up("Control")
    assert shown_at(plot, place) == digit
    box = plot.locator("#plane").bounding_box()
    middle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    to = place + np.where(middle > place, 30, -30)
    plot.mouse.move(*place)
    plot.mouse.down()
    plot.mouse.move(*((place + to) / 2))
    plot.mouse.move(*to)
    plot.mouse.up()
    assert shown_at(plot, to) == digit
    plot.locator("#plane-whole").click()
    plot.mouse.move(0, 0)
    plot.locator("#plane").press("Escape")
    assert settled(plot) == whole


def test_zooming_by_keys_and_buttons_has_an_end(plot):
    out, into, every = (plot.locator(f"#plane-{name}") for name in ("out", "in", "whole"))
    canvas = plot.locator("#plane")
    whole = settled(plot)
    for button in (out, every):
        expect(button).to_be_disabled()
    canvas.press("+")
    expect(out).to_be_enabled()
    canvas.press("-")
    assert settled(plot) == whole
    for _ in range(8):
        into.click(force=True)
    expect(into).to_be_disabled()
    canvas.press("0")
    expect(every).to_be_disabled()
    assert settled(plot) == whole
    canvas.dblclick()
    expect(every).to_be_enabled()
    plot.mouse.move(0, 0)
    canvas.press("Escape")
    assert settled(plot) == whole
    before = plot.evaluate("scrollY")
    canvas.hover()
    plot.mouse.wheel(0, 100)  # without Ctrl, the page scrolls
    plot.wait_for_function("before => scrollY > before", arg=before)
    expect(every).to_be_disabled()


def test_fingers_choose_and_zoom(open_report, run):
    plot = open_report(only="embedding", viewport={"width": 360, "height": 740}, has_touch=True)
    show_middle(plot)
    places = places_on_screen(plot, run)
    digit = most_isolated(places)
    plot.touchscreen.tap(*places[digit])
    assert chosen(plot) == digit
    card = plot.locator("#selected-text").bounding_box()
    assert 0 <= card["y"] <= card["y"] + card["height"] <= 740
    box = plot.locator("#plane").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = plot.context.new_cdp_session(plot)
    for kind, apart in (("Start", 20), ("Move", 30), ("Move", 60), ("End", None)):
        fingers = [] if apart is None else [{"x": x + by, "y": y} for by in (-apart, apart)]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": fingers})
    expect(plot.locator("#plane-out")).to_be_enabled()
    assert plot.evaluate("visualViewport.scale") == 1


def test_classes_can_be_hidden(plot, run):
    whole = settled(plot)
    places = places_on_screen(plot, run)
    digit = most_isolated(places)
    box = plot.locator("#classes input").nth(int(run.labels[digit]))
    box.uncheck()
    assert settled(plot) != whole
    show_middle(plot)
    plot.mouse.move(*places_on_screen(plot, run)[digit])
    assert f"Test digit {digit}:" not in plot.locator("#selected-text").inner_text()
    plot.mouse.move(0, 0)
    for _ in range(12):
        plot.locator("#digit-next").press("Enter")
        assert run.labels[chosen(plot)] != run.labels[digit]
    box.check()
    plot.locator("#plane").press("Escape")
    assert settled(plot) == whole


def alpha(plot):
    """How opaque the canvas is; shape (height, width), 0 to 255."""
    settled(plot)
    picture = Image.open(io.BytesIO(base64.b64decode(plot.evaluate(DRAWN).split(",")[1])))
    return np.asarray(picture)[..., 3]


def test_the_atlas_lies_below_the_digits_that_it_is_of(plot, run, data):
    for box in plot.locator("#classes input").all():
        box.uncheck()
    drawn = alpha(plot)
    atlas = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(data["atlas"]["image"].split(",")[1])))
    )
    side = data["atlas"]["side"]
    assert atlas.shape == (28 * side, 28 * side)
    final = run.positions[-1]
    extent, middle = np.ptp(final, axis=0).max(), (final.min(axis=0) + final.max(axis=0)) / 2
    (left, right), (_, top) = data["plane"]
    width = drawn.shape[1]
    scale = (1 - 2 * MARGIN) * width / (right - left)
    of_pixels = extent * ((np.arange(28 * side) + 0.5) / (28 * side) - 0.5)
    x = MARGIN * width + scale * (middle[0] + of_pixels - left)
    y = MARGIN * width + scale * (top - middle[1] + of_pixels)
    rows, columns = (y > 0) & (y < drawn.shape[0] - 1), (x > 0) & (x < width - 1)
    seen = drawn[np.ix_(y[rows].astype(int), x[columns].astype(int))]
    wanted = 0.3 * atlas[np.ix_(rows, columns)]
    assert wanted.max() > 20
    assert np.abs(seen - wanted).mean() < 3
    plot.locator("#atlas").uncheck()
    assert alpha(plot).max() == 0
    plot.locator("#atlas").check()
    assert alpha(plot).max() > 20
    plot.locator("#snapshot").press("Home")  # the atlas is that of the end
    assert alpha(plot).max() == 0


def test_a_ring_in_the_predicted_colour_marks_a_wrong_prediction(plot, run, data):
    plot.locator("#marks input").nth(2).check()
    plot.locator("#atlas").uncheck()
    label = int(run.labels[most_isolated(places_on_screen(plot, run))])
    for digit, box in enumerate(plot.locator("#classes input").all()):
        if digit != label:
            box.uncheck()
    settled(plot)
    picture = Image.open(io.BytesIO(base64.b64decode(plot.evaluate(DRAWN).split(",")[1])))
    opaque = np.asarray(picture, float)
    colours = opaque[opaque[..., 3] > 200][:, :3]
    shown = [
        digit
        for digit, name in enumerate(data["colours"]["light"])
        if (
            np.abs(colours - [int(name[at : at + 2], 16) for at in (1, 3, 5)]).max(axis=1) < 4
        ).any()
    ]
    members = run.snapshots.labels == label
    wanted = {label, *run.predictions[: len(members)][members].tolist()}
    assert shown == sorted(wanted)
    assert len(wanted) > 1


def test_digits_are_pictures_characters_or_points(plot):
    pictures = {settled(plot)}
    for style in range(1, 3):
        plot.locator("#marks input").nth(style).check()
        pictures.add(settled(plot))
    plot.select_option("#theme", "dark")
    pictures.add(settled(plot))
    assert len(pictures) == 4


def test_without_javascript_the_page_says_that_the_plot_needs_it(open_report):
    page = open_report(java_script_enabled=False)
    note = page.locator("#embedding noscript p")
    expect(note).to_have_text("The plot of the embedding needs JavaScript.")
    expect(note).to_be_visible()
    for part in (".scatter", ".confused"):
        expect(page.locator(part)).to_be_hidden()
    expect(page.locator("#confusion td")).to_have_count(100)
    expect(page.locator("#confusion button")).to_have_count(0)
