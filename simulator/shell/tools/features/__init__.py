"""`features`: the store's jobs, values and the way of events into it."""
