"""What the shipped platform's models and features are called; read once."""

from __future__ import annotations

from functools import cache

from reference_platform.registry.snapshot import SnapshotRegistry


@cache
def registry() -> SnapshotRegistry:
    """The model registry as every drill begins with it; nobody may change it."""
    from simulator.image.builder import ensure_image

    return ensure_image().registry()


@cache
def views() -> tuple[str, ...]:
    """Names of the feature views."""
    from simulator.image.builder import ensure_image

    return tuple(view.name for view in ensure_image().features().views)
