"""For several benchmarks: run a program, and observe its time and memory."""

import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from convlab.core.errors import InputError

SAMPLE_EVERY = 0.2
"""Seconds."""


def observe(command: Sequence[str | Path], folder: Path) -> tuple[float, float, str]:
    """Run a program in a folder.

    Parameters
    ----------
    command : sequence of str or Path
    folder : Path

    Returns
    -------
    seconds, megabytes : float
        Time, and peak memory of all its processes together, where shared pages count once.
    printed : str
        The last line that it printed.

    Raises
    ------
    InputError
        If it fails.
    """
    began, peak = time.monotonic(), 0
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        parent = psutil.Process(process.pid)
        while process.poll() is None:
            used = 0
            with suppress(psutil.NoSuchProcess):
                for each in [parent, *parent.children(recursive=True)]:
                    with suppress(psutil.NoSuchProcess):
                        used += each.memory_full_info().pss
            peak = max(peak, used)
            time.sleep(SAMPLE_EVERY)
        printed = process.stdout.read().splitlines()
    if process.returncode:
        raise InputError(f"{' '.join(map(str, command))}: failed, see above")
    return time.monotonic() - began, peak / 2**20, (printed or [""])[-1]
