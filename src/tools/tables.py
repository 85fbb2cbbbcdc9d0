"""Tables as text for a terminal, as Markdown for pull requests, as JSON for programs."""

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
    """Add the options `--markdown` and `--json` to a script."""
    forms = parser.add_mutually_exclusive_group()
    for form, purpose in (
        ("markdown", "print Markdown, for pull requests"),
        ("json", "print JSON, for other programs"),
    ):
        forms.add_argument(
            f"--{form}", dest="form", action="store_const", const=form, default="text", help=purpose
        )


def count(rows: Rows) -> str:
    """Say how many rows there are of each verdict."""
    counts = Counter(row["verdict"] for row in rows)
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.most_common()) or "none"


def render(
    tables: dict[str, Rows], conclusion: str, form: Form, *, width: int | None = None, **facts: Any
) -> str:
    """Write tables in one of three forms.

    Parameters
    ----------
    tables : dict of str to list of dict
        Rows by the title of their table; a row is a dict of cells by column.
        None is shown as a dash. In JSON it is null, and so are NaN and
        infinity, which JSON cannot represent. Tables without rows are only
        in the JSON.
    conclusion : str
        One line with the result.
    form : {'text', 'markdown', 'json'}
        Markdown is that of GitHub.
    width : int, optional
        Characters after which a cell of the text is wrapped, at a space.
    **facts : Any
        Further values for the JSON.
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
            disable_numparse=True,  # a hash that consists of digits is not a number
            maxcolwidths=width if form == "text" else None,
            break_long_words=False,  # such as paths
            break_on_hyphens=False,
        )
        for name, rows in tables.items()
        if rows
    ]
    return "\n\n".join([*parts, conclusion])


def _cell(value: Any) -> str:
    """Show a value in one line; names of files and metrics may contain any character."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "-" if value is None else " ".join(str(value).split())
    return text.replace("|", "\\|").encode("utf-8", "backslashreplace").decode()


def _finite(value: Any) -> Any:
    """Replace NaN and infinity by None."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
