"""Exercise 10: reading the t-SNE. The statements are in 10_tsne.md."""

ANSWERS = {
    "a": None,
    "b": None,
    "c": None,
    "d": None,
    "e": None,
    "f": None,
    "g": None,
    "h": None,
    "i": None,
    "j": None,
}
"""True if the statement follows from the picture, or from how t-SNE works; else False."""
