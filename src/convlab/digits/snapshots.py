"""Snapshots of the embeddings during a training, and their positions in the plane by t-SNE."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from threadpoolctl import threadpool_limits

from convlab.core.errors import DamageError, InputError
from convlab.core.outputs import require_file
from convlab.core.params import Params, Seed

ARRAYS = {
    "step": (np.int64, 1),
    "accuracy": (np.float64, 1),
    "embedding": (np.float16, 3),
    "label": (np.uint8, 1),
}
"""Types and numbers of axes by the names in the file, in the order of `Snapshots`."""


class RenderTsne(Params):
    """How t-SNE places the embeddings (block `render_tsne`)."""

    seed: Seed
    perplexity: Annotated[float, Field(ge=5, le=100)]
    iterations: Annotated[int, Field(ge=250)]
    frame_iterations: Annotated[int, Field(ge=250)]


@dataclass(frozen=True, eq=False)
class Snapshots:
    """The embeddings of the same digits at several steps of a training."""

    steps: np.ndarray
    """int64, shape (s,): numbers of training steps, increasing; s is 2 or more."""
    accuracies: np.ndarray
    """float64, shape (s,): accuracy on the test images at that step, 0 to 1."""
    embeddings: np.ndarray
    """float16, shape (s, n, width)."""
    labels: np.ndarray
    """uint8, shape (n,): 0 to 9."""


def write_snapshots(
    path: Path,
    steps: Sequence[int],
    accuracies: Sequence[float],
    embeddings: Sequence[np.ndarray],
    labels: np.ndarray,
) -> None:
    """Write snapshots; for the arguments, see `Snapshots`."""
    values = (steps, accuracies, embeddings, labels)
    arrays = {
        name: np.asarray(value, kind)
        for (name, (kind, _)), value in zip(ARRAYS.items(), values, strict=True)
    }
    path.write_bytes(save(arrays))


def read_snapshots(path: Path) -> Snapshots:
    """Read the file that `write_snapshots` wrote.

    Returns
    -------
    Snapshots

    Raises
    ------
    InputError
        If the file is missing or damaged, or holds something else.
    """
    require_file(path)
    try:
        arrays = load_file(path)
        snapshots = Snapshots(*(arrays[name] for name in ARRAYS))
    except (SafetensorError, LookupError) as error:
        raise DamageError(path, "is damaged, or not a file of snapshots") from error
    if not _fits(snapshots):
        raise DamageError(path, "holds no snapshots")
    if not np.isfinite(snapshots.embeddings).all():
        raise InputError(
            f"{path}: the embeddings overflow: lower train_cnn.learning_rate in params.yaml,"
            " then run `dvc repro`"
        )
    return snapshots


def fit_tsne(embeddings: np.ndarray, params: RenderTsne) -> np.ndarray:
    """Place points in the plane so that neighbours remain neighbours.

    Starts from the first two principal components. Embeddings of width 1 are
    placed on a line.

    Parameters
    ----------
    embeddings : ndarray of float, shape (n, width)
        n is greater than `params.perplexity`.
    params : RenderTsne

    Returns
    -------
    ndarray of float32, shape (n, 2)
        The axes and the distances between groups have no meaning.

    Raises
    ------
    InputError
        If all points are the same.

    References
    ----------
    L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", JMLR 9, 2008.
    """
    if (embeddings == embeddings[0]).all():
        raise InputError(
            "the embeddings of all digits are the same: the network no longer learns:"
            " lower train_cnn.learning_rate in params.yaml, then run `dvc repro`"
        )
    if embeddings.shape[1] == 1:  # two principal components need two columns
        embeddings = np.pad(embeddings, ((0, 0), (0, 1)))
    return _fit(embeddings, params, init="pca", max_iter=params.iterations)


def fit_tsne_sequence(
    embeddings_by_step: Iterable[np.ndarray], params: RenderTsne
) -> Iterator[np.ndarray]:
    """Place one snapshot after the other, so that groups move and do not jump.

    The first snapshot is placed by `fit_tsne`. Each of the others starts from
    the positions before it, without early exaggeration (factor 1), which would
    pull the groups apart again. The first one needs all its `iterations`: if
    its layout were still growing, the second would jump.

    Parameters
    ----------
    embeddings_by_step : iterable of ndarray of float, shape (n, width)
        The same n points at each step.
    params : RenderTsne

    Yields
    ------
    ndarray of float32, shape (n, 2)
    """
    points = None
    for embeddings in embeddings_by_step:
        if points is None:
            points = fit_tsne(embeddings, params)
        else:
            points = _fit(
                embeddings,
                params,
                init=points,
                early_exaggeration=1,
                max_iter=params.frame_iterations,
            )
        yield points


def _fit(embeddings: np.ndarray, params: RenderTsne, **options: Any) -> np.ndarray:
    # Imported here, because that takes a second, and the check of params.yaml imports this module.
    # It comes before the limit, which holds only for libraries that are loaded already.
    from sklearn.manifold import TSNE  # noqa: PLC0415

    # One thread, because sums over several threads differ from run to run, and because two
    # threads are slower than one for so few points.
    with threadpool_limits(1):
        tsne = TSNE(perplexity=params.perplexity, random_state=params.seed, **options)
        return tsne.fit_transform(embeddings.astype(np.float32))


def _fits(snapshots: Snapshots) -> bool:
    """Tell whether the arrays have the types and shapes in the docstring of `Snapshots`."""
    arrays = vars(snapshots).values()
    if [(array.dtype, array.ndim) for array in arrays] != list(ARRAYS.values()):
        return False
    count, points, _ = snapshots.embeddings.shape
    return (
        len(snapshots.steps) == len(snapshots.accuracies) == count >= 2
        and len(snapshots.labels) == points > 0
        and snapshots.labels.max() <= 9
    )
