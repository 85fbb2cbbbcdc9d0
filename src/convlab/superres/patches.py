"""Make pairs of low- and high-resolution luminance, cut them into patches, write and read them."""

from collections.abc import Iterable
from pathlib import Path
from tokenize import TokenError
from typing import Annotated, BinaryIO, NamedTuple

import numpy as np
from numpy.lib.format import open_memmap, write_array_header_1_0
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, UnidentifiedImageError
from pydantic import AfterValidator, Field, RootModel

from convlab.core.errors import DamageError, InputError
from convlab.core.outputs import require_file
from convlab.core.params import Params, Scale
from convlab.imaging.colour import luminance
from convlab.imaging.resize import crop_to_multiple, downscale
from convlab.superres.metrics import smallest_side

ARRAYS = ("low.npy", "high.npy")
"""The files of a shard."""
CHECKSUMS = "patches.sha256"
"""The file that lists the sha256 of every array, as `sha256sum` writes it."""


def _all_different(values: list[int]) -> list[int]:
    if len(set(values)) < len(values):
        raise ValueError("must all be different")
    return values


class Scales(
    RootModel[Annotated[list[Scale], Field(min_length=1), AfterValidator(_all_different)]]
):
    """The upscaling factors for which the stages of super-resolution run (`scales`)."""


class MakePatches(Params):
    """How the photographs are cut into patches (block `make_patches`)."""

    patch_size: Annotated[int, Field(ge=8, le=256)]
    stride: Annotated[int, Field(ge=1, le=256)]


class Pair(NamedTuple):
    """The same luminance image, or stack of images, at both resolutions, as uint8."""

    low: np.ndarray
    """Shape (..., h, w)."""
    high: np.ndarray
    """Shape (..., scale * h, scale * w)."""


def make_pair(colour: np.ndarray, scale: int) -> Pair:
    """Compute the luminance of a photograph and its downscaled version.

    Parameters
    ----------
    colour : ndarray of uint8, shape (height, width, 3) or (height, width)
        RGB; or grey, which is used unchanged, as in papers.
    scale : int
        Height and width are cropped to a multiple of it.

    Returns
    -------
    Pair
    """
    high = crop_to_multiple(colour, scale)
    if high.ndim == 3:
        high = luminance(high)
    return Pair(downscale(high, scale), high)


