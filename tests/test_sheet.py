"""The digits on a photographed sheet of paper are found one by one, in reading order."""

import io
import runpy

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage.transform import ProjectiveTransform

from conftest import ROOT
from convlab.digits.paper import find_paper, rectify
from convlab.digits.preprocessing import to_mnist
from convlab.digits.sheet import find_digits
from test_preprocessing import DISTURBANCES, draw_seven

PAGE = 700, 500
CORNERS = np.array([(120, 90), (860, 50), (910, 620), (70, 650)])
"""Where those of the page lie in the photograph of 1000 x 750 pixels."""


def write(rows, paper="plain", size=70, slant=0.0, ink=60):
    """Write rows of digits on a page; rows and digits have distances of twice their height."""
    image = Image.new("L", PAGE, 235)
    draw = ImageDraw.Draw(image)
    if paper != "plain":
        for y in range(30, PAGE[1], 40):
            draw.line([(0, y), (PAGE[0], y)], fill=150, width=2)
    if paper == "squared":
        for x in range(20, PAGE[0], 40):
            draw.line([(x, 0), (x, PAGE[1])], fill=150, width=2)
    font = ImageFont.load_default(size)
    for at, row in enumerate(rows):
        for place, digit in enumerate(row):
            x, y = 60 + 1.5 * size * place, 60 + 2 * size * at
            draw.text((x, y + slant * x), str(digit), fill=ink, font=font)
    return np.asarray(image)


def photograph(page, desk=40.0, seed=0):
    """Lay a page on a desk, in the light of one side, and photograph it from an angle."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * PAGE
    matrix = ProjectiveTransform.from_estimate(CORNERS, corners).params
    coefficients = (matrix / matrix[2, 2]).ravel()[:8]
    size, kind = (1000, 750), Image.Transform.PERSPECTIVE
    bicubic = Image.Resampling.BICUBIC
    seen = Image.fromarray(page).transform(size, kind, coefficients, bicubic)
    covered = Image.new("L", PAGE, 255).transform(size, kind, coefficients, bicubic)
    scene = np.where(np.asarray(covered) > 127, seen, desk)
    shadow = 1 - 0.4 / (1 + np.exp((np.arange(1000) - 520) / 25))
    noise = np.random.default_rng(seed).normal(0, 3, scene.shape)
    return (
        (scene * shadow * np.linspace(1, 0.8, 750)[:, None] + noise).clip(0, 255).astype(np.uint8)
    )


TEMPLATES = [to_mnist(write([[digit]])) for digit in range(10)]


def read(digit):
    return int(np.argmax([np.corrcoef(digit.ravel(), each.ravel())[0, 1] for each in TEMPLATES]))


def read_rows(picture):
    return [[read(digit) for digit in row] for row in find_digits(picture)]


@pytest.mark.parametrize("desk", [15.0, 120.0])
def test_the_paper_is_found_under_perspective_and_seen_from_above(desk):
    page = write([[4, 2], [7]])
    taken = photograph(page, desk)
    corners = find_paper(taken)
    np.testing.assert_allclose(corners, CORNERS, atol=10)  # 1 % of the picture
    flat = rectify(taken, corners)
    assert flat.shape[1] / flat.shape[0] == pytest.approx(PAGE[0] / PAGE[1], abs=0.1)
    assert np.percentile(flat, 2) > 60  # no desk; 2 % of the page are ink


@pytest.mark.parametrize("light_side", [0.3, 1.0])
def test_a_page_that_fills_the_picture_has_no_edges_to_find(light_side):
    page = write([[1, 2]]) * np.linspace(light_side, 1, PAGE[0])
    assert find_paper(page.astype(np.uint8)) is None
    assert find_paper(255 - page.astype(np.uint8)) is None


@pytest.mark.parametrize("paper", ["plain", "ruled", "squared"])
@pytest.mark.parametrize("ink", [40, 130])
def test_each_digit_is_found_whatever_the_paper_is_ruled_with(paper, ink):
    rows = [[3, 1, 4, 1, 5], [9, 2], [6, 5, 8]]
    assert read_rows(photograph(write(rows, paper, ink=ink))) == rows


def test_rows_may_be_slanted():
    rows = [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9]]
    assert read_rows(photograph(write(rows, slant=0.08))) == rows
    assert read_rows(photograph(write(rows, slant=-0.05))) == rows


def test_strokes_of_one_digit_stay_together_and_specks_are_left_out():
    page = write([[5, 1]]).copy()
    five = page[60:160, 60:100]
    five[32:35] = 235  # a gap below its upper stroke
    page[300:303, 300:303] = 20
    found = read_rows(photograph(page))
    assert found == [[5, 1]]


def test_several_digits_are_read_without_a_desk_and_light_on_dark():
    rows = [[1, 2, 3], [4, 5]]
    assert read_rows(write(rows)) == rows
    assert read_rows(255 - write(rows)) == rows


@pytest.mark.parametrize("name", DISTURBANCES)
@pytest.mark.parametrize("negative", [False, True])
def test_a_single_drawing_is_read_as_before(name, negative):
    drawn = DISTURBANCES[name](255 - draw_seven(160, 200).astype(float))
    drawn = drawn.clip(0, 255).astype(np.uint8)
    drawn = 255 - drawn if negative else drawn
    ((found,),) = find_digits(drawn)
    np.testing.assert_array_equal(found, to_mnist(drawn))


def test_a_digit_in_mnists_own_size_is_one_digit():
    for digit in TEMPLATES:
        ((found,),) = find_digits(digit)
        np.testing.assert_array_equal(found, to_mnist(digit))


@pytest.mark.parametrize("paper", ["plain", "ruled", "squared"])
def test_a_sheet_without_digits_is_refused(paper):
    with pytest.raises(ValueError, match="shows no digit: nothing on the sheet"):
        find_digits(photograph(write([], paper)))


def test_texture_is_no_page_of_digits():
    texture = (
        np.random.default_rng(0)
        .choice([60, 230], (300, 400), p=[0.2, 0.8])
        .repeat(4, 0)
        .repeat(4, 1)
    )
    ((found,),) = find_digits(texture.astype(np.uint8))
    np.testing.assert_array_equal(found, to_mnist(texture.astype(np.uint8)))


@pytest.mark.parametrize("number", [16, 18])
def test_a_sheet_of_the_benchmark_is_read(number):
    """Squared paper and a ballpoint, plain paper and a pencil; small photographs."""
    draw_sheet = runpy.run_path(str(ROOT / "benchmarks" / "drawn_sheets.py"))["draw_sheet"]
    sheet = draw_sheet(np.array(TEMPLATES), 0, number)
    with Image.open(io.BytesIO(sheet.jpeg)) as image:
        assert read_rows(np.asarray(image.convert("L"))) == sheet.rows
