"""Photographs in folders: which there are, which train and which test, reading them."""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageFile, PngImagePlugin, UnidentifiedImageError

from convlab.core.errors import DamageError, InputError, reason
from convlab.core.outputs import require_file

_SUFFIXES = (".jpg", ".png")
_FORMATS = ("JPEG", "PNG")  # of the others, some run programs to be read
MOST_PIXELS = 2**24  # measuring one of that size takes 3.4 GB
# Image generators write their workflow into a PNG as text of more than 1 MiB, Pillow's limit.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY


def list_images(folder: Path, split: Literal["train", "val", "test"]) -> list[Path]:
    """List the images of one split, sorted by name.

    Parameters
    ----------
    folder : Path
        Holds the folders train, val and test, with .jpg or .png files;
        hidden ones, whose names begin with a dot, are left out.
    split : {"train", "val", "test"}
        Which of them to list.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If there is no such folder, no image in it, or two whose names differ
        by no more than the suffix.
    """
    try:
        paths = sorted((folder / split).iterdir())
    except FileNotFoundError as error:
        raise InputError(f"{folder / split}: is missing: run `dvc repro`") from error
    except OSError as error:
        raise InputError(f"{folder / split}: {reason(error)}") from error
    shown = (path for path in paths if not path.name.startswith("."))  # macOS hides its notes so
    images = [path for path in shown if path.suffix.lower() in _SUFFIXES]
    if not images:
        raise DamageError(folder / split, "holds no photograph (.jpg or .png)")
    ((name, times),) = Counter(image.stem for image in images).most_common(1)
    if times > 1:
        raise InputError(f"{folder / split}: has {times} photographs named {name}: rename them")
    return images


def split_photos(folder: Path, every: int = 20) -> tuple[list[Path], list[Path], list[Path]]:
    """Split the photographs into those to train on, to validate on and to test on.

    The split does not depend on chance: of `train` and `test` together, in
    the order of their names, the first and every n-th after it validate. The
    folder `val` is the test set (of BSDS500, it is what papers call B100).

    Parameters
    ----------
    folder : Path
        As in `list_images`.
    every : int
        n: with 20, 20 of BSDS500's 400 training photographs validate.

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
    validation = known[::every]
    training = [path for path in known if path not in validation]
    return training, validation, list_images(folder, "val")


def read_rgb(path: Path) -> np.ndarray:
    """Read an image file with 8 bits for a value or fewer, as it was saved.

    JPEG and PNG are told by their content. Grey, black and white or with a
    palette, an image is turned into RGB, which loses nothing; of an animation
    it is the first picture. An image is not turned upright as its EXIF data
    may say, and its colours are taken for sRGB, whatever its profile says.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    InputError
        If the file is missing, not a JPEG or PNG image, or truncated or
        corrupt, as far as that shows: PNG has checksums, JPEG has none. If
        it has so many pixels that they may fill the memory. If there is more
        than one way to turn it into 8-bit RGB: it has 16 bits for a value, is
        in CMYK, or has transparent pixels.
    """
    require_file(path)
    with open_image(path, _FORMATS, MOST_PIXELS) as image:
        if image.mode == "CMYK":
            raise InputError(f"{path}: is in CMYK, for printing: save it as RGB")
        if any("16" in tile[3] for tile in image.tile):  # such as RGB;16B, as which it is stored
            raise InputError(f"{path}: has 16 bits for a value: save it with 8")
        file = image.fp
        image.verify()  # PNG's checksums, which are ignored when pixels are read
        file.seek(0)
        pixels = np.array(Image.open(file, formats=_FORMATS).convert("RGBA"))
    if pixels[..., 3].min() < 255:
        raise InputError(f"{path}: has transparent pixels: save it without transparency")
    return np.ascontiguousarray(pixels[..., :3])


@contextmanager
def open_image(
    path: Path, formats: tuple[str, ...], most_pixels: int
) -> Iterator[ImageFile.ImageFile]:
    """Open an image file; what goes wrong with it here or in the block is an InputError.

    Parameters
    ----------
    path : Path
    formats : tuple of str
        Those that will do, as Pillow names them.
    most_pixels : int
        What is larger is refused before it takes memory.

    Yields
    ------
    ImageFile
        Not decoded yet.

    Raises
    ------
    InputError
        Naming the file and its fault.
    """
    too_many = f"{path}: has more than {most_pixels:,} pixels: make it smaller"
    wanted = f"a {', '.join(formats[:-1])} or {formats[-1]} image"
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of what does not touch the pixels: EXIF, MPO
            with Image.open(file, formats=formats) as image:
                if image.width * image.height > most_pixels:
                    raise InputError(too_many)
                yield image
    except (InputError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise InputError(
            f"{path}: is not {wanted} that can be read: put one in its place"
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(too_many) from error
    except Exception as error:  # Pillow raises any for a corrupt file: KeyError, struct.error, ...
        if isinstance(error, OSError) and error.strerror:
            raise InputError(f"{path}: {reason(error)}") from error
        if "MAX_TEXT" in str(error):  # of Pillow
            most = PngImagePlugin.MAX_TEXT_MEMORY >> 20
            raise InputError(
                f"{path}: holds more than {most} MiB of text, as files do that are made to fill the"
                " memory: save it without text"
            ) from error
        raise InputError(
            f"{path}: is truncated or corrupt ({error}): put {wanted} that is complete in its place"
        ) from error
