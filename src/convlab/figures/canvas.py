"""The style of all figures, and a function that writes the same figure as the same bytes."""

from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#666666"
"""Colours that colour-blind readers can distinguish: M. Okabe and K. Ito, "Color Universal
Design", 2008."""

styled = matplotlib.style.context(
    [
        "default",  # overrides the reader's own matplotlibrc
        {
            "axes.axisbelow": True,
            "axes.edgecolor": GREY,
            "axes.grid": True,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": "large",
            "axes.titleweight": "bold",
            "figure.constrained_layout.use": True,
            "figure.dpi": 200,
            "font.size": 9,
            "grid.color": "#e4e4e4",
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "lines.markersize": 5,
            "xtick.color": GREY,
            "ytick.color": GREY,
        },
    ]
)
"""Decorator for every function that makes a figure or renders one."""


def relative_luminance(rgb: np.ndarray) -> float:
    """Give the relative luminance of a colour, from 0 for black to 1 for white.

    Parameters
    ----------
    rgb : ndarray of float, shape (3,)
        sRGB, 0 to 1.

    Returns
    -------
    float

    References
    ----------
    W3C, "Web Content Accessibility Guidelines 2.2", relative luminance.
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@styled
def write_png(path: Path, figure: Figure) -> None:
    """Write a figure as PNG, without matplotlib's version in its metadata."""
    figure.savefig(path, format="png", metadata={"Software": None})
