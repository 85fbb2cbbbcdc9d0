"""`convlab evaluate`: measure super-resolution on users' own pictures."""

from pathlib import Path

import click
from tabulate import tabulate

from convlab.cli.inputs import SUPERRES_MODEL, for_each, load, picture_files, say_frames
from convlab.data.photos import MOST_PIXELS
from convlab.imaging.pictures import read_picture
from convlab.superres.evaluation import (
    Qualities,
    mean_qualities,
    measure,
    upscale_by_all_methods,
)
from convlab.superres.patches import check_size, make_pair
from convlab.superres.upscaling import NETWORKS


def evaluate_folder(
    folder: Path, model: Path | None, *, recursive: bool, self_ensemble: bool
) -> None:
    """Measure every method on a folder of pictures, and print a table.

    Parameters
    ----------
    folder : Path
    model : Path or None
        See `load`.
    recursive : bool
        See `picture_files`.
    self_ensemble : bool
        Whether to measure `upscale_ensemble`, too.
    """
    network = load(model, NETWORKS, SUPERRES_MODEL)
    pictures = picture_files([folder], recursive=recursive)
    table: dict[str, Qualities] = {}

    def measure_file(file: Path) -> None:
        picture = read_picture(file, MOST_PIXELS)
        say_frames(file, picture)
        colour = picture.colour
        check_size(file, colour, network.scale)
        low, high = make_pair(colour, network.scale)
        upscaled = upscale_by_all_methods(network, low, self_ensemble=self_ensemble)
        table[pictures.files[file].as_posix()] = measure(str(file), upscaled, high, network.scale)

    try:
        for_each(pictures, measure_file, f"measured, upscaled x{network.scale}")
    finally:
        if table:
            click.echo(_format(table))


def _format(table: dict[str, Qualities]) -> str:
    """Format a table with a row per picture and a row of means."""
    rows = [
        [name, *(f"{each.psnr:.2f} / {each.ssim:.4f}" for each in row.values())]
        for name, row in table.items()
    ]
    methods = list(next(iter(table.values())))
    means = mean_qualities(table)
    rows.append(
        ["mean", *(f"{means[name]['psnr']:.4f} / {means[name]['ssim']:.6f}" for name in methods)]
    )
    return tabulate(rows, ["PSNR (dB) / SSIM", *methods], disable_numparse=True)
