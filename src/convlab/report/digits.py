"""The report's section on digits: both networks, their predictions and the CNN's layers."""

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix
from torch import nn

from convlab.digits.inspection import feature_maps, has_layers, layers, receptive_fields
from convlab.report.encode import diverge, png, sheet, stretch
from convlab.report.sources import DigitsRun

SAMPLES_PER_CLASS = 2


def digits_section(run: DigitsRun, misclassified_shown: int) -> dict[str, Any]:
    """Collect what the page shows of digits.

    Parameters
    ----------
    run : DigitsRun
    misclassified_shown : int
        At most so many misclassified digits are shown, the first ones.

    Returns
    -------
    dict
        Numbers, texts, and pictures as data URIs. `filters`, `maps` and `fields` are
        empty unless the network has two convolutions, as the practical's has.
    """
    correct = run.labels == run.predictions
    return {
        "accuracy": float(correct.mean()),
        "mlp_accuracy": run.shift["mlp"][0],
        "total": len(run.labels),
        "errors": int((~correct).sum()),
        "samples": _samples(run.images, run.labels),
        "networks": {
            name: _rows(network)
            for name, network in (("CNN", run.cnn), ("MLP", run.mlp))
            if has_layers(network)
        },
        "curve": run.curve,
        "shift": run.shift,
        "confusion": confusion_matrix(run.labels, run.predictions, labels=range(10)).tolist(),
        "misclassified": [
            {
                "image": png(run.images[index]),
                "label": int(run.labels[index]),
                "prediction": int(run.predictions[index]),
            }
            for index in np.flatnonzero(~correct)[:misclassified_shown]
        ],
        **_inside(run),
    }


def _inside(run: DigitsRun) -> dict[str, list]:
    """Filters, feature maps and receptive fields of the CNN."""
    parts = run.cnn.features if has_layers(run.cnn) else []
    convolutions = [layer for layer in parts if isinstance(layer, nn.Conv2d)]
    if len(convolutions) != 2:
        return {"filters": [], "maps": [], "fields": []}
    first, second = (layer.weight.detach().numpy() for layer in convolutions)
    return {
        "filters": [
            png(_filters(first.swapaxes(0, 1), columns=8)),
            png(_filters(second.swapaxes(0, 1), columns=len(second))),
        ],
        "maps": _feature_maps(run.cnn, run.images, run.labels),
        "fields": _fields(run.cnn),
    }


def _samples(images: np.ndarray, labels: np.ndarray) -> str:
    """The first digits of each class, a class a column."""
    found = [np.flatnonzero(labels == digit)[:SAMPLES_PER_CLASS] for digit in range(10)]
    tiles = [images[of_class[row]] for row in range(SAMPLES_PER_CLASS) for of_class in found]
    return png(sheet(tiles, 10, gap=2))


def _feature_maps(network: nn.Module, images: np.ndarray, labels: np.ndarray) -> list[dict]:
    """The first digit of each class, and the channels after each layer."""
    chosen = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
    maps = feature_maps(network, images[chosen])
    return [
        {"image": png(images[index]), "layers": [png(_tiles(layer[digit])) for layer in maps]}
        for digit, index in enumerate(chosen)
    ]


def _rows(network: nn.Module) -> list[dict[str, Any]]:
    """The layers of a network, for the drawing of its architecture."""
    return [
        {
            "name": layer.name,
            "shape": " x ".join(map(str, layer.shape)),
            "weights": layer.weights,
            "side": layer.shape[-1] if len(layer.shape) == 3 else 0,
            "sheets": layer.shape[0] // 8 if len(layer.shape) == 3 else 0,
        }
        for layer in layers(network)
    ]


def _fields(network: nn.Module) -> list[dict[str, Any]]:
    """Receptive field of the unit in the middle of each layer, and of the scores."""
    sides = [layer.shape[-1] for layer in layers(network) if layer.name.startswith(("conv", "max"))]
    middles = [
        {"size": field.size, "start": field.start + field.step * (side // 2)}
        for side, field in zip(sides, receptive_fields(network), strict=True)
    ]
    return [*middles, {"size": 28, "start": 0}]


def _filters(kernels: np.ndarray, columns: int) -> np.ndarray:
    """Kernels of shape (in, out, height, width), side by side."""
    return sheet(list(diverge(kernels.reshape(-1, *kernels.shape[2:]))), columns, gap=1, fill=255)


def _tiles(layer: np.ndarray) -> np.ndarray:
    """All channels of a layer, side by side, on one grey scale."""
    return sheet(list(stretch(layer)), 8, gap=1, fill=60)
