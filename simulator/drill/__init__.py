"""What is to be played: a scenario as plain data."""
