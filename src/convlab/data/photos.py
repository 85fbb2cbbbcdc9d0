"""Photographs in folders: which there are, which train and which test, reading them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from convlab.checksums import check_whole
from convlab.errors import InputError

_SUFFIXES = (".jpg", ".png")
_FORMATS = ("JPEG", "PNG")  # of the others, some run programs to be read
_VALIDATION_STRIDE = 20  # every 20th: 20 of BSDS500's 400 training photographs


def list_images(folder: Path, split: Literal["train", "val", "test"]) -> list[Path]:
    """List the images of one split, sorted by name.

    Parameters
    ----------
    folder : Path
        Holds the folders train, val and test, with .jpg or .png files.
    split : {"train", "val", "test"}
        Which of them to list.

    Raises
    ------
    InputError
        If there is no such folder or no image in it.
    """
    try:
        paths = sorted((folder / split).iterdir())
    except OSError as error:
        raise InputError(f"{folder / split}: cannot be read: {error.strerror}") from error
    images = [path for path in paths if path.suffix.lower() in _SUFFIXES]
    if not images:
        raise InputError(f"{folder / split}: holds no photograph (.jpg or .png)")
    return images


def split_photos(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Split the photographs into those to train on, to validate on and to test on.

    The split does not depend on chance: of `train` and `test` together, in
    the order of their names, the first and every 20th after it validate. The
    folder `val` is the test set (of BSDS500, it is what papers call B100).

    Parameters
    ----------
    folder : Path
        As in `list_images`.

    Returns
    -------
    training, validation, testing : list of Path
        Each sorted by name; no photograph is in two of them.

    Raises
    ------
    InputError
        If one of the folders is missing or holds no photograph.
    """
    known = sorted(
        list_images(folder, "train") + list_images(folder, "test"), key=lambda path: path.stem
    )
    validation = known[::_VALIDATION_STRIDE]
    training = [path for path in known if path not in validation]
    return training, validation, list_images(folder, "val")


def image_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels of an image file, without reading its pixels.

    Raises
    ------
    InputError
        As `read_rgb`, as far as the file's header tells.
    """
    with _open(path) as image:
        return image.height, image.width


def read_rgb(path: Path) -> np.ndarray:
    """Read an image file; grey or with a palette, it is turned into RGB.

    Returns
    -------
    uint8 array, shape (height, width, 3)

    Raises
    ------
    InputError
        If the file is missing, not an image, cut short, corrupt, or has so
        many pixels that it must be meant to fill the memory.
    """
    with _open(path) as image:
        return np.array(image.convert("RGB"))


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    """Open an image file; what goes wrong with it here or in the block is an InputError."""
    check_whole(path)
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                yield image
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: is not a JPEG or PNG image") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: has more than {Image.MAX_IMAGE_PIXELS} pixels") from error
    except (OSError, SyntaxError, ValueError) as error:  # SyntaxError: Pillow's word for corrupt
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read: {reason}") from error
