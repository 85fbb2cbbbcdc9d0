"""The embeddings kept while a network learns: one safetensors file, written and read here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from convlab.checksums import check_whole
from convlab.errors import DamageError, InputError

ARRAYS = {
    "step": (np.int64, 1),
    "accuracy": (np.float64, 1),
    "features": (np.float16, 3),
    "digit": (np.uint8, 1),
}
"""Names in the file, in the order of `Snapshots`; types and numbers of axes."""


@dataclass(frozen=True, eq=False)
class Snapshots:
    """What a network made of the same digits at several steps of its training."""

    steps: np.ndarray
    """int64, shape (s,): training steps taken, growing; s is 2 or more."""
    accuracies: np.ndarray
    """float64, shape (s,): accuracy on the test images at that step, 0 to 1."""
    features: np.ndarray
    """float16, shape (s, n, width): the embedding of each digit at each step."""
    digits: np.ndarray
    """uint8, shape (n,): what the digits are, 0 to 9."""


def write_snapshots(
    path: Path,
    steps: Sequence[int],
    accuracies: Sequence[float],
    features: Sequence[np.ndarray],
    digits: np.ndarray,
) -> None:
    """Write snapshots, see `Snapshots`."""
    values = (steps, accuracies, features, digits)
    arrays = {
        name: np.asarray(value, kind)
        for (name, (kind, _)), value in zip(ARRAYS.items(), values, strict=True)
    }
    path.write_bytes(save(arrays))


def read_snapshots(path: Path) -> Snapshots:
    """Read the file that `write_snapshots` wrote.

    Raises
    ------
    InputError
        If the file is missing or damaged, or holds something else.
    """
    check_whole(path)
    try:
        arrays = load_file(path)
        snapshots = Snapshots(*(arrays[name] for name in ARRAYS))
    except (SafetensorError, LookupError) as error:
        raise DamageError(path, "is damaged, or not a file of snapshots") from error
    if not _fits(snapshots):
        raise DamageError(path, "holds no snapshots")
    if not np.isfinite(snapshots.features).all():
        raise InputError(
            f"{path}: the embeddings overflow: lower train_cnn.learning_rate in params.yaml,"
            " then run `dvc repro`"
        )
    return snapshots


def _fits(snapshots: Snapshots) -> bool:
    """Whether the arrays have the types and shapes that `Snapshots` says."""
    arrays = vars(snapshots).values()
    if [(array.dtype, array.ndim) for array in arrays] != list(ARRAYS.values()):
        return False
    count, points, _ = snapshots.features.shape
    return (
        len(snapshots.steps) == len(snapshots.accuracies) == count >= 2
        and len(snapshots.digits) == points > 0
        and snapshots.digits.max() <= 9
    )
