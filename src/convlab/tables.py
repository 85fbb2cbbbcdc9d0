"""Small files that people and DVC read: metrics as JSON, curves as CSV."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from convlab.checksums import check_whole
from convlab.errors import DamageError, InputError


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Write metrics as indented JSON.

    Raises
    ------
    InputError
        If one is NaN or infinite, which JSON and comparisons have no place for.
    """
    try:
        text = json.dumps(metrics, indent=2, allow_nan=False)
    except ValueError as error:
        raise InputError(f"a metric is no finite number: {metrics}") from error
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table with a header, a row a line, with the same line ends on every system."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_columns(path: Path) -> dict[str, list[float]]:
    """Read a table of numbers that `write_csv` wrote: the numbers of each column by its name.

    Raises
    ------
    InputError
        If the file is missing, empty, cut short, or holds something else.
    """
    check_whole(path)
    try:
        text = path.read_text(encoding="utf-8")
        if not text.endswith("\n"):
            raise ValueError("the last line is cut short")
        header, *rows = csv.reader(text.splitlines())
        columns = zip(*rows, strict=True)
        return {
            name: [float(value) for value in column]
            for name, column in zip(header, columns, strict=True)
        }
    except (ValueError, csv.Error) as error:
        raise DamageError(path, "is no table of numbers, or cut short") from error
