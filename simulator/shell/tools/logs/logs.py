"""`logs`: what services wrote, collected from all their pods."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass

from reference_platform.errors import CommandError, nearest
from reference_platform.pattern import Pattern
from reference_platform.roles import MATERIALIZER, PIPELINE, STORE
from simulator.shell.calendar import clock
from simulator.shell.components import distinct, mentioned
from simulator.shell.context import Effect, Operator
from simulator.shell.free_text import is_digits, length_s
from simulator.shell.registry import Arguments, command

LINES_DEFAULT = 100
LINES_MAX = 1_000
SINCE_DEFAULT = "10m"
LEVELS = ("INFO", "WARN", "ERROR")
UPSTREAM = (STORE, MATERIALIZER, PIPELINE, "clicks-producer", "payments-producer")
USAGE = "logs SERVICE|--all [--since 10m] [--level WARN] [--tail N] [--grep PATTERN]"


@dataclass(frozen=True, slots=True)
class _Line:
    t_s: float
    service: str
    writer: str
    level: str
    text: str


def _options(parser: Arguments) -> None:
    parser.add_argument("service", nargs="?")
    parser.add_argument("--all", "-A", action="store_true")
    parser.add_argument("--since", default=SINCE_DEFAULT)
    parser.add_argument("--level")
    parser.add_argument("--tail", "-n")
    parser.add_argument("--grep", "-g")
    parser.add_argument("-f", "--follow", action="store_true")


def _services(op: Operator) -> Iterable[str]:
    return [name for name, deployment in op.plant.cluster.deployments.items() if not deployment.deleted]


@command(
    "logs",
    USAGE,
    takes_s=2.0,
    configure=_options,
    complete=_services,
    aliases=["log"],
    looked=("logs", "upstream"),
    sight="logs",
)
def logs(op: Operator, args: argparse.Namespace) -> Effect:
    """Log lines of a service from all its pods, newest last."""
    service = _service(op, args)
    since_s = op.now_s - length_s(args.since, "--since")
    levels = _levels(args.level)
    pattern = Pattern(args.grep or "", ignore_case=True)
    count = _count(args.tail)
    written = [line for line in _collected(op, service) if line.t_s >= since_s]
    found = [line for line in written if line.level in levels and pattern.found_in(line.text)]
    shown = found[-count:]
    lines = [f"{clock(op, line.t_s)} {line.level:<5} {line.writer}: {line.text}" for line in shown]
    if len(found) > len(shown):
        lines.insert(0, f"... {len(found) - len(shown)} earlier lines, see --tail")
    if not lines:
        lines = [f"no lines of {service or 'any service'} in the last {args.since}"]
    if args.follow:
        lines.append(f"(up to now; watch -n 10 'logs {service or '--all'} --since 10s' goes on)")
        if written and args.grep:
            # That a log is silent is something to see; what a pattern cut away was not seen.
            return Effect(lines[0])
    loud = [line.text for line in shown if line.level != "INFO"]
    subjects = distinct(
        [_component(op, service), *(_component(op, line.service) for line in shown), *mentioned(op, loud)]
    )
    upstream = any(name in UPSTREAM for name in subjects)
    return Effect("\n".join(lines), looked=("logs", *(("upstream",) if upstream else ())), subjects=subjects)


def _service(op: Operator, args: argparse.Namespace) -> str:
    """The service asked for, "" for all."""
    services = list(_services(op))
    if args.all:
        return ""
    if args.service is None:
        raise CommandError("logs of which service?", fix=f"one of {', '.join(services)}, or --all")
    name = str(args.service).removeprefix("service/").removeprefix("deployment/").removeprefix("deploy/").lower()
    pod = op.plant.cluster.pods.get(name)
    if pod is not None:
        return pod.deployment
    if name not in services:
        raise CommandError(f'no service "{name[:60]}"', fix=nearest(name, services))
    return name


def _component(op: Operator, service: str) -> str:
    return op.plant.cluster.component_of(service) if service else ""


def _levels(wanted: str | None) -> tuple[str, ...]:
    """The level asked for and those above it."""
    if wanted is None:
        return LEVELS
    name = {"WARNING": "WARN", "ERR": "ERROR"}.get(wanted.upper(), wanted.upper())
    if name not in LEVELS:
        raise CommandError(f'no level "{wanted[:40]}"', fix=f"one of {', '.join(LEVELS)}")
    return LEVELS[LEVELS.index(name) :]


def _count(text: str | None) -> int:
    if text is None:
        return LINES_DEFAULT
    if not is_digits(text) or not 1 <= int(text[:9]) <= LINES_MAX:
        raise CommandError(f"--tail {text[:40]}", fix=f"a number from 1 to {LINES_MAX}")
    return int(text)


def _collected(op: Operator, service: str) -> list[_Line]:
    """Every line kept, in order of time. A line that pods wrote themselves is not repeated for their service."""
    lines: list[_Line] = []
    own: set[tuple[float, str, str]] = set()
    for pod in op.plant.cluster.pods.values():
        if service in ("", pod.deployment):
            for t_s, level, text in (*pod.previous_logs, *pod.logs):
                lines.append(_Line(t_s, pod.deployment, pod.name, level, text))
                own.add((t_s, pod.deployment, text))
    lines += [
        _Line(kept.t_s, kept.source, kept.source, kept.level, kept.text)
        for kept in op.plant.book.lines
        if service in ("", kept.source) and (kept.t_s, kept.source, kept.text) not in own
    ]
    return sorted(lines, key=lambda line: line.t_s)
