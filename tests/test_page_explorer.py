"""The explorer of photographs, in a real browser: its pixels, gestures, keys and texts."""

import base64
import io
from itertools import pairwise
from typing import NamedTuple

import matplotlib
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from conftest import REPORT
from convlab.core.params import read_yaml
from convlab.report.sources import read_superres_run, read_upscaled
from convlab.report.superres import MAX_ERROR
from convlab.superres.comparison import UpscaledPhoto, hardest_window

REACH = 22
"""CSS pixels from the divider at which it can be grabbed."""


class Shown(NamedTuple):
    """What the explorer shows, measured on the page."""

    divider: float
    """Its place in the box, as a share of the box's width."""
    zoom: float
    left: float
    """Of the picture, as a share of the box's width."""


def shown(report: Page) -> Shown:
    box, canvas, divider = (
        report.locator(selector).first.bounding_box()
        for selector in ("#viewer", "#viewer canvas", "#divider")
    )
    middle = divider["x"] + divider["width"] / 2
    zoom = float(report.locator("#zoom-text").text_content().removesuffix(" x"))
    return Shown((middle - box["x"]) / box["width"], zoom, (canvas["x"] - box["x"]) / box["width"])


def place(report: Page, right: float, down: float) -> tuple[float, float]:
    """Coordinates of a point of the box, given as shares of its width and height."""
    box = report.locator("#viewer").bounding_box()
    return box["x"] + right * box["width"], box["y"] + down * box["height"]


