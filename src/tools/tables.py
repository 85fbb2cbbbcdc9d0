"""Tables for people at a terminal, for pull requests, and for machines."""

import json
import math
from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict
from typing import Any, Literal

from tabulate import tabulate

Rows = list[dict[str, Any]]
Form = Literal["text", "markdown", "json"]


def add_form(parser: ArgumentParser) -> None:
    """Give a script the options `--markdown` and `--json`."""
    forms = parser.add_mutually_exclusive_group()
    for form, purpose in (("markdown", "for pull requests"), ("json", "for machines")):
        forms.add_argument(
            f"--{form}", dest="form", action="store_const", const=form, default="text", help=purpose
        )


def count(rows: Rows) -> str:
    """Say how many rows there are of each verdict."""
    counts = Counter(row["verdict"] for row in rows)
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.most_common()) or "none"


def render(tables: dict[str, Rows], conclusion: str, form: Form, **facts: Any) -> str:
    """Write tables in one of three forms.

    Parameters
    ----------
    tables : dict of str to list of dict
        By title: rows of cells by the name of their column. None is shown as a
        dash; for machines it is null, and so are NaN and infinity, which JSON
        has no word for. Tables without rows are left out of what people read.
    conclusion : str
        One line that sums up.
    form : {'text', 'markdown', 'json'}
        Markdown is GitHub's.
    **facts : Any
        What machines want to know beside the tables.
    """
    if form == "json":
        content = tables | facts | {"conclusion": conclusion}
        return json.dumps(_finite(content), indent=2, default=asdict, allow_nan=False)
    style, title = ("github", "### {}\n\n") if form == "markdown" else ("simple", "{}\n\n")
    parts = [
        title.format(name.capitalize())
        + tabulate(
            [{key: _cell(value) for key, value in row.items()} for row in rows],
            headers="keys",
            tablefmt=style,
            disable_numparse=True,  # a hash of digits is no number
        )
        for name, rows in tables.items()
        if rows
    ]
    return "\n\n".join([*parts, conclusion])


def _cell(value: Any) -> str:
    """Show a value in one line, whatever it is: names of files and metrics are anybody's."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "-" if value is None else " ".join(str(value).split())
    return text.replace("|", "\\|").encode("utf-8", "backslashreplace").decode()


def _finite(value: Any) -> Any:
    """Put null for NaN and infinity."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
