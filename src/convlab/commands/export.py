"""`convlab export`: both networks for other programs."""

import logging
from pathlib import Path

import click

from convlab.commands.inputs import CNN, PATH, SUPERRES, force_option, load, make_sure_of_room
from convlab.files import staged
from convlab.nets.cnn import Cnn
from convlab.nets.exchange import GREY_LEVEL, export_digits, export_superres
from convlab.nets.superres import NETWORKS


@click.command()
@click.option(
    "-o",
    "--output",
    required=True,
    type=PATH,
    help="Folder to write superres.onnx and digits.onnx to.",
)
@click.option("--superres", default=SUPERRES, show_default=True, type=PATH)
@click.option("--digits", default=CNN, show_default=True, type=PATH)
@force_option
def export(output: Path, superres: Path, digits: Path, *, force: bool) -> None:
    """Write both networks as ONNX, checked against torch.

    Sizes of mini-batches and pictures are open. What goes in and out, scale
    and version stand in the files' metadata.
    """
    targets = output / "superres.onnx", output / "digits.onnx"
    for target in targets:
        make_sure_of_room(target, force=force)
    # It warns that torchvision is not there, whose operators no network here has.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    enlarging, reading = load(superres, NETWORKS), load(digits, {"cnn": Cnn})
    with staged(*targets) as drafts:
        differences = export_superres(enlarging, drafts[0]), export_digits(reading, drafts[1])
    for target, difference in zip(targets, differences, strict=True):
        click.echo(f"{target}: differs from torch by at most {difference:.1e}")
    click.echo(f"(One grey level is {GREY_LEVEL:.1e}.)")
