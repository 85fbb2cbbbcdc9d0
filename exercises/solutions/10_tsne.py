"""Exercise 10: reading the t-SNE. The statements are in 10_tsne.md."""

ANSWERS = {
    "a": True,
    "b": False,
    "c": False,
    "d": False,
    "e": True,
    "f": True,
    "g": False,
    "h": False,
    "i": True,
    "j": False,
}
"""True if the statement follows from the picture, or from how t-SNE works; else False."""