def check_size(name: str | Path, colour: np.ndarray, scale: int) -> None:
    """Check that a photograph is large enough to be measured.

    Raises
    ------
    InputError
        If it is not; the message begins with `name`.
    """
    height, width = colour.shape[:2]
    smallest = smallest_side(scale)
    if min(height, width) < smallest:
        raise InputError(
            f"{name}: is {width} x {height} pixels: too small to be measured:"
            f" remove it, or put an image of at least {smallest} x {smallest} in its place"
        )


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
        In order of rows; empty if the plane is smaller than a patch.
    """
    if min(plane.shape) < size:
        return np.empty((0, size, size), plane.dtype)
    return sliding_window_view(plane, (size, size))[::stride, ::stride].reshape(-1, size, size)


def write_patches(folder: Path, pairs: Iterable[Pair], scale: int, params: MakePatches) -> int:
    """Cut pairs into patches and write them to `low.npy` and `high.npy`.

    Low-resolution patches are cut from the whole downscaled image, because the
    pixels near their borders depend on what lies beyond. One pair is in memory
    at a time.

    Parameters
    ----------
    folder : Path
        Gets two uint8 arrays, (n, size, size) and (n, scale * size, scale * size).
    pairs : iterable of Pair
    scale : int
    params : MakePatches
        Size and stride in low-resolution pixels.

    Returns
    -------
    int
        The number of patches n.
    """
    total = 0
    # Not with a memory map, which on a full disk ends the program by a signal, without an error.
    with (folder / "low.npy").open("wb") as low, (folder / "high.npy").open("wb") as high:
        files = ((low, 1), (high, scale))
        for file, factor in files:
            _write_header(file, 0, factor * params.patch_size)
        for pair in pairs:
            for (file, factor), plane in zip(files, pair, strict=True):
                patches = cut(plane, factor * params.patch_size, factor * params.stride)
                file.write(patches.tobytes())
            total += len(patches)
        for file, factor in files:
            _write_header(file, total, factor * params.patch_size)
    return total


def read_patches(folder: Path) -> Pair:
    """Memory-map the patches that `write_patches` wrote.

    Returns
    -------
    Pair
        Arrays (n, size, size) and (n, scale * size, scale * size).

    Raises
    ------
    InputError
        If a file is missing or is not such an array, or if their shapes do not match.
    """
    low, high = (_map_array(folder / name) for name in ARRAYS)
    count, height, width = low.shape
    scale = high.shape[1] // height
    if not scale or high.shape != (count, scale * height, scale * width):
        raise DamageError(folder, f"low.npy {low.shape} and high.npy {high.shape} do not match")
    return Pair(low, high)


class Shards:
    """The patches of all photographs, in folders that `write_patches` wrote.

    Parameters
    ----------
    folder : Path
        Holds these folders, which are read in the order of their names; others are ignored.

    Raises
    ------
    InputError
        If there is no such folder, or for the reasons of `read_patches`.
    """

    def __init__(self, folder: Path) -> None:
        self.folders = sorted(path.parent for path in folder.glob("*/low.npy"))
        if not self.folders:
            raise DamageError(folder, "holds no patches */low.npy")
        shapes = [[plane.shape for plane in read_patches(each)] for each in self.folders]
        self.counts = [low[0] for low, _ in shapes]
        self.count = sum(self.counts)
        (_, self.low_side, _), (_, self.high_side, _) = shapes[0]
        self.bytes_per_patch = self.low_side**2 + self.high_side**2

    def read(self, runs: Iterable[tuple[int, int, int]]) -> Pair:
        """Read runs of neighbouring patches into memory.

        Parameters
        ----------
        runs : iterable of tuple
            Number of the shard, first patch, last patch + 1.

        Returns
        -------
        Pair
        """
        runs = list(runs)
        count = sum(stop - start for _, start, stop in runs)
        sides = self.low_side, self.high_side
        read = Pair(*(np.empty((count, side, side), np.uint8) for side in sides))
        first = 0
        for shard, start, stop in runs:
            mapped = read_patches(self.folders[shard])  # a new map each time frees what was read
            for plane, target in zip(mapped, read, strict=True):
                target[first : first + stop - start] = plane[start:stop]
            first += stop - start
        return read

    def read_all(self) -> Pair:
        """Read all patches into memory, in order."""
        return self.read((shard, 0, count) for shard, count in enumerate(self.counts))


def write_pair(folder: Path, name: str, pair: Pair) -> None:
    """Write a whole image to `low/<name>.png` and `high/<name>.png`."""
    for plane, kind in zip(pair, Pair._fields, strict=True):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        write_plane(folder / kind / f"{name}.png", plane)


def read_pairs(folder: Path) -> list[Pair]:
    """Read all images that `write_pair` wrote into a folder, sorted by name.

    Returns
    -------
    list of Pair

    Raises
    ------
    InputError
        If there is none, or if a file of a pair is missing or not an image.
    """
    names = sorted(path.name for path in (folder / "low").glob("*.png"))
    if not names:
        raise DamageError(folder, "holds no images low/*.png")
    return [Pair(*(read_plane(folder / kind / name) for kind in Pair._fields)) for name in names]


def write_plane(path: Path, plane: np.ndarray) -> None:
    """Write a luminance image, uint8 of shape (height, width), as PNG."""
    Image.fromarray(plane).save(path, format="PNG")


def read_plane(path: Path) -> np.ndarray:
    """Read a luminance image that `write_plane` wrote.

    Returns
    -------
    ndarray of uint8, shape (height, width)

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    require_file(path)
    try:
        with Image.open(path) as image:
            image.verify()  # checksums, which are ignored when pixels are read
        with Image.open(path) as image:
            return np.array(image.convert("L"))
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise DamageError(path, "is truncated or not an image") from error


def _write_header(file: BinaryIO, count: int, size: int) -> None:
    """Write the header of an array of bytes; numpy leaves space in it for a larger count."""
    file.seek(0)
    write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": (count, size, size)}
    )


def _map_array(path: Path) -> np.ndarray:
    require_file(path)
    try:
        array = open_memmap(path, mode="r")
    except (ValueError, EOFError, TokenError) as error:
        raise DamageError(path, "is truncated or not an array") from error
    if array.ndim != 3 or array.dtype != np.uint8 or not array.size:
        raise DamageError(path, f"is {array.shape} of {array.dtype}, should be (n, h, w) of uint8")
    return array
