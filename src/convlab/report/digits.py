"""The report's part on digits: what is shown of both networks and of their answers."""

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix
from torch import nn

from convlab.nets.cnn import Cnn
from convlab.nets.insight import feature_maps, layers, receptive_fields
from convlab.nets.mlp import Mlp
from convlab.report.encode import diverge, png, sheet, stretch
from convlab.report.page import RenderReport
from convlab.report.sources import DigitsRun

SAMPLES = 2
"""Of each class."""


def tell_digits(run: DigitsRun, params: RenderReport) -> dict[str, Any]:
    """Gather all that is told of the digits.

    Parameters
    ----------
    run : DigitsRun
    params : RenderReport

    Returns
    -------
    dict
        Numbers, texts, and pictures as data URIs, for the page.
    """
    right = run.labels == run.answers
    return {
        "accuracy": float(right.mean()),
        "mlp_accuracy": run.shift["mlp"][0],
        "total": len(run.labels),
        "misread": int((~right).sum()),
        "samples": _samples(run.images, run.labels),
        "curve": run.curve,
        "shift": run.shift,
        "confusion": confusion_matrix(run.labels, run.answers, labels=range(10)).tolist(),
        "wrong": [
            {
                "image": png(run.images[index]),
                "actual": int(run.labels[index]),
                "predicted": int(run.answers[index]),
            }
            for index in np.flatnonzero(~right)[: params.wrong_shown]
        ],
        "maps": _feature_maps(run.cnn, run.images, run.labels),
        **_describe(run.cnn, run.mlp),
    }


def _describe(cnn: Cnn, mlp: Mlp) -> dict[str, Any]:
    """Both networks layer by layer, the CNN's filters and what its units see."""
    convolutions = (layer for layer in cnn.features if isinstance(layer, nn.Conv2d))
    first, second = (layer.weight.detach().numpy() for layer in convolutions)
    return {
        "networks": {"CNN": _rows(layers(cnn)), "MLP": _rows(layers(mlp))},
        "filters": [
            png(_filters(first.swapaxes(0, 1), columns=8)),
            png(_filters(second.swapaxes(0, 1), columns=len(second))),
        ],
        "fields": _fields(cnn),
    }


def _samples(images: np.ndarray, labels: np.ndarray) -> str:
    """The first digits of each class, a class a column."""
    found = [np.flatnonzero(labels == digit)[:SAMPLES] for digit in range(10)]
    tiles = [images[of_class[row]] for row in range(SAMPLES) for of_class in found]
    return png(sheet(tiles, 10, gap=2))


def _feature_maps(cnn: Cnn, images: np.ndarray, labels: np.ndarray) -> list[dict[str, Any]]:
    """What each layer of the CNN makes of the first digit of each class."""
    chosen = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
    maps = feature_maps(cnn, images[chosen])
    return [
        {"image": png(images[index]), "layers": [png(_tiles(layer[digit])) for layer in maps]}
        for digit, index in enumerate(chosen)
    ]


def _rows(found: list) -> list[dict[str, Any]]:
    return [
        {
            "name": layer.name,
            "shape": " x ".join(map(str, layer.shape)),
            "weights": layer.weights,
            "side": layer.shape[-1] if len(layer.shape) == 3 else 0,
            "sheets": layer.shape[0] // 8 if len(layer.shape) == 3 else 0,
        }
        for layer in found
    ]


def _fields(cnn: Cnn) -> list[dict[str, Any]]:
    """The square that the unit in the middle of each layer sees, and the last layer's: all."""
    sides = [layer.shape[-1] for layer in layers(cnn) if layer.name.startswith(("conv", "max"))]
    middles = [
        {"size": field.size, "start": field.start + field.step * (side // 2)}
        for side, field in zip(sides, receptive_fields(cnn), strict=True)
    ]
    return [*middles, {"size": 28, "start": 0}]


def _filters(kernels: np.ndarray, columns: int) -> np.ndarray:
    """Kernels of shape (in, out, height, width), side by side."""
    return sheet(list(diverge(kernels.reshape(-1, *kernels.shape[2:]))), columns, gap=1, fill=255)


def _tiles(layer: np.ndarray) -> np.ndarray:
    """All channels of a layer on one scale: a channel that is dark saw nothing of its own."""
    return sheet(list(stretch(layer)), 8, gap=1, fill=60)
