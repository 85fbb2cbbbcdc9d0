"""`convlab digits`: classify users' handwritten digits."""

from pathlib import Path

import click
from scipy.special import softmax

from convlab.cli.inputs import (
    DIGIT_MODEL,
    check_distinct,
    check_overwrite,
    for_each,
    load,
    picture_files,
    say_frames,
)
from convlab.core.errors import InputError
from convlab.core.outputs import atomic_write
from convlab.digits.inspection import feature_maps
from convlab.digits.prediction import NETWORKS, predict
from convlab.digits.preprocessing import to_mnist
from convlab.figures.canvas import write_png
from convlab.figures.feature_maps import draw_feature_maps
from convlab.imaging.pictures import read_picture


def classify_files(
    images: tuple[Path, ...], model: Path | None, explain: Path | None, *, force: bool
) -> None:
    """Classify a digit in each picture, and print the probabilities.

    Parameters
    ----------
    images : tuple of Path
    model : Path or None
        See `load`.
    explain : Path or None
        Folder for drawings of the feature maps.
    force : bool
        Whether to overwrite existing drawings.
    """
    network = load(model, NETWORKS, DIGIT_MODEL)
    pictures = picture_files(images)
    maps = {file: explain / f"{file.name}.maps.png" for file in pictures.files} if explain else {}
    if maps:
        check_distinct(maps.values())

    def classify(file: Path) -> None:
        if maps:
            check_overwrite(maps[file], force=force)
        try:
            picture = read_picture(file)
            say_frames(file, picture)
            digit = to_mnist(picture.grey())
        except ValueError as error:
            raise InputError(f"{file}: {error}") from error
        probabilities = softmax(predict(network, digit[None]).logits[0].astype(float))
        listed = "  ".join(f"{label}: {share:.1%}" for label, share in enumerate(probabilities))
        click.echo(f"{file}: {probabilities.argmax()}\n  {listed}")
        if maps:
            layers = {layer: values[0] for layer, values in feature_maps(network, digit[None])}
            if not layers:
                raise InputError(
                    f"{model or DIGIT_MODEL}: has no convolutions, so no feature maps to draw"
                )
            with atomic_write(maps[file]) as (draft,):
                write_png(draft, draw_feature_maps(digit, layers))

    for_each(pictures, classify, "classified")
