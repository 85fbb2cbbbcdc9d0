"""Draw training curves, and accuracy on shifted digits."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from convlab.figures.canvas import BLUE, GREY, ORANGE, styled

NETWORK_STYLES = {
    "cnn": {"label": "CNN", "color": BLUE, "marker": "o"},
    "mlp": {"label": "MLP", "color": ORANGE, "marker": "s"},
}
"""Styles of the digit networks, the same in all plots."""
LOGIT_TICKS = (0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
"""Accuracies with labels on the logit scale."""


@styled
def draw_training_curves(curve: Mapping[str, Sequence[float]]) -> Figure:
    """Draw training loss and test accuracy of both digit networks against the step.

    Parameters
    ----------
    curve : mapping of str to sequence of float
        `step` and, for each network <n> (`cnn` and `mlp`), `<n>_loss`, the cross-entropy
        on the training images (nats), and `<n>_accuracy` on the test images, 0 to 1.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(8, 3.4))
    left, right = figure.subplots(1, 2)
    for network, style in NETWORK_STYLES.items():
        left.semilogy(curve["step"], curve[f"{network}_loss"], markersize=2.5, **style)
        # A logit scale cannot show 0 and 1.
        accuracy = np.clip(curve[f"{network}_accuracy"], 0.0001, 0.9999)
        right.plot(curve["step"], accuracy, markersize=2.5, **style)
    left.set(title="Training loss", ylabel="cross-entropy (nats, log scale)")
    right.set(title="Test accuracy", ylabel="correct predictions (logit scale)")
    # logit(p) = log(p / (1 - p)): near 1, half as many errors are always the same distance.
    right.set_yscale("logit")
    low, high = right.get_ylim()
    _percent_ticks(right, [share for share in LOGIT_TICKS if low <= share <= high])
    for axes in (left, right):
        _label_steps(axes)
        axes.legend()
    return figure


@styled
def draw_shift_curve(shifts: Sequence[int], accuracies: Mapping[str, Sequence[float]]) -> Figure:
    """Draw accuracy against the distance by which digits were shifted.

    Parameters
    ----------
    shifts : sequence of int
        Distances in pixels.
    accuracies : mapping of str to sequence of float
        Accuracies on the test images at each shift, 0 to 1, by network (`cnn`, `mlp`).

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(5.4, 3.8))
    axes = figure.subplots()
    for network, values in accuracies.items():
        axes.plot(shifts, values, **NETWORK_STYLES[network])
        for shift, value in zip(shifts, values, strict=True):
            axes.annotate(
                f"{100 * value:.1f}",
                (shift, value),
                xytext=(0, 10 if network == "cnn" else -10),
                textcoords="offset points",
                ha="center",
                va="center",
                color=NETWORK_STYLES[network]["color"],
                fontsize="small",
            )
    axes.set(
        title="Test accuracy on shifted digits",
        xlabel="shift (pixels)",
        ylabel="correct predictions",
        ylim=(0, 1.08),
        xticks=shifts,
    )
    _percent_ticks(axes, [0, 0.2, 0.4, 0.6, 0.8, 1])
    axes.legend(loc="lower left")
    return figure


@styled
def draw_superresolution_curve(curve: Mapping[str, Sequence[float]]) -> Figure:
    """Draw training loss and validation PSNR against the step.

    Parameters
    ----------
    curve : mapping of str to sequence of float
        `step`; `loss`, mean absolute error on the training patches (luminance 0 to 1);
        `validation_psnr` and `bicubic_psnr`, means over the validation images in dB.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(8, 3.4))
    left, right = figure.subplots(1, 2)
    left.plot(curve["step"], curve["loss"], color=BLUE, marker="o")
    left.set(title="Training loss", ylabel="mean absolute error (luminance 0 to 1)")
    right.plot(curve["step"], curve["validation_psnr"], color=BLUE, marker="o", label="network")
    right.plot(curve["step"], curve["bicubic_psnr"], color=GREY, linestyle="--", label="bicubic")
    right.set(title="Validation", ylabel="PSNR (dB)")
    right.legend(loc="center right")
    for axes in (left, right):
        _label_steps(axes)
    return figure


def _label_steps(axes: Axes) -> None:
    axes.set(xlabel="step (mini-batches)", xlim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _percent_ticks(axes: Axes, shares: Sequence[float]) -> None:
    axes.set_yticks(shares, [f"{100 * share:g} %" for share in shares])
    axes.yaxis.set_minor_locator(NullLocator())
