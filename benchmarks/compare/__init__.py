"""Compare the super-resolution networks: the same data, care and time for each."""
