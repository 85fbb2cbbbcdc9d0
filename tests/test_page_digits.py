"""Digits in a real browser: the confusion matrix, and curves that can be read."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from scipy.special import softmax
from sklearn.metrics import confusion_matrix

from convlab.digits.prediction import predict
from convlab.report.digits import CORRECT_SHOWN
from convlab.report.sources import read_digits_run
from section_pages import digit_shown

LIMIT = 40  # evaluate_cnn.misclassified_shown


@pytest.fixture(scope="module")
def run(pipeline):
    return read_digits_run(pipeline / "data/raw/MNIST", pipeline / "stages")


def expected_digits(run, label, prediction):
    """Indices of a cell's digits as the page orders them, percentages, and texts without them."""
    cell = np.flatnonzero((run.labels == label) & (run.predictions == prediction))
    cell = cell[: CORRECT_SHOWN if label == prediction else LIMIT]
    probabilities = softmax(predict(run.cnn, run.images[cell]).logits, axis=1)[:, prediction]
    of_mlp = predict(run.mlp, run.images[cell]).logits.argmax(axis=1)

    def tick(predicted):
        return " ✓" if predicted == label else ""

    order = np.argsort(-probabilities.round(4), kind="stable")
    texts = [
        f"CNN {prediction} %{tick(prediction)}MLP {of_digit}{tick(of_digit)}"
        for of_digit in of_mlp[order]
    ]
    return cell[order], 100 * probabilities[order], texts


def test_the_matrix_is_that_of_python(report, run):
    counts = report.eval_on_selector_all(
        "#confusion tbody tr",
        "rows => rows.map((row) => [...row.cells].slice(1).map((c) => +c.textContent))",
    )
    np.testing.assert_array_equal(
        counts, confusion_matrix(run.labels, run.predictions, labels=range(10))
    )


def test_a_cell_shows_its_digits_and_what_both_networks_predict(report, run):
    counts = confusion_matrix(run.labels, run.predictions, labels=range(10))
    errors = counts * (1 - np.eye(10, dtype=int))
    largest = divmod(int(errors.argmax()), 10)
    smallest = divmod(int(np.where(errors, errors, errors.max()).argmin()), 10)
    correct = (int(counts.diagonal().argmax()),) * 2
    for number, (label, prediction) in enumerate((largest, smallest, correct)):
        cell = report.locator("#confusion tbody tr").nth(label).locator("td").nth(prediction)
        button = cell.locator("button")
        if number:  # the largest is shown from the start
            button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(report.locator("#confusion [aria-pressed=true]")).to_have_count(1)
        indices, percentages, texts = expected_digits(run, label, prediction)
        shown = report.locator("#confused li")
        found = [text.replace("\n", "") for text in shown.all_inner_texts()]
        assert [re.sub(r"\d+\u00a0%", "%", text) for text in found] == texts
        seen = [float(re.search(r"(\d+)\u00a0%", text)[1]) for text in found]
        np.testing.assert_allclose(seen, percentages, atol=0.51)
        text = report.locator("#confused-text").inner_text()
        assert text.startswith(
            f"Label {label}, prediction {prediction}: {counts[label, prediction]}"
        )
        assert ("are shown" in text) == (len(texts) < counts[label, prediction])
        tile = digit_shown(shown.nth(0).locator(".sprite"))
        assert np.abs(tile - run.images[indices[0]]).mean() < 12


def test_cells_are_reached_by_keyboard(report, run):
    def focused():
        name = report.evaluate("document.activeElement.getAttribute('aria-label')")
        return np.array(
            [int(name.split(f"{word} ")[1].split(",")[0]) for word in ("label", "prediction")]
        )

    counts = confusion_matrix(run.labels, run.predictions, labels=range(10))
    reached = report.locator("#confusion button[tabindex='0']")
    expect(reached).to_have_count(1)
    reached.focus()
    text = report.locator("#confused-text")
    first, before = text.inner_text(), focused()
    for key, along, by in (("Right", 1, 1), ("Left", 1, -1), ("Down", 0, 1), ("Up", 0, -1)):
        report.keyboard.press(f"Arrow{key}")
        line = counts[before[0]] if along else counts[:, before[1]]
        ahead = np.flatnonzero(line)[:: 1 if by > 0 else -1]
        wanted = before.copy()
        wanted[along] = next((at for at in ahead if by * (at - before[along]) > 0), before[along])
        np.testing.assert_array_equal(focused(), wanted)
        before = wanted
    assert text.inner_text() == first  # nothing was chosen
    expect(reached).to_be_focused()
    report.keyboard.press("ArrowDown")
    report.keyboard.press("Enter")
    expect(text).to_contain_text("Label {}, prediction {}:".format(*focused()))


def test_the_error_has_a_logarithmic_axis(report, run):
    chart = report.locator("[data-chart=error]")
    accuracies = run.curve["cnn_accuracy"] + run.curve["mlp_accuracy"]
    errors = 1 - np.array(accuracies)
    down = chart.locator(".mark-symbol path[transform]").evaluate_all(
        "all => all.filter((each) => each.getAttribute('aria-roledescription') === 'point')"
        ".map((each) => +each.getAttribute('transform').match(/,([^)]+)/)[1])"
    )
    assert len(down) == len(errors)
    slope, offset = np.polyfit(np.log(np.sort(errors)), np.sort(down)[::-1], 1)
    np.testing.assert_allclose(
        slope * np.log(np.sort(errors)) + offset, np.sort(down)[::-1], atol=0.6
    )
    assert slope < 0
    labels = chart.locator(".role-axis-label text").all_text_contents()
    assert any(text.endswith("%") for text in labels)


def test_the_text_on_shifted_digits_has_their_numbers(report, run):
    text = " ".join(report.locator("#digits").inner_text().split())
    shift, cnn, mlp = (run.shift[name][-1] for name in ("shift", "cnn", "mlp"))
    assert (
        f"With a shift of {shift:g} pixels, the CNN classifies {100 * cnn:.0f} % of them correctly"
        in text
    )
    assert f"the MLP {100 * mlp:.0f} %." in text
    assert "the last layer, which is linear, depends on positions" in text
