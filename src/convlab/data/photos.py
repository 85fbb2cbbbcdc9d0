"""List photographs in folders, split them for training, validation and testing, and read them."""

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
_FORMATS = ("JPEG", "PNG")  # no others: to read some of them, Pillow runs other programs
MOST_PIXELS = 2**24  # measuring a photograph of this size takes 3.4 GB
# Raise the limit for one text to Pillow's limit for all texts of a file: image generators write
# their settings into PNG files as text of more than 1 MiB.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY


def list_images(folder: Path, split: Literal["train", "val", "test"]) -> list[Path]:
    """List the images of one split, sorted by name.

    Parameters
    ----------
    folder : Path
        Holds the folders train, val and test, with .jpg or .png files. Hidden
        files, whose names begin with a dot, are ignored.
    split : {"train", "val", "test"}
        Which of these folders to list.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If there is no such folder or no image in it, or if the names of two
        images differ only in the suffix.
    """
    try:
        paths = sorted((folder / split).iterdir())
    except FileNotFoundError as error:
        raise InputError(f"{folder / split}: is missing: run `dvc repro`") from error
    except OSError as error:
        raise InputError(f"{folder / split}: {reason(error)}") from error
    # macOS writes hidden files beside the images.
    shown = (path for path in paths if not path.name.startswith("."))
    images = [path for path in shown if path.suffix.lower() in _SUFFIXES]
    if not images:
        raise DamageError(folder / split, "holds no photograph (.jpg or .png)")
    ((name, times),) = Counter(image.stem for image in images).most_common(1)
    if times > 1:
        raise InputError(f"{folder / split}: has {times} photographs named {name}: rename them")
    return images


def split_photos(folder: Path, every: int = 20) -> tuple[list[Path], list[Path], list[Path]]:
    """Split the photographs into a training set, a validation set and a test set.

    The split is fixed. The folders `train` and `test` are taken together, in
    the order of the photographs' names: the first photograph and every n-th
    after it are for validation, all others for training. The folder `val` is
    the test set; papers call that of BSDS500 B100.

    Parameters
    ----------
    folder : Path
        As in `list_images`.
    every : int
        n: with 20, 20 of BSDS500's 400 photographs are for validation.

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
    """Read an image file with at most 8 bits per value, as it was saved.

    JPEG and PNG are recognized by their content. Grey images, black and white
    ones and those with a palette are converted to RGB without loss. Of an
    animation, the first picture is read. The EXIF orientation and the colour
    profile are ignored; colours are taken as sRGB.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    InputError
        If the file is missing, not a JPEG or PNG image, truncated or corrupt.
        (Not every corrupt JPEG file is found, because JPEG has no checksums.)
        If it has so many pixels that they may fill the memory. If there is more
        than one way to convert it to 8-bit RGB, because it has 16 bits per
        value, is in CMYK, or has transparent pixels.
    """
    require_file(path)
    with open_image(path, _FORMATS, MOST_PIXELS) as image:
        if image.mode == "CMYK":
            raise InputError(f"{path}: is in CMYK, for printing: save it as RGB")
        if any("16" in tile[3] for tile in image.tile):  # mode in the file, such as RGB;16B
            raise InputError(f"{path}: has 16 bits per value: save it with 8")
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
    """Open an image file; exceptions here or in the block become an InputError.

    Parameters
    ----------
    path : Path
    formats : tuple of str
        Pillow's names of the formats that are accepted.
    most_pixels : int
        Larger images are refused before they are decoded.

    Yields
    ------
    ImageFile
        Not decoded yet.

    Raises
    ------
    InputError
        Names the file and its fault.
    """
    too_many = f"{path}: has more than {most_pixels:,} pixels: make it smaller"
    wanted = f"a {', '.join(formats[:-1])} or {formats[-1]} image"
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # about EXIF and MPO, which do not affect the pixels
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
    except Exception as error:  # a corrupt file can raise any: KeyError, struct.error, ...
        if isinstance(error, OSError) and error.strerror:
            raise InputError(f"{path}: {reason(error)}") from error
        if "MAX_TEXT" in str(error):  # Pillow's limit
            most = PngImagePlugin.MAX_TEXT_MEMORY >> 20
            raise InputError(
                f"{path}: holds more than {most} MiB of text, which could fill the memory: save it"
                " without text"
            ) from error
        raise InputError(
            f"{path}: is truncated or corrupt ({error}): put a complete image in its place"
        ) from error
