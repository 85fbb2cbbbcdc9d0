"""Feed the stages archives, photographs and parameters of all the wrong kinds."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from check_params import MODELS
from convlab.files import remove
from convlab.params import read_yaml
from demo import lay_over
from faults.network import PLACES
from faults.trial import (
    ROOT,
    STAGES,
    Bench,
    Copy,
    Lost,
    Trial,
    check_modest,
    check_outputs,
    check_refusal,
    check_well,
)

_BLOCK = gzip.compress(bytes(2**26))
_BLOCKS = 64  # of 64 MiB each
_PHOTO = 2**20 * 10  # bytes, the most that a photograph may have
_PHOTOS = Path("data/raw/bsds500")
_READERS = {"train": "make_patches", "val": "evaluate_sr"}


def trials(bench: Bench) -> list[Trial]:
    """Try every archive, every photograph, and every parameter twice."""
    return [*_archives(bench), *_photographs(bench), *_parameters(bench)]


# Archives: what each is, what the refusal must say, and how to make it. The last
# is told of a place outside, to which to write if it can.


def _tar(name: str, kind: bytes = tarfile.REGTYPE, *, link: str = "") -> Callable[[Path], bytes]:
    """Give what makes a .tgz of one member, whose name or link may be the place outside."""

    def make(outside: Path) -> bytes:
        member = tarfile.TarInfo(name.format(outside))
        member.type, member.linkname = kind, link.format(outside)
        return gzip.compress(member.tobuf() + bytes(2 * tarfile.BLOCKSIZE))

    return make


def _zip(
    name: str = "a.jpg", kind: int = stat.S_IFREG, *, content: str = "photo"
) -> Callable[[Path], bytes]:
    """Give what makes a .zip of one member, whose name or content may be the place outside."""

    def make(outside: Path) -> bytes:
        member = zipfile.ZipInfo(name.format(outside))
        member.external_attr = (kind | 0o777) << 16
        return _zipped((member, content.format(outside).encode()))

    return make


def _zipped(*members: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member, content in members:
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _tar_bomb(_: Path, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo("a.jpg")
    member.type, member.size = kind, _BLOCKS * 2**26
    return gzip.compress(member.tobuf()) + _BLOCKS * _BLOCK


def _tar_of_many(_: Path) -> bytes:
    member = tarfile.TarInfo("a.jpg")
    member.size = _PHOTO
    return gzip.compress(member.tobuf() + bytes(_PHOTO)) * 500


def _zip_of_many(_: Path) -> bytes:
    return _zipped(*((zipfile.ZipInfo(f"{i}.jpg"), bytes(_PHOTO)) for i in range(110)))


def _lying_zip(_: Path) -> bytes:
    size = 2**28
    honest = _zipped((zipfile.ZipInfo("a.jpg"), bytes(size)))
    return honest.replace(struct.pack("<L", size), struct.pack("<L", 5))


def _cut(make: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
    return lambda outside: make(outside)[:-30]


_NONE = {
    "nothing": ("", lambda _: b""),
    "no archive": ("", lambda _: b"<html>Please log in.</html>"),
}
ARCHIVES = {
    "download_bsds": _NONE
    | {
        ".tgz with ../": ("points outside", _tar("../../../escaped.jpg")),
        ".tgz with an absolute path": ("points outside", _tar("{}.jpg")),
        ".tgz with a symbolic link": ("points outside", _tar("a", tarfile.SYMTYPE, link="{}")),
        ".tgz with a link up": ("points outside", _tar("a", tarfile.SYMTYPE, link="../../b")),
        ".tgz with a hard link": ("points outside", _tar("a", tarfile.LNKTYPE, link="{}")),
        ".tgz with a device": ("device", _tar("a", tarfile.CHRTYPE)),
        ".tgz with a pipe": ("device", _tar("a.jpg", tarfile.FIFOTYPE)),
        ".tgz bomb": ("unpacks to more", _tar_bomb),
        ".tgz bomb of many": ("unpacks to more", _tar_of_many),
        ".tgz bomb in a header": ("", partial(_tar_bomb, kind=tarfile.XHDTYPE)),
        ".tgz bomb in a name": ("", partial(_tar_bomb, kind=tarfile.GNUTYPE_LONGNAME)),
        ".tgz cut short": ("cut short", _cut(_tar("a.jpg"))),
        ".zip with ../": ("points outside", _zip("../../../escaped.jpg")),
        ".zip with an absolute path": ("points outside", _zip("{}.jpg")),
        ".zip with a symbolic link": ("points outside", _zip("a", stat.S_IFLNK, content="{}")),
        ".zip with a device": ("device", _zip("a", stat.S_IFCHR)),
        ".zip bomb of many": ("unpacks to more", _zip_of_many),
        ".zip that lies": ("", _lying_zip),
        ".zip cut short": ("cut short", _cut(_zip())),
    },
    "download_mnist": _NONE
    | {
        ".gz bomb": ("unpacks to more", lambda _: _BLOCKS * _BLOCK),
        ".gz cut short": ("cut short", lambda _: _BLOCK[:-30]),
        ".gz of something else": ("wrong content", lambda _: gzip.compress(b"something else")),
    },
}


def _archives(bench: Bench) -> Iterator[Trial]:
    for stage, kinds in ARCHIVES.items():
        for name, (reason, make) in kinds.items():
            body = partial(_download, bench, stage, reason, make)
            yield Trial(f"hostile archives, {stage}", name, body)


def _download(
    bench: Bench, stage: str, reason: str, make: Callable[[Path], bytes], copy: Copy
) -> None:
    """Let a stage find the archive in the user's mirror: it must refuse it, and that is all."""
    copy.fill(bench.reference.tree, cache=False)
    lay_over(copy.tree / "params.yaml", {stage: {"source": "published"}})
    archive = copy.top / "mirror" / PLACES[stage][0]
    archive.parent.mkdir(parents=True)
    archive.write_bytes(make(copy.top / "escaped"))
    before, former = _listing(copy), copy.outputs(stage)
    done = copy.script(stage, CONVLAB_MIRROR=str(copy.top / "mirror"))
    check_refusal(done, stage, str(archive), reason)
    check_modest(done)
    check_outputs(copy.outputs(stage), former)
    if new := _listing(copy) - before:
        raise Lost(f"left {', '.join(map(str, sorted(new)))}")


