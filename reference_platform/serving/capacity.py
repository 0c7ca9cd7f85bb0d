"""How much a group of model servers can answer when every batch is full."""

from __future__ import annotations

from collections.abc import Iterable

from reference_platform.spec import ModelSpec


def capacity_per_s(model: ModelSpec, slowdowns: Iterable[float]) -> float:
    """Requests per second that servers with these slow-downs (1.0 is full speed) answer without ever resting."""
    size, gpu = model.batch.max_size, model.gpu
    batch_s = max(gpu.launch, gpu.base + gpu.per_item * size)
    return sum(size / (batch_s * slowdown) for slowdown in slowdowns)
