"""`convlab digits`: classify users' handwritten digits."""

from itertools import chain
from pathlib import Path

import click
import numpy as np
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
from convlab.digits.sheet import find_digits
from convlab.figures.canvas import write_png
from convlab.figures.feature_maps import draw_feature_maps
from convlab.imaging.pictures import read_picture


def classify_files(
    images: tuple[Path, ...],
    model: Path | None,
    explain: Path | None,
    *,
    recursive: bool,
    force: bool,
) -> None:
    """Classify the digits in each picture, and print the probabilities.

    Of one digit all ten; of several, in their rows, that of each prediction.

    Parameters
    ----------
    images : tuple of Path
    model : Path or None
        See `load`.
    explain : Path or None
        Folder for drawings of the feature maps.
    recursive : bool
        See `picture_files`.
    force : bool
        Whether to overwrite existing drawings.
    """
    network = load(model, NETWORKS, DIGIT_MODEL)
    pictures = picture_files(images, recursive=recursive)
    if explain:
        check_distinct(explain / file.name for file in pictures.files)

    def classify(file: Path) -> None:
        try:
            picture = read_picture(file)
            say_frames(file, picture)
            rows = find_digits(picture.grey())
        except ValueError as error:
            raise InputError(f"{file}: {error}") from error
        digits = list(chain(*rows))
        maps = _map_files(explain, file, len(digits)) if explain else []
        for path in maps:
            check_overwrite(path, force=force)
        logits = predict(network, np.stack(digits)).logits.astype(float)
        click.echo(f"{file}: {_describe(softmax(logits, axis=1), list(map(len, rows)))}")
        for path, digit in zip(maps, digits, strict=False):
            layers = {layer: values[0] for layer, values in feature_maps(network, digit[None])}
            if not layers:
                raise InputError(
                    f"{model or DIGIT_MODEL}: has no convolutions, so no feature maps to draw"
                )
            with atomic_write(path) as (draft,):
                write_png(draft, draw_feature_maps(digit, layers))

    for_each(pictures, classify, "classified")


def _map_files(folder: Path, file: Path, count: int) -> list[Path]:
    """Name the drawings of a picture's digits, by their numbers if there are several."""
    numbers = [f".{number}" for number in range(1, count + 1)] if count > 1 else [""]
    return [folder / f"{file.name}{number}.maps.png" for number in numbers]


def _describe(probabilities: np.ndarray, row_lengths: list[int]) -> str:
    """Say what was read, and how probable it is.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, 10)
    row_lengths : list of int
        Their sum is n.
    """
    if len(probabilities) == 1:
        listed = "  ".join(f"{label}: {share:.1%}" for label, share in enumerate(probabilities[0]))
        return f"{probabilities.argmax()}\n  {listed}"
    rows = np.split(probabilities, np.cumsum(row_lengths)[:-1])
    read = " ".join("".join(str(digit.argmax()) for digit in row) for row in rows)
    listed = ("  ".join(f"{digit.argmax()}: {digit.max():.1%}" for digit in row) for row in rows)
    return "\n  ".join([read, *listed])
