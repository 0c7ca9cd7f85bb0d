"""Requests: arrivals by hour and day, clients that retry, and the compiled request path."""
