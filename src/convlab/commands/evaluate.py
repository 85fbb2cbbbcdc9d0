"""`convlab evaluate`: measure the network on anybody's pictures."""

from pathlib import Path

import click
from tabulate import tabulate

from convlab.commands.inputs import SUPERRES, for_each, picture_files
from convlab.errors import InputError
from convlab.imaging.measure import Quality, smallest_side
from convlab.imaging.patches import make_pair
from convlab.imaging.pictures import read_picture
from convlab.nets.methods import enlarge, measure, summarise
from convlab.nets.superres import NETWORKS
from convlab.nets.weights import load_network


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--model",
    default=SUPERRES,
    show_default=True,
    type=click.Path(path_type=Path),
    help="The network, which also says how many times to enlarge.",
)
@click.option("--self-ensemble", is_flag=True, help="Also measure the mean of eight views.")
def evaluate(folder: Path, model: Path, *, self_ensemble: bool) -> None:
    """Measure PSNR and SSIM of every method on the pictures of a folder.

    Each is made small and enlarged again, and compared on luminance with
    what it was, as papers do: Set5, Set14 or Urban100, or your own. A grey
    picture is its own luminance.
    """
    network = load_network(model, NETWORKS)
    table: dict[str, dict[str, Quality]] = {}

    def work(file: Path) -> None:
        colour = read_picture(file).colour
        if min(colour.shape[:2]) < smallest_side(network.scale):
            raise InputError(f"{file}: is too small to be measured")
        low, high = make_pair(colour, network.scale)
        enlarged = enlarge(network, low, self_ensemble=self_ensemble)
        table[file.name] = measure(enlarged, high, network.scale)

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
