"""`store` and `redis-cli`."""
