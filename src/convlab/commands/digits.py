"""`convlab digits`: read anybody's handwriting."""

from pathlib import Path

import click
import numpy as np
from scipy.special import softmax

from convlab.commands.inputs import (
    CNN,
    PATH,
    for_each,
    force_option,
    load,
    make_sure_of_room,
    make_sure_they_differ,
    picture_files,
)
from convlab.errors import InputError
from convlab.figures.canvas import write_png
from convlab.figures.insight import draw_feature_maps
from convlab.files import staged
from convlab.imaging.pictures import read_picture
from convlab.imaging.scribble import to_digit
from convlab.nets.cnn import Cnn
from convlab.nets.digits import recognise
from convlab.nets.insight import feature_maps


@click.command()
@click.argument("images", nargs=-1, required=True, type=PATH)
@click.option("--model", default=CNN, show_default=True, type=PATH, help="The network.")
@click.option(
    "--explain",
    metavar="FOLDER",
    type=PATH,
    help="Write there what each layer makes of each digit, as NAME.maps.png.",
)
@force_option
def digits(images: tuple[Path, ...], model: Path, explain: Path | None, *, force: bool) -> None:
    """Read drawn or photographed digits, one a picture.

    Of any size, dark on light or light on dark: each is found, scaled and
    centred as MNIST's were. Prints the class and the ten probabilities.
    """
    network = load(model, {"cnn": Cnn})
    files = picture_files(images)
    maps = {file: explain / f"{file.name}.maps.png" for file in files} if explain else {}
    if maps:
        make_sure_they_differ(maps.values())

    def work(file: Path) -> None:
        if explain:
            make_sure_of_room(maps[file], force=force)
        try:
            digit = to_digit(read_picture(file).grey())
        except ValueError as error:
            raise InputError(f"{file}: {error}") from error
        chances = softmax(recognise(network, digit[None]).logits[0].astype(float))
        listed = "  ".join(f"{name}: {chance:.1%}" for name, chance in enumerate(chances))
        click.echo(f"{file}: {int(np.argmax(chances))}\n  {listed}")
        if explain:
            with staged(maps[file]) as (draft,):
                seen = [each[0] for each in feature_maps(network, digit[None])]
                write_png(draft, draw_feature_maps(digit, seen))

    for_each(files, work, "read")
