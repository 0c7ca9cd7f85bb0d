"""`helm`, `argocd`, `stern`, `dmesg`, `journalctl`: what they answer in a cluster that does without them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from dataclasses import replace

from reference_platform.errors import CommandError
from reference_platform.pattern import Pattern
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.registry import Arguments, Command, carry_out, command, find, parse

_BACK = "kubectl rollout history deployment/NAME; back: kubectl rollout undo deployment/NAME"


def _anything(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    for flag in ("-n", "--namespace", "-o", "--max", "--revision"):
        parser.add_argument(flag)
    for flag in ("-A", "-a", "--all-namespaces"):
        parser.add_argument(flag, action="store_true")


@command("helm list", "helm list", takes_s=1.0, configure=_anything, aliases=["helm ls"], looked=("changes",))
def helm_list(op: Operator, args: argparse.Namespace) -> Effect:
    """Releases of Helm: there are none."""
    return Effect("NAME\tNAMESPACE\tREVISION\tUPDATED\tSTATUS\tCHART\tAPP VERSION", looked=DECLARED)


@command("helm history", "helm history RELEASE", takes_s=1.0, configure=_anything,
         aliases=["helm status", "helm rollback", "helm get", "helm upgrade", "helm"])  # fmt: skip
def helm_release(op: Operator, args: argparse.Namespace) -> Effect:
    """A release of Helm: nothing here was installed by it."""
    raise CommandError("Error: release: not found", why="nothing here was installed by Helm", fix=_BACK)


@command(
    "argocd app", "argocd app history NAME", takes_s=1.0, configure=_anything, aliases=["argocd", "argo", "argo list"]
)
def argocd(op: Operator, args: argparse.Namespace) -> Effect:
    """Applications of Argo CD: it is not installed."""
    what = 'FATA[0000] Argo CD server address unspecified: no service "argocd-server" in this cluster'
    raise CommandError(what, fix=_BACK)


def _wget_flags(parser: Arguments) -> None:
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-O", "--output-document", default="")
    parser.add_argument("-qO-", dest="quiet", action="store_true")
    parser.add_argument("-S", "--server-response", dest="heads", action="store_true")
    parser.add_argument("--spider", action="store_true")
    parser.add_argument("-T", "--timeout", default="")
    parser.add_argument("-t", "--tries")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--post-data", default="")
    parser.add_argument("url")


def _as_curl(args: argparse.Namespace) -> tuple[Command, argparse.Namespace]:
    """The request that curl would send."""
    words = ["curl", "-s", *(["-i"] if args.heads else []), *(["--max-time", args.timeout] if args.timeout else [])]
    words += [word for header in args.header for word in ("-H", header)]
    words += ["-d", args.post_data] if args.post_data else []
    words += ["-o", "/dev/null", "-w", "%{http_code}"] if args.spider else []
    found, rest = find([*words, args.url])
    return found, parse(found, rest)


def _wget_sends(op: Operator, args: argparse.Namespace) -> None:
    found, as_curl = _as_curl(args)
    if found.begin is not None:
        found.begin(op, as_curl)


@command("wget", "wget [-qO-] [-S] [--spider] [-T SECONDS] URL", takes_s=2.0, configure=_wget_flags,
         begin=_wget_sends, looked=("metrics", "fallback", "pods"), sight="request")  # fmt: skip
def wget(op: Operator, args: argparse.Namespace) -> Effect:
    """Send the request that curl would send; with --spider say only whether it was answered."""
    found, as_curl = _as_curl(args)
    done = carry_out(found, op, as_curl)
    if not args.spider:
        return done
    is_there = done.text.startswith("2")
    text = "Remote file exists." if is_there else f"wget: server returned error: HTTP/1.1 {done.text}"
    return replace(done, text=text, exit=0 if is_there else 8)


def _services(op: Operator) -> Iterable[str]:
    return op.plant.cluster.deployments


_PREFIX = re.compile(r"^\[pod/([^/\]]+)/([^\]]+)\] ", re.MULTILINE)


def _stern_flags(parser: Arguments) -> None:
    parser.add_argument("name", nargs="?", default="")
    for flag in ("-n", "--namespace", "-c", "--container", "-o"):
        parser.add_argument(flag)
    parser.add_argument("-s", "--since", default="10m")
    parser.add_argument("-i", "--include", default="")
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("--tail", default="-1")
    parser.add_argument("--no-follow", action="store_true")
    parser.set_defaults(inner=None)


def _stern_logs(args: argparse.Namespace) -> tuple[Command, argparse.Namespace]:
    """The `kubectl logs` that stern's line stands for."""
    app = args.selector.removeprefix("app=") or args.name.rstrip(".*-").lstrip("^")
    if not app:
        raise CommandError("stern: which pods?", fix="stern gateway, stern -l app=gateway --since 5m")
    words = ["kubectl", "logs", "-l", f"app={app}", "--prefix", "--since", args.since, "--tail", args.tail]
    found, rest = find([*words, *([] if args.no_follow else ["-f"])])
    if args.inner is None:
        args.inner = parse(found, rest)
    return found, args.inner


def _stern_waits(op: Operator, args: argparse.Namespace) -> float:
    found, inner = _stern_logs(args)
    return found.waits(op, inner) if found.waits is not None else 0.0


@command("stern", "stern NAME [--since 10m] [-i TEXT] [--tail N] [--no-follow]", takes_s=2.0,
         configure=_stern_flags, complete=_services, waits=_stern_waits,
         looked=("logs", "logs_previous", "upstream"), sight="logs")  # fmt: skip
def stern(op: Operator, args: argparse.Namespace) -> Effect:
    """Log lines of all pods of a service, each after its pod and container; followed for half a minute."""
    found, inner = _stern_logs(args)
    pattern = Pattern(args.include)
    done = carry_out(found, op, inner)
    lines = _PREFIX.sub(r"\1 \2 ", done.text).split("\n")
    pods = dict.fromkeys(" ".join(line.split(" ")[:2]) for line in lines if not line.startswith("("))
    heads = ["+ " + pod.replace(" ", " \u203a ") for pod in pods if pod]
    kept = [line for line in lines if line.startswith("(") or pattern.found_in(line)]
    return replace(done, text="\n".join([*heads, *kept]))


def _kernel_flags(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    parser.add_argument("-u", "--unit")
    parser.add_argument("-n", "--lines")
    parser.add_argument("--since")
    for flag in ("-T", "-H", "-w", "-k", "-f", "-e", "-x", "-r", "--no-pager"):
        parser.add_argument(flag, action="store_true")


@command("dmesg", "dmesg", takes_s=0.5, configure=_kernel_flags, aliases=["journalctl"])
def dmesg(op: Operator, args: argparse.Namespace) -> Effect:
    """The kernel's and the kubelet's own log: the responder has no shell on the nodes."""
    what = "the log of a node is read on the node, and the responder has no shell there"
    raise CommandError(
        what,
        why="killed for memory: kubectl get events, kubectl describe pod NAME, kubectl describe node NODE",
        fix="GPU errors (Xid, ECC): nvidia-smi -q -d ECC, dcgmi health -c",
    )
