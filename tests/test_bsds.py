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

from convlab.checksums import read_checksums
from convlab.data import bsds
from convlab.data.bsds import CHECKSUMS, download_bsds, unpack_photos
from convlab.errors import InputError
from http_server import Answer, serving

PHOTOS = {  # not truly JPEG: for unpacking, content is bytes
    name: random.Random(name).randbytes(3000)
    for name in ("train/100075.jpg", "train/12003.jpg", "test/2018.jpg", "val/3096.jpg")
}
TABLE = {hashlib.sha256(content).hexdigest(): name for name, content in PHOTOS.items()}
LAYOUT = "BSR/BSDS500/data/images"


def tgz(files: dict[str, bytes], *hostile: tarfile.TarInfo) -> bytes:
    """A .tgz archive of files, then of members given by their headers."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in hostile:
            archive.addfile(member)
    return buffer.getvalue()


def tar_member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def zipped(files: dict[str, bytes], *hostile: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    """A .zip archive of files, then of members given by their headers."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for member, content in hostile:
            archive.writestr(member, content)
    return buffer.getvalue()


def zip_member(name: str, mode: int = stat.S_IFREG, content: bytes = b"") -> tuple:
    member = zipfile.ZipInfo(name)
    member.external_attr = (mode | 0o644) << 16
    return member, content


def published(layout: str = LAYOUT) -> dict[str, bytes]:
    return {f"{layout}/{name}": content for name, content in PHOTOS.items()}


def unpack(archive: bytes, folder: Path) -> dict[str, bytes]:
    """What unpacking leaves in `folder`/out, by name; nothing may lie beside it."""
    (folder / "archive").write_bytes(archive)
    unpack_photos(folder / "archive", folder / "out", TABLE)
    assert {path.name for path in folder.iterdir()} == {"archive", "out"}
    out = folder / "out"
    files = (path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(tgz(published()), id="published"),
        pytest.param(zipped(published("BSDS500-master/BSDS500/data/images")), id="zip"),
        pytest.param(tgz({f"{i}.JPG": c for i, c in enumerate(PHOTOS.values())}), id="flat"),
        pytest.param(zipped({**published(), "a.mat": b"m", "b.jpg": b"?"}), id="with others"),
        pytest.param(tgz({**published(), **published("again")}), id="twice"),
        pytest.param(
            tgz(published(), tar_member("BSR/link.jpg", tarfile.SYMTYPE, "../BSR/data")),
            id="with a link inside, tar",
        ),
        pytest.param(
            zipped(published(), zip_member("BSR/link.jpg", stat.S_IFLNK, b"../BSR/data")),
            id="with a link inside, zip",
        ),
    ],
)
def test_photos_are_found_in_any_layout(tmp_path: Path, archive: bytes) -> None:
    assert unpack(archive, tmp_path) == PHOTOS


@pytest.mark.parametrize("pack", [tgz, zipped])
def test_missing_and_altered_photos_are_named_and_counted(tmp_path: Path, pack) -> None:
    files = published()
    files[f"{LAYOUT}/test/2018.jpg"] += b"!"
    del files[f"{LAYOUT}/val/3096.jpg"]
    with pytest.raises(InputError, match=r"^2 of 4 .*: test/2018.jpg, val/3096.jpg$"):
        unpack(pack(files), tmp_path)


def test_of_many_missing_photos_a_few_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^4 of 4 .*train/12003.jpg, \.\.\.$"):
        unpack(tgz({"other": b""}), tmp_path)


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(tgz({"../evil.jpg": b""}), id="tar .."),
        pytest.param(tgz({"BSR/../../evil.jpg": b""}), id="tar inner .."),
        pytest.param(tgz({"/tmp/evil.jpg": b""}), id="tar absolute"),
        pytest.param(tgz({"C:\\evil.jpg": b""}), id="tar drive"),
        pytest.param(tgz({"BSR\\..\\..\\evil.jpg": b""}), id="tar backslashes"),
        pytest.param(tgz({}, tar_member("a", tarfile.SYMTYPE, "/etc")), id="tar symlink"),
        pytest.param(tgz({}, tar_member("a/b", tarfile.SYMTYPE, "../../c")), id="tar symlink .."),
        pytest.param(tgz({}, tar_member("a/b", tarfile.LNKTYPE, "../c")), id="tar hard link"),
        pytest.param(tgz({}, tar_member("a.jpg", tarfile.CHRTYPE)), id="tar device"),
        pytest.param(tgz({}, tar_member("a.jpg", tarfile.FIFOTYPE)), id="tar pipe"),
        pytest.param(zipped({"../evil.jpg": b""}), id="zip .."),
        pytest.param(zipped({"/tmp/evil.jpg": b""}), id="zip absolute"),
        pytest.param(zipped({"C:/evil.jpg": b""}), id="zip drive"),
        pytest.param(zipped({}, zip_member("a", stat.S_IFLNK, b"/etc")), id="zip symlink"),
        pytest.param(zipped({}, zip_member("a/b", stat.S_IFLNK, b"../../c")), id="zip symlink .."),
        pytest.param(zipped({}, zip_member("a.jpg", stat.S_IFCHR)), id="zip device"),
    ],
)
def test_a_hostile_archive_is_refused(tmp_path: Path, archive: bytes) -> None:
    with pytest.raises(InputError, match=r"^holds a (member that points outside|device)"):
        unpack(archive, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_hostile_member_after_the_photos_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="points outside"):
        unpack(tgz({**published(), "../evil": b""}), tmp_path)


@pytest.mark.parametrize("pack", [tgz, zipped])
def test_a_photo_of_absurd_size_is_not_read(tmp_path: Path, pack) -> None:
    assert unpack(pack({"big.jpg": bytes(11 * 2**20), **published()}), tmp_path) == PHOTOS


