"""The point-in-time join: what was known about an entity at an instant, for every row that asks."""
