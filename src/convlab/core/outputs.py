"""Write outputs completely or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convlab.core.errors import DamageError, InputError
from convlab.core.script import rank


@contextmanager
def atomic_write(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Write files or folders under a temporary name, and rename them when they are complete.

    When the block ends without an error, the drafts replace the targets. When
    it raises, the drafts are removed and the targets stay unchanged. Drafts of
    an earlier run that was killed are removed first.

    Parameters
    ----------
    *targets : Path
        Files or folders; the block must write all of them.

    Yields
    ------
    tuple of Path
        Where to write, in the order of `targets`. The suffixes are the same
        as theirs, and the parent folders exist.

    Raises
    ------
    OSError
        If a folder cannot be made or written (no permission, disk full).
    """
    drafts = tuple(target.with_name(f".draft-{target.name}") for target in targets)
    try:
        for target, draft in zip(targets, drafts, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            remove(draft)
            draft.touch()  # a folder that cannot be written is found before hours of work
            draft.unlink()
            recover(target)
        yield drafts
        for target, draft in zip(targets, drafts, strict=True):
            _replace(target, draft)
    finally:
        for draft in drafts:
            remove(draft)


@contextmanager
def first_writes(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Act as `atomic_write` in the first of the processes that torchrun started.

    Yields
    ------
    tuple of Path
        Empty in the other processes, which write no output.
    """
    if rank():
        yield ()
    else:
        with atomic_write(*targets) as drafts:
            yield drafts


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Write a folder with all its files, completely or not at all.

    Yields
    ------
    Path
        An empty folder to write to.

    Raises
    ------
    OSError
        As `atomic_write`.
    """
    with atomic_write(target) as (draft,):
        draft.mkdir()
        yield draft


def require_file(path: Path) -> Path:
    """Check that an input of a stage is there and is a file.

    Returns
    -------
    Path
        The same path.

    Raises
    ------
    InputError
        If the file is missing, or is a folder or a device.
    """
    if not path.exists():
        raise InputError(f"{path}: is missing: run `dvc repro`")
    if not path.is_file():  # opening a named pipe would wait for ever
        raise DamageError(path, "is a folder or a device, not a file")
    return path


def recover(target: Path) -> None:
    """Finish or undo the replacement of a folder that was interrupted."""
    former = _former(target)
    if target.exists():
        remove(former)
    elif former.exists():  # killed between the two renames
        former.rename(target)


def remove(path: Path) -> None:
    """Remove a file, or a folder with everything in it; a path that does not exist is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _replace(target: Path, draft: Path) -> None:
    if not target.is_dir():
        if draft.is_dir():
            target.unlink(missing_ok=True)  # a folder cannot be renamed over a file or a link
        draft.replace(target)
        return
    former = _former(target)  # a folder cannot be renamed over one that is not empty
    target.rename(former)
    try:
        draft.rename(target)
    except OSError:
        former.rename(target)
        raise
    remove(former)


def _former(target: Path) -> Path:
    return target.with_name(f".former-{target.name}")
