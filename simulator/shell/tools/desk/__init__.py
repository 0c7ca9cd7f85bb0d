"""Outputs that were kept, and small words of a shell."""
