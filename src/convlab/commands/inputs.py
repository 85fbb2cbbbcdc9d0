"""What the commands have in common: networks, pictures, and what became of each."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click
from torch import nn
from tqdm import tqdm

from convlab.errors import InputError, reason
from convlab.imaging.pictures import SUFFIXES
from convlab.nets.weights import load_network
from convlab.script import lacks_memory

SUPERRES = Path("stages/train_sr/model.safetensors")
CNN = Path("stages/train_cnn/cnn.safetensors")
"""Where a run leaves its networks."""
PATH = click.Path(path_type=Path)

force_option = click.option("--force", is_flag=True, help="Overwrite files that are there.")
superres_option = click.option(
    "--model",
    default=SUPERRES,
    show_default=True,
    type=PATH,
    help="The network, which also says how many times to enlarge.",
)


def load(path: Path, designs: Mapping[str, type[nn.Module]]) -> nn.Module:
    """Load a network; if there is none, say what makes one.

    Raises
    ------
    InputError
        If it is missing, or as `load_network`.
    """
    if not path.exists():
        raise InputError(
            f"{path}: is missing: run `dvc repro`, call this in the project's folder, or name"
            " another network, such as the demo's in demo/stages"
        )
    return load_network(path, designs)


def picture_files(inputs: Iterable[Path]) -> list[Path]:
    """List files as they are, and the pictures of folders, sorted by name.

    Raises
    ------
    InputError
        If a folder holds no picture.
    """
    found = []
    for path in inputs:
        if not path.is_dir():
            found.append(path)
            continue
        pictures = [
            file
            for file in sorted(path.iterdir())
            if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
        ]
        if not pictures:
            raise InputError(f"{path}: holds no picture ({', '.join(SUFFIXES)})")
        found += pictures
    return found


def make_sure_they_differ(targets: Iterable[Path]) -> None:
    """See that no result would replace another one.

    Raises
    ------
    InputError
        If two have the same name, be it in other letters, which many disks take for the same.
    """
    ((name, times),) = Counter(str(target).casefold() for target in targets).most_common(1)
    if times > 1:
        raise InputError(f"{name}: {times} of the results would have that name: make them apart")


def make_sure_of_room(target: Path, *, force: bool) -> None:
    """See that nothing is overwritten that nobody said may be, and never a folder.

    Raises
    ------
    InputError
        If there is something.
    """
    if target.is_dir():
        raise InputError(f"{target}: is a folder: name another place")
    if (target.exists() or target.is_symlink()) and not force:
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
        except (InputError, OSError, MemoryError, RuntimeError) as error:
            failed += 1
            tqdm.write(f"convlab: {_line(file, error)}", file=sys.stderr)
    click.echo(f"{len(files) - failed} of {len(files)} {done}", err=True)
    if failed:
        sys.exit(1)


def _line(file: Path, error: Exception) -> str:
    """What went wrong with a file, for its owner; who does not know of drafts."""
    if isinstance(error, InputError):
        line = str(error)
    elif isinstance(error, OSError):
        line = f"{error.filename or file}: {reason(error)}"
    elif lacks_memory(error):
        line = f"{file}: not enough memory for it: close other programs"
    else:
        raise error
    return line.replace(".draft-", "")
