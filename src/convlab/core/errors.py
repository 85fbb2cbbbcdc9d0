"""Errors that a user can correct."""

import errno
import re
from pathlib import Path
from traceback import walk_tb


class InputError(Exception):
    """Bad input: one line saying what is wrong, where, and what would be right.

    The scripts print the message on standard error and exit with status 1
    (see `convlab.core.script.script`); the library raises it for everything that a
    user can get wrong: a parameter, a file, an archive, a mirror.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class DamageError(InputError):
    """A file that a stage wrote is damaged; the stage can write it again."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{path}: {fault}: remove it and run `dvc repro`")
        self.fault = fault


_REASONS = {
    errno.EEXIST: "is a file where a folder is needed: move it away",
    errno.ENOTDIR: "it, or a folder above it, is a file where a folder is needed: move that away",
    errno.EACCES: "no permission to read or write it: change its permissions or its folder's",
    errno.EIO: "the disk is failing: copy your work to another disk and run there",
    errno.EISDIR: "is a folder where a file is needed: move it away",
    errno.EROFS: "is on a disk that is read-only: copy the project to another disk",
}
"""What helps, for errors whose system message does not say it."""


def reason(error: OSError) -> str:
    """Say what the system refused, and what helps.

    Returns
    -------
    str
    """
    return _REASONS.get(error.errno) or error.strerror or str(error)


_OUT_OF_MEMORY = re.compile("can't allocate memory|out of memory")
"""Matches torch's message when the processor or a GPU has no memory left."""


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether memory ran out; torch raises a RuntimeError, known by its message.

    Returns
    -------
    bool
    """
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))
    )


def line_in(error: BaseException, module: str) -> int | None:
    """Give the number of the last line of a module that an exception passed through.

    Parameters
    ----------
    error : BaseException
    module : str
        Name of the module, or the end of that name.

    Returns
    -------
    int or None
    """
    if isinstance(error, SyntaxError):
        return error.lineno
    lines = [
        line
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").endswith(module)
    ]
    return lines[-1] if lines else None


def describe(error: BaseException, module: str) -> str:
    """Say what went wrong, and where in a user's file.

    Parameters
    ----------
    error : BaseException
    module : str
        Name under which that file is imported, or the end of that name.

    Returns
    -------
    str
        Such as "mine.py, line 3: ValueError: ..."; without a line number if the exception passed
        through no line of that file.
    """
    line, file = line_in(error, module), f"{module.rpartition('.')[2]}.py"
    message = str(error)
    if isinstance(error, SyntaxError):
        message = error.msg
        file = Path(error.filename).name if error.filename else file
    place = f", line {line}" if line else ""
    return f"{file}{place}: {type(error).__name__}: {message}"
