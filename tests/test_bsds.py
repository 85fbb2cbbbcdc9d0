"""BSDS500: unpacking archives, good, bad and hostile."""

import gzip
import hashlib
import io
import random
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab.core.errors import InputError
from convlab.data import bsds
from convlab.data.bsds import CHECKSUMS, unpack_photos

PHOTOS = {  # not truly JPEG: for unpacking, content is bytes
    name: random.Random(name).randbytes(3000)
    for name in ("train/100075.jpg", "train/12003.jpg", "test/2018.jpg", "val/3096.jpg")
}


@pytest.fixture(scope="module", autouse=True)
def four(tmp_path_factory):
    """Let these four photographs be all there are."""
    table = tmp_path_factory.mktemp("table") / "four.sha256"
    lines = (f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in PHOTOS.items())
    table.write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bsds, "CHECKSUMS", table)
        yield


def tar_member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def tgz(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    """Pack files, after members given by their headers."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member in others:
            archive.addfile(member)
        for name, content in files.items():
            member = tar_member(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zipped(files: dict[str, bytes], *others: tuple[str, int, bytes]) -> bytes:
    """Pack files, after members given by name, mode and content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode, content in others:
            member = zipfile.ZipInfo(name)
            member.external_attr = (mode | 0o644) << 16
            archive.writestr(member, content)
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def published(layout: str = "BSR/BSDS500/data/images") -> dict[str, bytes]:
    return {f"{layout}/{name}": content for name, content in PHOTOS.items()}


def unpack(archive: bytes, folder: Path) -> dict[str, bytes]:
    """Unpack into `folder`/a/b/out; give the files there, and check that there are no others."""
    out = folder / "a" / "b" / "out"
    out.mkdir(parents=True)
    (folder / "archive").write_bytes(archive)
    try:
        unpack_photos(folder / "archive", out)
    finally:
        (folder / "archive").unlink()
        files = [path for path in folder.rglob("*") if not path.is_dir()]
        assert all(path.is_relative_to(out) for path in files)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


ARCHIVES = {
    "flat": tgz({f"{i}.JPG": content for i, content in enumerate(PHOTOS.values())}),
    "with others": zipped({"a.mat": b"m", "b.jpg": b"?", **published()}),
    "twice": tgz({**published(), **published("again")}),
    "with a link, zip": zipped(published("a"), ("a", stat.S_IFLNK, b"../..")),
    "with a device, zip": zipped(published(), ("a.jpg", stat.S_IFCHR, b"")),
    "with a link, tar": tgz(published("a"), tar_member("a", tarfile.SYMTYPE, "../..")),
    "with a hard link, tar": tgz(published(), tar_member("a.jpg", tarfile.LNKTYPE, "../../c")),
    "with a device, tar": tgz(published(), tar_member("a.jpg", tarfile.CHRTYPE)),
} | {
    f"{pack.__name__} in {layout}": pack(published(layout))
    for pack in (tgz, zipped)
    for layout in ("BSR/BSDS500/data/images", "../../..", "/tmp/evil", "C:\\evil", "..\\..\\evil")
}


@pytest.mark.parametrize("archive", ARCHIVES.values(), ids=ARCHIVES)
def test_photos_are_found_by_content_and_nothing_is_written_elsewhere(tmp_path, archive):
    assert unpack(archive, tmp_path) == PHOTOS


@pytest.mark.parametrize("pack", [tgz, zipped])
def test_missing_and_altered_photos_are_counted(tmp_path, pack):
    files = published()
    files["BSR/BSDS500/data/images/test/2018.jpg"] += b"!"
    del files["BSR/BSDS500/data/images/val/3096.jpg"]
    with pytest.raises(InputError, match=r"^lacks 2 of the 4 .*, for example test/2018.jpg$"):
        unpack(pack(files), tmp_path)


@pytest.mark.parametrize("pack", [tgz, zipped])
@pytest.mark.parametrize("files", [{"a.mat": bytes(2**21)}, dict.fromkeys("abcdefghij", b"")])
def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch, pack, files):
    monkeypatch.setattr(bsds, "_TOTAL_LIMIT", 2**20)
    monkeypatch.setattr(bsds, "_MEMBER_LIMIT", 9)
    with pytest.raises(InputError, match="not the published archive"):
        unpack(pack(files), tmp_path)


@pytest.mark.parametrize("pack", [tgz, zipped])
def test_a_photo_of_absurd_size_is_not_read(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(bsds, "_PHOTO_LIMIT", 2999)
    with pytest.raises(InputError, match="lacks 4 of the 4"):
        unpack(pack(published()), tmp_path)


def huge_header() -> bytes:
    header = tar_member("x", tarfile.XHDTYPE)
    header.size = 2**26
    return gzip.compress(header.tobuf() + bytes(2**26))


def backward_member() -> bytes:
    """Hide a negative size, which leads back to the previous member, by a second size."""
    back, record = tar_member("b"), b"27 GNU.sparse.realsize=512\n"
    back.size = -1536
    hide = tar_member("x", tarfile.XHDTYPE)
    hide.size = len(record)
    blocks = [tar_member("a").tobuf(), hide.tobuf(), record.ljust(512, b"\0")]
    return gzip.compress(b"".join([*blocks, back.tobuf(tarfile.GNU_FORMAT)]))


def photo_larger_than_it_says() -> bytes:
    archive = bytearray(zipped({"a.jpg": bytes(2**26)}))
    size = archive.index(b"PK\x01\x02") + 24
    archive[size : size + 4] = struct.pack("<I", 100)
    return bytes(archive)


@pytest.mark.parametrize("make", [huge_header, backward_member, photo_larger_than_it_says])
def test_a_header_that_lies_takes_neither_memory_nor_time(tmp_path, monkeypatch, make):
    archive = make()
    monkeypatch.setattr(bsds, "_TOTAL_LIMIT", 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            unpack(archive, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


@settings(max_examples=100)
@given(pack=st.sampled_from([tgz, zipped]), where=st.floats(0, 1), flipped=st.integers(0, 255))
def test_damage_is_told_in_one_line(tmp_path_factory, pack, where, flipped):
    """A byte flipped (or, with 0, all from there on cut off): refused, or harmless."""
    archive = bytearray(pack(published()))
    position = min(int(where * len(archive)), len(archive) - 1)
    if flipped:
        archive[position] ^= flipped
    else:
        del archive[position:]
    try:
        assert unpack(bytes(archive), tmp_path_factory.mktemp("damaged")) == PHOTOS
    except InputError as error:
        assert str(error).isprintable()


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK", b"\x1f\x8b"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    with pytest.raises(InputError, match="is truncated, corrupt, or neither"):
        unpack(content, tmp_path)


def test_the_committed_table_names_the_published_500():
    lines = [line.split("  ") for line in CHECKSUMS.read_text().splitlines()]
    folders = Counter(name.split("/")[0] for _, name in lines)
    assert folders == {"train": 200, "test": 200, "val": 100}
    assert len({Path(name).name for _, name in lines}) == 500
    assert len({checksum for checksum, _ in lines if len(checksum) == 64}) == 500
