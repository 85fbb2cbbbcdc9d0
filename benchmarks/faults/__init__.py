"""Break the pipeline on purpose, many times, and count how often it recovers."""
