"""Comparing metrics with others, number by number, within tolerances."""

import math
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from convlab.params import Params


class Regression(Params):
    """How far metrics may differ (block `regression`)."""

    tolerances: dict[str, Annotated[float, Field(ge=0)]]


class Difference(NamedTuple):
    """One metric, there and here."""

    metric: str
    """Its path, such as `evaluate_sr.x2.network.psnr`."""
    expected: float | None
    """None if the metric is new."""
    found: float | None
    """None if the metric vanished."""
    tolerance: float | None
    """None if no pattern speaks of the metric."""

    @property
    def verdict(self) -> str:
        """`identical`, `within tolerance` or `differs`."""
        if self.expected is not None and self.expected == self.found:
            return "identical"
        if None in (self.expected, self.found, self.tolerance):
            return "differs"
        close = math.isclose(self.expected, self.found, rel_tol=0, abs_tol=self.tolerance)
        return "within tolerance" if close else "differs"


def flatten(metrics: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Give every number in nested metrics with its path, the keys joined by dots."""
    for key, value in metrics.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def compare(
    expected: dict[str, Any], found: dict[str, Any], tolerances: dict[str, float]
) -> list[Difference]:
    """Compare metrics number by number.

    Parameters
    ----------
    expected, found : dict
        Nested metrics.
    tolerances : dict of str to float
        How far a metric may be off, by shell pattern over its path; the first
        pattern that fits counts.

    Returns
    -------
    list of Difference
        One for every metric in either, by path.
    """
    before, after = dict(flatten(expected)), dict(flatten(found))
    return [
        Difference(
            metric,
            before.get(metric),
            after.get(metric),
            next(
                (value for pattern, value in tolerances.items() if fnmatchcase(metric, pattern)),
                None,
            ),
        )
        for metric in sorted(before | after)
    ]
