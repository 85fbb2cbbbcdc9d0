// The reader's own photograph.
