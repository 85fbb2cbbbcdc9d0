"""The results of the comparison: a table and a plot."""

from pathlib import Path
from typing import Literal, NamedTuple, get_args

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from compare.entries import ENTRIES, SCALE, Entry
from convlab.figures.canvas import BLUE, ORANGE, styled

MUCH_WORSE = 0.3
"""If a result is so many dB below the published one, the table compares the trainings."""
COSTS = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds per pixel",
    "seconds": "seconds per megapixel",
}
"""Horizontal axes of the plots: a field of Row, and its label."""
Budget = Literal["time", "arithmetic"]
BUDGETS: tuple[Budget, ...] = get_args(Budget)
"""What all networks have in equal amounts: `SECONDS`, or `PFLOP`."""
SECONDS, PFLOP = 180, 0.01
TITLES = {
    "time": f"{SECONDS / 60:g} minutes of training",
    "arithmetic": f"{PFLOP:g} PFLOP of training",
}
LEAST_STEPS, MOST_STEPS = 500, 20_000
"""If fewer fit into the budget, a network is too large for it; if more, too small."""
MARKERS = "os^v<>DPXdph*"
"""One for each of ENTRIES; if there are more entries, they repeat."""


class Row(NamedTuple):
    """Results of one network."""

    name: str
    budget: Budget
    parameters: int
    multiply_adds: int
    """Multiply-adds for one high-resolution pixel."""
    steps: int
    patches_seen: float
    """Number of patches that were drawn, divided by the number of all patches."""
    factor: float | None = None
    """The best factor for train_sr's learning rates. None if the network is too large or too
    small for the budget; then the other results are missing, too."""
    validation_psnr: float | None = None
    psnr: float | None = None
    """PSNR on B100, in dB."""
    ssim: float | None = None
    seconds: float | None = None
    """Time for one megapixel, upscaled in float32. It is measured when all networks are trained."""


def write_table(path: Path, rows: list[Row], commit: str) -> None:
    """Write the table in Markdown, and the state of the code that it is from."""
    lines = []
    for budget in BUDGETS:
        lines += [
            f"{TITLES[budget]}:",
            "",
            "| network | parameters | multiply-adds per pixel | s per megapixel | rates | steps "
            "| validation PSNR (dB) | B100 PSNR (dB) / SSIM | published "
            "| why below the published figure |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for row in (row for row in rows if row.budget == budget):
            entry = _entry(row)
            known = entry.published and entry.published.quality[SCALE]
            size = "large" if row.steps < LEAST_STEPS else "small"
            figures = (
                f"| x {row.factor:g} | {row.steps:,} | {row.validation_psnr:.3f} "
                f"| {row.psnr:.2f} / {row.ssim:.4f}"
                if row.factor
                else f"| | {row.steps:,} | | too {size} for it"
            )
            published = f"{known.psnr:.2f} / {known.ssim:.4f}" if known else "none at x2"
            lines.append(
                f"| {row.name} | {row.parameters:,} | {row.multiply_adds:,} | {row.seconds:.2f} "
                f"{figures} | {published} | {_lack(row, entry)} |"
            )
        lines.append("")
    lines.append(f"Table and plot written by the code of commit {commit}.")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


@styled
def draw(rows: list[Row]) -> Figure:
    """Draw PSNR against parameters, multiply-adds and time, with the published figures."""
    figure = Figure(figsize=(10, 6))
    grid = figure.subplots(2, 3, sharey="row", sharex="col")
    for across, key in zip(grid.T, COSTS, strict=True):
        for axes, budget in zip(across, BUDGETS, strict=True):
            for row in (row for row in rows if row.factor and row.budget == budget):
                _draw_row(axes, row, key)
            axes.set(xscale="log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 4)))
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        across[-1].set(xlabel=f"{COSTS[key]} (log scale)")
    for axes, budget in zip(grid[:, 0], BUDGETS, strict=True):
        axes.set(title=TITLES[budget], ylabel="PSNR on B100, x2 (dB)")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    published = Line2D([], [], marker="o", color=ORANGE, markerfacecolor="white")
    figure.legend(
        [*handles, published],
        [*labels, "the same, published"],
        title="trained here",
        loc="outside right upper",
    )
    return figure


def _draw_row(axes: Axes, row: Row, key: str) -> None:
    """Draw a network's point, and a line to the published one."""
    entry = _entry(row)
    place, height = getattr(row, key), row.psnr
    marker = MARKERS[ENTRIES.index(entry) % len(MARKERS)]
    if entry.published:
        heights = [height, entry.published.quality[SCALE].psnr]
        axes.plot([place] * 2, heights, color=ORANGE, linewidth=0.8, zorder=1)
        axes.plot(place, heights[1], marker, color=ORANGE, markerfacecolor="white")
    axes.plot(place, height, marker, color=BLUE, label=row.name)


def _entry(row: Row) -> Entry:
    return next(entry for entry in ENTRIES if entry.name == row.name)


def _lack(row: Row, entry: Entry) -> str:
    known = entry.published
    if not (row.factor and known) or row.psnr > known.quality[SCALE].psnr - MUCH_WORSE:
        return ""
    return f"training: it saw each patch {row.patches_seen:g} times; published: {known.training}"
