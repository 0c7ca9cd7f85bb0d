"""Pipe stages: the text tools that people put behind a command."""
