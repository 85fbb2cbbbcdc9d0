"""The report in a real browser: nothing is asked for, and every control does what it says."""

import os
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page, expect

from convlab.errors import InputError
from render_readme import start_browser

REPORT = "stages/render_report/report.html"


@pytest.fixture(scope="module")
def browser():
    """Start Chromium; in CI its lack is a failure, elsewhere these tests are skipped."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(start_browser())
        except InputError as lacking:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(str(lacking))
        yield started


@pytest.fixture(scope="module")
def address(pipeline):
    return (pipeline / REPORT).as_uri()


@pytest.fixture
def open_report(browser, address):
    """Gives a function that opens the report; at the end, the browser must not have complained."""
    opened, complaints = [], []

    def open_it(**options) -> Page:
        context = browser.new_context(**options)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url))
        page.goto(address)
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready=yes]")
        opened.append(context)
        return page

    yield open_it
    for context in opened:
        context.close()
    assert [each for each in complaints if each != address and not each.startswith("data:")] == []


@pytest.fixture
def report(open_report):
    return open_report(viewport={"width": 1440, "height": 900})


def marks(report: Page, plot: str) -> int:
    return report.locator(f"[data-chart={plot}] svg .mark-text.role-mark text").count()


def style(report: Page, selector: str, name: str) -> str:
    return report.eval_on_selector(selector, f"element => getComputedStyle(element).{name}")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440, 2560])
def test_it_fits_and_every_plot_is_drawn(open_report, width, theme):
    report = open_report(viewport={"width": width, "height": 900}, color_scheme=theme)
    assert report.evaluate("document.documentElement.scrollWidth") <= width
    assert report.evaluate("document.documentElement.dataset.theme") == theme
    plots = report.locator(".chart")
    assert plots.count() == 7
    for plot in plots.all():
        assert plot.locator("svg [role=graphics-symbol]").count() > 3
        assert plot.bounding_box()["width"] <= width
    for row in report.locator("tr").all():
        assert row.bounding_box()["height"] < 150  # or it was squeezed to a letter a line


def test_it_tells_its_results_without_javascript(open_report):
    report = open_report(java_script_enabled=False)
    expect(report.locator("noscript")).to_be_visible()
    expect(report.locator("#result table")).to_contain_text("bicubic")


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_letters_stand_out_from_their_ground(report, theme):
    report.select_option("#theme", theme)
    names = ("ground", "raised", "ink", "soft", "blue", "orange")
    values = {
        name: report.evaluate(
            "name => getComputedStyle(document.documentElement).getPropertyValue('--' + name)", name
        ).strip()
        for name in names
    }
    letters = report.evaluate("JSON.parse(document.getElementById('data').textContent)")
    classes = letters["embedding"]["colours"][theme]
    pairs = [(values[a], values[b]) for a in ("ink", "soft", "blue") for b in ("ground", "raised")]
    pairs += [(values["orange"], values["ground"])]
    pairs += [(letter, values["ground"]) for letter in classes]
    for pair in pairs:
        dark, bright = sorted(map(luminance, pair))
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, pair


def test_colours_follow_the_choice(open_report):
    report = open_report(color_scheme="light")
    before = style(report, "body", "backgroundColor")
    report.select_option("#theme", "dark")
    assert style(report, "body", "backgroundColor") != before
    report.select_option("#theme", "auto")
    assert style(report, "body", "backgroundColor") == before


def test_another_digit_has_other_feature_maps(report):
    first = report.locator("#maps img").first
    expect(report.locator("#maps img")).to_have_count(4)
    before = first.get_attribute("src")
    report.locator("#map-choice input").nth(7).check()
    assert first.get_attribute("src") != before


def test_a_higher_layer_sees_more_of_the_digit(report):
    places = []
    for layer in range(5):
        report.locator("#field-choice input").nth(layer).check()
        square = report.locator("#field rect")
        places.append([int(square.get_attribute(name)) for name in ("x", "y", "width", "height")])
    starts, sizes = (12, 12, 8, 6, 0), (5, 6, 14, 16, 28)
    assert places == [[start, start, size, size] for start, size in zip(starts, sizes, strict=True)]
    expect(report.locator("#field-text")).to_contain_text("the whole digit")


def test_points_move_through_the_training(report):
    places = report.locator("[data-chart=points] .mark-text.role-mark text").first
    expect(report.locator("#moment-text")).to_contain_text("step 10")
    before = places.get_attribute("transform")
    report.locator("#moment").press("Home")
    expect(report.locator("#moment-text")).to_contain_text("step 1:")
    expect(places).not_to_have_attribute("transform", before)


def test_a_class_can_be_switched_off_and_on(report):
    whole = marks(report, "points")
    assert whole == 500
    report.locator("#classes input").nth(3).uncheck()
    texts = report.locator("[data-chart=points] .mark-text.role-mark text")
    expect(texts.filter(has_text="3")).to_have_count(0)
    report.locator("#classes input").nth(3).check()
    expect(texts).to_have_count(whole)


def test_a_point_shows_its_digit(report):
    expect(report.locator("#pointed")).to_be_hidden()
    report.locator("[data-chart=points] .mark-text.role-mark text").nth(5).hover(force=True)
    expect(report.locator("#pointed-text")).to_contain_text("read as")
    said = report.locator("#pointed-text").inner_text()
    report.mouse.move(0, 0)  # or the point beneath it would be pointed at again
    report.locator("#point-on").press("Enter")
    expect(report.locator("#pointed-text")).not_to_have_text(said)
    report.locator("#point-back").press("Enter")
    expect(report.locator("#pointed-text")).to_have_text(said)
    assert "data:image/png" in style(report, "#pointed", "backgroundImage")


def test_the_divider_goes_where_the_slider_is(report):
    report.locator("#split").press("Home")
    assert style(report, "[data-layer=network]", "clipPath") == "inset(0px 0px 0px 0%)"
    report.locator("#split").press("End")
    assert "100%" in style(report, "[data-layer=network]", "clipPath")


def shifts(report: Page) -> set[str]:
    """Of all pictures of the viewer: one, as they are locked together."""
    return set(
        report.eval_on_selector_all("#viewer img", "all => all.map(each => each.style.transform)")
    )


def test_zoom_and_pan_are_locked_together(report):
    (whole,) = shifts(report)
    report.locator("#zoom-in").click()
    (zoomed,) = shifts(report)
    assert zoomed != whole
    report.locator("#viewer").press("ArrowRight")
    (moved,) = shifts(report)
    assert moved != zoomed
    report.locator("#viewer").press("-")
    report.locator("#zoom-reset").click()
    assert shifts(report) == {whole}


def test_a_drag_moves_the_photograph(report):
    for _ in range(3):
        report.locator("#zoom-in").click()
    (before,) = shifts(report)
    report.locator("#viewer").scroll_into_view_if_needed()
    box = report.locator("#viewer").bounding_box()
    report.mouse.move(box["x"] + 200, box["y"] + 150)
    report.mouse.down()
    report.mouse.move(box["x"] + 150, box["y"] + 120)
    report.mouse.up()
    (after,) = shifts(report)
    assert after != before
    report.mouse.move(box["x"] + 10, box["y"] + 10)
    assert shifts(report) == {after}


def test_the_truth_comes_and_goes_by_key_and_button(report):
    truth = report.locator("[data-layer=truth]")
    expect(truth).to_be_hidden()
    report.locator("#viewer").press("t")
    expect(truth).to_be_visible()
    expect(report.locator("#tag-right")).to_be_hidden()
    report.locator("#show-truth").press("T")
    expect(truth).to_be_hidden()
    report.locator("#show-truth").click()
    expect(truth).to_be_visible()
    report.locator("#show-errors").click()
    expect(report.locator("#photo-text")).not_to_contain_text("times as bright")


def test_a_drag_over_the_whole_photograph_moves_the_divider(report):
    report.locator("#viewer").scroll_into_view_if_needed()
    box = report.locator("#viewer").bounding_box()
    report.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 50)
    report.mouse.down()
    report.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 50)
    report.mouse.up()
    assert float(report.locator("#split").input_value()) == pytest.approx(80, abs=1)
    expect(report.locator("#tag-left")).to_be_visible()
    report.locator("#split").press("Home")
    expect(report.locator("#tag-left")).to_be_hidden()


def test_errors_and_other_photographs_can_be_shown(report):
    picture = report.locator("[data-layer=network] img")
    before, said = picture.get_attribute("src"), report.locator("#photo-text").inner_text()
    report.locator("#show-errors").click()
    errors = picture.get_attribute("src")
    assert errors != before
    expect(report.locator("#photo-text")).to_contain_text("times as bright")
    report.locator("#photo-choice button").last.click()
    assert picture.get_attribute("src") not in {errors, before}
    expect(report.locator("#photo-text")).not_to_have_text(said)


def test_a_bar_shows_its_photograph(report):
    picture = report.locator("#parts img").first
    before = picture.get_attribute("src")
    chosen = report.locator("#part-choice")
    named = chosen.input_value()
    report.locator("[data-chart=gains] .layer_1_marks path").last.click(force=True)
    assert picture.get_attribute("src") != before
    assert chosen.input_value() != named
    report.locator("#part-on").click()  # from the last to the first
    assert chosen.input_value() == named


def test_photographs_can_be_sorted(report):
    listed = report.locator("#part-choice option")
    by_gain = listed.all_inner_texts()
    report.select_option("#gain-order", "name")
    by_name = listed.all_inner_texts()
    assert sorted(by_gain) == by_name != by_gain
    chosen = report.locator("#part-choice")
    chosen.select_option(index=2)
    expect(report.locator("#parts img").first).to_have_attribute(
        "alt", f"Part of photograph {by_name[2].split()[0]}: truth"
    )


def test_pixel_shuffle_goes_step_by_step(report):
    seen = []
    for step in range(6):
        report.locator("#shuffle").fill(str(step))
        seen.append(report.locator("#shuffle-pictures img").count())
    assert seen == [1, 4, 1, 1, 2, 2]
    expect(report.locator("#shuffle-text")).to_contain_text("the truth")


def test_square_plots_stay_square_in_a_narrower_window(report):
    report.set_viewport_size({"width": 400, "height": 900})
    plot = report.locator("[data-chart=points] svg")
    expect(plot).not_to_have_attribute("height", "640")
    box = plot.bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=10)


def test_every_control_can_be_reached_by_keyboard(report):
    wanted = report.evaluate(
        """[...document.querySelectorAll("button, select, input, summary, #viewer")]
        .filter((each) => each.type !== "radio" || each.checked).length"""
    )
    reached = set()
    for _ in range(3 * wanted):
        report.keyboard.press("Tab")
        reached.add(
            report.evaluate(
                """(() => { const all = [...document.querySelectorAll(
                "button, select, input, summary, #viewer")];
                return all.indexOf(document.activeElement); })()"""
            )
        )
    assert len(reached - {-1}) == wanted
