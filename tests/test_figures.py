"""Curves, misread digits, the gallery: what is drawn is what was given."""

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from convlab.figures.canvas import write_png
from convlab.figures.curves import (
    draw_shift_curve,
    draw_superresolution_curve,
    draw_training_curves,
)
from convlab.figures.digits import draw_confusion, draw_wrong
from convlab.figures.gallery import CAPTION, GAP, HEADING, WIDTH, draw_gallery
from convlab.imaging.showcase import Comparison

DIGITS_CURVE = {
    "step": [0, 100, 200],
    "cnn_loss": [2.3, 0.2, 0.05],
    "cnn_accuracy": [0.1, 0.95, 0.99],
    "mlp_loss": [2.3, 0.4, 0.1],
    "mlp_accuracy": [0.08, 0.9, 0.97],
}
PHOTOS_CURVE = {
    "step": [5, 10],
    "loss": [0.02, 0.01],
    "validation_psnr": [30, 31],
    "bicubic_psnr": [29.5, 29.5],
}
SHIFTED = {"cnn": [0.99, 0.9, 0.6], "mlp": [0.97, 0.7, 0.3]}


def comparison(height: int, width: int) -> Comparison:
    crops = np.random.default_rng(height).integers(0, 256, (3, height, width, 3), np.uint8)
    return Comparison("parrot", *crops, bicubic_psnr=29.554, network_psnr=31.558)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def pixels(figure: Figure, folder) -> np.ndarray:
    write_png(folder / "figure.png", figure)
    with Image.open(folder / "figure.png") as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: draw_training_curves(DIGITS_CURVE),
        lambda: draw_shift_curve([0, 1, 2], SHIFTED),
        lambda: draw_superresolution_curve(PHOTOS_CURVE),
        lambda: draw_wrong(
            np.zeros((3, 28, 28), np.uint8), np.arange(3), np.array([0, 2, 1]), limit=5
        ),
        lambda: draw_confusion(np.eye(10, dtype=int)),
        lambda: draw_gallery([comparison(20, 20)]),
    ],
)
def test_a_picture_is_the_same_again_whatever_the_readers_settings(draw, tmp_path):
    write_png(tmp_path / "plain.png", draw())
    settings = {"font.size": 20, "figure.dpi": 50, "savefig.bbox": "tight", "axes.grid": False}
    with matplotlib.rc_context(settings):
        write_png(tmp_path / "other.png", draw())
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    with Image.open(tmp_path / "plain.png") as picture:
        assert set(picture.info) <= {"dpi"}


def test_training_curves_show_loss_and_accuracy_of_both_networks():
    loss, accuracy = draw_training_curves(DIGITS_CURVE).axes
    assert loss.get_yscale() == "log"
    for axes, values in ((loss, "loss"), (accuracy, "accuracy")):
        assert [line.get_label() for line in axes.lines] == ["CNN", "MLP"]
        for line, network in zip(axes.lines, ("cnn", "mlp"), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), DIGITS_CURVE["step"])
            np.testing.assert_array_equal(line.get_ydata(), DIGITS_CURVE[f"{network}_{values}"])
    labels = [label.get_text() for label in accuracy.get_yticklabels()]
    assert {"50 %", "90 %", "99 %"} <= set(labels)


def test_an_accuracy_of_none_or_all_is_drawn_too(tmp_path):
    curve = DIGITS_CURVE | {"cnn_accuracy": [0.0, 0.5, 1.0]}
    assert pixels(draw_training_curves(curve), tmp_path).min() < 255


def test_the_shift_curve_says_every_accuracy_on_a_whole_scale():
    figure = draw_shift_curve([0, 1, 2], SHIFTED)
    (axes,) = figure.axes
    assert axes.get_ylim()[0] == 0
    assert [list(line.get_ydata()) for line in axes.lines] == list(SHIFTED.values())
    assert texts(figure) == ["99.0", "90.0", "60.0", "97.0", "70.0", "30.0"]
    assert "pixels" in axes.get_xlabel()


def test_the_superresolution_curve_has_the_level_of_bicubic():
    figure = draw_superresolution_curve(PHOTOS_CURVE)
    loss, psnr = figure.axes
    assert list(loss.lines[0].get_ydata()) == [0.02, 0.01]
    network, bicubic = psnr.lines
    assert list(network.get_ydata()) == [30, 31]
    assert set(bicubic.get_ydata()) == {29.5}
    assert bicubic.get_linestyle() == "--"
    assert "dB" in psnr.get_ylabel()


digits = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25)


@settings(max_examples=20, deadline=None)
@given(pairs=digits, limit=st.integers(1, 30))
def test_the_first_wrong_answers_are_drawn_and_no_right_one(pairs, limit):
    actual, predicted = np.array(pairs, np.uint8).T
    figure = draw_wrong(np.zeros((len(pairs), 28, 28), np.uint8), actual, predicted, limit=limit)
    wrong = [f"{was} as {taken}" for was, taken in pairs if was != taken]
    assert texts(figure) == wrong[:limit]
    assert f"{len(wrong)} of {len(pairs)}" in figure.axes[0].get_title(loc="left")


def test_misread_digits_are_those_of_the_wrong_answers():
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)
    figure = draw_wrong(images, np.array([1, 2, 3, 4]), np.array([1, 7, 3, 9]), limit=9)
    drawn = [image.get_array() for image in figure.axes[0].images]
    np.testing.assert_array_equal(drawn, images[[1, 3]])


def test_the_confusion_matrix_shows_every_count_but_zero():
    matrix = np.diag(np.arange(100, 110))
    matrix[4, 9] = 3
    figure = draw_confusion(matrix)
    counts = {
        tuple(map(int, text.get_position())): text.get_text() for text in figure.axes[0].texts
    }
    assert counts == {(d, d): str(100 + d) for d in range(10)} | {(9, 4): "3"}


@pytest.mark.parametrize("sizes", [[(16, 16)], [(30, 50)], [(80, 80)] * 2, [(64, 401), (48, 300)]])
def test_the_gallery_shows_every_pixel_as_a_square(sizes, tmp_path):
    rows = [comparison(*size) for size in sizes]
    picture = pixels(draw_gallery(rows), tmp_path)
    height, width = np.max(sizes, axis=0)
    zoom = max(1, WIDTH // width)
    for row, crops in enumerate(rows):
        top = HEADING + row * (zoom * height + CAPTION)
        for column, crop in enumerate((crops.truth, crops.bicubic, crops.network)):
            left = GAP + column * (zoom * width + GAP)
            magnified = np.kron(crop, np.ones((zoom, zoom, 1), np.uint8))
            shown = picture[top:, left:][: magnified.shape[0], : magnified.shape[1]]
            np.testing.assert_array_equal(shown, magnified)


def test_the_gallery_says_name_and_quality():
    written = [text.get_text() for text in draw_gallery([comparison(20, 20)]).texts]
    assert written[1:] == ["ground truth", "bicubic", "network", "parrot", "29.55 dB", "31.56 dB"]
