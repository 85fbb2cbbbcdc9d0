"""`convlab export`: both networks for other programs."""

from pathlib import Path

import click

from convlab.commands.inputs import CNN, SUPERRES, make_sure_of_room
from convlab.files import staged
from convlab.nets.cnn import Cnn
from convlab.nets.exchange import GREY_LEVEL, export_digits, export_superres
from convlab.nets.superres import NETWORKS
from convlab.nets.weights import load_network


@click.command()
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder to write superres.onnx and digits.onnx to.",
)
@click.option("--superres", default=SUPERRES, show_default=True, type=click.Path(path_type=Path))
@click.option("--digits", default=CNN, show_default=True, type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def export(output: Path, superres: Path, digits: Path, *, force: bool) -> None:
    """Write both networks as ONNX, checked against torch.

    Sizes of mini-batches and pictures are open. What goes in and out, scale
    and version stand in the files' metadata.
    """
    targets = output / "superres.onnx", output / "digits.onnx"
    for target in targets:
        make_sure_of_room(target, force=force)
    networks = load_network(superres, NETWORKS), load_network(digits, {"cnn": Cnn})
    with staged(*targets) as drafts:
        for export_it, draft, target, network in zip(
            (export_superres, export_digits), drafts, targets, networks, strict=True
        ):
            difference = export_it(network, draft)
            click.echo(
                f"{target}: differs from torch by at most {difference:.1e};"
                f" one grey level is {GREY_LEVEL:.1e}"
            )
