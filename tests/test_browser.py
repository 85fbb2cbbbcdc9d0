"""The report in a real browser: it loads nothing, and every control does what it says."""

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
