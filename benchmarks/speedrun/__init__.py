"""A board of records: the best super-resolution for a given amount of arithmetic."""
