"""Figures: they draw what they are given, and write the same bytes every time."""

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from convlab.figures import curves, gallery
from convlab.figures.canvas import write_png
from convlab.figures.feature_maps import draw_feature_maps
from convlab.figures.predictions import draw_confusion, draw_misclassified
from convlab.superres.comparison import Comparison

DIGITS_CURVE = {
    "step": [0, 100, 200],
    "cnn_loss": [2.3, 0.2, 0.05],
    "cnn_accuracy": [0.0, 0.95, 1.0],
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
CROPS = np.random.default_rng(0).integers(0, 256, (3, 48, 300, 3), np.uint8)
COMPARISON = Comparison("parrot", *CROPS, bicubic_psnr=29.554, network_psnr=31.558)
MATRIX = np.diag(np.arange(100, 110)) + 3 * (np.arange(100) == 49).reshape(10, 10)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: curves.draw_training_curves(DIGITS_CURVE),
        lambda: curves.draw_shift_curve([0, 1, 2], SHIFTED),
        lambda: curves.draw_superresolution_curve(PHOTOS_CURVE),
        lambda: draw_misclassified(np.zeros((2, 28, 28)), np.arange(2), np.array([0, 2]), limit=5),
        lambda: draw_confusion(MATRIX),
        lambda: draw_feature_maps(
            np.zeros((28, 28)), {"a": np.zeros((2, 4, 4)), "b": np.zeros((17, 2, 2))}
        ),
        lambda: gallery.draw_gallery([COMPARISON]),
    ],
)
def test_the_users_matplotlib_settings_change_no_byte(draw, tmp_path):
    write_png(tmp_path / "plain.png", draw())
    with matplotlib.rc_context({"font.size": 20, "figure.dpi": 50, "savefig.bbox": "tight"}):
        write_png(tmp_path / "other.png", draw())
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "other.png").read_bytes()


def test_curves_show_their_values():
    loss, accuracy = curves.draw_training_curves(DIGITS_CURVE).axes
    for axes, values in ((loss, "loss"), (accuracy, "accuracy")):
        for line, network in zip(axes.lines, ("cnn", "mlp"), strict=True):
            expected = np.clip(DIGITS_CURVE[f"{network}_{values}"], 0.0001, None)
            np.testing.assert_allclose(line.get_ydata(), expected, atol=0.0001)
    figure = curves.draw_shift_curve([0, 1, 2], SHIFTED)
    assert texts(figure) == ["99.0", "90.0", "60.0", "97.0", "70.0", "30.0"]
    assert figure.axes[0].get_ylim()[0] == 0
    loss, psnr = curves.draw_superresolution_curve(PHOTOS_CURVE).axes
    drawn = [list(line.get_ydata()) for line in (*loss.lines, *psnr.lines)]
    assert drawn == [PHOTOS_CURVE[name] for name in ("loss", "validation_psnr", "bicubic_psnr")]


@settings(max_examples=10)
@given(
    pairs=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12),
    limit=st.integers(1, 4),
)
def test_the_first_misclassified_digits_are_drawn_and_no_others(pairs, limit):
    labels, predictions = np.array(pairs).T
    images = np.ones((len(pairs), 28, 28)) * np.arange(len(pairs))[:, None, None]
    figure = draw_misclassified(images, labels, predictions, limit=limit)
    wrong = [index for index, (label, prediction) in enumerate(pairs) if label != prediction]
    assert texts(figure) == [f"{pairs[each][0]} as {pairs[each][1]}" for each in wrong[:limit]]
    assert [image.get_array()[0, 0] for image in figure.axes[0].images] == wrong[:limit]
    assert f"{len(wrong)} of {len(pairs)}" in figure.axes[0].get_title(loc="left")


def test_the_confusion_matrix_shows_every_count_but_zero_in_its_row_and_column():
    drawn = draw_confusion(MATRIX).axes[0].texts
    counts = {tuple(map(int, text.get_position())): text.get_text() for text in drawn}
    assert counts == {(digit, digit): str(100 + digit) for digit in range(10)} | {(9, 4): "3"}


@pytest.mark.parametrize("width", [50, 300])
def test_the_gallery_shows_every_pixel_as_a_square(width, tmp_path):
    crops = CROPS[:, :, :width]
    figure = gallery.draw_gallery([Comparison("parrot", *crops, 29.554, 31.558)] * 2)
    write_png(tmp_path / "gallery.png", figure)
    picture = np.asarray(Image.open(tmp_path / "gallery.png").convert("RGB"))
    assert [text.get_text() for text in figure.texts][4:7] == ["parrot", "29.55 dB", "31.56 dB"]
    zoom = gallery.CROP_WIDTH // width
    for row in range(2):
        for column, crop in enumerate(crops.repeat(zoom, axis=1).repeat(zoom, axis=2)):
            top = gallery.HEADING_HEIGHT + row * (len(crop) + gallery.CAPTION_HEIGHT)
            left = gallery.GAP_WIDTH + column * (zoom * width + gallery.GAP_WIDTH)
            shown = picture[top : top + len(crop), left : left + zoom * width]
            np.testing.assert_array_equal(shown, crop)
