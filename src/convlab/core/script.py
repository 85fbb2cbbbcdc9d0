"""What all scripts have in common: `--help`, a lock, errors in one line."""

import argparse
import errno
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

from convlab.core.errors import InputError, is_out_of_memory, reason

TIMES = Path("logs/times.csv")
"""Seconds of each run of a stage, without imports. It is not an output of the stages, because
times change from run to run."""


def rank() -> int:
    """Give the number of this process among those of `torchrun`; only process 0 writes files."""
    return int(os.environ.get("RANK", "0")) if "TORCHELASTIC_RUN_ID" in os.environ else 0


def progress(items: Iterable | None = None, **look: object) -> tqdm:
    """Show a progress bar, in the first process alone, and only on a terminal.

    Parameters
    ----------
    items : iterable, optional
        What the bar counts; without them, the caller counts by `update`.
    **look : object
        Options of `tqdm.tqdm`, such as `desc`, `total` and `unit`.
    """
    return tqdm(items, disable=True if rank() else None, **look)


def _no_options(_: argparse.ArgumentParser) -> None:
    """Add no option: params.yaml configures the stages."""


def scale_option(parser: argparse.ArgumentParser) -> None:
    """Add the option `--scale` of the stages that run once per scale."""
    parser.add_argument(
        "--scale", type=int, choices=(2, 3, 4), required=True, help="upscaling factor"
    )


@contextmanager
def script(
    description: str,
    *,
    lock: Path,
    add_options: Callable[[argparse.ArgumentParser], None] = _no_options,
) -> Iterator[argparse.Namespace]:
    """Run a script's body as a command-line program.

    `--help` prints the description. A lock lets only one run of a script
    proceed at a time, because a stage can still be running after `dvc` was
    killed. Errors that a user can correct end in one line on standard error
    and exit status 1. Of several processes that torchrun started, only the
    first takes the lock and writes to standard output.

    Parameters
    ----------
    description : str
        The script's docstring.
    lock : Path
        The file to lock. Its name without suffix is the script's name in messages. A file beside
        it, with the suffix .pid, holds the number of the process that has the lock.
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
    if rank():
        name = f"{lock.stem}, process {rank()}"
        with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing), one_line_errors(name):
            yield options
        return
    with one_line_errors(lock.stem):
        lock.parent.mkdir(parents=True, exist_ok=True)
        held, began = _acquire(FileLock(lock), lock.with_suffix(".pid")), time.monotonic()
        try:
            yield options
        finally:
            held.release()
        if stage := os.environ.get("DVC_STAGE"):
            with suppress(OSError):  # a log that cannot be written is no reason to fail
                _keep_time(stage, time.monotonic() - began)


def _keep_time(stage: str, seconds: float) -> None:
    TIMES.parent.mkdir(exist_ok=True)
    with TIMES.open("a", encoding="utf-8") as file:
        if not file.tell():
            file.write("stage,seconds\n")
        file.write(f"{stage},{seconds:.1f}\n")


def _acquire(lock: FileLock, pid_file: Path) -> FileLock:
    """Take the lock; if another process has it, say which one."""
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        number = pid_file.read_text("utf-8", errors="replace") if pid_file.exists() else ""
        process = f" (process {number})" if number.isdecimal() else ""
        raise InputError(
            f"another run is still going{process}: stop it, or wait until it ends"
        ) from error
    pid_file.write_text(str(os.getpid()), encoding="utf-8")
    return lock


@contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """End a program with one line on standard error, and status 1, for errors a user can correct.

    Parameters
    ----------
    name : str
        Name of the program; the line begins with it.
    """
    try:
        yield
    except InputError as error:
        _exit(name, str(error))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            _exit(name, "the disk is full: make room and run again")
        place = f"{error.filename}: " if error.filename else ""
        _exit(name, f"{place}{reason(error)}")
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        _exit(
            name,
            "not enough memory: close other programs, or lower batch_size or patch_size in"
            " params.yaml",
        )
    except KeyboardInterrupt:
        _exit(name, "interrupted: run again to resume")


def _exit(name: str, message: str) -> None:
    """Exit with one line, which in a DVC stage also says how to restore the removed outputs."""
    if "DVC_STAGE" in os.environ:
        message += " (former outputs: `dvc checkout`, and of metrics/ `git checkout metrics`)"
    sys.exit(f"{name}: {message}")
