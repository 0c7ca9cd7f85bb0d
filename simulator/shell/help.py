"""`help` and `commands`: generated from the registry, so they know every form and nothing else."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from reference_platform.errors import CommandError, nearest
from simulator.incident.record import HINT_COSTS_POINTS
from simulator.shell.context import Effect, Operator
from simulator.shell.filters.chain import FILTERS
from simulator.shell.registry import ALIASES, COMMANDS, Arguments, Command, command
from simulator.shell.table import table

_TITLES = {
    "incident.incident": "Your record",
    "incident.postmortem": "Your record",
    "incident.hypotheses": "Causes and evidence",
    "incident.people": "People",
    "incident.chat": "People",
    "prometheus.alerting": "Alerts",
    "prometheus.metrics": "Metrics",
    "logs.logs": "Logs",
    "kubectl.read": "Cluster",
    "kubectl.describe": "Cluster",
    "kubectl.logs": "Cluster",
    "kubectl.about": "Cluster",
    "kubectl.happened": "Cluster",
    "kubectl.execute": "Cluster",
    "kubectl.top": "Cluster",
    "kubectl.waiting": "Cluster",
    "kubectl.rollout": "Cluster, changing it",
    "kubectl.change": "Cluster, changing it",
    "kubectl.nodes": "Cluster, changing it",
    "git.deploys": "What changed",
    "elsewhere.elsewhere": "Other tools",
    "nvidia.gpu": "GPUs",
    "features.features": "Features",
    "features.feast": "Features",
    "features.ingest": "Events on their way to features",
    "redis.store": "Online store",
    "redis.cli": "Online store",
    "mlflow.mlflow": "Model registry",
    "mlflow.tracking": "Model registry",
    "net": "Network",
    "network.names": "Network",
    "network.clocks": "Clocks",
    "desk.desk": "Outputs that were kept",
    "help": "Help",
}
"""Headings of groups, in the order in which they are shown, by the module that holds the commands."""
_COSTS = f"costs {HINT_COSTS_POINTS[0]}, then {', '.join(map(str, HINT_COSTS_POINTS[1:]))}"
START = (
    ("look", "kubectl get pods, logs SERVICE, metrics EXPR, dash, slo, features status, store clients, deploys"),
    ("think", "hyp add COMPONENT MECHANISM, then hyp for|against ID last, hyp confirm ID, hyp out ID because ..."),
    ("tell", "ack, severity SEV2 WHO, status impact=... doing=... next=15m, ask WHO TEXT"),
    ("stuck", f"runbook, ask WHO TEXT, escalate WHO TEXT, hint ({_COSTS} points; none in an interview)"),
    ("end", "resolve COMPONENT:MECHANISM TEXT, then postmortem (write it), postmortem file (ends the drill)"),
)


def _words(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")


def _heads(_: Operator) -> Iterable[str]:
    return sorted({key[0] for key in COMMANDS})


def _module(found: Command) -> str:
    """Where a command is declared: `net`, or `redis.store` for a tool with a package of its own."""
    folder, _, module = found.handler.__module__.removeprefix("simulator.shell.").partition(".")
    return module if folder in ("commands", "tools") else folder


def _group(found: Command) -> str:
    module = _module(found)
    return _TITLES.get(module, module.replace("_", " "))


def _grouped() -> dict[str, list[Command]]:
    """Commands by heading, known headings first, forms sorted."""
    groups: dict[str, list[Command]] = {title: [] for title in _TITLES.values()}
    for key in sorted(COMMANDS):
        groups.setdefault(_group(COMMANDS[key]), []).append(COMMANDS[key])
    return {title: forms for title, forms in groups.items() if forms}


@command("help", "help [COMMAND]", takes_s=0.0, configure=_words, complete=_heads, aliases=["man", "?"])
def show_help(op: Operator, args: argparse.Namespace) -> Effect:
    """How to begin, or everything about one command."""
    if args.words:
        return Effect(_about(tuple(args.words)))
    rows = [
        (title, ", ".join(dict.fromkeys(" ".join(form.words[:1]) for form in forms)))
        for title, forms in _grouped().items()
    ]
    lines = [
        table((), START),
        "",
        table((), rows),
        "",
        f"behind a command: | {', '.join((*FILTERS, 'xargs', 'tee'))}",
        "on one line: a; b   a && b   a || b   watch a   a > NAME keeps what it printed   # begins a comment",
        "`help COMMAND` shows its forms, `commands` shows all of them",
    ]
    return Effect("\n".join(lines))


def _about(words: tuple[str, ...]) -> str:
    """Forms that begin with `words`, or the one that they are."""
    for size in range(len(words), 0, -1):
        key = words[:size]
        forms = [known for known in sorted(COMMANDS) if known[:size] == key]
        forms += [ALIASES[known] for known in sorted(ALIASES) if known[:size] == key]
        found = [COMMANDS[known] for known in dict.fromkeys(forms)]
        if len(found) == 1 or (size > 1 and key in COMMANDS):
            return _one(COMMANDS.get(key, found[0]))
        if found:
            return table(("FORM", ""), [(form.usage, form.summary) for form in found])
    if words[0] in FILTERS:
        return f"{words[0]}: a filter; put it behind a command, such as: kubectl get pods | {words[0]} ..."
    heads = {key[0] for key in (*COMMANDS, *ALIASES)}
    raise CommandError(
        f'no help for "{" ".join(words)[:60]}"', fix=f"{nearest(words[0], heads)}  all of them: commands"
    )


def _one(found: Command) -> str:
    also = sorted(" ".join(alias) for alias, key in ALIASES.items() if key == found.words)
    lines = [found.summary, f"usage: {found.usage}"]
    lines += [f"also:  {', '.join(also)}"] if also else []
    lines.append(f"takes {found.takes_s:g} s" + (" and changes the platform" if found.changes else ""))
    return "\n".join(lines)


@command("commands", "commands", takes_s=0.0, aliases=["help commands", "help all"])
def commands_list(op: Operator, _: argparse.Namespace) -> Effect:
    """Every form of every command."""
    lines: list[str] = []
    for title, forms in _grouped().items():
        rows = [("  " + form.usage, ("! " if form.changes else "") + form.summary) for form in forms]
        lines += [title, table((), rows), ""]
    return Effect("\n".join([*lines, f"{len(COMMANDS)} forms; ! changes the platform"]))
