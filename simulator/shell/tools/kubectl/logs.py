"""`kubectl logs`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from contextlib import suppress

from reference_platform.errors import CommandError, near_miss
from reference_platform.roles import FALLBACK, GATEWAY, MATERIALIZER, PIPELINE, STORE
from simulator.cluster.objects import Pod
from simulator.incident.tags import Tag
from simulator.plant.load import load
from simulator.shell.calendar import clock
from simulator.shell.components import distinct, mentioned
from simulator.shell.context import Effect, Operator
from simulator.shell.free_text import length_s
from simulator.shell.registry import Arguments, command
from simulator.shell.tools.kubectl.following import FOLLOW_S
from simulator.shell.tools.kubectl.kinds import (
    WORKLOADS,
    common_flags,
    in_namespace,
    kind_of,
    not_found,
    workload_named,
)
from simulator.shell.tools.kubectl.objects import precise_stamp, second_of

UPSTREAM = (STORE, MATERIALIZER, PIPELINE, "clicks-producer", "payments-producer")
LINES_DEFAULT = 40
LINES_MAX = 200
NEARLY_ALL_RATIO = 0.98

_COUNTED = re.compile(r" \(x\d+[^()]*\)$")
_NUMBER = re.compile(r"\bx(\d+)")
Written = tuple[float, str, str]
"""Time, level, text."""


def _flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    common_flags(parser)
    parser.add_argument("-p", "--previous", action="store_true")
    parser.add_argument("-f", "--follow", action="store_true")
    parser.add_argument("--tail", type=int, default=LINES_DEFAULT)
    parser.add_argument("--since", default="")
    parser.add_argument("--since-time", default="")
    parser.add_argument("--ignore-errors", action="store_true")
    parser.add_argument("--max-log-requests", type=int, default=5)
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("-c", "--container", default="")
    parser.add_argument("--timestamps", action="store_true")
    parser.add_argument("--all-containers", action="store_true")
    parser.add_argument("--prefix", action="store_true")
    parser.set_defaults(begun_s=None, before=None)


def _names(op: Operator) -> Iterable[str]:
    living = [name for name, item in op.plant.cluster.deployments.items() if not item.deleted]
    return [*op.plant.cluster.pods, *(f"deployment/{name}" for name in living)]


def _waits(op: Operator, args: argparse.Namespace) -> float:
    """With -f: what was written so far is read when the line is entered, and what comes meanwhile when it is left."""
    if not args.follow or args.begun_s is not None:
        return 0.0
    args.before = {pod.name: _lines(op, pod, args) for pod in _selected(op, args)}
    args.begun_s = op.now_s
    return FOLLOW_S


def _recent(op: Operator, pod: Pod, args: argparse.Namespace) -> list[Written]:
    since_s = _since_s(op, args)
    return [line for line in _written(op, pod, args.previous) if line[0] >= since_s]


def _lines(op: Operator, pod: Pod, args: argparse.Namespace) -> list[Written]:
    """What a line asks for of one pod; with -f what was there at first, and all that came since."""
    before = (args.before or {}).get(pod.name)
    if before is None:
        written = _recent(op, pod, args)
        count = LINES_MAX if args.tail < 0 else min(args.tail, LINES_MAX)
        return written[max(0, len(written) - count) :]
    with suppress(CommandError):
        before += [line for line in _written(op, pod, args.previous) if line[0] > args.begun_s]
    return list(before)


@command("kubectl logs", "kubectl logs POD|deployment/NAME [-p] [-f] [--tail N] [--since 10m]", takes_s=1.5,
         configure=_flags, complete=_names, aliases=["kubectl log"], waits=_waits,
         looked=("logs", "logs_previous", "upstream"), sight="logs")  # fmt: skip
def logs(op: Operator, args: argparse.Namespace) -> Effect:
    """What a pod wrote; -p is the container that died before this one."""
    in_namespace(args.namespace)
    pods = _selected(op, args)
    if args.container and args.container != pods[0].deployment:
        what = f"error: container {args.container[:60]} is not valid for pod {pods[0].name}"
        raise CommandError(what, fix=f"its container is {pods[0].deployment}")
    lines: list[str] = []
    loud: list[str] = []
    written_lines = shown_lines = 0
    if not args.selector and "/" in args.words[0] and kind_of(args.words[0].partition("/")[0]) != "pods":
        siblings = len(op.plant.cluster.pods_of(pods[0].deployment))
        lines += [f"Found {siblings} pods, using pod/{pods[0].name}"] if siblings > 1 else []
    for pod in pods:
        written_lines += len(_recent(op, pod, args)) if args.before is None else 0
        prefix = f"[pod/{pod.name}/{pod.deployment}] " if args.prefix else ""
        for t_s, level, text in _lines(op, pod, args):
            shown_lines += 1
            stamped = f"{precise_stamp(op, t_s)} " if args.timestamps else ""
            lines.append(f"{prefix}{stamped}{clock(op, t_s)} {level:<5} {text}")
            loud += [text] if level != "INFO" else []
    if args.follow:
        lines.append(f"(followed for {FOLLOW_S:.0f}s, and left; the same line with --since=1s goes on)")
    if written_lines and not shown_lines:
        # That a log is silent is something to see; what was cut away was not seen.
        return Effect("\n".join(lines))
    components = [op.plant.cluster.component_of(pod.deployment) for pod in pods]
    looked: list[Tag] = ["logs"]
    looked += ["logs_previous"] if args.previous else []
    looked += ["upstream"] if any(name in UPSTREAM for name in components) else []
    return Effect("\n".join(lines), looked=tuple(looked), subjects=distinct([*components, *mentioned(op, loud)]))


def _since_s(op: Operator, args: argparse.Namespace) -> float:
    """Second from which lines are wanted. Raises CommandError."""
    if args.since and args.since_time:
        raise CommandError("error: at most one of `sinceTime` or `sinceSeconds` may be specified", fix="--since=10m")
    if args.since_time:
        return second_of(op, args.since_time)
    return op.now_s - length_s(args.since, "--since") if args.since else -float("inf")


def _selected(op: Operator, args: argparse.Namespace) -> list[Pod]:
    """The pods to read: those of a label, or one. Raises CommandError when there are none."""
    cluster = op.plant.cluster
    if args.selector:
        app = args.selector.removeprefix("app=").lstrip("=")
        pods = sorted(cluster.pods_of(app), key=lambda pod: pod.name)
        if not pods:
            raise CommandError(
                "No resources found in shop namespace.",
                fix=near_miss(app, cluster.deployments) or "kubectl get pods --show-labels",
            )
        return pods
    if not args.words:
        raise CommandError("error: expected 'logs [-f] [-p] (POD | TYPE/NAME)'", fix="kubectl logs deployment/gateway")
    words = list(args.words)
    try:
        joined = len(words) == 2 and "/" not in words[0] and bool(kind_of(words[0]))
    except CommandError:
        joined = False
    kind, _, name = ("/".join(words) if joined else words[0]).rpartition("/")
    if len(words) == 2 and not joined and not args.container:
        args.container = words.pop()
    if len(words) > 1 and not joined:
        what = f"error: expected POD or POD CONTAINER, not {len(words)} words"
        raise CommandError(what, fix="kubectl logs -l app=NAME reads several")
    args.words = [f"{kind}/{name}" if kind else name]
    if (not kind or kind_of(kind) == "pods") and name in cluster.pods:
        return [cluster.pods[name]]
    if (kind and kind_of(kind) not in WORKLOADS) or name not in cluster.deployments:
        raise not_found("pods", name, cluster.pods)
    return [_of_workload(op, workload_named(op, name).spec.name, args.previous)]


def _of_workload(op: Operator, name: str, previous: bool) -> Pod:
    """The pod in most trouble, as a person would pick it; with -p one that has died."""
    pods = sorted(op.plant.cluster.pods_of(name), key=lambda pod: (pod.last is None, pod.phase == "Ready", pod.name))
    running = [pod for pod in pods if pod.phase not in ("Pending", "ContainerCreating")]
    if not pods:
        raise CommandError(f"error: timed out waiting for a pod of {name}", fix=f"kubectl describe deployment {name}")
    return (pods if previous else running or pods)[0]


def _written(op: Operator, pod: Pod, previous: bool) -> list[Written]:
    """Lines of the container asked for, oldest first. Raises CommandError when there is no such container."""
    place = f'container "{pod.deployment}" in pod "{pod.name}"'
    if previous:
        if pod.last is None:
            what = f"Error from server (BadRequest): previous terminated {place} not found"
            raise CommandError(what, fix="it has not died; leave -p out")
        return list(pod.previous_logs)
    if pod.phase in ("Pending", "ContainerCreating"):
        what = f"Error from server (BadRequest): {place} is waiting to start: {pod.phase}"
        raise CommandError(what, fix=f"kubectl describe pod {pod.name}")
    if pod.phase == "CrashLoopBackOff" and pod.last is not None:
        return list(pod.previous_logs)
    lines: list[Written] = list(pod.logs)
    known = {(t_s, _COUNTED.sub("", text)) for t_s, _, text in lines}
    replicas = sorted(each.name for each in op.plant.cluster.ready_pods(pod.deployment))
    for line in op.plant.book.lines:
        own = line.source == pod.deployment and line.t_s >= pod.started_s
        if own and (line.t_s, _COUNTED.sub("", line.text)) not in known:
            text = (
                share_of_line(line.text, replicas.index(pod.name), len(replicas)) if pod.name in replicas else line.text
            )
            lines += [(line.t_s, line.level, text)] if text else []
    return sorted([*lines, *_state(op, pod)], key=lambda line: line[0])


def share_of_line(text: str, place: int, replicas: int) -> str:
    """What one of the replicas has written of a line that counts those of all; "" when it has written none."""
    found = _COUNTED.search(text)
    if found is None:
        return text
    counts = [(int(number) + replicas - 1 - place) // replicas for number in _NUMBER.findall(found[0])]
    shares = iter(counts)
    return text[: found.start()] + _NUMBER.sub(lambda _: f"x{next(shares)}", found[0]) if counts[0] else ""


def _state(op: Operator, pod: Pod) -> list[Written]:
    """The line that a process writes every minute about itself."""
    if pod.phase != "Ready":
        return []
    held = op.plant.pool.held()
    if pod.deployment in held:
        return _client(op, held[pod.deployment], sum(held.values()))
    cluster, role = op.plant.cluster, op.plant.cluster.deployments[pod.deployment].spec.role
    names = (pod.deployment,) if role is None else op.plant.spec.of_role(role)
    current, ready = load(op.plant), sum(len(cluster.ready_pods(name)) for name in names)
    texts = {
        GATEWAY: f"{current.requests / ready:.0f} requests/s",
        FALLBACK: f"{current.defaults / ready:.1f} default responses/s",
        STORE: f"{current.reads:.0f} reads/s, {_clients(op)} clients connected",
    }
    if pod.deployment in current.by_route:
        texts[pod.deployment] = f"{current.by_route[pod.deployment] / ready:.1f} requests/s"
    text = texts.get(role or pod.deployment)
    return [(op.now_s, "INFO", text)] if text else []


def _clients(op: Operator) -> int:
    return op.plant.pool.serving_connections() + sum(op.plant.pool.held().values())


def _client(op: Operator, held: int, all_held: int) -> list[Written]:
    """A client of the online store says how far it is and what it has open."""
    text = f"page {held + 1} in progress, {held} pages exported, {held} cursors open on online-store"
    lines = [(op.now_s, "INFO", text)]
    if all_held >= NEARLY_ALL_RATIO * op.plant.pool.connections_max:
        lines.append((op.now_s, "WARN", "online-store: ERR max number of clients reached, waiting for a connection"))
    return lines
