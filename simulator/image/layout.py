"""Names inside an image that its builder and its reader share."""

from __future__ import annotations

PREDICTION = "prediction"
"""Stands for a version's score, the best one where there are several, among the names of its features."""


def weights_name(model: str, version: int) -> str:
    """Path of a version's weights inside an image."""
    return f"weights/{model}-{version}.npz"
