"""`convlab evaluate`: measure the network on anybody's pictures."""

from pathlib import Path

import click
from tabulate import tabulate

from convlab.commands.inputs import PATH, for_each, load, picture_files, superres_option
from convlab.data.photos import MOST_PIXELS
from convlab.errors import InputError
from convlab.imaging.measure import Quality, smallest_side
from convlab.imaging.patches import make_pair
from convlab.imaging.pictures import read_picture
from convlab.nets.methods import check_finite, enlarge, measure, summarise
from convlab.nets.superres import NETWORKS


@click.command()
@click.argument("folder", type=PATH)
@superres_option
@click.option("--self-ensemble", is_flag=True, help="Also measure the mean of eight views.")
def evaluate(folder: Path, model: Path, *, self_ensemble: bool) -> None:
    """Measure PSNR and SSIM of every method on the pictures of a folder.

    Each is made small and enlarged again, and compared on luminance with
    what it was, as papers do: Set5, Set14 or Urban100, or your own. A grey
    picture is its own luminance.
    """
    network = load(model, NETWORKS)
    table: dict[str, dict[str, Quality]] = {}

    def work(file: Path) -> None:
        colour = read_picture(file, MOST_PIXELS).colour
        if min(colour.shape[:2]) < smallest_side(network.scale):
            raise InputError(f"{file}: is too small to be measured")
        low, high = make_pair(colour, network.scale)
        enlarged = enlarge(network, low, self_ensemble=self_ensemble)
        quality = measure(enlarged, high, network.scale)
        check_finite(str(file), quality)
        table[file.name] = quality

    try:
        for_each(picture_files([folder]), work, f"measured, enlarged {network.scale} times")
    finally:
        if table:
            click.echo(_as_text(table))


def _as_text(table: dict[str, dict[str, Quality]]) -> str:
    """A row a picture, then the means."""
    rows = [
        [name, *(f"{each.psnr:.2f} / {each.ssim:.4f}" for each in row.values())]
        for name, row in table.items()
    ]
    methods = list(next(iter(table.values())))
    means = summarise(table)
    rows.append(
        ["mean", *(f"{means[name]['psnr']:.4f} / {means[name]['ssim']:.6f}" for name in methods)]
    )
    return tabulate(rows, ["PSNR (dB) / SSIM", *methods], disable_numparse=True)
