"""Compare metrics with those of another run, number by number, by rules."""

import json
import math
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, RootModel

from convlab.core.errors import DamageError, InputError
from convlab.core.params import Params
from convlab.core.tables import flatten
from tools.commands import git

FOLDER = Path("metrics")


class Rule(Params):
    """Which change of a metric is better, and which changes are too small to count."""

    better: Literal["higher", "lower", "unchanged", "either"]
    """`unchanged`: every change is worse; `either`: no change is worse."""
    tolerance: Annotated[float, Field(ge=0)]
    """Largest change that does not count."""


class Regression(RootModel[dict[str, Rule]]):
    """Rules by shell pattern for the paths of metrics (block `regression`)."""

    def rule(self, metric: str) -> Rule | None:
        """Give the first rule whose pattern matches, or None."""
        return next(
            (rule for pattern, rule in self.root.items() if fnmatchcase(metric, pattern)), None
        )


class Change(NamedTuple):
    """The values of one metric before and after a change."""

    metric: str
    """Path of the metric, such as `evaluate_sr_x2.network.psnr`."""
    before: Any
    """None if the metric is new."""
    after: Any
    """None if the metric vanished."""
    rule: Rule | None
    """None if no pattern matches the metric."""

    @property
    def difference(self) -> float | None:
        """After minus before, or None if one is not a finite number."""
        if _is_number(self.before) and _is_number(self.after):
            return self.after - self.before
        return None

    def row(self, former: str) -> dict[str, Any]:
        """Give a row of a table; `former` is the name of the column of former values."""
        return {
            "metric": self.metric,
            former: self.before,
            "here": self.after,
            "difference": self.difference,
            "tolerance": self.rule and self.rule.tolerance,
        }

    @property
    def close(self) -> bool:
        """Whether the difference is within the rule's tolerance."""
        return (
            self.difference is not None
            and self.rule is not None
            and math.isclose(self.before, self.after, rel_tol=0, abs_tol=self.rule.tolerance)
        )

    @property
    def repetition(self) -> str:
        """Verdict on a repeated run: `identical`, `within tolerance` or `differs`."""
        if self.before == self.after:
            return "identical"
        return "within tolerance" if self.close else "differs"

    @property
    def progress(self) -> str:
        """Verdict on a change of the project; those in `REGRESSIONS` make a check fail."""
        if self.after is None:
            return "vanished"
        if not _is_number(self.after) or not (self.before is None or _is_number(self.before)):
            return "not a number"
        if self.rule is None and self.difference != 0:
            return "no rule"
        return "new" if self.before is None else self._direction

    @property
    def _direction(self) -> str:
        if self.difference == 0 or self.close:
            return self.repetition
        if self.rule.better == "either":
            return "changed"
        towards = "higher" if self.difference > 0 else "lower"
        return "better" if self.rule.better == towards else "worse"


REGRESSIONS = {"vanished", "not a number", "no rule", "worse"}
"""Verdicts of `Change.progress` that make a check fail."""


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False


def read_metrics(revision: str | None = None) -> dict[str, Any]:
    """Read all metrics of a revision.

    Parameters
    ----------
    revision : str, optional
        A git revision; None means the workspace.

    Returns
    -------
    dict
        Nested metrics by the name of their file.

    Raises
    ------
    InputError
        If a file is not JSON.
    """
    if revision is None:
        texts = {path: path.read_bytes() for path in sorted(FOLDER.glob("[!.]*.json"))}
    else:
        names = git("ls-tree", "-z", "--name-only", revision, f"{FOLDER}/").split("\0")
        paths = [Path(name) for name in names if name.endswith(".json")]
        texts = {path: git("show", f"{revision}:{path.as_posix()}") for path in paths}
    metrics = {}
    for path, text in texts.items():
        try:
            metrics[path.stem] = json.loads(text)
        except (ValueError, RecursionError) as error:
            if revision is None:
                raise DamageError(path, f"is not JSON ({error})") from error
            raise InputError(
                f"at {revision}: {path}: is not JSON ({error}): name another commit"
            ) from error
    return metrics


def compare(before: dict[str, Any], after: dict[str, Any], rules: Regression) -> list[Change]:
    """Compare all metrics of two runs.

    Parameters
    ----------
    before, after : dict
        Nested metrics.
    rules : Regression
        What is better, and the tolerances.

    Returns
    -------
    list of Change
        One for every metric of either run, sorted by path.
    """
    old, new = dict(flatten(before)), dict(flatten(after))
    return [
        Change(metric, old.get(metric), new.get(metric), rules.rule(metric))
        for metric in sorted(old | new)
    ]
