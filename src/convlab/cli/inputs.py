"""What the commands share: default networks, options, lists of pictures, reports of failures."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from torch import nn
from tqdm import tqdm

from convlab.core.errors import DamageError, InputError, is_out_of_memory, reason
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


def load(path: Path, package: str, default: Path) -> nn.Module:
    """Load the network that a user named: by its file, or by a folder with a run.

    Parameters
    ----------
    path : Path
    package : str
        As for `load_network`.
    default : Path
        Where a run leaves the network, in the project's folder.

    Returns
    -------
    Module

    Raises
    ------
    InputError
        If there is no such file, or it holds no network of this package.
    """
    if not path.exists():
        raise InputError(
            f"{path}: is missing: run `dvc repro`, call this in the project's folder, or name"
            " another network, such as the demo's in demo/stages"
        )
    try:
        return load_network(_find_in_folder(path, default) if path.is_dir() else path, package)
    except DamageError as error:  # its advice is to remove the file, which may be anything here
        raise InputError(
            f"{path}: {error.fault}: name the network's file, {default.name}"
        ) from error


def _find_in_folder(folder: Path, default: Path) -> Path:
    """Find the network of a run in the run's folder, or in one of the folders on the way to it."""
    for start in range(len(default.parts)):
        below = Path(*default.parts[start:])
        pattern = str(below).replace("x2", "x[234]")  # the first scale that there is
        for found in sorted(folder.glob(pattern)):
            return found
    raise InputError(f"{folder}: has no {default}: name a folder in which `dvc repro` ran")


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
        With status 1 if a file failed; 130, as usual, if the user interrupts it (Ctrl-C).
    """
    finished, failed = 0, 0
    try:
        for file in tqdm(files, unit="picture", disable=None):
            try:
                process(file)
                finished += 1
            except Exception as error:  # whatever a picture does, the others are processed
                failed += 1
                tqdm.write(f"convlab: {_message(file, error)}", file=sys.stderr)
    except KeyboardInterrupt:
        click.echo(f"{finished} of {len(files)} {done}; interrupted", err=True)
        sys.exit(130)
    click.echo(f"{finished} of {len(files)} {done}", err=True)
    if failed:
        sys.exit(1)


def _message(file: Path, error: Exception) -> str:
    """Describe the failure in one line."""
    if isinstance(error, InputError):
        message = str(error)
    elif is_out_of_memory(error):
        message = f"{file}: not enough memory for it: close other programs"
    elif isinstance(error, OSError):
        message = f"{error.filename or file}: {reason(error)}"
    else:
        kind = type(error).__name__
        message = f"{file}: cannot be processed: please report this fault ({kind}: {error})"
    return " ".join(message.replace(".draft-", "").split())  # of `atomic_write`
