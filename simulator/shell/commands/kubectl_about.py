"""kubectl about itself, and what of it is closed to whoever is on call."""

from __future__ import annotations

import argparse

from reference_platform.errors import CommandError
from simulator.shell.context import Effect, Operator
from simulator.shell.kinds import SPELLINGS
from simulator.shell.registry import Arguments, command
from simulator.shell.rows import NAMESPACES, VERSION
from simulator.shell.table import table

CLOSED = {
    "exec": ("shells in pods are closed to on-call", "logs, metrics, store info and curl show the same"),
    "apply": ("manifests come from releases", "kubectl set, scale, patch and rollout change what is running"),
    "create": ("manifests come from releases", "kubectl scale adds replicas"),
    "edit": ("there is no editor on this host", "kubectl set, scale and patch change single fields"),
    "replace": ("manifests come from releases", "kubectl set, scale, patch and rollout change what is running"),
    "explain": ("the API reference is not on this host", "help kubectl, or kubectl describe on a real object"),
    "port-forward": ("tunnels are closed to on-call", "curl http://gateway/v1/recommendation reaches services"),
    "debug": ("shells in pods are closed to on-call", "kubectl describe and kubectl logs -p"),
    "autoscale": ("the shop has no autoscalers", "kubectl scale sets replicas by hand"),
    "taint": ("taints are set by the platform team", "kubectl cordon keeps new pods off a node"),
    "label": ("labels come from releases", "kubectl patch changes a nodeSelector"),
    "wait": ("waiting is not simulated", "kubectl rollout status shows how far a roll-out is"),
    "set image": ("images are changed by releases", "kubectl rollout undo, or kubectl set env MODEL_VERSION=3"),
    "rollout pause": ("roll-outs cannot be paused here", "kubectl rollout undo goes back"),
    "rollout resume": ("roll-outs cannot be paused here", "kubectl rollout status"),
}
"""Form, why it is closed, and what to use instead."""


def _register(words: str, why: str, instead: str) -> None:
    def handler(op: Operator, args: argparse.Namespace) -> Effect:
        raise CommandError(f"error: {why}", fix=instead)

    handler.__doc__ = f"Closed: {why}."
    command(f"kubectl {words}", f"kubectl {words} ...", takes_s=0.5, rest="text")(handler)


for _words, (_why, _instead) in CLOSED.items():
    _register(_words, _why, _instead)


def _any_words(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")
    parser.add_argument("--client", action="store_true")
    parser.add_argument("--minify", action="store_true")


@command("kubectl version", "kubectl version", takes_s=0.5, configure=_any_words)
def version(op: Operator, args: argparse.Namespace) -> Effect:
    """Versions of client and cluster."""
    server = [] if args.client else [f"Server Version: {VERSION}"]
    return Effect("\n".join([f"Client Version: {VERSION}", "Kustomize Version: v5.5.0", *server]))


@command("kubectl config", "kubectl config current-context|get-contexts", takes_s=0.5, configure=_any_words)
def config(op: Operator, args: argparse.Namespace) -> Effect:
    """Which cluster this is."""
    row = ("*", "shop-prod", "shop-prod", "on-call", "shop")
    texts = {
        "current-context": "shop-prod",
        "get-contexts": table(("CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"), [row]),
        "view": "current-context: shop-prod\nnamespace: shop\nuser: on-call",
    }
    wanted = args.words[0] if args.words else "current-context"
    if wanted not in texts:
        raise CommandError(f"error: config {wanted[:40]} is closed to on-call", fix=f"there is {', '.join(texts)}")
    return Effect(texts[wanted])


@command("kubectl cluster-info", "kubectl cluster-info", takes_s=0.5, configure=_any_words)
def cluster_info(op: Operator, args: argparse.Namespace) -> Effect:
    """Where the control plane is, and how large the cluster is."""
    lines = ["Kubernetes control plane is running at https://shop-prod.internal:6443"]
    lines += [f"{len(op.plant.cluster.nodes)} nodes, namespaces {', '.join(NAMESPACES)}"]
    return Effect("\n".join(lines))


@command("kubectl api-resources", "kubectl api-resources", takes_s=0.5, configure=_any_words)
def api_resources(op: Operator, args: argparse.Namespace) -> Effect:
    """Kinds that can be named here, with their short names."""
    shortest = [(kind, ",".join(word for word in words if len(word) <= 6)) for kind, words in SPELLINGS.items()]
    return Effect(table(("NAME", "SHORTNAMES"), shortest))
