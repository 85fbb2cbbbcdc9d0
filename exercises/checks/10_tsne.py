"""Exercise 10: what the picture shows, and what it does not."""

from types import ModuleType

from checks.hints import judge_statements

STATEMENTS = {
    "a": (
        True,
        "t-SNE keeps neighbours: that is what its cost asks for, and it does not know the labels",
    ),
    "b": (
        False,
        "the cost hardly depends on how far apart clusters are: it asks who is whose neighbour",
    ),
    "c": (
        False,
        "each point has its own width sigma, which follows the density: a tight and a wide group"
        " come out alike",
    ),
    "d": (
        False,
        "the cost knows distances only: turn the picture, and what would the axis measure then?",
    ),
    "e": (
        True,
        "which distances between points change when a picture is mirrored?",
    ),
    "f": (
        True,
        "the perplexity says how many neighbours count: with few of them, groups fall apart",
    ),
    "g": (
        False,
        "groups can come from the perplexity or from where the points started: other values must"
        " show them, too, before the data have them",
    ),
    "h": (
        False,
        "where a point lies is t-SNE's doing, what is predicted is that of the last layer, in 1568"
        " dimensions: read the title",
    ),
    "i": (
        True,
        "two neighbours that are drawn far apart are what costs most: p is large and q small",
    ),
    "j": (
        False,
        "the divergence has many minima: what decides which one is found?",
    ),
}


def check(answer: ModuleType) -> None:
    """Compare what is said about each statement."""
    judge_statements(answer, STATEMENTS)
