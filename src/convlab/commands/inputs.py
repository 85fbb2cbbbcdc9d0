"""What the commands have in common: which pictures, and what became of each."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from tqdm import tqdm

from convlab.errors import InputError, reason
from convlab.imaging.pictures import SUFFIXES

SUPERRES = Path("stages/train_sr/model.safetensors")
CNN = Path("stages/train_cnn/cnn.safetensors")
"""Where a run leaves its networks."""


def picture_files(inputs: Iterable[Path]) -> list[Path]:
    """List files as they are, and the pictures of folders, sorted by name.

    Raises
    ------
    InputError
        If a folder holds no picture.
    """
    found = []
    for path in inputs:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        pictures = [
            file
            for file in inside
            if file == path or (file.suffix.lower() in SUFFIXES and not file.name.startswith("."))
        ]
        if not pictures:
            raise InputError(f"{path}: holds no picture ({', '.join(SUFFIXES)})")
        found += pictures
    return found


def make_sure_of_room(target: Path, *, force: bool) -> None:
    """See that nothing is overwritten that nobody said may be.

    Raises
    ------
    InputError
        If there is something.
    """
    if target.exists() and not force:
        raise InputError(f"{target}: is there already: name another place, or say --force")


def for_each(files: list[Path], work: Callable[[Path], None], done: str) -> None:
    """Do the same with each file; name those that fail and go on, and say so at the end.

    Parameters
    ----------
    files : list of Path
    work : callable
        Gets a file.
    done : str
        What was done with it, for the last line.

    Raises
    ------
    SystemExit
        With status 1, if any failed.
    """
    failed = 0
    for file in tqdm(files, unit="picture", disable=None):
        try:
            work(file)
        except (InputError, OSError, MemoryError) as error:
            failed += 1
            tqdm.write(f"convlab: {_line(file, error)}", file=sys.stderr)
    click.echo(f"{len(files) - failed} of {len(files)} {done}", err=True)
    if failed:
        sys.exit(1)


def _line(file: Path, error: Exception) -> str:
    match error:
        case InputError():
            return str(error)
        case OSError():
            return f"{error.filename or file}: {reason(error)}"
        case _:
            return f"{file}: not enough memory for it: close other programs"
