"""Tools that this cluster does without."""
