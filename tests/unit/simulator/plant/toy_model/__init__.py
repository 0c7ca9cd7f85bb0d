"""A model that nobody asked for: its card, its trainer and its side of the world, for a test to register."""
