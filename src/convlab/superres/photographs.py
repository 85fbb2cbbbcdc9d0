"""The photographs that super-resolution learns from: BSDS500's, or a folder of one's own."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from convlab.core.errors import InputError
from convlab.core.params import Params
from convlab.data.photos import list_images, read_rgb, split_photos
from convlab.imaging.colour import luminance
from convlab.imaging.pictures import FORMATS, read_picture
from convlab.imaging.resize import resize

BSDS = Path("data/raw/bsds500")
"""Its folder `val` is the test set, whatever the training photographs are."""
MOST_VALIDATION = 200
"""Photographs: they are all in memory during a training, and upscaled at every validation."""
Check = Callable[[Path, np.ndarray], None]
_THUMBNAIL_SIDE = 16
_SAME = 3.0
"""Grey levels: photographs whose thumbnails differ by less, in the mean, are taken for the same.

Copies of B100 as JPEG of quality 10 or at another size differ by 1.35 at most, the nearest two
different photographs of BSDS500 by 8.4.
"""


class Photographs(Params):
    """Which photographs train, and which validate (block `photographs`)."""

    folder: Annotated[str, Field(min_length=1)]
    validation_fraction: Annotated[float, Field(gt=0, le=0.5)]
    validation_folder: str
    skip_broken: bool


def find_photographs(source: Photographs) -> tuple[list[Path], list[Path]]:
    """List the photographs that train and those that validate.

    The split does not depend on chance: of all, in the order of their names,
    the first and every n-th after it validate, where n = 1 / fraction,
    rounded; or those in a folder.

    Returns
    -------
    training, validation : list of Path
        No photograph is in both.

    Raises
    ------
    InputError
        If there are none to train on or to validate on, or too many to validate on.
    """
    folder, every = Path(source.folder), round(1 / source.validation_fraction)
    if folder == BSDS:
        training, validation, _ = split_photos(folder, every)
        known = sorted(training + validation, key=lambda path: path.stem)
    else:
        known = _list_pictures(folder)
        validation = known[::every]
    if source.validation_folder:
        validation = [path for path in known if (folder / source.validation_folder) in path.parents]
    if not validation:
        raise InputError(f"{folder / source.validation_folder}: holds no photograph to validate on")
    if len(validation) > MOST_VALIDATION:
        raise InputError(
            f"{folder}: {len(validation):,} of {len(known):,} photographs would validate, at most"
            f" {MOST_VALIDATION} can: lower photographs.validation_fraction in params.yaml, or name"
            " a photographs.validation_folder with fewer"
        )
    kept = set(validation)
    training = [path for path in known if path not in kept]
    if not training:
        raise InputError(f"{folder}: holds no photograph to train on")
    return training, validation


def name_photograph(source: Photographs, path: Path) -> str:
    """Give the name under which a validation photograph is kept.

    Returns
    -------
    str
        Of BSDS500 its own; of another folder with the folders in which it lies.
    """
    folder = Path(source.folder)
    return path.stem if folder == BSDS else "__".join(path.relative_to(folder).parts)


class Reader:
    """Reads photographs, and refuses those of the test set by their content.

    Parameters
    ----------
    source : Photographs
        BSDS500 is read as it was saved, and known not to train on its own test set; another
        folder may hold pictures of any kind, whose transparent pixels are laid on white.
    """

    def __init__(self, source: Photographs) -> None:
        self.source = source
        self.own = Path(source.folder) != BSDS
        self.tested = list_images(BSDS, "val") if self.own else []
        self.thumbnails = np.array([_thumbnail(read_rgb(photo)) for photo in self.tested])

    def read(
        self, photos: Iterable[Path], skipped: list[str], *, check: Check = lambda *_: None
    ) -> Iterator[tuple[Path, np.ndarray]]:
        """Read photographs, one after the other.

        Parameters
        ----------
        photos : iterable of Path
        skipped : list of str
            Gets what is wrong with those that are left out.
        check : callable, optional
            Raises InputError for a photograph that will not do.

        Yields
        ------
        path : Path
        colour : ndarray of uint8, shape (height, width, 3) or, if grey, (height, width)

        Raises
        ------
        InputError
            If one is broken, unless those are skipped; if one is of the test set.
        """
        for path in photos:
            try:
                colour = read_picture(path).on_background(255) if self.own else read_rgb(path)
                check(path, colour)
            except InputError as error:
                if not self.source.skip_broken:
                    hint = "; or set photographs.skip_broken to true" if self.own else ""
                    raise InputError(f"{error}{hint}") from error
                skipped.append(str(error))
                continue
            if self.own:
                self._refuse_tested(path, colour)
            yield path, colour

    def _refuse_tested(self, path: Path, colour: np.ndarray) -> None:
        """Refuse a photograph of the test set, in whatever format, size or quality."""
        differences = np.abs(self.thumbnails - _thumbnail(colour)).mean((1, 2))
        if differences.min() < _SAME:
            raise InputError(
                f"{path}: shows the same as {self.tested[differences.argmin()]}, of the test set:"
                " remove it, or the network is measured on what it has learned by heart"
            )


def _list_pictures(folder: Path) -> list[Path]:
    """List the pictures in a folder, at any depth, by name; hidden ones are left out."""
    if not folder.is_dir():
        raise InputError(f"photographs.folder = {folder}: there is no such folder")
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in FORMATS
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not found:
        raise InputError(f"{folder}: holds no picture ({', '.join(FORMATS)})")
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _thumbnail(colour: np.ndarray) -> np.ndarray:
    rgb = colour if colour.ndim == 3 else np.dstack([colour] * 3)
    return resize(luminance(rgb), _THUMBNAIL_SIDE, _THUMBNAIL_SIDE, "bicubic")
