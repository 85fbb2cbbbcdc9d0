"""BSDS500, 500 photographs: where they are published, and how they are checked and unpacked.

References
----------
P. Arbelaez, M. Maire, C. Fowlkes, J. Malik, "Contour detection and
hierarchical image segmentation", IEEE TPAMI 33(5), 2011. For non-commercial
research and education.
"""

import gzip
import hashlib
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

from convlab.core.errors import InputError
from convlab.core.params import Params

PUBLISHED = (
    "http://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",
    "https://github.com/BIDS/BSDS500/archive/refs/heads/master.zip",
)
CHECKSUMS = Path(__file__).with_name("bsds500.sha256")  # as `sha256sum` writes it
_PHOTO_LIMIT = 10 * 2**20  # bytes; the largest photograph has 126 KB
_TOTAL_LIMIT = 2**30  # bytes that an archive unpacks to
_MEMBER_LIMIT = 2**14
_TOO_LARGE = (
    f"holds more than {_MEMBER_LIMIT} files or {_TOTAL_LIMIT} bytes: not the published archive"
)


class DownloadBsds(Params):
    """Which photographs to use: the 500 published ones, or a few from installed libraries."""

    source: Literal["published", "bundled"]


def unpack_photos(archive: Path, folder: Path) -> None:
    """Unpack the 500 photographs from any folders of an archive.

    A photograph is recognized by its content, and written under its name in the list of checksums.
    Names in the archive are never used as paths.

    Parameters
    ----------
    archive : Path
        A .tgz or .zip file; its name does not matter.
    folder : Path
        Gets the folders train (200), val (100) and test (200 photographs).

    Raises
    ------
    InputError
        If the archive is truncated, corrupt, far too large, or lacks a photograph.
    OSError
        If a photograph cannot be written.
    """
    names = dict(line.split() for line in CHECKSUMS.read_text(encoding="utf-8").splitlines())
    missing = set(names.values())
    for content in _jpg_files(archive):
        name = names.get(hashlib.sha256(content).hexdigest())
        if name in missing:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
            missing.remove(name)
    if missing:
        raise InputError(
            f"lacks {len(missing)} of the {len(names)} published photographs, for example"
            f" {min(missing)}"
        )


def _jpg_files(archive: Path) -> Iterator[bytes]:
    """Give the content of every .jpg file in an archive."""
    total = 0
    try:
        for count, (name, size, open_file) in enumerate(_members(archive)):
            total += size
            if count >= _MEMBER_LIMIT or total > _TOTAL_LIMIT:
                raise InputError(_TOO_LARGE)
            if name.lower().endswith(".jpg") and size <= _PHOTO_LIMIT:
                with open_file() as file:
                    yield file.read(size)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a corrupt archive can raise many kinds of exceptions
        fault = "is truncated, corrupt, or neither .tgz nor .zip"
        raise InputError(f"{fault} ({str(error)[:100]})") from error


class _Bounded(gzip.GzipFile):
    """A stream that ends at a limit, even if the headers of its archive say otherwise."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > _TOTAL_LIMIT:
            raise InputError(_TOO_LARGE)
        return super().read(size)


def _members(path: Path) -> Iterator[tuple[str, int, Callable[[], BinaryIO]]]:
    """Give name, size and a way to open it of every file in an archive."""
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if is_zip:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                yield member.filename, member.file_size, partial(archive.open, member)
    else:
        # As a stream ("r|"), reads are short, and no header can make them start again.
        with _Bounded(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.isreg():
                    yield member.name, member.size, partial(archive.extractfile, member)
