"""Loads every command module once."""

from __future__ import annotations

from functools import cache
from importlib import import_module

MODULES = ("net",)

TOOLS = {
    "desk": ("desk",),
    "elsewhere": ("elsewhere",),
    "features": ("features", "ingest", "feast"),
    "git": ("deploys",),
    "incident": ("incident", "hypotheses", "people", "chat", "postmortem"),
    "kubectl": (
        "about",
        "change",
        "describe",
        "execute",
        "happened",
        "logs",
        "nodes",
        "read",
        "rollout",
        "top",
        "waiting",
    ),
    "logs": ("logs",),
    "mlflow": ("mlflow", "tracking"),
    "network": ("names", "clocks"),
    "nvidia": ("gpu",),
    "prometheus": ("metrics", "alerting"),
    "redis": (
        "store",
        "cli",
    ),
}
"""By package of `simulator.shell.tools`: its modules that declare commands."""


@cache
def load_commands() -> None:
    """Fill the registry. Importing a module registers its commands."""
    for name in MODULES:
        import_module(f"simulator.shell.commands.{name}")
    for tool, names in TOOLS.items():
        for name in names:
            import_module(f"simulator.shell.tools.{tool}.{name}")
    import_module("simulator.shell.help")
