"""A drill in progress: clock, commands, notes, run file."""
