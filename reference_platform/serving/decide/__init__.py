"""The decisions of serving, each a small pure function of what it is told."""
