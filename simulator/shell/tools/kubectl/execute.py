"""`kubectl exec`, for reading: what a program in a pod would print."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence

from reference_platform.errors import CommandError
from reference_platform.roles import STORE
from simulator.cluster.objects import Pod
from simulator.shell.context import Effect, Operator
from simulator.shell.registry import Arguments, carry_out, command, find, parse
from simulator.shell.tools.kubectl.kinds import common_flags, in_namespace, kind_of, pod_named
from simulator.shell.tools.kubectl.objects import environment

RESOLVER = "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5"
INSTEAD = "reading is open: kubectl exec POD -- env | hostname | cat /etc/resolv.conf | nvidia-smi | redis-cli info"


def _flags(parser: Arguments) -> None:
    parser.add_argument("-i", "--stdin", action="store_true")
    parser.add_argument("-t", "--tty", action="store_true")
    parser.add_argument("-it", "-ti", dest="both", action="store_true")
    parser.add_argument("-c", "--container", default="")
    common_flags(parser)
    parser.add_argument("words", nargs="*")


def _names(op: Operator) -> Iterable[str]:
    return op.plant.cluster.pods


@command("kubectl exec", "kubectl exec POD [-c CONTAINER] -- env|nvidia-smi|redis-cli info|...", takes_s=1.5,
         configure=_flags, complete=_names, looked=("pods", "gpu", "upstream"), sight="describe")  # fmt: skip
def execute(op: Operator, args: argparse.Namespace) -> Effect:
    """What a reading program in a pod prints; shells are closed."""
    in_namespace(args.namespace)
    if not args.words:
        raise CommandError("error: pod, type/name or --filename must be specified", fix=INSTEAD)
    pod, typed = _pod(op, args.words[0]), args.words[1:]
    if not typed:
        raise CommandError("error: you must specify at least one command for the container", fix=INSTEAD)
    if args.container and args.container != pod.deployment:
        what = f"Error from server (BadRequest): container {args.container[:60]} is not valid for pod {pod.name}"
        raise CommandError(what, fix=f"its container is {pod.deployment}")
    if pod.phase not in ("Loading", "Ready"):
        what = f'error: unable to upgrade connection: container not found ("{pod.deployment}")'
        raise CommandError(what, fix=f"it is not running: kubectl describe pod {pod.name}")
    return _ran(op, pod, typed)


def _pod(op: Operator, word: str) -> Pod:
    """`NAME`, `pod/NAME`, or the first pod of `deployment/NAME`."""
    kind, _, name = word.rpartition("/")
    if kind and kind_of(kind) != "pods":
        running = sorted(
            (pod for pod in op.plant.cluster.pods_of(name)), key=lambda pod: (pod.phase != "Ready", pod.name)
        )
        if running:
            return running[0]
    return pod_named(op, name)


def _ran(op: Operator, pod: Pod, typed: Sequence[str]) -> Effect:
    component = op.plant.cluster.component_of(pod.deployment)
    if typed[0] == "nvidia-smi" and op.plant.cluster.nodes[pod.node].spec.gpu_memory:
        return _passed_on(op, ["nvidia-smi", *typed[1:], "-i", pod.node])
    if typed[0] == "redis-cli" and op.plant.cluster.deployments[pod.deployment].spec.role == STORE:
        return _passed_on(op, typed)
    own = PROGRAMS.get(" ".join(typed))
    if own is not None:
        return Effect(own(op, pod), looked=("pods",), subjects=(component,))
    if typed[0] in ("sh", "bash", "/bin/sh", "/bin/bash", "ash", "python", "python3"):
        raise CommandError("error: shells in pods are closed to on-call", fix=INSTEAD)
    what = f'OCI runtime exec failed: exec: "{typed[0][:40]}": executable file not found in $PATH: unknown'
    raise CommandError(f"error: Internal error occurred: {what}", fix=INSTEAD)


def _passed_on(op: Operator, words: Sequence[str]) -> Effect:
    """What the same program prints from the responder's own desk. It may read and not change."""
    found, rest = find(words)
    if found.changes:
        raise CommandError("error: changing something in a pod is closed to on-call", fix=INSTEAD)
    return carry_out(found, op, parse(found, rest))


def _environment(op: Operator, pod: Pod) -> str:
    item = op.plant.cluster.deployments[pod.deployment]
    path = ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    api = [("KUBERNETES_SERVICE_HOST", "10.96.0.1"), ("KUBERNETES_SERVICE_PORT", "443"), ("HOME", "/root")]
    pairs = [path, ("HOSTNAME", pod.name), *environment(op, item, pod.template), *api]
    return "\n".join(f"{name}={value}" for name, value in pairs)


def _host(op: Operator, pod: Pod) -> str:
    return pod.name


def _resolver(op: Operator, pod: Pod) -> str:
    return RESOLVER


PROGRAMS: dict[str, Callable[[Operator, Pod], str]] = {
    "env": _environment,
    "printenv": _environment,
    "hostname": _host,
    "cat /etc/hostname": _host,
    "cat /etc/resolv.conf": _resolver,
}
