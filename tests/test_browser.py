"""The report in a real browser: it loads nothing, and every control does what it says."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from playwright.sync_api import Page, expect

from convlab.figures.canvas import relative_luminance


def style(report: Page, selector: str, name: str) -> str:
    return report.eval_on_selector(selector, f"element => getComputedStyle(element).{name}")


@pytest.mark.parametrize(("width", "theme"), [(360, "light"), (1440, "dark"), (2560, "light")])
def test_it_fits_and_every_plot_is_drawn(open_report, width, theme):
    report = open_report(viewport={"width": width, "height": 900}, color_scheme=theme)
    assert report.evaluate("document.documentElement.scrollWidth") <= width
    assert report.evaluate("document.documentElement.dataset.theme") == theme
    plots = report.locator(".chart")
    assert plots.count() == 4 + report.locator("[data-chart^=validation_x]").count() > 4
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
    controls = "[...document.querySelectorAll('button, select, input, summary, #viewer, #plane')]"
    wanted = (
        f"{controls}.filter((each) => each.tabIndex === 0 && !each.disabled"
        " && (each.type !== 'radio' || each.checked))"
    )
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


def drag(report: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag in the viewer, from one place to another, each as a share of its width and height."""
    report.locator("#viewer").scroll_into_view_if_needed()
    box = report.locator("#viewer").bounding_box()
    places = [
        (box["x"] + right * box["width"], box["y"] + down * box["height"])
        for right, down in (start, end)
    ]
    report.mouse.move(*places[0])
    report.mouse.down()
    report.mouse.move(*places[1])
    report.mouse.up()


def transforms(report: Page) -> set[str]:
    """Of all pictures in the viewer."""
    return set(
        report.eval_on_selector_all("#viewer img", "all => all.map(each => each.style.transform)")
    )


def test_the_divider_follows_the_slider_and_the_mouse(report):
    report.locator("#split").press("Home")
    assert style(report, "[data-layer=network]", "clipPath") == "inset(0px 0px 0px 0%)"
    expect(report.locator("#tag-left")).to_be_hidden()
    report.locator("#split").press("End")
    assert "100%" in style(report, "[data-layer=network]", "clipPath")
    drag(report, (0.3, 0.2), (0.8, 0.2))
    assert float(report.locator("#split").input_value()) == pytest.approx(80, abs=1)
    expect(report.locator("#tag-left")).to_be_visible()


def test_all_pictures_zoom_and_move_together(report):
    seen = [transforms(report)]
    for action in (
        lambda: report.locator("#zoom-in").click(click_count=3),
        lambda: report.locator("#viewer").press("ArrowRight"),
        lambda: drag(report, (0.3, 0.4), (0.2, 0.3)),
        lambda: report.locator("#viewer").press("-"),
    ):
        action()
        assert transforms(report) not in seen
        seen.append(transforms(report))
    assert all(len(each) == 1 for each in seen)
    report.locator("#zoom-reset").click()
    assert transforms(report) == seen[0]


def test_ground_truth_error_maps_and_other_photographs_can_be_chosen(report):
    truth, text = report.locator("[data-layer=truth]"), report.locator("#photo-text")
    report.locator("#viewer").press("t")
    expect(truth).to_be_visible()
    expect(report.locator("#tag-right")).to_be_hidden()
    report.locator("#show-truth").click()
    expect(truth).to_be_hidden()
    picture, before = report.locator("[data-layer=network] img"), text.inner_text()
    sources = [picture.get_attribute("src")]
    for button in ("#show-errors", "#photo-choice button:last-child"):
        report.locator(button).click()
        sources.append(picture.get_attribute("src"))
        expect(text).to_contain_text("times as bright")
    assert len(set(sources)) == 3
    expect(text).not_to_contain_text(before)


def test_a_bar_and_the_buttons_choose_a_photograph(report):
    picture, chosen = report.locator("#parts img").first, report.locator("#part-choice")
    before = picture.get_attribute("src"), chosen.input_value()
    report.locator("[data-chart=gains] .layer_1_marks path").last.click(force=True)
    assert picture.get_attribute("src") != before[0]
    assert chosen.input_value() != before[1]
    report.locator("#part-next").click()  # from the last to the first
    assert (picture.get_attribute("src"), chosen.input_value()) == before


def test_photographs_can_be_sorted(report):
    listed = report.locator("#part-choice option")
    by_gain = listed.all_inner_texts()
    report.select_option("#gain-order", "name")
    assert sorted(by_gain) == listed.all_inner_texts() != by_gain


def test_pixel_shuffle_goes_step_by_step(report):
    counts = []
    for step in range(6):
        report.locator("#shuffle").fill(str(step))
        counts.append(report.locator("#shuffle-pictures img").count())
    assert counts == [1, 4, 1, 1, 2, 2]
    expect(report.locator("#shuffle-text")).to_contain_text("ground truth")
