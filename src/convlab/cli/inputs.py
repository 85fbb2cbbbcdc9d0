"""What the commands have in common: find networks, list pictures, report failures."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import click
from torch import nn
from tqdm import tqdm

from convlab.core.errors import DamageError, InputError, is_out_of_memory, reason
from convlab.core.weights import load_network
from convlab.imaging.pictures import FORMATS, Picture

DIGIT_MODEL = Path("stages/train_cnn/cnn.safetensors")
SUPERRES_MODEL = Path("stages/train_sr/x2/model.safetensors")
"""Files to which `dvc repro` writes the networks."""
CHECKOUT = Path(__file__).parents[3]
"""The project's folder, if the library runs from a git checkout, as after `make setup`."""


@dataclass
class Pictures:
    """Pictures to process, and numbers of subfolders and other files that are left out."""

    files: dict[Path, Path] = field(default_factory=dict)
    """Each file, with its path inside the folder that the user named, or its name."""
    folders: int = 0
    others: int = 0

    def left_out(self) -> str:
        """Say in words what is left out; empty if nothing is left out.

        Returns
        -------
        str
            Such as "; left out: 2 subfolders (take them with --recursive), 1 other file".
        """
        counts = (
            (self.folders, "subfolder", " (take them with --recursive)"),
            (self.others, "other file", ""),
        )
        words = [f"{n} {name}{'s' * (n > 1)}{hint}" for n, name, hint in counts if n]
        return f"; left out: {', '.join(words)}" if words else ""


def load(path: Path | None, package: str, default: Path) -> nn.Module:
    """Load the network that the user named by its file or folder, or that of the last run.

    Parameters
    ----------
    path : Path or None
        A file, or a folder in which `dvc repro` ran; None means the last run.
    package : str
        See `load_network`.
    default : Path
        Path of the network inside a folder in which `dvc repro` ran.

    Returns
    -------
    Module

    Raises
    ------
    InputError
        If there is no such file, or it does not hold a network of this package.
    """
    if path is None:
        return load_network(_find_run(default), package)
    if not path.exists():
        raise InputError(f"{path}: is missing: name the network's file, {default.name}")
    file = _find_in_folder(path, default) if path.is_dir() else path
    if file is None:
        raise InputError(f"{path}: has no {default}: name a folder in which `dvc repro` ran")
    try:
        return load_network(file, package)
    except DamageError as error:  # without its advice to remove the file, which may be any file
        raise InputError(
            f"{path}: {error.fault}: name the network's file, {default.name}"
        ) from error


def _find_run(default: Path) -> Path:
    """Find the network of a run: in CONVLAB_HOME, else in this folder, else in the project's."""
    home = os.environ.get("CONVLAB_HOME")
    folders = [Path(home)] if home else [Path(), CHECKOUT, CHECKOUT / "demo"]
    for folder in folders:
        for found in sorted(folder.glob(_any_scale(default))):
            return found
    places = " and ".join(str(folder.absolute()) for folder in folders)
    raise InputError(
        f"{default}: is missing: run `dvc repro`, `make repro` or `make demo`, or name another"
        f" network or, in CONVLAB_HOME, the folder of a run (looked in {places})"
    )


def _find_in_folder(folder: Path, default: Path) -> Path | None:
    """Find the network of a run in the folder of the run, or in a folder on the network's path."""
    for start in range(len(default.parts)):
        for found in sorted(folder.glob(_any_scale(Path(*default.parts[start:])))):
            return found
    return None


def _any_scale(path: Path) -> str:
    """Give a pattern that matches a network of any scale."""
    return str(path).replace("x2", "x[234]")