def drag(report: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    report.mouse.move(*place(report, *start))
    report.mouse.down()
    report.mouse.move(*place(report, *end), steps=3)
    report.mouse.up()


def choose(report: Page, *, whole: bool, number: int = 0) -> str:
    """Choose one of the photographs that are, or are not, shown whole; give its name."""
    names = report.evaluate(
        "JSON.parse(document.getElementById('data').textContent).superres.photographs"
        f".filter((each) => each.whole === {str(whole).lower()}).map((each) => each.name)"
    )
    label = report.locator("#photo-choice option", has_text=f"{names[number]} (").inner_text()
    report.select_option("#photo-choice", label=label)
    wait_for(report, names[number])
    return names[number]


def wait_for(report: Page, *words: str) -> None:
    """Wait until the explorer shows pictures: those of a photograph and a view, if named."""
    named = "".join(f"[data-shown~='{word}']" for word in words)
    report.wait_for_selector(f"#viewer[data-shown]{named}")


def into_view(report: Page, name: str) -> None:
    """Scroll until an element, named by its id, is in the middle of the window."""
    report.evaluate(f"document.getElementById('{name}').scrollIntoView({{ block: 'center' }})")


def view(report: Page, name: str) -> Locator:
    """Give the button that chooses a view."""
    return report.locator("#photo-view").get_by_label(name)


@pytest.fixture
def report(open_report):
    return open_report(only="explorer", viewport={"width": 1440, "height": 900})


@pytest.fixture
def explorer(report):
    wait_for(report)
    into_view(report, "viewer")
    return report


@pytest.fixture(scope="module")
def photos(pipeline) -> dict[str, UpscaledPhoto]:
    """Test photographs, upscaled, by name."""
    scale = read_yaml(pipeline / "params.yaml")["scales"][0]
    run = read_superres_run(pipeline / "data/raw/bsds500", pipeline / "stages", scale)
    return {photo.stem: read_upscaled(run, photo) for photo in run.photos}


def canvases(report: Page) -> list[np.ndarray]:
    addresses = report.eval_on_selector_all(
        "#viewer canvas", "all => all.map((canvas) => canvas.toDataURL('image/png'))"
    )
    pictures = (base64.b64decode(address.split(",")[1]) for address in addresses)
    return [
        np.asarray(Image.open(io.BytesIO(each)).convert("RGB")).astype(int) for each in pictures
    ]


def error_map(truth: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    error = np.minimum(np.abs(truth.astype(int) - estimate), MAX_ERROR + 1) / (MAX_ERROR + 1)
    return np.rint(255 * matplotlib.colormaps["inferno"](error)[..., :3]).astype(int)


def test_all_pixels_are_those_of_python(explorer, pipeline, photos):
    size = read_yaml(pipeline / "params.yaml")["render_report"]["part_size"]
    for whole in (True, False):
        name = choose(explorer, whole=whole)
        photo = photos[name]
        window = np.s_[:, :] if whole else hardest_window(photo.truth, photo.bicubic, size)
        colours = {method: picture[window] for method, picture in photo.in_colour().items()}
        for method, picture in zip(("bicubic", "network"), canvases(explorer), strict=True):
            difference = np.abs(picture - colours[method])
            assert difference.max() <= 1
            assert np.mean(difference > 0) < 0.001
        explorer.locator("#viewer").press("t")
        wait_for(explorer, name, "truth")
        (truth,) = canvases(explorer)
        np.testing.assert_array_equal(truth, photo.rgb[window])
        view(explorer, "errors of both").check()
        wait_for(explorer, name, "errors")
        for method, picture in zip((photo.bicubic, photo.network), canvases(explorer), strict=True):
            expected = error_map(photo.truth[window], method[window])
            # A luminance in the middle between two grey levels may be rounded to either.
            assert np.mean((picture != expected).any(axis=-1)) < 0.001
        words = "whole photograph" if whole else f"part of {size} x {size}"
        expect(explorer.locator("#photo-note")).to_contain_text(words)
        view(explorer, "bicubic and network").check()
        wait_for(explorer, name, "compare")


def test_the_divider_is_grabbed_near_its_line_without_a_jump(explorer):
    width = explorer.locator("#viewer").bounding_box()["width"]
    for offset in (0, (REACH - 2) / width, -(REACH - 2) / width):
        before = shown(explorer).divider
        drag(explorer, (before + offset, 0.3), (before + offset + 0.05, 0.6))
        assert shown(explorer).divider == pytest.approx(before + 0.05, abs=0.004)
    before = shown(explorer).divider
    drag(explorer, (before - 0.2, 0.3), (before - 0.1, 0.3))  # far away: as far as the pointer
    assert shown(explorer).divider == pytest.approx(before + 0.1, abs=0.004)
    explorer.mouse.move(*place(explorer, 0.3, 0.5))
    explorer.mouse.down()
    assert shown(explorer).divider == pytest.approx(before + 0.1, abs=0.004)
    explorer.mouse.up()  # a click
    explorer.wait_for_function("() => document.getElementById('split').value < 50")
    explorer.wait_for_timeout(300)  # it glides
    assert shown(explorer).divider == pytest.approx(0.3, abs=0.004)


def test_a_zoomed_picture_is_moved_and_the_divider_stays(explorer):
    explorer.locator("#zoom-in").click(click_count=3)
    zoomed = shown(explorer)
    assert zoomed.zoom == pytest.approx(1.5**3, abs=0.1)
    drag(explorer, (0.2, 0.4), (0.3, 0.4))
    moved = shown(explorer)
    assert moved.left == pytest.approx(zoomed.left + 0.1, abs=0.004)
    assert moved.divider == zoomed.divider
    drag(explorer, (moved.divider, 0.4), (0.8, 0.4))
    assert shown(explorer).left == moved.left
    assert shown(explorer).divider == pytest.approx(0.8, abs=0.004)


def test_a_double_click_and_the_wheel_zoom_at_their_place(explorer):
    choose(explorer, whole=True)
    before = shown(explorer)
    x, y = place(explorer, 0.55, 0.5)
    explorer.mouse.dblclick(x, y)
    after = shown(explorer)
    assert after.zoom == 2 * before.zoom
    assert after.divider == pytest.approx(before.divider, abs=0.02)
    if before.left == 0:
        assert after.left == pytest.approx(-0.55, abs=0.004)
    explorer.keyboard.down("Control")
    explorer.mouse.wheel(0, -200)
    explorer.keyboard.up("Control")
    expect(explorer.locator("#zoom-text")).not_to_have_text(f"{after.zoom:.1f} x")
    assert shown(explorer).zoom > after.zoom
    scrolled = explorer.evaluate("scrollY")
    explorer.mouse.wheel(0, 100)  # without Ctrl, the page scrolls
    explorer.wait_for_function(f"() => scrollY > {scrolled}")


def touch(session, kind: str, *points: tuple[float, float]) -> None:
    touches = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def test_fingers_zoom_tap_drag_and_scroll(open_report):
    report = open_report(only="explorer", viewport={"width": 360, "height": 740}, has_touch=True)
    wait_for(report)
    into_view(report, "viewer")
    session = report.context.new_cdp_session(report)
    before = shown(report)
    starts = place(report, 0.4, 0.5), place(report, 0.6, 0.5)
    touch(session, "touchStart", starts[0])
    touch(session, "touchStart", *starts)
    for step in range(1, 5):
        apart = 0.1 + step * 0.05
        ends = place(report, 0.5 - apart, 0.5), place(report, 0.5 + apart, 0.5)
        touch(session, "touchMove", *ends)
    touch(session, "touchEnd", ends[0])
    touch(session, "touchEnd")
    pinched = shown(report)
    assert pinched.zoom == pytest.approx(3, abs=0.2)
    assert pinched.divider == pytest.approx(before.divider, abs=0.004)
    report.touchscreen.tap(*place(report, 0.2, 0.5))
    report.wait_for_timeout(300)
    assert shown(report).divider == pytest.approx(0.2, abs=0.004)
    report.wait_for_timeout(400)  # or the next tap would be a second one
    for _ in range(2):
        report.touchscreen.tap(*place(report, 0.7, 0.5))
    expect(report.locator("#zoom-text")).to_have_text("6.0 x")

    report.locator("#zoom-reset").tap()
    into_view(report, "viewer")
    for right, down in ((0.3, 0), (0, -1)):
        before, scrolled = shown(report).divider, report.evaluate("scrollY")
        path = [
            place(report, before + share * right, 0.5 + share * down)
            for share in (0, 0.2, 0.4, 0.6, 0.8, 1)
        ]
        touch(session, "touchStart", path[0])
        for point in path[1:]:
            touch(session, "touchMove", point)
        touch(session, "touchEnd")
        report.wait_for_timeout(100)
        assert (report.evaluate("scrollY") > scrolled) == (down != 0)
        assert shown(report).divider == pytest.approx(before + right, abs=0.02)


def test_keys_zoom_move_and_choose(explorer):
    viewer, name = explorer.locator("#viewer"), explorer.locator("#photo-name")
    states = [shown(explorer)]
    for key in ("ArrowRight", "+", "ArrowRight", "-", "+"):
        viewer.press(key)
        states.append(shown(explorer))
    for one, other in pairwise(states):
        assert one != other
    viewer.press("0")
    assert shown(explorer).zoom == 1
    chosen = [name.inner_text()]
    for key in ("n", "n", "p", "p"):
        viewer.press(key)
        chosen.append(name.inner_text())
    assert chosen[0] == chosen[4] != chosen[1] == chosen[3] != chosen[2]
    viewer.press("+")
    viewer.press("e")
    viewer.press("Escape")
    expect(view(explorer, "bicubic and network")).to_be_checked()
    assert shown(explorer).zoom == 1.5
    viewer.press("Escape")
    assert shown(explorer).zoom == 1


LABELS = """shares => {
    const split = document.getElementById("split");
    return shares.map((share) => {
        split.value = share;
        split.dispatchEvent(new Event("input"));
        const line = document.getElementById("divider").getBoundingClientRect();
        const tags = [...document.querySelectorAll("#viewer .tag")].map((tag) => {
            const { left, right, top } = tag.getBoundingClientRect();
            const { bottom } = tag.parentElement.getBoundingClientRect();
            return top < bottom ? [left, right] : null;  // else it is clipped
        });
        return [line.left + line.width / 2, ...tags];
    });
}"""


def test_a_label_never_lies_on_the_other_picture(explorer):
    shares = (0, 3, 10, 15, 50, 85, 90, 97, 100)
    for width in (320, 1440):
        explorer.set_viewport_size({"width": width, "height": 900})
        for name in ("errors of both", "bicubic and network"):
            view(explorer, name).check()
            labels = explorer.evaluate(LABELS, shares)
            for share, (divider, left, right) in zip(shares, labels, strict=True):
                assert left is None or left[1] <= divider + 0.5
                assert right is None or right[0] >= divider - 0.5
                assert left or share <= 50
                assert right or share >= 50
            _, left, right = labels[shares.index(50)]
            assert (left and right) or width == 320


@pytest.mark.parametrize("width", [360, 1440])
def test_the_zoom_stays_and_the_page_does_not_jump(open_report, width):
    report = open_report(only="explorer", viewport={"width": width, "height": 900})
    wait_for(report)
    report.locator("#zoom-in").click(click_count=2)
    layout = "[document.documentElement.scrollHeight, scrollY]"
    zoom, before = report.locator("#zoom-text").inner_text(), report.evaluate(layout)
    for whole, number in ((False, 0), (True, 1), (False, 1), (True, 0)):
        choose(report, whole=whole, number=number)
        assert report.evaluate(layout) == before
        expect(report.locator("#zoom-text")).to_have_text(zoom)


def test_buttons_and_slider_are_disabled_where_they_do_nothing(explorer):
    buttons = {name: explorer.locator(f"#zoom-{name}") for name in ("in", "out", "reset")}
    for name in ("out", "reset"):
        expect(buttons[name]).to_be_disabled()
    while buttons["in"].is_enabled():
        buttons["in"].click()
    assert shown(explorer).zoom == 16
    expect(explorer.locator("#viewer")).to_be_focused()  # the button that had the focus is off
    buttons["reset"].click()
    expect(buttons["in"]).to_be_enabled()
    view(explorer, "ground truth").check()
    expect(explorer.locator("#split")).to_be_disabled()
    expect(explorer.locator("#divider")).to_be_hidden()
    view(explorer, "bicubic and network").check()
    before, split = shown(explorer), explorer.locator("#split")
    split.press("ArrowRight")
    assert shown(explorer) != before
    expect(split).to_have_attribute("aria-valuetext", "51 % bicubic, 49 % network")


def test_bars_list_thumbnails_and_buttons_choose_the_same(explorer):
    name, chosen = explorer.locator("#photo-name"), explorer.locator("#photo-choice option:checked")
    into_view(explorer, "gains")
    bars, marked = explorer.locator("#gains rect"), explorer.locator("#gains .chosen")
    listed = explorer.locator("#photo-choice option")
    assert bars.count() == listed.count() > 2
    last = bars.last.bounding_box()
    plot = explorer.locator("#gains").bounding_box()
    explorer.mouse.move(last["x"] + last["width"] / 2, plot["y"] + 5)
    explorer.mouse.down()
    explorer.mouse.up()

    def same(label: str) -> bool:
        number = label.split(" ", maxsplit=1)[0]
        expect(name).to_have_text(f"Photograph {number}")
        expect(chosen).to_have_text(label)
        expect(explorer.locator("#gains-hint")).to_contain_text(number)
        index = listed.all_inner_texts().index(label)
        expect(bars.nth(index)).to_have_class("chosen")
        return marked.count() == 1

    labels = listed.all_inner_texts()
    assert same(labels[-1])
    explorer.locator("#photo-next").click()  # from the last to the first
    assert same(labels[0])
    thumbnail = explorer.locator("#thumbnails button").last
    thumbnail.click()
    expect(thumbnail).to_have_attribute("aria-pressed", "true")
    assert explorer.locator("#thumbnails [aria-pressed=true]").count() == 1
    assert same(chosen.inner_text())
    explorer.select_option("#photo-order", "name")
    by_name = listed.all_inner_texts()
    assert sorted(by_name) == sorted(labels)
    assert by_name == sorted(by_name) != labels
    assert same(chosen.inner_text())
    rank = explorer.locator("#photo-rank")
    expect(rank).to_have_text(
        f"Gain {chosen.inner_text().split('(')[1][:-1]}, rank {len(labels)} of {len(labels)}."
    )


def test_a_drag_over_the_bars_speaks_only_at_its_end(explorer):
    status, name = explorer.locator("#photo-status"), explorer.locator("#photo-name")
    into_view(explorer, "gains")
    plot = explorer.locator("#gains").bounding_box()
    y = plot["y"] + plot["height"] / 2
    explorer.mouse.move(plot["x"] + 2, y)
    explorer.mouse.down()
    before = name.inner_text()
    explorer.mouse.move(plot["x"] + plot["width"] - 2, y, steps=4)
    expect(name).not_to_have_text(before)
    expect(status).to_be_empty()
    explorer.mouse.up()
    expect(status).to_contain_text(name.inner_text())
    spoken = status.inner_text()
    into_view(explorer, "viewer")
    drag(explorer, (0.5, 0.5), (0.3, 0.5))
    assert shown(explorer).divider == pytest.approx(0.3, abs=0.05)
    expect(status).to_have_text(spoken)


def picture_address(size: tuple[int, int], colour: tuple[int, int, int]) -> str:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "png")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def test_a_photograph_of_the_reader_is_one_more(browser, pipeline, tmp_path):
    ready = 'document.documentElement.dataset.ready = "yes";'
    page = (pipeline / REPORT).read_text("utf-8")
    assert page.count(ready) == 1
    file = tmp_path / "report.html"
    file.write_text(
        page.replace(ready, "window.addPhotograph = $explorer.addPhotograph;" + ready), "utf-8"
    )
    report = browser.new_page(viewport={"width": 1000, "height": 800})
    report.goto(file.as_uri())
    report.wait_for_selector("html[data-ready=yes]")
    thumbnails = report.locator("#thumbnails button")
    count, listed = thumbnails.count(), report.locator("#photo-choice option").count()
    levels = {"bicubic": 90, "network": 110, "truth": 120}
    photograph = {
        **{name: picture_address((40, 60), (level,) * 3) for name, level in levels.items()},
        **{"name": "holiday.jpg", "width": 40, "height": 60},
        "quality": {name: {"psnr": 20 + index, "ssim": 0.5} for index, name in enumerate(levels)},
    }
    report.evaluate("addPhotograph", photograph)
    expect(report.locator("#photo-name")).to_have_text("holiday.jpg")
    expect(report.locator("#photo-rank")).to_have_text("Gain +1.00 dB.")
    expect(thumbnails.last).to_have_attribute("aria-pressed", "true")
    assert [picture[0, 0].tolist() for picture in canvases(report)] == [[90] * 3, [110] * 3]
    view(report, "errors of both").check()
    wait_for(report, "holiday.jpg", "errors")
    scale = 219 / 255  # of luminance
    for method, picture in zip(("bicubic", "network"), canvases(report), strict=True):
        expected = [np.rint(16 + scale * levels[name]) for name in ("truth", method)]
        assert (picture == error_map(*np.array(expected)[:, None, None].astype(int))).all()

    report.evaluate("addPhotograph", photograph | {"name": "b.png", "truth": None, "quality": None})
    expect(report.locator("#photo-name")).to_have_text("b.png")
    assert thumbnails.count() == count + 1
    assert report.locator("#photo-choice option").count() == listed + 1
    for name in ("ground truth", "errors of both"):
        expect(view(report, name)).to_be_disabled()
    expect(report.locator("#photo-note")).to_contain_text("no ground truth")
    expect(report.locator("#photo-quality")).to_be_hidden()
    report.locator("#photo-next").click()  # the first of the page's
    expect(view(report, "ground truth")).to_be_enabled()
    expect(view(report, "errors of both")).to_be_checked()  # as before
    report.close()


def test_it_prints_on_one_page_without_controls(open_report):
    report = open_report(
        only="explorer", viewport={"width": 700, "height": 990}
    )  # A4 less its margins
    wait_for(report)
    screen = shown(report)
    report.emulate_media(media="print")
    comparison = report.locator(".comparison")
    assert comparison.bounding_box()["height"] < 990
    assert comparison.evaluate("each => getComputedStyle(each).breakInside") == "avoid"
    for selector in ("#split", "#photo-view", "#photo-choice", "#thumbnails"):
        expect(report.locator(selector)).to_be_hidden()
    for selector in ("#viewer canvas >> nth=1", "#photo-quality", "#photo-rank", "#gains"):
        expect(report.locator(selector)).to_be_visible()
    box, canvas = (
        report.locator(f"#viewer{each}").first.bounding_box() for each in ("", " canvas")
    )
    assert (canvas["x"] - box["x"]) / box["width"] == pytest.approx(screen.left, abs=0.002)


def test_without_javascript_the_table_stays(open_report):
    report = open_report(java_script_enabled=False)
    expect(report.locator("#explorer")).to_be_hidden()
    expect(report.locator("#superres noscript p", has_text="The comparison")).to_be_visible()
    report.get_by_text("The gain on each photograph as a table").click()
    assert report.locator(
        "#superres details td:has-text('+'), #superres details td:has-text('-')"
    ).first.is_visible()
