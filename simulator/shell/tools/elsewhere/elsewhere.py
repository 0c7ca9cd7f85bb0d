"""`helm`, `argocd`, `stern`, `dmesg`, `journalctl`: what they answer in a cluster that does without them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from reference_platform.errors import CommandError
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.registry import Arguments, carry_out, command, find, parse

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


def _services(op: Operator) -> Iterable[str]:
    return op.plant.cluster.deployments


def _stern_flags(parser: Arguments) -> None:
    parser.add_argument("name", nargs="?", default=".")
    for flag in ("-n", "--namespace", "-c", "--container", "-o"):
        parser.add_argument(flag)
    parser.add_argument("-s", "--since", default="10m")
    parser.add_argument("-i", "--include", default="")
    parser.add_argument("-l", "--selector", default="")
    parser.add_argument("--tail", default="100")
    parser.add_argument("--no-follow", action="store_true")


@command(
    "stern",
    "stern NAME [--since 10m] [-i TEXT] [--tail N]",
    takes_s=2.0,
    configure=_stern_flags,
    complete=_services,
    looked=("logs", "upstream"),
    sight="logs",
)
def stern(op: Operator, args: argparse.Namespace) -> Effect:
    """Log lines of all pods of a service, up to now; it does not follow."""
    name = args.selector.partition("=")[2] or args.name.rstrip(".*").lstrip("^")
    words = ["logs", *([name] if name else []), "--since", args.since, "--tail", args.tail]
    found, rest = find([*words, *(["--grep", args.include] if args.include else [])])
    return carry_out(found, op, parse(found, rest))


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
