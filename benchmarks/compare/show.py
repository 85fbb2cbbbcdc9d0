"""What the comparison found: a table and a plot."""

from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from compare.entries import ENTRIES, Entry
from convlab.figures.canvas import BLUE, ORANGE, styled

FAR = 0.3
"""dB below the published figure from which the table says what the training lacked."""


class Row(NamedTuple):
    """What was found of one network."""

    name: str
    parameters: int
    multiply_adds: int
    """For one high-resolution pixel."""
    seconds: float
    """For one megapixel, enlarged in float32."""
    factor: float
    """Of train_sr's learning rates: the best one."""
    steps: int
    patches_seen: float
    """How many times as many patches as there are."""
    validation_psnr: float
    psnr: float
    """On B100, in dB."""
    ssim: float


def write_table(path: Path, rows: list[Row]) -> None:
    """Write the table in Markdown."""
    lines = [
        "| network | parameters | multiply-adds a pixel | s a megapixel | rates | steps "
        "| PSNR (dB) / SSIM | published | what it lacked |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        entry = _entry(row)
        known = entry.published
        figures = f"{known.psnr:.2f} / {known.ssim:.4f}" if known else "none at x2"
        lines.append(
            f"| {row.name} | {row.parameters:,} | {row.multiply_adds:,} | {row.seconds:.2f} "
            f"| x {row.factor:g} | {row.steps:,} | {row.psnr:.2f} / {row.ssim:.4f} "
            f"| {figures} | {_lack(row, entry)} |"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


@styled
def draw(rows: list[Row]) -> Figure:
    """Draw PSNR and SSIM against parameters, multiply-adds and time, with the published ones."""
    figure = Figure(figsize=(10, 6))
    columns = {
        "parameters": "parameters",
        "multiply_adds": "multiply-adds a pixel",
        "seconds": "seconds a megapixel",
    }
    for across, (key, label) in zip(
        figure.subplots(2, 3, sharey="row", sharex="col").T, columns.items(), strict=True
    ):
        for axes, measure in zip(across, ("psnr", "ssim"), strict=True):
            for row in rows:
                place, height = getattr(row, key), getattr(row, measure)
                known = _entry(row).published
                if known:
                    axes.plot(
                        [place] * 2,
                        [height, getattr(known, measure)],
                        color=ORANGE,
                        marker="o",
                        markerfacecolor="white",
                        linewidth=0.8,
                        zorder=1,
                    )
                axes.plot(place, height, "o", color=BLUE)
                axes.annotate(
                    row.name,
                    (place, height),
                    xytext=(5, -3),
                    textcoords="offset points",
                    fontsize="x-small",
                )
            axes.set(xscale="log")
            axes.margins(x=0.25)
        across[-1].set(xlabel=f"{label} (log scale)")
    psnr, ssim = figure.axes[0], figure.axes[3]
    psnr.set(title="B100, x2", ylabel="PSNR (dB)")
    ssim.set(ylabel="SSIM")
    psnr.plot([], [], "o", color=BLUE, label="after three minutes here")
    psnr.plot([], [], "o", color=ORANGE, markerfacecolor="white", label="published")
    psnr.legend(loc="lower right", fontsize="small")
    return figure


def _entry(row: Row) -> Entry:
    return next(entry for entry in ENTRIES if entry.name == row.name)


def _lack(row: Row, entry: Entry) -> str:
    if not entry.published or entry.published.psnr - row.psnr <= FAR:
        return ""
    return (
        f"time: it saw each patch {row.patches_seen:g} times; published: {entry.published.training}"
    )
