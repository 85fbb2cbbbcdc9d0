"""Pairs of low- and high-resolution luminance: cut, written, read back."""

from collections.abc import Iterable
from pathlib import Path
from tokenize import TokenError
from typing import Annotated, NamedTuple

import numpy as np
from numpy.lib.format import open_memmap, write_array_header_1_0
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, UnidentifiedImageError
from pydantic import AfterValidator, Field

from convlab.checksums import check_whole
from convlab.errors import DamageError
from convlab.imaging.colour import luminance
from convlab.imaging.resize import crop_to_multiple, downscale
from convlab.params import Params, Scale


def _all_different(values: list[int]) -> list[int]:
    if len(set(values)) < len(values):
        raise ValueError("must all be different")
    return values


class MakePatches(Params):
    """How the photographs are cut (block `make_patches`)."""

    scales: Annotated[list[Scale], Field(min_length=1), AfterValidator(_all_different)]
    patch_size: Annotated[int, Field(ge=8, le=256)]
    stride: Annotated[int, Field(ge=1, le=256)]


class Pair(NamedTuple):
    """The same picture, or stack of pictures, at both resolutions: luminance, uint8."""

    low: np.ndarray
    """Shape (..., h, w)."""
    high: np.ndarray
    """Shape (..., scale * h, scale * w)."""


def make_pair(colour: np.ndarray, scale: int) -> Pair:
    """Luminance of a photograph and its downscaled version.

    Parameters
    ----------
    colour : ndarray of uint8, shape (height, width, 3) or (height, width)
        RGB; or grey, which is its own luminance, as papers have it.
    scale : int
        What it does not divide of height and width is cut off.
    """
    high = crop_to_multiple(colour, scale)
    if high.ndim == 3:
        high = luminance(high)
    return Pair(downscale(high, scale), high)


def cut(plane: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Cut a plane into square patches on a regular grid.

    Parameters
    ----------
    plane : ndarray, shape (height, width)
    size, stride : int
        Side of a patch and step from one to the next, in pixels.

    Returns
    -------
    ndarray, shape (n, size, size)
        Row by row; empty if the plane is smaller than a patch.
    """
    if min(plane.shape) < size:
        return np.empty((0, size, size), plane.dtype)
    return sliding_window_view(plane, (size, size))[::stride, ::stride].reshape(-1, size, size)


def count_patches(height: int, width: int, size: int, stride: int) -> int:
    """How many patches `cut` makes of a plane of that height and width."""
    return max(0, (height - size) // stride + 1) * max(0, (width - size) // stride + 1)


def write_patches(folder: Path, pairs: Iterable[Pair], count: int, params: MakePatches) -> None:
    """Cut pairs into patches and write them to `low.npy` and `high.npy`.

    The low-resolution patch is cut from the whole downscaled image: one that
    was downscaled by itself would know nothing of what lies beyond its border.
    One pair is in memory at a time.

    Parameters
    ----------
    folder : Path
        Gets two uint8 arrays, (count, size, size) and (count, scale * size,
        scale * size).
    pairs : iterable of Pair
    count : int
        Number of patches in all, see `count_patches`.
    params : MakePatches
        Size and stride in low-resolution pixels.
    """
    # Not through a memory map: on a full disk that ends in a signal and no error.
    with (folder / "low.npy").open("wb") as low, (folder / "high.npy").open("wb") as high:
        for pair in pairs:
            scale = pair.high.shape[0] // pair.low.shape[0]
            for file, plane, factor in ((low, pair.low, 1), (high, pair.high, scale)):
                patches = cut(plane, factor * params.patch_size, factor * params.stride)
                if not file.tell():
                    shape = (count, *patches.shape[1:])
                    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                    write_array_header_1_0(file, header)
                file.write(patches.tobytes())


def read_patches(folder: Path) -> Pair:
    """Memory-map the patches that `write_patches` wrote.

    Returns
    -------
    Pair
        Arrays (n, size, size) and (n, scale * size, scale * size).

    Raises
    ------
    InputError
        If a file is missing, is no such array, or the two do not belong together.
    """
    low, high = (_map_array(folder / name) for name in ("low.npy", "high.npy"))
    count, height, width = low.shape
    scale = high.shape[1] // height
    if not scale or high.shape != (count, scale * height, scale * width):
        raise DamageError(folder, f"low.npy {low.shape} and high.npy {high.shape} do not match")
    return Pair(low, high)


def write_pair(folder: Path, name: str, pair: Pair) -> None:
    """Write a whole picture to `low/<name>.png` and `high/<name>.png`."""
    for plane, kind in zip(pair, Pair._fields, strict=True):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(plane).save(folder / kind / f"{name}.png")


def read_pairs(folder: Path) -> list[Pair]:
    """Read all pictures that `write_pair` wrote into a folder, by name.

    Raises
    ------
    InputError
        If there is none, one lacks its partner or is no picture.
    """
    names = sorted(path.name for path in (folder / "low").glob("*.png"))
    if not names:
        raise DamageError(folder, "holds no pictures low/*.png")
    return [Pair(*(_read_plane(folder / kind / name) for kind in Pair._fields)) for name in names]


def _map_array(path: Path) -> np.ndarray:
    check_whole(path)
    try:
        array = open_memmap(path, mode="r")
    except (ValueError, EOFError, TokenError) as error:
        raise DamageError(path, "is truncated or not an array") from error
    if array.ndim != 3 or array.dtype != np.uint8 or not array.size:
        raise DamageError(path, f"is {array.shape} of {array.dtype}, should be (n, h, w) of uint8")
    return array


def _read_plane(path: Path) -> np.ndarray:
    check_whole(path)
    try:
        with Image.open(path) as image:
            return np.array(image.convert("L"))
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise DamageError(path, "is truncated or not a picture") from error
