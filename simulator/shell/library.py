"""Loads every command module once."""

from __future__ import annotations

from functools import cache
from importlib import import_module

MODULES = (
    "alerting",
    "chat",
    "clocks",
    "deploys",
    "desk",
    "elsewhere",
    "features",
    "gpu",
    "hypotheses",
    "incident",
    "ingest",
    "kubectl_about",
    "kubectl_change",
    "kubectl_describe",
    "kubectl_logs",
    "kubectl_nodes",
    "kubectl_read",
    "kubectl_rollout",
    "logs",
    "metrics",
    "mlflow",
    "names",
    "net",
    "people",
    "postmortem",
    "store",
)


@cache
def load_commands() -> None:
    """Fill the registry. Importing a module registers its commands."""
    for name in MODULES:
        import_module(f"simulator.shell.commands.{name}")
    import_module("simulator.shell.help")
