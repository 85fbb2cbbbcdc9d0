"""BSDS500, 500 photographs: where it is published, what it must be.

References
----------
P. Arbelaez, M. Maire, C. Fowlkes, J. Malik, "Contour detection and
hierarchical image segmentation", IEEE TPAMI 33(5), 2011. For non-commercial
research and education.
"""

import gzip
import hashlib
import io
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

from convlab.checksums import read_checksums
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
_TOTAL_LIMIT = 2**30  # bytes, of all that an archive holds
_MEMBER_LIMIT = 2**14
_HEADER_LIMIT = 2**12  # bytes, of a .tgz member's headers: tarfile takes 50 ms for a bad one
_DIRECTORY_LIMIT = 2**22  # bytes of the table of contents of a .zip
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
    names = {checksum: name for name, checksum in read_checksums(CHECKSUMS).items()}
    for candidate in candidates(_PLACE, PUBLISHED, mirror=mirror, partial_folder=partial_folder):
        with candidate as path:
            unpack_photos(path, folder, names)


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
        beginning = file.read(16)
    try:
        if beginning.startswith(b"PK"):
            yield from _zip_photos(archive)
        elif beginning.startswith(b"\x1f\x8b"):
            yield from _tgz_photos(archive)
        else:
            raise InputError(
                f"is neither a .tgz nor a .zip file (it begins with {beginning!r})"
                if beginning
                else "is empty"
            )
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        gzip.BadGzipFile,
        zlib.error,
        struct.error,
        EOFError,
        ValueError,
        OverflowError,  # an offset beyond what a file can have
        RecursionError,  # tarfile's, of a header that follows a header that follows ...
        NotImplementedError,  # zipfile's, of features that no archive of ours uses
    ) as error:
        raise InputError(f"is cut short or corrupt ({str(error)[:100]})") from error


class _Forward(gzip.GzipFile):
    """The stream below a tarfile, which a bomb cannot have read for long, twice or whole.

    What lies between the members that are of interest is unpacked, too, to
    get past it. tarfile itself reads nothing but headers, and those whole,
    however long they say they are.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.header_left = _HEADER_LIMIT  # bytes

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= self.header_left:
            raise InputError(f"is corrupt (a header is longer than {_HEADER_LIMIT} bytes)")
        self.header_left -= size
        return super().read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == io.SEEK_SET:
            if offset < self.tell():
                raise InputError("is corrupt (two of its members overlap)")
            _refuse_total(offset)
        return super().seek(offset, whence)

    def read_member(self, member: tarfile.TarInfo) -> bytes:
        self.seek(member.offset_data)
        return super().read(member.size)


def _tgz_photos(path: Path) -> Iterator[bytes]:
    with _Forward(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for count, member in enumerate(archive, start=1):
            _refuse_count(count)
            _refuse_total(member.offset_data + member.size)
            _refuse_outside(member.name)
            if member.isfile():
                if _may_be_photo(member.name, member.size) and not member.issparse():
                    yield stream.read_member(member)
            elif member.issym():
                _refuse_outside(_link_end(member.name, member.linkname))
            elif member.islnk():
                _refuse_outside(member.linkname)
            elif not member.isdir():
                raise InputError(f"holds a device file ({_shown(member.name)})")
            stream.header_left = _HEADER_LIMIT


class _Sparing(io.FileIO):
    """The file below a zipfile, which reads the table of contents whole."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _DIRECTORY_LIMIT:
            raise InputError(f"is corrupt (its directory is longer than {_DIRECTORY_LIMIT} bytes)")
        return super().read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return super().seek(offset, whence)
        except OSError as error:  # before the beginning: no fault of the disk
            raise zipfile.BadZipFile("offset outside the file") from error


def _zip_photos(path: Path) -> Iterator[bytes]:
    total = 0
    with _Sparing(path) as file, zipfile.ZipFile(file) as archive:
        for count, member in enumerate(archive.infolist(), start=1):
            _refuse_count(count)
            total += member.file_size
            _refuse_total(total)
            _refuse_outside(member.filename)
            match stat.S_IFMT(member.external_attr >> 16):
                case 0 | stat.S_IFREG | stat.S_IFDIR:  # 0: not packed on Unix
                    if _may_be_photo(member.filename, member.file_size):
                        yield _read_zipped(archive, member)
                case stat.S_IFLNK:
                    target = _read_zipped(archive, member).decode(errors="replace")
                    _refuse_outside(_link_end(member.filename, target))
                case _:
                    raise InputError(f"holds a device file ({_shown(member.filename)})")


def _read_zipped(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    encrypted = member.flag_bits & 1
    if encrypted or member.compress_type not in _COMPRESSIONS or member.file_size > _PHOTO_LIMIT:
        raise InputError(
            f"holds an encrypted, too large or oddly packed member ({_shown(member.filename)})"
        )
    with archive.open(member) as file:
        return file.read(member.file_size)  # no more, should there be more than it says


def _may_be_photo(name: str, size: int) -> bool:
    return name.lower().endswith(".jpg") and 0 <= size <= _PHOTO_LIMIT


def _refuse_count(count: int) -> None:
    if count > _MEMBER_LIMIT:
        raise InputError(f"holds more than {_MEMBER_LIMIT} members: not the published archive")


def _refuse_total(size: int) -> None:
    if size > _TOTAL_LIMIT:
        raise InputError(f"unpacks to more than {_TOTAL_LIMIT} bytes: not the published archive")


def _shown(name: str) -> str:
    """A member's name as messages have it: printable, not too long."""
    return repr(name[:100])


def _link_end(name: str, target: str) -> str:
    """Where a link leads, seen from the top of the archive."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))


def _refuse_outside(name: str) -> None:
    path = PureWindowsPath(name)  # knows both kinds of slash, and drives
    if path.anchor or ".." in path.parts:
        raise InputError(f"holds a member that points outside ({_shown(name)})")
