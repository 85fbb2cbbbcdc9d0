"""The page as a whole in a real browser: themes, widths, paper, no scripts, accessibility."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib.colors import to_rgb
from playwright.sync_api import Page, expect

from convlab.figures.canvas import relative_luminance

PAPER = {"width": 700, "height": 1000}
"""What is left of A4 between the margins, in CSS pixels."""
FIRST_COLOURS = """
new MutationObserver((_, observer) => {
  if (!document.body) return;
  window.firstColours = [document.documentElement.dataset.theme,
    getComputedStyle(document.body).backgroundColor];
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""
NO_STORAGE = """
Object.defineProperty(window, "localStorage", { get() { throw new DOMException("denied"); } });
"""
NO_RESIZE = "addEventListener('resize', (each) => each.stopImmediatePropagation());"
"""What is printed is what stands there: nothing is drawn anew for the paper's width."""


def style(report: Page, selector: str, name: str) -> str:
    return report.eval_on_selector(selector, f"element => getComputedStyle(element).{name}")


def reload(report: Page) -> None:
    report.reload()
    report.wait_for_selector("html[data-ready=yes]")


@pytest.mark.parametrize(("theme", "widths"), [("light", (320, 2560)), ("dark", (1440, 360))])
def test_it_fits_and_every_plot_is_drawn(open_report, theme, widths):
    report = open_report(viewport={"width": widths[0], "height": 900}, color_scheme=theme)
    assert report.evaluate("document.documentElement.dataset.theme") == theme
    for width in widths:
        report.set_viewport_size({"width": width, "height": 900})
        assert report.evaluate("document.documentElement.scrollWidth") <= width
        plots = report.locator(".chart")
        assert plots.count() > 3
        for plot in plots.all():
            assert plot.locator("svg [role=graphics-symbol]").count() > 3
            assert plot.bounding_box()["width"] <= width
        rows = "rows => rows.map((row) => row.getBoundingClientRect().height)"
        assert max(report.eval_on_selector_all("tr", rows)) < 250  # else columns are too narrow
        for table in report.locator("main table:visible").all():
            box = table.bounding_box()
            # what does not fit can be scrolled, and a shadow says so
            assert box["x"] + box["width"] <= width or table.evaluate(
                "each => getComputedStyle(each.closest('.scroll')).backgroundAttachment"
            ).startswith("local")


def test_text_has_enough_contrast_in_the_chosen_theme(open_report):
    report = open_report(color_scheme="light")
    background = style(report, "body", "backgroundColor")
    data = report.evaluate("JSON.parse(document.getElementById('data').textContent)")
    for theme in ("dark", "light"):
        report.select_option("#theme", theme)
        assert (style(report, "body", "backgroundColor") == background) == (theme == "light")
        ground, raised, ink, soft, blue, orange = (
            report.evaluate(
                "name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)",
                name,
            ).strip()
            for name in ("ground", "raised", "ink", "soft", "blue", "orange")
        )
        pairs = [(text, behind) for text in (ink, soft, blue) for behind in (ground, raised)]
        pairs += [(text, ground) for text in (orange, *data["embedding"]["colours"][theme])]
        for pair in pairs:
            dark, bright = sorted(relative_luminance(np.array(to_rgb(colour))) for colour in pair)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, pair


def test_a_chosen_theme_is_kept_and_there_before_anything_is_painted(open_report):
    report = open_report(color_scheme="light")
    light = style(report, "body", "backgroundColor")
    report.select_option("#theme", "dark")
    dark = style(report, "body", "backgroundColor")
    report.context.add_init_script(FIRST_COLOURS)
    reload(report)
    assert report.evaluate("firstColours") == ["dark", dark]
    assert report.locator("#theme").input_value() == "dark"
    report.select_option("#theme", "auto")
    reload(report)
    assert report.evaluate("firstColours") == ["light", light]
    report.emulate_media(color_scheme="dark")
    expect(report.locator("body")).to_have_css("background-color", dark)


def test_plots_have_the_colours_of_the_theme_whenever_it_changes(report):
    report.select_option("#theme", "dark")
    text = report.locator("[data-chart=shift] .role-axis-title text").first
    ink = style(report, "body", "color")
    expect(text).to_have_css("fill", ink)
    report.select_option("#theme", "light")
    assert style(report, "body", "color") != ink
    expect(text).to_have_css("fill", style(report, "body", "color"))


def test_a_browser_that_denies_storage_shows_the_page(open_report):
    report = open_report(color_scheme="light")
    report.context.add_init_script(NO_STORAGE)
    reload(report)
    report.select_option("#theme", "dark")
    assert report.evaluate("document.documentElement.dataset.theme") == "dark"


CONTROLS = """
[...document.querySelectorAll("button, select, input, summary, [tabindex]")].filter(
  (each) => each.tabIndex >= 0 && !each.disabled && each.checkVisibility()
    && (each.type !== "radio" || each.checked))
"""
"""One of the radio buttons of a group, one cell of the confusion matrix: arrow keys do the rest."""


def test_every_control_can_be_reached_by_keyboard(report):
    controls = report.evaluate_handle(CONTROLS)
    count = controls.evaluate("controls => controls.length")
    reached = set()
    for _ in range(2 * count):
        report.keyboard.press("Tab")
        reached.add(controls.evaluate("controls => controls.indexOf(document.activeElement)"))
    assert len(reached - {-1}) == count > 50


def test_every_heading_links_to_itself(report):
    headings = report.locator(":is(h2, h3, h4):has(> a)")
    assert headings.count() > 15
    for heading in headings.all():
        address = heading.locator("a").get_attribute("href")
        target = report.locator(f"[id='{address[1:]}']")
        assert target.count() == 1
        assert target.evaluate("(each, other) => each.contains(other)", heading.element_handle())
    report.locator("h3 > a").last.click()
    assert report.evaluate("location.hash") == report.locator("h3 > a").last.get_attribute("href")
    mark = "getComputedStyle(document.activeElement, '::after').opacity"
    assert report.evaluate(mark) == "1"


def test_without_scripts_there_is_all_that_needs_none(open_report):
    page = open_report(java_script_enabled=False, color_scheme="dark")
    assert style(page, "body", "backgroundColor") == "rgb(20, 23, 28)"
    for control in ("button", "select", "input", "fieldset", "canvas", ".chart", "[role=img]"):
        assert page.locator(f"main {control}:visible").count() == 0, control
    for picture in page.locator("img:visible").all():
        assert picture.get_attribute("src")
    for figure in page.locator("figure:visible").all():
        assert figure.locator("img, svg, table").count()
    expect(page.locator(".number").first).to_contain_text("%")
    assert page.locator(".architecture svg:visible").count() > 10
    summary = page.locator("summary:visible").first
    summary.click()
    expect(page.locator("details[open] table").first).to_be_visible()


def test_paper_is_light_and_nothing_on_it_is_cut_or_closed(open_report):
    report = open_report(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    report.context.add_init_script(NO_RESIZE)
    reload(report)
    widths = report.eval_on_selector_all(".chart svg", "all => all.map(each => each.clientWidth)")
    report.evaluate("addEventListener('beforeprint', () => (window.seen = 'before'))")
    report.pdf()
    assert report.evaluate("seen") == "before"
    expect(report.locator("html")).to_have_attribute("data-theme", "dark")  # afterwards

    report.emulate_media(media="print")
    report.set_viewport_size(PAPER)
    report.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert report.evaluate("document.documentElement.dataset.theme") == "light"
    assert style(report, "body", "backgroundColor") == "rgb(255, 255, 255)"
    text = report.locator("[data-chart=shift] .role-axis-title text").first
    assert text.evaluate("each => getComputedStyle(each).fill") == style(report, "body", "color")
    assert report.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
    assert max(widths) > PAPER["width"]
    for plot in report.locator(".chart svg").all():
        box = plot.bounding_box()
        assert box["x"] + box["width"] <= PAPER["width"]
    expect(report.locator("body > header")).to_be_hidden()
    for hidden in report.locator("details:not([open]):visible > :last-child").all():
        assert hidden.bounding_box()["height"] > 20
    for figure in ("figure", "tr", ".viewer", "svg"):
        assert style(report, figure, "breakInside") == "avoid"
    link = "getComputedStyle(document.querySelector('.glossary a[href^=http]'), '::after').content"
    assert "https" in report.evaluate(link)


def test_axe_finds_nothing_at_any_width_in_any_theme(report):
    axe = Axe()
    for width in (360, 1440):
        report.set_viewport_size({"width": width, "height": 900})
        for theme in ("light", "dark"):
            report.select_option("#theme", theme)
            found = axe.run(report, options={"resultTypes": ["violations"]}).response["violations"]
            nodes = [(each["id"], node["html"]) for each in found for node in each["nodes"]]
            assert nodes == [], (width, theme)


def test_receptive_fields_can_be_chosen(report):
    squares = []
    for layer in range(5):
        report.locator("#field-choice input").nth(layer).check()
        square = report.locator("#field rect")
        squares.append([int(square.get_attribute(name)) for name in ("x", "y", "width", "height")])
    starts, sizes = (12, 12, 8, 6, 0), (5, 6, 14, 16, 28)
    assert squares == [[at, at, size, size] for at, size in zip(starts, sizes, strict=True)]
    expect(report.locator("#field-text")).to_contain_text("the whole digit")
