"""Compare the super-resolution networks: the same data, tuning and time for each."""
