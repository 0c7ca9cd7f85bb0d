"""What an output may be evidence of: kinds as the log has them, and kinds by which an output is weighed."""

from __future__ import annotations

from typing import Literal, get_args

Tag = Literal[
    "alerts",
    "changes",
    "dashboard",
    "dns",
    "events",
    "fallback",
    "features",
    "gpu",
    "history",
    "jobs",
    "logs",
    "logs_previous",
    "metrics",
    "nodes",
    "pods",
    "registry",
    "rollout",
    "runbook",
    "upstream",
]
"""What was looked at, as scores read it. Each command declares which of them its outputs may have."""
TAGS: tuple[Tag, ...] = get_args(Tag)

Sight = Literal[
    "alerts",
    "certificate",
    "changes",
    "clocks",
    "connections",
    "dashboard",
    "describe",
    "events",
    "gpu",
    "history",
    "ingest",
    "jobs",
    "latency",
    "logs",
    "network",
    "nodes",
    "pods",
    "query",
    "registry",
    "request",
    "rules",
    "settings",
    "slo",
    "usage",
    "values",
]
"""As what an output is weighed, finer than tags. A `query` shows the metrics that it names."""
SIGHTS: tuple[Sight, ...] = get_args(Sight)
