"""What the report tells of: read from where the stages left it, and seen to be of one run."""

from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from convlab.data.idx import read_digits
from convlab.data.photos import split_photos
from convlab.data.snapshots import Snapshots, read_snapshots
from convlab.errors import InputError
from convlab.nets.cnn import Cnn
from convlab.nets.mlp import Mlp
from convlab.nets.superres import load_superres
from convlab.nets.upscaler import Upscaler
from convlab.nets.weights import load_network
from convlab.tables import read_columns

CNN, MLP, DIGITS_CURVE, SNAPSHOTS = (
    f"train_cnn/{name}"
    for name in ("cnn.safetensors", "mlp.safetensors", "curve.csv", "snapshots.safetensors")
)
ANSWERS, SHIFT = (f"evaluate_cnn/{name}" for name in ("predictions.csv", "shift.csv"))
FRAMES = "render_tsne/frames.csv"
MODEL, SUPERRES_CURVE = (f"train_sr/{name}" for name in ("model.safetensors", "curve.csv"))
IMAGES = "evaluate_sr/images.csv"
FILES = (
    *(CNN, MLP, DIGITS_CURVE, SNAPSHOTS, ANSWERS, SHIFT),
    *(FRAMES, MODEL, SUPERRES_CURVE, IMAGES),
)
"""All that is read from the stages' folders."""


class DigitsRun(NamedTuple):
    """Both digit networks, and what the stages found out about them."""

    cnn: Cnn
    mlp: Mlp
    images: np.ndarray
    """uint8, shape (n, 28, 28): the test digits."""
    labels: np.ndarray
    """uint8, shape (n,): what they are."""
    answers: np.ndarray
    """int, shape (n,): what the trained CNN takes them for."""
    curve: dict[str, list[float]]
    """Of both trainings, by column."""
    shift: dict[str, list[float]]
    """Accuracy of both by how far digits are shifted, by column."""
    snapshots: Snapshots
    layouts: np.ndarray
    """float, shape (s, m, 2): where the first m digits lie at each snapshot."""


class SuperresRun(NamedTuple):
    """The super-resolution network, and what the stages found out about it."""

    network: Upscaler
    photos: list[Path]
    """The test photographs."""
    images: dict[str, list[Any]]
    """Quality of each by each method, by column."""
    curve: dict[str, list[float]]
    """Of the training, by column."""


def read_digits_run(mnist: Path, stages: Path) -> DigitsRun:
    """Read what there is to tell of digits.

    Parameters
    ----------
    mnist : Path
        Holds MNIST.
    stages : Path
        Holds a folder per stage.

    Raises
    ------
    InputError
        If a file is missing, damaged or of another run than the others.
    """
    images, labels = read_digits(mnist, "test")
    answers = np.array(read_columns(stages / ANSWERS)["predicted"], int)
    if len(answers) != len(labels):
        _refuse(stages / ANSWERS)
    snapshots = read_snapshots(stages / SNAPSHOTS)
    count = len(snapshots.digits)
    if not np.array_equal(snapshots.digits, labels[:count]):
        _refuse(stages / SNAPSHOTS)
    frames = read_columns(stages / FRAMES)
    if not np.array_equal(frames["step"], np.repeat(snapshots.steps, count)):
        _refuse(stages / FRAMES)
    return DigitsRun(
        cnn=load_network(stages / CNN, {"cnn": Cnn}),
        mlp=load_network(stages / MLP, {"mlp": Mlp}),
        images=images,
        labels=labels,
        answers=answers,
        curve=read_columns(stages / DIGITS_CURVE),
        shift=read_columns(stages / SHIFT),
        snapshots=snapshots,
        layouts=np.stack([frames["x"], frames["y"]], axis=-1).reshape(-1, count, 2),
    )


def read_superres_run(bsds: Path, stages: Path, scale: int) -> SuperresRun:
    """Read what there is to tell of super-resolution.

    Parameters
    ----------
    bsds : Path
        Holds the photographs.
    stages : Path
        Holds a folder per stage.
    scale : int

    Raises
    ------
    InputError
        As `read_digits_run`; also if the network is for another scale.
    """
    _, _, photos = split_photos(bsds)
    images = read_columns(stages / IMAGES, texts={"image"})
    if images["image"] != [photo.stem for photo in photos]:
        _refuse(stages / IMAGES)
    return SuperresRun(
        network=load_superres(stages / MODEL, scale),
        photos=photos,
        images=images,
        curve=read_columns(stages / SUPERRES_CURVE),
    )


def _refuse(path: Path) -> NoReturn:
    raise InputError(f"{path}: is of another run than the rest: run `dvc repro`")
