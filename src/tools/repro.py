"""Rebuild everything that is out of date, and print at the end how long each stage took.

Checks params.yaml first, then runs `dvc repro`. Every run of a stage also
appends its time to logs/times.csv. "all" is the whole time, including DVC's
work between the stages.
"""

import sys
import time
from pathlib import Path

from tabulate import tabulate

from convlab.core.errors import InputError
from convlab.core.script import TIMES, script
from convlab.core.tables import read_columns
from tools.check_params import check
from tools.commands import dvc


def main() -> None:
    """Rebuild, and print a table of the stages that ran."""
    check(Path("params.yaml"))
    before, began = len(read_times()), time.monotonic()
    try:
        dvc("repro", folder=Path())
    finally:
        if rows := read_times()[before:]:
            rows.append(("all", time.monotonic() - began))
            table = [(stage, write_time(seconds)) for stage, seconds in rows]
            print(tabulate(table, tablefmt="plain"), file=sys.stderr)


def read_times() -> list[tuple[str, float]]:
    """Read the names and seconds of the stages that ran; empty if the log is damaged."""
    try:
        columns = read_columns(TIMES, texts=["stage"])
    except InputError:
        return []
    return list(zip(columns["stage"], columns["seconds"], strict=True))


def write_time(seconds: float) -> str:
    """Format a time in seconds or minutes."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/repro.lock")):
        main()
