"""`convlab digits`: classify users' handwritten digits."""

from pathlib import Path

import click
from scipy.special import softmax

from convlab.cli.inputs import (
    DIGIT_MODEL,
    PATH,
    check_distinct,
    check_overwrite,
    for_each,
    force_option,
    load,
    picture_files,
)
from convlab.core.errors import InputError
from convlab.core.outputs import atomic_write
from convlab.digits.inspection import feature_maps
from convlab.digits.prediction import NETWORKS, predict
from convlab.digits.preprocessing import to_mnist
from convlab.figures.canvas import write_png
from convlab.figures.feature_maps import draw_feature_maps
from convlab.imaging.pictures import read_picture


@click.command()
@click.argument("images", nargs=-1, required=True, type=PATH)
@click.option(
    "--model", default=DIGIT_MODEL, show_default=True, type=PATH, help="The network's file."
)
@click.option(
    "--explain",
    metavar="FOLDER",
    type=PATH,
    help="Draw each digit's feature maps, as NAME.maps.png in this folder.",
)
@force_option
def digits(images: tuple[Path, ...], model: Path, explain: Path | None, *, force: bool) -> None:
    """Classify drawn or photographed digits, one per picture.

    Pictures may have any size, dark digits on light or light on dark: each
    digit is found, scaled and centred as in MNIST. Prints the predicted class
    and the ten probabilities.
    """
    network = load(model, NETWORKS, DIGIT_MODEL)
    files = picture_files(images)
    maps = {file: explain / f"{file.name}.maps.png" for file in files} if explain else {}
    if maps:
        check_distinct(maps.values())

    def classify(file: Path) -> None:
        if maps:
            check_overwrite(maps[file], force=force)
        try:
            digit = to_mnist(read_picture(file).grey())
        except ValueError as error:
            raise InputError(f"{file}: {error}") from error
        probabilities = softmax(predict(network, digit[None]).logits[0].astype(float))
        listed = "  ".join(f"{label}: {share:.1%}" for label, share in enumerate(probabilities))
        click.echo(f"{file}: {probabilities.argmax()}\n  {listed}")
        if maps:
            layers = {layer: values[0] for layer, values in feature_maps(network, digit[None])}
            if not layers:
                raise InputError(f"{model}: has no convolutions, so no feature maps to draw")
            with atomic_write(maps[file]) as (draft,):
                write_png(draft, draw_feature_maps(digit, layers))

    for_each(files, classify, "classified")
