"""The newest row of every entity, read by key: in memory, in a file or in Redis, with one rule for which row wins."""
