"""Outputs that can say whether they are whole: a list of sha256 beside them.

Every writer of outputs leaves a file SHA256SUMS, as `sha256sum` writes and
`sha256sum --check SHA256SUMS` reads it; every reader asks `check_whole` first.
So a file that a disk has spoiled is found where it is read, whatever its
format, also where size and time of change have nothing to tell.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from convlab.errors import DamageError, InputError, reason
from convlab.files import staged

NAME = "SHA256SUMS"
_LINE = re.compile(r"(?P<checksum>[0-9a-f]{64})  (?P<name>.+)", re.DOTALL)


@contextmanager
def output_files(*targets: Path) -> Iterator[list[Path]]:
    """Write files, whole or not at all, and their list of checksums.

    The list lies beside the first of them and holds them all. Parameters and
    errors are those of `convlab.files.staged`.

    Yields
    ------
    list of Path
        Where to write, in the order of `targets`; same suffixes.
    """
    checksums = targets[0].with_name(NAME)
    with staged(*targets, checksums) as (*drafts, draft):
        yield drafts
        names = (os.path.relpath(target, checksums.parent) for target in targets)
        _write(draft, zip(names, drafts, strict=True))


@contextmanager
def output_folder(target: Path) -> Iterator[Path]:
    """Write a folder, whole or not at all, and in each folder inside a list of checksums.

    Yields
    ------
    Path
        An empty folder to write to.

    Raises
    ------
    OSError
        If a folder cannot be made or written (no permission, disk full).
    """
    with staged(target) as (draft,):
        draft.mkdir()
        yield draft
        for folder, _, names in os.walk(draft):
            if names:
                _write(Path(folder, NAME), ((name, Path(folder, name)) for name in names))


def check_whole(path: Path, checksums: Path | None = None) -> None:
    """See that a file is what was written.

    Parameters
    ----------
    path : Path
    checksums : Path, optional
        The list that names it; by default the one beside it. If there is no
        list, the file is somebody else's, and nothing is known of it.

    Raises
    ------
    InputError
        If the file is missing, or not as its list says.
    """
    checksums = checksums or path.with_name(NAME)
    if path.exists() and not path.is_file():  # a named pipe would block for ever
        raise DamageError(path, "is a folder or device, not a file")
    try:
        found = _sha256(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: is missing: run `dvc repro`") from error
    except OSError as error:
        raise InputError(f"{path}: {reason(error)}") from error
    if not checksums.exists():
        return
    name = Path(os.path.relpath(path, checksums.parent)).as_posix()
    listed = read_checksums(checksums)
    if name not in listed:
        raise DamageError(path, f"is not listed in {checksums}")
    if found != listed[name]:
        raise InputError(
            f"{path}: is damaged, or from another run than {checksums}: remove both, then run"
            " `dvc repro` (quicker, if this run was committed: `git checkout FILE` brings back what"
            " git holds, `dvc checkout` the rest)"
        )


def read_checksums(path: Path) -> dict[str, str]:
    """Read a list as `sha256sum` writes it: the checksum of each file by its name.

    Raises
    ------
    InputError
        If the file is missing or no such list.
    """
    try:
        text = path.read_text("utf-8", errors="surrogateescape")
        *lines, end = text.split("\n")
        found = [_LINE.fullmatch(line) for line in lines]
        if end or None in found:
            raise ValueError("is not what sha256sum writes")
        return {line["name"]: line["checksum"] for line in found}
    except OSError as error:
        raise InputError(f"{path}: {reason(error)}") from error
    except ValueError as error:
        raise InputError(
            f"{path}: is damaged (not a list of checksums): `git checkout {path}` brings it"
            " back, if git has it; if not, remove it and run `dvc repro`"
        ) from error


def _write(path: Path, files: Iterable[tuple[str, Path]]) -> None:
    lines = sorted((Path(name).as_posix(), _sha256(file)) for name, file in files)
    text = "".join(f"{checksum}  {name}\n" for name, checksum in lines)
    path.write_bytes(text.encode("utf-8", errors="surrogateescape"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
