"""Copying rows from their source into an online store: in bounded memory, resumable at any point, to the same end."""