def picture_files(
    inputs: Iterable[Path], *, recursive: bool = False, leave_out: Path | None = None
) -> Pictures:
    """List given files, and the pictures in given folders, sorted by name.

    Parameters
    ----------
    inputs : iterable of Path
        Files and folders.
    recursive : bool
        Whether to include pictures in subfolders; links to folders are not followed.
    leave_out : Path, optional
        A folder to skip, because results are written to it.

    Returns
    -------
    Pictures
        Hidden files and folders are neither listed nor counted.

    Raises
    ------
    InputError
        If a folder contains no picture.
    """
    pictures = Pictures()
    for path in inputs:
        if not path.is_dir():
            pictures.files[path] = Path(path.name)
            continue
        before = len(pictures.files)
        _list_folder(path, path, pictures, recursive=recursive, leave_out=leave_out)
        if len(pictures.files) == before:
            hint = pictures.left_out()
            raise InputError(f"{path}: contains no picture ({', '.join(FORMATS)}){hint}")
    return pictures


def _list_folder(
    folder: Path, top: Path, pictures: Pictures, *, recursive: bool, leave_out: Path | None
) -> None:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if leave_out and path.resolve() == leave_out.resolve():
                continue
            if recursive and not path.is_symlink() and os.access(path, os.R_OK | os.X_OK):
                _list_folder(path, top, pictures, recursive=True, leave_out=leave_out)
            else:
                pictures.folders += 1
        elif path.suffix.lower() in FORMATS and path.is_file():
            pictures.files[path] = path.relative_to(top)
        else:
            pictures.others += 1


def say_frames(file: Path, picture: Picture) -> None:
    """Print a note if only the first of several frames or pages is used."""
    if picture.frames > 1:
        note = f"convlab: {file}: has {picture.frames} frames: only the first is taken"
        tqdm.write(note, file=sys.stderr)


def check_distinct(targets: Iterable[Path]) -> None:
    """Check that no two results would be written to the same file.

    Raises
    ------
    InputError
        If two paths are equal, or differ only in upper and lower case, which many disks ignore.
    """
    ((name, times),) = Counter(str(target).casefold() for target in targets).most_common(1)
    if times > 1:
        raise InputError(f"{name}: {times} results would be written there: rename the pictures")


def check_overwrite(target: Path, *, force: bool) -> None:
    """Check that writing a file would not replace a folder or, without `force`, another file.

    Raises
    ------
    InputError
        If it would.
    """
    if target.is_dir():
        raise InputError(f"{target}: is a folder: choose another output")
    if (target.exists() or target.is_symlink()) and not force:
        raise InputError(f"{target}: already exists: choose another output, or add --force")


def for_each(pictures: Pictures, process: Callable[[Path], None], done: str) -> None:
    """Process every file, report each failure, and print the number of processed files.

    Parameters
    ----------
    pictures : Pictures
    process : callable
        Function of a file.
    done : str
        What was done with the files, for the last line.

    Raises
    ------
    SystemExit
        With status 1 if a file failed; with status 130 if the user interrupted it (Ctrl-C).
    """
    finished, failed, count = 0, 0, len(pictures.files)
    try:
        for file in tqdm(pictures.files, unit="picture", disable=None):
            try:
                process(file)
                finished += 1
            except Exception as error:  # one picture that fails must not stop the others
                failed += 1
                tqdm.write(f"convlab: {_message(file, error)}", file=sys.stderr)
    except KeyboardInterrupt:
        click.echo(f"{finished} of {count} {done}; interrupted", err=True)
        sys.exit(130)
    click.echo(f"{finished} of {count} {done}{pictures.left_out()}", err=True)
    if failed:
        sys.exit(1)


def _message(file: Path, error: Exception) -> str:
    """Describe a failure in one line."""
    if isinstance(error, InputError):
        message = str(error)
    elif is_out_of_memory(error):
        message = f"{file}: not enough memory for it: close other programs"
    elif isinstance(error, OSError):
        message = f"{error.filename or file}: {reason(error)}"
    else:
        kind = type(error).__name__
        message = f"{file}: cannot be processed: please report this fault ({kind}: {error})"
    return " ".join(message.replace(".draft-", "").split())  # the prefix of `atomic_write`
