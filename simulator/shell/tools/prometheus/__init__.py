"""`metrics` and `alerts`."""
