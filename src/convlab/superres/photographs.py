"""The photographs that super-resolution trains on: those of BSDS500, or a folder of the user's."""

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
"""Folder of BSDS500. Its folder `val` is always the test set."""
MOST_VALIDATION = 200
"""Validation photographs at most, because all are in memory and upscaled at every validation."""
Check = Callable[[Path, np.ndarray], None]
_THUMBNAIL_SIDE = 16
_SAME = 3.0
"""Photographs are taken for the same if their thumbnails differ by fewer grey levels, in the mean.

Copies of B100's photographs as JPEG of quality 10, or at another size, differ by 1.35 at most; the
two most similar photographs of BSDS500 differ by 8.4.
"""


class Photographs(Params):
    """Which photographs are for training and for validation (block `photographs`)."""

    folder: Annotated[str, Field(min_length=1)]
    validation_fraction: Annotated[float, Field(gt=0, le=0.5)]
    validation_folder: str
    skip_broken: bool


def find_photographs(source: Photographs) -> tuple[list[Path], list[Path]]:
    """List the photographs for training and those for validation.

    The split is fixed: in the order of their names, the first photograph and
    every n-th after it are for validation, where n = 1 / fraction, rounded. If
    `validation_folder` is set, the photographs in that folder are for
    validation.

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
            f"{folder}: {len(validation):,} of {len(known):,} photographs are for validation, at"
            f" most {MOST_VALIDATION} can be: lower photographs.validation_fraction in params.yaml,"
            " or name a photographs.validation_folder with fewer"
        )
    kept = set(validation)
    training = [path for path in known if path not in kept]
    if not training:
        raise InputError(f"{folder}: holds no photograph to train on")
    return training, validation


def name_photograph(source: Photographs, path: Path) -> str:
    """Give the name under which a validation photograph is written.

    Returns
    -------
    str
        The file's name without suffix, for BSDS500; else its path inside the folder, with `__`
        between the parts.
    """
    folder = Path(source.folder)
    return path.stem if folder == BSDS else "__".join(path.relative_to(folder).parts)


class Reader:
    """Reads photographs, and refuses those that show the same as one of the test set.

    Parameters
    ----------
    source : Photographs
        BSDS500 is read as it was saved, and not compared with its own test set. Another folder
        may hold pictures in any of `FORMATS`; transparent ones are blended with white.
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
            Gets a message for each photograph that is skipped.
        check : callable, optional
            Raises InputError for a photograph that cannot be used.

        Yields
        ------
        path : Path
        colour : ndarray of uint8, shape (height, width, 3) or, if grey, (height, width)

        Raises
        ------
        InputError
            If a photograph is broken and `skip_broken` is false, or is one of the test set.
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
        """Refuse a photograph of the test set, also in another format, size or quality."""
        differences = np.abs(self.thumbnails - _thumbnail(colour)).mean((1, 2))
        if differences.min() < _SAME:
            raise InputError(
                f"{path}: shows the same as {self.tested[differences.argmin()]}, of the test set:"
                " remove it: a network must not be tested on a photograph that it was trained on"
            )


def _list_pictures(folder: Path) -> list[Path]:
    """List the pictures in a folder and its subfolders, sorted by path, without hidden ones."""
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