def _listing(copy: Copy) -> set[Path]:
    """Everything in the copy and around it, less logs, locks and compiled modules."""
    own = (".log", ".errors", ".lock", ".pid", ".pyc")
    return {path for path in copy.top.rglob("*") if path.is_file() and path.suffix not in own}


# Photographs: what each is, and what makes its bytes.


_USUAL = (320, 240)


def _saved(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _image(
    mode: str, size: tuple[int, int] = _USUAL, kind: str = "PNG", **options: Any
) -> Callable[[], bytes]:
    """Give what makes a picture, in which something is to be seen."""
    return lambda: _saved(Image.radial_gradient("L").resize(size).convert(mode), kind, **options)


FRAMES = [Image.new("RGB", _USUAL, colour) for colour in ("red", "green")]
PHOTOGRAPHS = {
    "nothing": lambda: b"",
    "no image": lambda: b"<html>Please log in.</html>",
    "cut short": lambda: _image("RGB")()[:-40],
    "1 x 1": _image("RGB", (1, 1)),
    "CMYK": _image("CMYK", kind="JPEG"),
    "16 bits": _image("I;16"),
    "with a palette": _image("P"),
    "with a palette and one colour clear": _image("P", transparency=0),
    "black and white": _image("1"),
    "with alpha, opaque": _image("RGBA"),
    "with alpha, clear": lambda: _saved(Image.new("RGBA", _USUAL)),
    "animated": _image("RGB", save_all=True, append_images=FRAMES),
    "GIF": _image("P", kind="GIF"),
    "50,000 pixels wide": _image("RGB", (50_000, 40)),
    "50,000 pixels wide, 8,000 high": _image("1", (50_000, 8_000)),
}
REFUSALS = {  # what must be said of it; the others must be read
    "nothing": "is not a JPEG or PNG image",
    "no image": "is not a JPEG or PNG image",
    "cut short": "is cut short or corrupt",
    "1 x 1": "too small",
    "CMYK": "is in CMYK",
    "16 bits": "has 16 bits",
    "with a palette and one colour clear": "has transparent pixels",
    "with alpha, clear": "has transparent pixels",
    "GIF": "is not a JPEG or PNG image",
    "50,000 pixels wide, 8,000 high": "has more than 16,777,216 pixels",
}


def _photographs(bench: Bench) -> Iterator[Trial]:
    for name in PHOTOGRAPHS:
        for split, reader in _READERS.items():
            body = partial(_read, bench, split, reader, name)
            yield Trial(f"hostile photographs, {reader}", name, body)


def _read(bench: Bench, split: str, reader: str, name: str, copy: Copy) -> None:
    """Let a stage read it, or refuse it by its name and for the right reason."""
    copy.fill(bench.reference.tree, cache=False)
    for path in (copy.tree / _PHOTOS).rglob("SHA256SUMS"):
        remove(path)  # or it would be refused as damaged
    victim = min((copy.tree / _PHOTOS / split).iterdir())
    victim.write_bytes(PHOTOGRAPHS[name]())
    done = copy.script(reader)
    left_out = name == "1 x 1" and reader == "make_patches"  # as it holds no patch
    if name in REFUSALS and not left_out:
        check_refusal(done, reader, str(victim.relative_to(copy.tree)), REFUSALS[name])
    else:
        check_well(done)
    check_modest(done)
    copy.check_drafts()


# Parameters: of every key a value of another type, and one out of range.


def _parameters(bench: Bench) -> Iterator[Trial]:
    content = read_yaml(ROOT / "params.yaml")
    for block in MODELS:
        users = [stage for stage, entry in STAGES.items() if block in entry.get("params", [])]
        scripts = ["check_params", *users[:1]]
        for path, value in _leaves(content[block], (block,)):
            text = isinstance(value, str)
            for wrong in (7 if text else "soon", "elsewhere" if text else -1):
                body = partial(_configure, bench, scripts, path, wrong)
                yield Trial("hostile parameters", f"{_key(path)} = {wrong!r}", body)


def _leaves(values: Any, path: tuple) -> Iterator[tuple[tuple, Any]]:
    """Give the single values in nested mappings and lists, with their paths."""
    if isinstance(values, dict | list):
        for name, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from _leaves(value, (*path, name))
    else:
        yield path, values


def _key(path: tuple) -> str:
    return ".".join(map(str, path))


def _configure(bench: Bench, scripts: list[str], path: tuple, wrong: Any, copy: Copy) -> None:
    copy.fill(bench.reference.tree, cache=False)
    file = copy.tree / "params.yaml"
    content = read_yaml(file)
    *way, last = path
    place = content
    for name in way:
        place = place[name]
    place[last] = wrong
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    for script in scripts:
        check_refusal(copy.script(script), script, "params.yaml", _key(path))
