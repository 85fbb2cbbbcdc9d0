"""Break the pipeline on purpose, again and again, and count what it survives."""
