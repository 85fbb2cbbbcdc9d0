"""What every stage's script does first and last: help, a lock, errors in one line."""

import argparse
import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from convlab.errors import InputError, reason

_NO_MEMORY = re.compile("can't allocate memory|out of memory")
"""What torch says without memory of the processor or of a GPU."""


def _no_options(_: argparse.ArgumentParser) -> None:
    """Add none: what a stage does stands in params.yaml."""


@contextmanager
def script(
    description: str,
    *,
    lock: Path,
    add_options: Callable[[argparse.ArgumentParser], None] = _no_options,
) -> Iterator[argparse.Namespace]:
    """Run a script's body as a command-line program.

    `--help` prints the description. One run at a time: killing `dvc` leaves
    its child running, and a second one must not start beside it. What a user
    can mend ends in one line on standard error and exit status 1.

    Parameters
    ----------
    description : str
        The script's docstring.
    lock : Path
        The file to lock; its name names the script in messages. Beside it lies the number of
        the process that holds it.
    add_options : callable, optional
        Adds the script's options to its parser.

    Yields
    ------
    argparse.Namespace
        The options as they were given.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    options = parser.parse_args()
    owner = lock.with_suffix(".pid")
    with explained(lock.stem):
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(lock, timeout=0):
                owner.write_text(str(os.getpid()), encoding="utf-8")
                yield options
        except Timeout:
            number = owner.read_text("utf-8", errors="replace") if owner.exists() else ""
            who = f" (process {number})" if number.isdecimal() else ""
            sys.exit(
                f"{lock.stem}: another run is still going{who}: stop it, or wait until it ends"
            )


@contextmanager
def explained(name: str) -> Iterator[None]:
    """End a program in one line on standard error, and status 1, for what a user can mend.

    Parameters
    ----------
    name : str
        Of the program, with which the line begins.
    """
    try:
        yield
    except InputError as error:
        sys.exit(f"{name}: {error}")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            sys.exit(f"{name}: the disk is full: make room and run again")
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(f"{name}: {place}{reason(error)}")
    except (MemoryError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        sys.exit(
            f"{name}: not enough memory: close other programs, or lower batch_size or"
            " patch_size in params.yaml"
        )
    except KeyboardInterrupt:
        sys.exit(f"{name}: interrupted: run again to go on")


def lacks_memory(error: Exception) -> bool:
    """Whether that is what an error says; torch, which has no MemoryError, says it in words."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and bool(_NO_MEMORY.search(str(error)))
    )
