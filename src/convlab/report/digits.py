"""Collect the report's section on digits: networks, predictions and the CNN's layers."""

import math
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from sklearn.metrics import confusion_matrix
from torch import nn

from convlab.digits.inspection import SIDE, feature_maps, filters, receptive_fields
from convlab.digits.prediction import predict
from convlab.report.architecture import architecture
from convlab.report.encode import diverge, png, sheet, stretch
from convlab.report.sources import DigitsRun

SAMPLES_PER_CLASS = 2
CORRECT_SHOWN = 10
"""Largest number of digits of each class that are shown as correct predictions."""
SHEET_COLUMNS = 25
"""Digits in a row of the picture that holds the digits of the confusion matrix."""
MAX_LAYERS = 12
"""Largest number of layers whose filters or feature maps are shown; more would need a larger
page."""
MAX_CHANNELS, MAX_PIXELS = 32, 32 * 28 * 28
"""Largest numbers of feature maps of a layer, and of their pixels, that are shown."""
MAX_FILTERS_SIDE = 320
"""Largest number of weights on a side of a picture of filters, such as 64 x 5; larger pictures are
omitted."""
FILTERS_PER_ROW = 8
"""Least number of filters in a row of a picture of filters with one input channel."""


def digits_section(run: DigitsRun, misclassified_shown: int) -> dict[str, Any]:
    """Collect what the page shows about digits.

    Parameters
    ----------
    run : DigitsRun
    misclassified_shown : int
        Largest number of digits that are shown for each pair of a label and a wrong prediction.

    Returns
    -------
    dict
        Numbers, texts, and pictures as data URIs. `filters`, `maps` and `fields` are
        empty if the CNN is a network without convolutions.
    """
    correct = run.labels == run.predictions
    examples = run.images[[int(np.flatnonzero(run.labels == digit)[0]) for digit in range(10)]]
    return {
        "network": type(run.cnn).__module__.rpartition(".")[-1],
        "accuracy": float(correct.mean()),
        "mlp_accuracy": run.shift["mlp"][0],
        "total": len(run.labels),
        "errors": int((~correct).sum()),
        "mlp_errors": round((1 - run.shift["mlp"][0]) * len(run.labels)),
        "samples": _samples(run.images, run.labels),
        "networks": {
            name: architecture(network, torch.zeros(1, 1, SIDE, SIDE))
            for name, network in (("CNN", run.cnn), ("MLP", run.mlp))
        },
        "curve": run.curve,
        "shift": run.shift,
        "confusion": _confusion(run),
        "confused": _confused(run, misclassified_shown),
        "filters": _filters(run.cnn),
        "examples": [png(digit) for digit in examples],
        "maps": _feature_maps(run.cnn, examples),
        "fields": [field._asdict() for field in receptive_fields(run.cnn)],
    }


def _samples(images: np.ndarray, labels: np.ndarray) -> str:
    """Give a picture of the first digits of each class, with a column for each class."""
    found = [np.flatnonzero(labels == digit)[:SAMPLES_PER_CLASS] for digit in range(10)]
    tiles = [images[of_class[row]] for row in range(SAMPLES_PER_CLASS) for of_class in found]
    return png(sheet(tiles, 10, gap=2))


def _confusion(run: DigitsRun) -> list[list[dict[str, float]]]:
    """Give the confusion matrix: a number of digits, and a shade, for each label and prediction.

    The shade is the logarithm of the number, scaled to 0 to 1 separately for the cells on the
    diagonal and for all others.
    """
    counts = confusion_matrix(run.labels, run.predictions, labels=range(10))
    diagonal = np.eye(10, dtype=bool)
    largest = np.where(diagonal, counts[diagonal].max(), counts[~diagonal].max())
    shades = (np.log1p(counts) / np.log1p(np.maximum(largest, 1))).round(2)
    return [
        [
            {"count": int(counts[label, prediction]), "shade": float(shades[label, prediction])}
            for prediction in range(10)
        ]
        for label in range(10)
    ]


def _confused(run: DigitsRun, limit: int) -> dict[str, Any]:
    """Give some digits of each cell of the confusion matrix, with both networks' predictions.

    `sheet` is a picture of all these digits, with `columns` digits in a row.
    """
    shown = np.concatenate(
        [
            np.flatnonzero((run.labels == label) & (run.predictions == prediction))[
                : min(limit, CORRECT_SHOWN) if label == prediction else limit
            ]
            for label in range(10)
            for prediction in range(10)
        ]
    )
    images, predictions = run.images[shown], run.predictions[shown]
    probabilities = softmax(predict(run.cnn, images).logits, axis=1)
    return {
        "sheet": png(sheet(list(images), SHEET_COLUMNS)),
        "columns": SHEET_COLUMNS,
        "indices": shown.tolist(),
        "labels": run.labels[shown].tolist(),
        "predictions": predictions.tolist(),
        "mlp_predictions": predict(run.mlp, images).logits.argmax(axis=1).tolist(),
        "probabilities": [
            round(float(of_digit[prediction]), 4)
            for of_digit, prediction in zip(probabilities, predictions, strict=True)
        ],
    }


def _filters(network: nn.Module) -> list[dict[str, str]]:
    """Give pictures of the kernels of each convolution."""
    shown = []
    for layer, kernels in filters(network):
        outputs, inputs, height, width = kernels.shape
        text = f"{layer.capitalize()}: {outputs} filters of {height} x {width} weights"
        # The smaller number of channels as rows, so that the picture is wider than high.
        row, column = ("input", "output") if outputs >= inputs else ("output", "input")
        ordered = kernels if column == "input" else kernels.swapaxes(0, 1)
        columns = ordered.shape[1]
        if inputs == 1:
            columns = max(FILTERS_PER_ROW, math.isqrt(outputs))
        else:
            text += (
                f" for each of {inputs} input channels; a column for each {column} channel, a row"
                f" for each {row} channel"
            )
        rows = -(-outputs * inputs // columns)
        if height * width == 1 or max(rows * height, columns * width) > MAX_FILTERS_SIDE:
            continue
        tiles = list(diverge(ordered.reshape(-1, height, width)))
        shown.append({"image": png(sheet(tiles, columns, gap=1, fill=255)), "text": text})
    return shown[:MAX_LAYERS]


def _feature_maps(network: nn.Module, digits: np.ndarray) -> list[dict[str, Any]]:
    """Give the feature maps of these digits after each layer."""
    maps = feature_maps(network, digits)
    embedding = predict(network, digits).embedding
    evenly = np.linspace(0, len(maps) - 1, min(len(maps), MAX_LAYERS)).round().astype(int)
    shown = []
    for layer, values in (maps[index] for index in evenly):
        channels, height, width = values.shape[1:]
        text = f"After {layer}: {channels} x {height} x {width}"
        count = min(channels, MAX_CHANNELS, max(1, MAX_PIXELS // (height * width)))
        if count < channels:
            text += f", of which the first {count} are shown"
        if np.array_equal(values.reshape(len(digits), -1), embedding):
            text += f". These {embedding.shape[1]:,} numbers are the embedding"
        pictures = [sheet(list(stretch(each[:count])), 8, gap=1, fill=60) for each in values]
        shown.append({"text": text, "images": [png(picture) for picture in pictures]})
    return shown
