"""Read the outputs of the other stages, and check that all are from the same run."""

from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from torch import nn

from convlab.core.errors import InputError
from convlab.core.tables import read_columns
from convlab.core.weights import load_network
from convlab.data.mnist import read_digits
from convlab.data.photos import read_rgb, split_photos
from convlab.digits.prediction import NETWORKS
from convlab.digits.snapshots import Snapshots, read_snapshots
from convlab.superres.comparison import UpscaledPhoto, compare_photo
from convlab.superres.layers import Upscaler
from convlab.superres.patches import make_pair, read_plane
from convlab.superres.upscaling import load_upscaler

CNN, MLP, DIGITS_CURVE, SNAPSHOTS = (
    f"train_cnn/{name}"
    for name in ("cnn.safetensors", "mlp.safetensors", "curve.csv", "snapshots.safetensors")
)
PREDICTIONS, SHIFT = "evaluate_cnn/predictions.csv", "evaluate_cnn/shift.csv"
FRAMES = "render_tsne/frames.csv"
DIGITS_FILES = (CNN, MLP, DIGITS_CURVE, SNAPSHOTS, PREDICTIONS, SHIFT, FRAMES)
"""All files that `read_digits_run` reads from the stages' folders."""
SUPERRES_FILES = (
    *("train_sr/x{scale}/model.safetensors", "train_sr/x{scale}/curve.csv"),
    *("evaluate_sr/x{scale}/images.csv", "evaluate_sr/x{scale}/upscaled"),
)
"""The files and the folder that `read_superres_run` and `read_upscaled` read for each scale."""


class DigitsRun(NamedTuple):
    """Both digit networks and their results."""

    cnn: nn.Module
    mlp: nn.Module
    images: np.ndarray
    """uint8, shape (n, 28, 28): the test digits."""
    labels: np.ndarray
    """uint8, shape (n,)."""
    predictions: np.ndarray
    """int, shape (n,): the trained CNN's predictions."""
    curve: dict[str, list[float]]
    """Curves of both trainings, by column."""
    shift: dict[str, list[float]]
    """Accuracy of both networks on shifted digits, by column."""
    snapshots: Snapshots
    positions: np.ndarray
    """float, shape (s, m, 2): positions of the first m test digits in the plane, per snapshot."""


class SuperresRun(NamedTuple):
    """A super-resolution network and its results."""

    network: Upscaler
    photos: list[Path]
    """The test photographs."""
    upscaled: Path
    """The folder with the network's output for each of them."""
    images: dict[str, list[Any]]
    """Quality of each photograph by each method, by column."""
    curve: dict[str, list[float]]
    """Curve of the training, by column."""


def read_digits_run(mnist: Path, stages: Path) -> DigitsRun:
    """Read the results on digits.

    Parameters
    ----------
    mnist : Path
        Folder with MNIST.
    stages : Path
        Folder with a folder for each stage.

    Returns
    -------
    DigitsRun

    Raises
    ------
    InputError
        If a file is missing, damaged or from another run than the others.
    """
    images, labels = read_digits(mnist, "test")
    predictions = np.array(read_columns(stages / PREDICTIONS)["predicted"], int)
    if len(predictions) != len(labels):
        _refuse(stages / PREDICTIONS)
    snapshots = read_snapshots(stages / SNAPSHOTS)
    count = len(snapshots.labels)
    if not np.array_equal(snapshots.labels, labels[:count]):
        _refuse(stages / SNAPSHOTS)
    frames = read_columns(stages / FRAMES)
    if not np.array_equal(frames["step"], np.repeat(snapshots.steps, count)):
        _refuse(stages / FRAMES)
    return DigitsRun(
        cnn=load_network(stages / CNN, NETWORKS),
        mlp=load_network(stages / MLP, NETWORKS),
        images=images,
        labels=labels,
        predictions=predictions,
        curve=read_columns(stages / DIGITS_CURVE),
        shift=read_columns(stages / SHIFT),
        snapshots=snapshots,
        positions=np.stack([frames["x"], frames["y"]], axis=-1).reshape(-1, count, 2),
    )


def read_superres_run(bsds: Path, stages: Path, scale: int) -> SuperresRun:
    """Read the results of super-resolution at one scale.

    Parameters
    ----------
    bsds : Path
        Folder with the photographs.
    stages : Path
        Folder with a folder for each stage.
    scale : int

    Returns
    -------
    SuperresRun

    Raises
    ------
    InputError
        For the reasons of `read_digits_run`, or if the network is for another scale.
    """
    model, curve, table, upscaled = (stages / name.format(scale=scale) for name in SUPERRES_FILES)
    _, _, photos = split_photos(bsds)
    images = read_columns(table, texts={"image"})
    if images["image"] != [photo.stem for photo in photos]:
        _refuse(table)
    return SuperresRun(load_upscaler(model, scale), photos, upscaled, images, read_columns(curve))


def read_upscaled(run: SuperresRun, photo: Path) -> UpscaledPhoto:
    """Read a test photograph and the network's output for it.

    Returns
    -------
    UpscaledPhoto

    Raises
    ------
    InputError
        If one of them is missing or damaged, or if their sizes do not match.
    """
    rgb, scale, file = read_rgb(photo), run.network.scale, run.upscaled / f"{photo.stem}.png"
    output = read_plane(file)
    if output.shape != make_pair(rgb, scale).high.shape:
        _refuse(file)
    return compare_photo(rgb, output, scale)


def _refuse(path: Path) -> NoReturn:
    raise InputError(f"{path}: is from another run than the other files: run `dvc repro`")
