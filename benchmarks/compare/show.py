"""The results of the comparison: a table and a plot."""

from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from compare.entries import ENTRIES, SCALE, Entry
from convlab.figures.canvas import BLUE, ORANGE, styled

MUCH_WORSE = 0.3
"""dB below the published figure from which the table says what the training lacked."""
COSTS = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds per pixel",
    "seconds": "seconds per megapixel",
}
"""What quality is drawn against: a field of Row, and its label."""
MARKERS = "os^v<>DPXdph*"
"""One for each of ENTRIES; more entries repeat them."""


class Row(NamedTuple):
    """What was measured of one network."""

    name: str
    parameters: int
    multiply_adds: int
    """For one high-resolution pixel."""
    seconds: float
    """For one megapixel, upscaled in float32."""
    factor: float
    """Of train_sr's learning rates: the best one."""
    bracketed: bool
    """Whether a smaller and a larger factor were tried, and gave less."""
    steps: int
    patches_seen: float
    """How many times as many patches as there are."""
    validation_psnr: float
    psnr: float
    """On B100, in dB."""
    ssim: float
    trained: bool
    """False if PSNR and SSIM are bicubic interpolation's, to the last digit of the table."""


def write_table(path: Path, rows: list[Row], commit: str) -> None:
    """Write the table in Markdown, and the state of the code that it is from."""
    lines = [
        "| network | parameters | multiply-adds per pixel | s per megapixel | rates | steps "
        "| PSNR (dB) / SSIM | published | what it lacked |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        entry = _entry(row)
        known = entry.published and entry.published.quality[SCALE]
        figures = f"{row.psnr:.2f} / {row.ssim:.4f}" if row.trained else "did not train"
        published = f"{known.psnr:.2f} / {known.ssim:.4f}" if known else "none at x2"
        lines.append(
            f"| {row.name} | {row.parameters:,} | {row.multiply_adds:,} | {row.seconds:.2f} "
            f"| x {row.factor:g}{'' if row.bracketed else ', not bracketed'} | {row.steps:,} "
            f"| {figures} | {published} | {_lack(row, entry)} |"
        )
    lines += ["", f"Made, with the plot, by the code of commit {commit}."]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


@styled
def draw(rows: list[Row]) -> Figure:
    """Draw PSNR and SSIM against parameters, multiply-adds and time, with the published ones."""
    figure = Figure(figsize=(10, 6))
    grid = figure.subplots(2, 3, sharey="row", sharex="col")
    for across, key in zip(grid.T, COSTS, strict=True):
        for axes, measure in zip(across, ("psnr", "ssim"), strict=True):
            for row in filter(lambda row: row.trained, rows):
                _draw_row(axes, row, key, measure)
            axes.set(xscale="log")
            axes.xaxis.set_minor_formatter(NullFormatter())
        across[-1].set(xlabel=f"{COSTS[key]} (log scale)")
    grid[0, 0].set(title="B100, x2", ylabel="PSNR (dB)")
    grid[1, 0].set(ylabel="SSIM")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    published = Line2D([], [], marker="o", color=ORANGE, markerfacecolor="white")
    figure.legend(
        [*handles, published],
        [*labels, "the same, published"],
        title="after three minutes here",
        loc="outside right upper",
    )
    return figure


def _draw_row(axes: Axes, row: Row, key: str, measure: str) -> None:
    """Draw a network's point, and a line to the published one."""
    entry = _entry(row)
    place, height = getattr(row, key), getattr(row, measure)
    marker = MARKERS[ENTRIES.index(entry) % len(MARKERS)]
    if entry.published:
        heights = [height, getattr(entry.published.quality[SCALE], measure)]
        axes.plot([place] * 2, heights, color=ORANGE, linewidth=0.8, zorder=1)
        axes.plot(place, heights[1], marker, color=ORANGE, markerfacecolor="white")
    axes.plot(place, height, marker, color=BLUE, label=row.name)


def _entry(row: Row) -> Entry:
    return next(entry for entry in ENTRIES if entry.name == row.name)


def _lack(row: Row, entry: Entry) -> str:
    if not entry.published or entry.published.quality[SCALE].psnr - row.psnr <= MUCH_WORSE:
        return ""
    return (
        f"time: it saw each patch {row.patches_seen:g} times; published: {entry.published.training}"
    )
