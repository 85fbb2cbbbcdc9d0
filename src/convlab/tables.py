"""Small files that people and DVC read: metrics as JSON, curves as CSV."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from convlab.errors import InputError


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Write metrics as indented JSON; NaN and infinity are no JSON and raise ValueError."""
    path.write_text(json.dumps(metrics, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table with a header, a row a line, with the same line ends on every system."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a table that `write_csv` wrote: a dict by column for each row.

    Raises
    ------
    InputError
        If the file is missing, empty or cut short.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not rows or any(None in row or None in row.values() for row in rows):
        raise InputError(f"{path}: is empty or cut short: run the stage that writes it again")
    return rows
