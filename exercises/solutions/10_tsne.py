"""Exercise 10: reading the t-SNE. The statements stand in 10_tsne.md."""

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
"""True if it follows from the picture, or from how t-SNE works; False if it does not."""
