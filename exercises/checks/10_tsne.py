"""Exercise 10: what the picture shows, and what it does not."""

from types import ModuleType

from checks.hints import judge_statements

STATEMENTS = {
    "a": (
        True,
        "t-SNE keeps neighbours, because its divergence depends on them; it does not use the"
        " labels",
    ),
    "b": (
        False,
        "t-SNE's cost function, the divergence of P and Q, hardly depends on how far apart clusters"
        " are, but on which points are neighbours",
    ),
    "c": (
        False,
        "each point has its own width sigma, which follows the density, so that a dense group and"
        " a wide one look similar",
    ),
    "d": (
        False,
        "the divergence depends only on distances: if you turned the picture, what would the axis"
        " measure then?",
    ),
    "e": (
        True,
        "which distances between points change when a picture is mirrored?",
    ),
    "f": (
        True,
        "the perplexity says how many neighbours count: with few of them, groups break up",
    ),
    "g": (
        False,
        "groups can result from the perplexity or from the initial positions: they are in the data"
        " only if they also appear with other values",
    ),
    "h": (
        False,
        "t-SNE chooses the position of a point, but the last layer makes the prediction, from 1568"
        " numbers: read the title",
    ),
    "i": (
        True,
        "the divergence is largest if neighbours are drawn far apart: p is large and q is small",
    ),
    "j": (
        False,
        "the divergence has many minima: what determines which one is found?",
    ),
}


def check(answer: ModuleType) -> None:
    """Compare the answer to each statement."""
    judge_statements(answer, STATEMENTS)
