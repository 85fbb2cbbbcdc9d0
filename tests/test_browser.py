"""The report in a real browser: it loads nothing, and every control does what it says."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from playwright.sync_api import Page, expect

from convlab.figures.canvas import relative_luminance

DIGITS = "[data-chart=points] .mark-text.role-mark text"


def style(report: Page, selector: str, name: str) -> str:
    return report.eval_on_selector(selector, f"element => getComputedStyle(element).{name}")


@pytest.mark.parametrize(("width", "theme"), [(360, "light"), (1440, "dark"), (2560, "light")])
def test_it_fits_and_every_plot_is_drawn(open_report, width, theme):
    report = open_report(viewport={"width": width, "height": 900}, color_scheme=theme)
    assert report.evaluate("document.documentElement.scrollWidth") <= width
    assert report.evaluate("document.documentElement.dataset.theme") == theme
    plots = report.locator(".chart")
    assert plots.count() == 5 + report.locator("[data-chart^=validation_x]").count() > 5
    for plot in plots.all():
        assert plot.locator("svg [role=graphics-symbol]").count() > 3
        assert plot.bounding_box()["width"] <= width
    for row in report.locator("tr").all():
        assert row.bounding_box()["height"] < 150  # else the columns are too narrow to read


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_enough_contrast_in_the_chosen_theme(open_report, theme):
    report = open_report(color_scheme="dark" if theme == "light" else "light")
    background = style(report, "body", "backgroundColor")
    report.select_option("#theme", theme)
    assert style(report, "body", "backgroundColor") != background
    ground, raised, ink, soft, blue, orange = (
        report.evaluate(
            "name => getComputedStyle(document.documentElement).getPropertyValue('--' + name)", name
        ).strip()
        for name in ("ground", "raised", "ink", "soft", "blue", "orange")
    )
    data = report.evaluate("JSON.parse(document.getElementById('data').textContent)")
    pairs = [(text, behind) for text in (ink, soft, blue) for behind in (ground, raised)]
    pairs += [(text, ground) for text in (orange, *data["embedding"]["colours"][theme])]
    for pair in pairs:
        dark, bright = sorted(relative_luminance(np.array(to_rgb(colour))) for colour in pair)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, pair
    report.select_option("#theme", "auto")
    assert style(report, "body", "backgroundColor") == background


def test_every_control_can_be_reached_by_keyboard(report):
    controls = "[...document.querySelectorAll('button, select, input, summary, #viewer')]"
    usable = "!each.disabled && (each.type !== 'radio' || each.checked)"
    wanted = f"{controls}.filter((each) => {usable})"
    count = report.evaluate(f"{wanted}.length")
    reached = set()
    for _ in range(3 * count):
        report.keyboard.press("Tab")
        reached.add(report.evaluate(f"{controls}.indexOf(document.activeElement)"))
    assert len(reached - {-1}) == count


def test_feature_maps_and_receptive_fields_can_be_chosen(report):
    first = report.locator("#maps img").first
    expect(report.locator("#maps img")).to_have_count(4)
    before = first.get_attribute("src")
    report.locator("#map-choice input").nth(7).check()
    assert first.get_attribute("src") != before
    squares = []
    for layer in range(5):
        report.locator("#field-choice input").nth(layer).check()
        square = report.locator("#field rect")
        squares.append([int(square.get_attribute(name)) for name in ("x", "y", "width", "height")])
    starts, sizes = (12, 12, 8, 6, 0), (5, 6, 14, 16, 28)
    assert squares == [[at, at, size, size] for at, size in zip(starts, sizes, strict=True)]
    expect(report.locator("#field-text")).to_contain_text("the whole digit")


def test_points_move_through_the_training_and_classes_can_be_hidden(report):
    digits = report.locator(DIGITS)
    expect(digits).to_have_count(500)
    before = digits.first.get_attribute("transform")
    report.locator("#snapshot").press("Home")
    expect(report.locator("#snapshot-text")).to_contain_text("step 1:")
    expect(digits.first).not_to_have_attribute("transform", before)
    report.locator("#classes input").nth(3).uncheck()
    expect(digits.filter(has_text="3")).to_have_count(0)
    report.locator("#classes input").nth(3).check()
    expect(digits).to_have_count(500)


def test_a_selected_point_shows_its_digit(report):
    expect(report.locator("#selected")).to_be_hidden()
    report.locator(DIGITS).nth(5).hover(force=True)
    text = report.locator("#selected-text")
    expect(text).to_contain_text("prediction")
    before = text.inner_text()
    report.mouse.move(0, 0)  # a point under the mouse would be selected again
    report.locator("#digit-next").press("Enter")
    expect(text).not_to_have_text(before)
    report.locator("#digit-back").press("Enter")
    expect(text).to_have_text(before)
    assert "data:image/png" in style(report, "#selected", "backgroundImage")


def test_pixel_shuffle_goes_step_by_step(report):
    counts = []
    for step in range(6):
        report.locator("#shuffle").fill(str(step))
        counts.append(report.locator("#shuffle-pictures img").count())
    assert counts == [1, 4, 1, 1, 2, 2]
    expect(report.locator("#shuffle-text")).to_contain_text("ground truth")
