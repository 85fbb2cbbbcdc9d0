"""Writing outputs so that a half-written one is never taken for a whole one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def staged(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Write files or folders beside their place and move them there whole.

    Gives, for each target, a path beside it to write to (its folder exists).
    When the block ends well, what was written replaces the targets; when it
    raises, what was written is removed and the targets stay as they were.
    What a killed run left behind is removed first.

    Parameters
    ----------
    *targets : Path
        Files or folders that the block will write, every one of them.

    Yields
    ------
    tuple of Path
        Where to write, in the order of `targets`; same suffixes.

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
            draft.touch()  # whoever cannot write hears of it before hours of work
            draft.unlink()
            recover(target)
        yield drafts
        for target, draft in zip(targets, drafts, strict=True):
            _replace(target, draft)
    finally:
        for draft in drafts:
            remove(draft)


def _replace(target: Path, draft: Path) -> None:
    if not target.is_dir():
        if draft.is_dir():
            target.unlink(missing_ok=True)  # a file or a link to nothing, which no folder replaces
        draft.replace(target)
        return
    former = _former(target)  # a folder cannot be renamed over one that holds something
    target.rename(former)
    try:
        draft.rename(target)
    except OSError:
        former.rename(target)
        raise
    remove(former)


def recover(target: Path) -> None:
    """Bring a folder to the end, or back to the start, of a replacement that was killed."""
    former = _former(target)
    if target.exists():
        remove(former)
    elif former.exists():  # killed between the two renames
        former.rename(target)


def _former(target: Path) -> Path:
    return target.with_name(f".former-{target.name}")


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds; nothing there is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
