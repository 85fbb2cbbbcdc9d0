"""What the commands share: default networks, options, lists of pictures, reports of failures."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from torch import nn
from tqdm import tqdm

from convlab.core.errors import InputError, is_out_of_memory, reason
from convlab.core.weights import load_network
from convlab.imaging.pictures import FORMATS

DIGIT_MODEL = Path("stages/train_cnn/cnn.safetensors")
SUPERRES_MODEL = Path("stages/train_sr/x2/model.safetensors")
"""Where `dvc repro` leaves the networks."""
PATH = click.Path(path_type=Path)

force_option = click.option("--force", is_flag=True, help="Overwrite existing files.")
superres_option = click.option(
    "--model",
    default=SUPERRES_MODEL,
    show_default=True,
    type=PATH,
    help="The network's file; it also determines the upscaling factor.",
)


def load(path: Path, package: str) -> nn.Module:
    """Load a network; if there is no such file, say how to get one.

    Parameters
    ----------
    path : Path
    package : str
        As for `load_network`.

    Returns
    -------
    Module

    Raises
    ------
    InputError
        If the file is missing, or as `load_network`.
    """
    if not path.exists():
        raise InputError(
            f"{path}: is missing: run `dvc repro`, call this in the project's folder, or name"
            " another network, such as the demo's in demo/stages"
        )
    return load_network(path, package)


def picture_files(inputs: Iterable[Path]) -> list[Path]:
    """List files as they are given, and of each folder its pictures, sorted by name.

    Parameters
    ----------
    inputs : iterable of Path
        Files and folders.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If a folder contains no picture.
    """
    found = []
    for path in inputs:
        if not path.is_dir():
            found.append(path)
            continue
        pictures = [
            file
            for file in sorted(path.iterdir())
            if file.suffix.lower() in FORMATS and not file.name.startswith(".") and file.is_file()
        ]
        if not pictures:
            raise InputError(f"{path}: contains no picture ({', '.join(FORMATS)})")
        found += pictures
    return found


def check_distinct(targets: Iterable[Path]) -> None:
    """Check that no two results would be written to the same file.

    Raises
    ------
    InputError
        If two paths are equal or differ in upper and lower case only, which many disks ignore.
    """
    ((name, times),) = Counter(str(target).casefold() for target in targets).most_common(1)
    if times > 1:
        raise InputError(f"{name}: {times} results would be written there: rename the pictures")


def check_overwrite(target: Path, *, force: bool) -> None:
    """Check that writing a file replaces no folder and, unless forced, no other file.

    Raises
    ------
    InputError
        If it would.
    """
    if target.is_dir():
        raise InputError(f"{target}: is a folder: choose another output")
    if (target.exists() or target.is_symlink()) and not force:
        raise InputError(f"{target}: already exists: choose another output, or add --force")


def for_each(files: list[Path], process: Callable[[Path], None], done: str) -> None:
    """Process every file; report those that fail, go on, and count at the end.

    Parameters
    ----------
    files : list of Path
    process : callable
        Takes a file.
    done : str
        What was done with the files, for the last line.

    Raises
    ------
    SystemExit
        With status 1, if a file failed.
    """
    failures = 0
    for file in tqdm(files, unit="picture", disable=None):
        try:
            process(file)
        except (InputError, OSError, MemoryError, RuntimeError) as error:
            failures += 1
            tqdm.write(f"convlab: {_message(file, error)}", file=sys.stderr)
    click.echo(f"{len(files) - failures} of {len(files)} {done}", err=True)
    if failures:
        sys.exit(1)


def _message(file: Path, error: Exception) -> str:
    """Describe the failure in one line; other errors are raised again."""
    if isinstance(error, InputError):
        message = str(error)
    elif isinstance(error, OSError):
        message = f"{error.filename or file}: {reason(error)}"
    elif is_out_of_memory(error):
        message = f"{file}: not enough memory for it: close other programs"
    else:
        raise error
    return message.replace(".draft-", "")  # of `atomic_write`, which the user need not know
