"""Names inside a platform file that its builder and its reader share."""

from __future__ import annotations

PLATFORM = "platform.zip"
"""Everything that a session reads, in one file."""
PREDICTION = "prediction"
"""Stands for a version's score, the best one where there are several, among the names of its features."""
REGISTRY = "registry.json"
FEATURES = "features.npz"
WORLD = "world.npz"
REFERENCES = "reference_stats.npz"


def weights_name(model: str, version: int) -> str:
    """The member with a version's weights."""
    return f"weights/{model}-{version}.npz"
