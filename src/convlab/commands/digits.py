"""`convlab digits`: read anybody's handwriting."""

from pathlib import Path

import click
import numpy as np
from scipy.special import softmax

from convlab.commands.inputs import CNN, for_each, make_sure_of_room, picture_files
from convlab.errors import InputError
from convlab.figures.canvas import write_png
from convlab.figures.insight import draw_feature_maps
from convlab.files import staged
from convlab.imaging.pictures import read_picture
from convlab.imaging.scribble import to_digit
from convlab.nets.cnn import Cnn
from convlab.nets.digits import recognise
from convlab.nets.insight import feature_maps
from convlab.nets.weights import load_network


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    default=CNN,
    show_default=True,
    type=click.Path(path_type=Path),
    help="The network.",
)
@click.option(
    "--explain",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Write there what each layer makes of each digit, as NAME-maps.png.",
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def digits(images: tuple[Path, ...], model: Path, explain: Path | None, *, force: bool) -> None:
    """Read drawn or photographed digits, one a picture.

    Of any size, dark on light or light on dark: each is found, scaled and
    centred as MNIST's were. Prints the class and the ten probabilities.
    """
    network = load_network(model, {"cnn": Cnn})

    def work(file: Path) -> None:
        try:
            digit = to_digit(read_picture(file).grey())
        except ValueError as error:
            raise InputError(f"{file}: {error}") from error
        chances = softmax(recognise(network, digit[None]).logits[0].astype(float))
        listed = "  ".join(f"{name}: {chance:.1%}" for name, chance in enumerate(chances))
        click.echo(f"{file}: {int(np.argmax(chances))}\n  {listed}")
        if explain:
            target = explain / f"{file.stem}-maps.png"
            make_sure_of_room(target, force=force)
            with staged(target) as (draft,):
                maps = [each[0] for each in feature_maps(network, digit[None])]
                write_png(draft, draw_feature_maps(digit, maps))

    for_each(picture_files(images), work, "read")
