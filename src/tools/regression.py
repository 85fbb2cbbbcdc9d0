"""Say whether the metrics here are worse than those of another revision.

Compares metrics/*.json with those in git at the base revision, by the rules of
`regression` in params.yaml: which direction is better, and which changes are
too small to count. Needs no data and no networks, only the metric files.

Exit status 1 if a metric is worse, vanished, is not a number, or is new or
changed without a rule.
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from convlab.core.errors import InputError
from convlab.core.params import read_block
from convlab.core.script import script
from tools.commands import resolve
from tools.metrics import REGRESSIONS, Regression, compare, read_metrics
from tools.tables import add_form, count, render


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--base", default="main", help="a git revision (default: main)")
    add_form(parser)


def main(options: Namespace) -> bool:
    """Print the table; return whether there is no regression."""
    rules = read_block(Path("params.yaml"), "regression", Regression)
    resolve(options.base)
    base = read_metrics(options.base)
    if not base:
        raise InputError(
            f"at {options.base}: no metrics there: name another commit (BASE or --base)"
        )
    rows = [
        change.row("base")
        | {"better": change.rule and change.rule.better, "verdict": change.progress}
        for change in compare(base, read_metrics(), rules)
    ]
    regressions = [row["metric"] for row in rows if row["verdict"] in REGRESSIONS]
    unruled = any(row["verdict"] == "no rule" for row in rows)
    conclusion = (
        f"{'Failed' if regressions else 'Passed'} against {options.base}: {count(rows)}"
        + (f"; look at {', '.join(regressions)}" if regressions else "")
        + (
            "; metrics without a rule need one under `regression:` in params.yaml"
            if unruled
            else ""
        )
    )
    print(render({"metrics": rows}, conclusion, options.form, passed=not regressions))
    return not regressions


if __name__ == "__main__":
    with script(__doc__, lock=Path(".work/regression.lock"), add_options=add_options) as options:
        sys.exit(not main(options))
