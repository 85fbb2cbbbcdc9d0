"""Small files for people and for DVC: metrics as JSON, curves as CSV."""

import csv
import json
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from convlab.core.errors import DamageError, InputError
from convlab.core.outputs import require_file


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Write metrics as indented JSON.

    Raises
    ------
    InputError
        If a metric is NaN or infinite, which JSON cannot represent.
    """
    for name, value in flatten(metrics):
        if not math.isfinite(value):
            raise InputError(
                f"the metric {name} is {value}: training diverged: lower its learning rates in"
                " params.yaml, run `dvc repro`"
            )
    text = json.dumps(metrics, indent=2, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def flatten(nested: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give every value in nested mappings with its path, which is its keys joined by dots.

    Yields
    ------
    path : str
    value : Any
    """
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table with a header, one row per line, with the same line endings on all systems."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_columns(path: Path, *, texts: Collection[str] = ()) -> dict[str, list[Any]]:
    """Read the columns of a table that `write_csv` wrote.

    Parameters
    ----------
    path : Path
    texts : collection of str
        Names of the columns that hold texts; all others hold numbers.

    Returns
    -------
    dict of str to list of float or str
        Values by the name of their column.

    Raises
    ------
    InputError
        If the file is missing, empty, truncated, or holds something else.
    """
    require_file(path)
    try:
        text = path.read_text(encoding="utf-8")
        if not text.endswith("\n"):
            raise ValueError("the last line is truncated")
        header, *rows = csv.reader(text.splitlines())
        columns = zip(*rows, strict=True)
        return {
            name: list(column if name in texts else map(float, column))
            for name, column in zip(header, columns, strict=True)
        }
    except (ValueError, csv.Error) as error:
        raise DamageError(path, "is truncated or not a table of numbers") from error
