"""BSDS500, 500 photographs: where it is published, what it must be.

References
----------
P. Arbelaez, M. Maire, C. Fowlkes, J. Malik, "Contour detection and
hierarchical image segmentation", IEEE TPAMI 33(5), 2011. For non-commercial
research and education.
"""

import gzip
import hashlib
import posixpath
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Literal

from tqdm import tqdm

from convlab.data.fetch import candidates
from convlab.errors import InputError
from convlab.params import Params

PUBLISHED = (
    "http://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",
    "https://github.com/BIDS/BSDS500/archive/refs/heads/master.zip",
)
CHECKSUMS = Path(__file__).with_name("bsds500.sha256")  # as `sha256sum` writes it
_PLACE = "bsds500/BSR_bsds500.tgz"
_PHOTO_LIMIT = 10 * 2**20  # bytes; the largest photograph has 126 KB
_TOTAL_LIMIT = 2**30  # bytes, of all that an archive says it holds
_NAMED = 3  # missing photographs in the message
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class DownloadBsds(Params):
    """Which photographs: the 500 published ones, or a few that libraries ship."""

    source: Literal["published", "bundled"]


def download_bsds(folder: Path, *, partial_folder: Path, mirror: str | None) -> None:
    """Download BSDS500's photographs, check them and unpack them.

    Parameters
    ----------
    folder : Path
        Gets the folders train (200), val (100) and test (200 photographs).
    partial_folder : Path
        Keeps the download (see `convlab.data.fetch.candidates`).
    mirror : str or None
        A folder or base URL that holds bsds500/BSR_bsds500.tgz, tried first.

    Raises
    ------
    InputError
        If no mirror has an archive with all the photographs.
    OSError
        If a file cannot be written.
    """
    checksums = read_checksums(CHECKSUMS)
    for candidate in candidates(_PLACE, PUBLISHED, mirror=mirror, partial_folder=partial_folder):
        with candidate as path:
            unpack_photos(path, folder, checksums)


def read_checksums(path: Path) -> dict[str, str]:
    """Read a list as `sha256sum` writes it: the name of each file by its checksum."""
    return dict(line.split(maxsplit=1) for line in path.read_text("utf-8").splitlines())


def unpack_photos(archive: Path, folder: Path, checksums: Mapping[str, str]) -> None:
    """Unpack the photographs that a list names, wherever in the archive they lie.

    A photograph is known by its content: it is written under the name that
    the list gives it, and what the archive calls it is never used as a path.

    Parameters
    ----------
    archive : Path
        A .tgz or .zip file, whatever its name.
    folder : Path
        Gets the photographs, under the names in `checksums`.
    checksums : mapping of str to str
        The name of each photograph, such as "train/100075.jpg", by the sha256
        of its content.

    Raises
    ------
    InputError
        If the archive is cut short, corrupt or hostile (has a member that
        points outside, or unpacks to more than is sane), or lacks a
        photograph. The caller knows what to call the archive.
    OSError
        If a photograph cannot be written.
    """
    missing = set(checksums.values())
    with tqdm(desc="photographs", total=len(missing), unit="file", disable=None) as progress:
        for content in _photos(archive):
            name = checksums.get(hashlib.sha256(content).hexdigest())
            if name in missing:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
                missing.remove(name)
                progress.update()
    if missing:
        named = sorted(missing)[:_NAMED] + ["..."] * (len(missing) > _NAMED)
        raise InputError(
            f"{len(missing)} of {len(checksums)} photographs are missing or altered: "
            f"{', '.join(named)}"
        )


def _photos(archive: Path) -> Iterator[bytes]:
    """The content of every .jpg file in an archive that bears looking into."""
    with archive.open("rb") as file:
        magic = file.read(2)
    try:
        match magic:
            case b"PK":
                yield from _zip_photos(archive)
            case b"\x1f\x8b":
                yield from _tgz_photos(archive)
            case _:
                raise InputError("is neither a .tgz nor a .zip file")
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        gzip.BadGzipFile,
        zlib.error,
        struct.error,
        EOFError,
        ValueError,
        NotImplementedError,  # zipfile's, of features that no archive of ours uses
    ) as error:
        raise InputError(f"is cut short or corrupt ({error})") from error


class _Gzip(gzip.GzipFile):
    """A stream for tarfile, which reads headers of any length whole: long ones are bombs."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _PHOTO_LIMIT:
            raise InputError("has a header that is too long to be true")
        return super().read(size)


def _tgz_photos(path: Path) -> Iterator[bytes]:
    total = 0
    with _Gzip(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            total = _add_size(total, member.size)
            _refuse_outside(member.name)
            if member.isfile():
                if _may_be_photo(member.name, member.size):
                    yield archive.extractfile(member).read()
            elif member.issym():
                _refuse_outside(_link_end(member.name, member.linkname))
            elif member.islnk():
                _refuse_outside(member.linkname)
            elif not member.isdir():
                raise InputError(f"holds a device ({member.name!r})")


def _zip_photos(path: Path) -> Iterator[bytes]:
    total = 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            total = _add_size(total, member.file_size)
            _refuse_outside(member.filename)
            match stat.S_IFMT(member.external_attr >> 16):
                case 0 | stat.S_IFREG | stat.S_IFDIR:  # 0: not packed on Unix
                    if _may_be_photo(member.filename, member.file_size):
                        yield _read_zipped(archive, member)
                case stat.S_IFLNK:
                    target = _read_zipped(archive, member).decode(errors="replace")
                    _refuse_outside(_link_end(member.filename, target))
                case _:
                    raise InputError(f"holds a device ({member.filename!r})")


def _read_zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    encrypted = member.flag_bits & 1
    if encrypted or member.compress_type not in _COMPRESSIONS or member.file_size > _PHOTO_LIMIT:
        raise InputError(f"holds a member of an unusual kind ({member.filename!r})")
    return archive.read(member)


def _may_be_photo(name: str, size: int) -> bool:
    return name.lower().endswith(".jpg") and size <= _PHOTO_LIMIT


def _add_size(total: int, size: int) -> int:
    """The new total of bytes, if neither it nor the member's size is absurd."""
    if size < 0 or total + size > _TOTAL_LIMIT:
        raise InputError(f"unpacks to more than {_TOTAL_LIMIT} bytes")
    return total + size


def _link_end(name: str, target: str) -> str:
    """Where a link leads, seen from the top of the archive."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


def _refuse_outside(name: str) -> None:
    path = PureWindowsPath(name)  # knows both kinds of slash, and drives
    if path.anchor or ".." in path.parts:
        raise InputError(f"holds a member that points outside ({name!r})")
