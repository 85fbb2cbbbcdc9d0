"""The report in a real browser: it loads nothing, and every control does what it says."""

import pytest
from playwright.sync_api import Page, expect

DIGITS = "[data-chart=points] .mark-text.role-mark text"


def style(report: Page, selector: str, name: str) -> str:
    return report.eval_on_selector(selector, f"element => getComputedStyle(element).{name}")


def test_receptive_fields_can_be_chosen(report):
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