@pytest.mark.parametrize("pack", [tgz, zipped])
def test_an_archive_of_absurd_size_is_refused(
    tmp_path: Path, pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bsds, "_TOTAL_LIMIT", 2**20)
    with pytest.raises(InputError, match="unpacks to more than 1048576 bytes"):
        unpack(pack({f"{i}.mat": bytes(2**19) for i in range(3)}), tmp_path)


def test_a_header_of_absurd_size_is_refused(tmp_path: Path) -> None:
    header = tar_member("x", tarfile.XHDTYPE)
    header.size = 2**28
    with pytest.raises(InputError, match="a header is longer"):
        unpack(gzip.compress(header.tobuf()), tmp_path)


def test_headers_after_headers_are_refused(tmp_path: Path) -> None:
    header = tar_member("x", tarfile.XHDTYPE).tobuf()
    with pytest.raises(InputError, match="a header is longer"):
        unpack(gzip.compress(header * 2000), tmp_path)


def test_an_archive_that_leads_back_is_refused(tmp_path: Path) -> None:
    """A size below zero, hidden by a second one: tarfile would read it for ever."""
    back, record = tar_member("b"), b"27 GNU.sparse.realsize=512\n"
    back.size = -1536  # back to the header that hides it
    hide = tar_member("x", tarfile.XHDTYPE)
    hide.size = len(record)
    blocks = [tar_member("a").tobuf(), hide.tobuf(), record.ljust(512, b"\0")]
    with pytest.raises(InputError, match="two of its members overlap"):
        unpack(gzip.compress(b"".join([*blocks, back.tobuf(tarfile.GNU_FORMAT)])), tmp_path)


@pytest.mark.parametrize("pack", [tgz, zipped])
def test_an_archive_of_absurdly_many_members_is_refused(
    tmp_path: Path, pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bsds, "_MEMBER_LIMIT", 9)
    with pytest.raises(InputError, match="holds more than 9 members"):
        unpack(pack({f"{i}.mat": b"" for i in range(10)}), tmp_path)


def test_a_table_of_contents_of_absurd_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bsds, "_DIRECTORY_LIMIT", 300)
    with pytest.raises(InputError, match="its directory is longer"):
        unpack(zipped({f"{i}.mat": b"" for i in range(10)}), tmp_path)


def test_a_photo_larger_than_it_says_is_not_read_whole(tmp_path: Path) -> None:
    archive = bytearray(zipped({"a.jpg": bytes(2**25)}))
    size = archive.index(b"PK\x01\x02") + 24
    archive[size : size + 4] = struct.pack("<I", 100)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="is cut short or corrupt"):
            unpack(bytes(archive), tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_a_zip_that_points_before_its_beginning_is_refused(tmp_path: Path) -> None:
    archive = bytearray(zipped(published()))
    where = archive.index(b"PK\x05\x06") + 16  # of the table of contents
    archive[where : where + 4] = struct.pack("<I", 2**20)
    with pytest.raises(InputError, match="is cut short or corrupt"):
        unpack(bytes(archive), tmp_path)


def test_a_zip_that_asks_for_a_version_of_the_future_is_refused(tmp_path: Path) -> None:
    archive = bytearray(zipped(published()))
    archive[archive.index(b"PK\x01\x02") + 6] = 99  # version needed to extract
    with pytest.raises(InputError, match="is cut short or corrupt"):
        unpack(bytes(archive), tmp_path)


def test_an_encrypted_photo_is_refused(tmp_path: Path) -> None:
    archive = bytearray(zipped(published()))
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.index(magic) + flags] |= 1
    with pytest.raises(InputError, match="encrypted, too large or oddly packed"):
        unpack(bytes(archive), tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK", b"\x1f\x8b"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"is neither|is cut short or corrupt|is empty"):
        unpack(content, tmp_path)


@settings(max_examples=100)
@given(
    pack=st.sampled_from([tgz, zipped]),
    where=st.floats(0, 1, exclude_max=True),
    flipped=st.integers(0, 255),
)
def test_damage_is_always_told_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, pack, where: float, flipped: int
) -> None:
    """A byte flipped (or, with 0, all from there on cut off): refused, or harmless."""
    archive = bytearray(pack(published()))
    position = int(where * len(archive))
    if flipped:
        archive[position] ^= flipped
    else:
        del archive[position:]
    try:
        assert unpack(bytes(archive), tmp_path_factory.mktemp("damaged")) == PHOTOS
    except InputError as error:
        assert "\n" not in str(error)


def test_the_committed_table_names_the_published_500() -> None:
    table = read_checksums(CHECKSUMS)
    assert Counter(Path(name).parts[0] for name in table) == {
        "train": 200,
        "test": 200,
        "val": 100,
    }
    assert len({Path(name).name for name in table}) == 500
    assert all(len(checksum) == 64 for checksum in table.values())


def test_after_a_bad_archive_the_next_mirror_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table"
    table.write_text("".join(f"{checksum}  {name}\n" for checksum, name in TABLE.items()))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(bsds, "CHECKSUMS", table)
    answers = {
        "/own/bsds500/BSR_bsds500.tgz": [Answer(tgz({**published(), "../evil": b""}))],
        "/images.zip": [Answer(zipped(published("other")))],
    }
    with serving(answers) as server:
        monkeypatch.setattr(bsds, "PUBLISHED", (f"{server.url}/images.zip",))
        download_bsds(
            tmp_path / "out", partial_folder=tmp_path / "part", mirror=f"{server.url}/own"
        )
    assert "dropped" in capsys.readouterr().out
    for name, content in PHOTOS.items():
        assert (tmp_path / "out" / name).read_bytes() == content
