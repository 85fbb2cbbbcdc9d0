"""The idx files that MNIST is published in: a header, then the bytes of one array.

References
----------
Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
digits": the header is two zero bytes, a type code (8: unsigned byte), the
number of axes, and the length of each axis as a big-endian 32-bit integer.
"""

import struct
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np

from convlab.checksums import check_whole
from convlab.errors import DamageError

_UNSIGNED_BYTE = 8
_PREFIXES = {"train": "train", "test": "t10k"}  # of the published file names
_SIDE = 28  # pixels
_CLASSES = 10


def read_digits(folder: Path, split: Literal["train", "test"]) -> tuple[np.ndarray, np.ndarray]:
    """Read the images and labels of one split from its two idx files.

    Parameters
    ----------
    folder : Path
        Holds the uncompressed files under their published names.
    split : {"train", "test"}
        Which of the two splits to read.

    Returns
    -------
    images : uint8 array, shape (n, 28, 28)
        White digits (255) on black (0).
    labels : uint8 array, shape (n,)
        The digits, 0 to 9.

    Raises
    ------
    InputError
        If a file is missing, damaged, or does not fit the other.
    """
    images_path, labels_path = digit_paths(folder, split)
    images = _read_idx(images_path, axes=3)
    labels = _read_idx(labels_path, axes=1)
    if len(images) == 0 or images.shape[1:] != (_SIDE, _SIDE):
        raise DamageError(images_path, f"holds {images.shape}, not images of 28 x 28 pixels")
    if len(labels) != len(images):
        raise DamageError(
            labels_path, f"holds {len(labels)} labels for the {len(images)} images beside it"
        )
    if labels.max() >= _CLASSES:
        raise DamageError(labels_path, f"holds the label {labels.max()}; labels are 0 to 9")
    return images, labels


def digit_paths(folder: Path, split: Literal["train", "test"]) -> tuple[Path, Path]:
    """Where the images and the labels of a split lie, by their published names."""
    prefix = _PREFIXES[split]
    return folder / f"{prefix}-images-idx3-ubyte", folder / f"{prefix}-labels-idx1-ubyte"


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write a uint8 array of any shape as an idx file."""
    if array.dtype != np.uint8:
        raise TypeError(f"an idx file of bytes takes uint8, not {array.dtype}")
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())


def _read_idx(path: Path, *, axes: int) -> np.ndarray:
    """The uint8 array in an idx file that must have this many axes."""
    check_whole(path)
    content = np.fromfile(path, np.uint8)
    header_size = 4 + 4 * axes
    header, values = content[:header_size].tobytes(), content[header_size:]
    if len(header) < header_size or header[:4] != bytes([0, 0, _UNSIGNED_BYTE, axes]):
        raise DamageError(path, f"is not an idx file of bytes with {axes} axes")
    shape = struct.unpack(f">{axes}I", header[4:])
    if len(values) != prod(shape):
        raise DamageError(
            path, f"holds {len(values)} values where its header promises {prod(shape)}"
        )
    return values.reshape(shape)
