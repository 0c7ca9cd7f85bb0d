"""kubectl about itself, and what of it is closed to whoever is on call."""

from __future__ import annotations

import argparse
from difflib import get_close_matches

from reference_platform.errors import CommandError
from simulator.shell.context import Effect, Operator
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table
from simulator.shell.tools.kubectl.kinds import GROUPS, SPELLINGS, kind_of
from simulator.shell.tools.kubectl.rows import NAMESPACES, VERSION

CLOSED = {
    "apply": ("manifests come from releases", "kubectl set, scale, patch and rollout change what is running"),
    "create": ("manifests come from releases", "kubectl scale adds replicas"),
    "edit": ("there is no editor on this host", "kubectl set, scale and patch change single fields"),
    "replace": ("manifests come from releases", "kubectl set, scale, patch and rollout change what is running"),
    "diff": ("manifests come from releases", "deploys shows what was released; kubectl rollout history NAME"),
    "run": ("pods come from releases", "kubectl scale adds replicas; curl and dig work from here"),
    "expose": ("services come from releases", "kubectl get svc lists those there are"),
    "attach": ("streams of pods are closed to on-call", "kubectl logs POD"),
    "cp": ("files of pods are closed to on-call", "kubectl logs POD, kubectl exec POD -- env"),
    "proxy": ("tunnels are closed to on-call", "curl http://gateway/v1/recommendation reaches services"),
    "port-forward": ("tunnels are closed to on-call", "curl http://gateway/v1/recommendation reaches services"),
    "debug": ("shells in pods are closed to on-call", "kubectl describe and kubectl logs -p"),
    "autoscale": ("the shop has no autoscalers", "kubectl scale sets replicas by hand"),
    "taint": ("taints are set by the platform team", "kubectl cordon keeps new pods off a node"),
    "label": ("labels come from releases", "kubectl patch changes a nodeSelector"),
    "annotate": ("annotations come from releases", "incident note keeps a remark; kubectl rollout history has causes"),
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
    parser.add_argument("--list", action="store_true")
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
    if wanted == "use-context" and args.words[1:] == ["shop-prod"]:
        return Effect('Switched to context "shop-prod".')
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
    rows = []
    for kind in sorted(SPELLINGS):
        short = ",".join(word for word in SPELLINGS[kind] if f"{word}s" != kind and len(word) <= SHORT_MAX)
        version = API_VERSIONS.get(GROUPS.get(kind, "").partition(".")[2], "v1")
        rows.append(
            (
                kind,
                short,
                version,
                str(kind not in ("nodes", "namespaces", "customresourcedefinitions")).lower(),
                KINDS[kind],
            )
        )
    return Effect(table(("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"), rows))


@command("kubectl auth can-i", "kubectl auth can-i VERB KIND", takes_s=0.5, configure=_any_words)
def can_i(op: Operator, args: argparse.Namespace) -> Effect:
    """Whether on-call may do something."""
    if args.list:
        rows = [(GROUPS.get(kind, kind), "[]", "[]", f"[{' '.join((*ALLOWED.get(kind, ()), 'get list watch'))}]")
                for kind in sorted(SPELLINGS) if kind not in ("secrets", "customresourcedefinitions")]  # fmt: skip
        return Effect(table(("Resources", "Non-Resource URLs", "Resource Names", "Verbs"), rows))
    if len(args.words) < 2:
        what = "error: you must specify two arguments: verb resource or verb resource/resourceName"
        raise CommandError(what, fix="kubectl auth can-i delete pods")
    verb, kind = args.words[0], kind_of(args.words[1].partition("/")[0])
    reads = verb in ("get", "list", "watch") and kind not in ("secrets", "customresourcedefinitions")
    changes = verb in ALLOWED.get(kind, ())
    return Effect("yes" if reads or changes else "no", 0 if reads or changes else 1)


@command("kubectl explain", "kubectl explain KIND[.FIELD]", takes_s=0.5, configure=_any_words)
def explain(op: Operator, args: argparse.Namespace) -> Effect:
    """Where to read about a kind's fields: the reference itself is not on this host."""
    if not args.words:
        raise CommandError("error: you must specify the type of resource to explain", fix="kubectl explain pods")
    kind = kind_of(args.words[0].partition(".")[0])
    what = f"error: the API reference of {kind} is not on this host"
    raise CommandError(what, fix=f"kubectl get {kind} -o yaml shows the fields that are set")


def _subcommand(text: str) -> str:
    """A word behind `kubectl`. Raises CommandError for one that it does not know, before anything of a line runs."""
    known = [name for _, names in COMMAND_GROUPS for name in names]
    if text in known:
        return text
    near = get_close_matches(text, known, n=1, cutoff=0.6)
    fix = f'did you mean "kubectl {near[0]}"?' if near else "kubectl lists its commands"
    raise CommandError(f'error: unknown command "{text[:40]}" for "kubectl"', fix=fix)


def _subcommands(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*", type=_subcommand)


@command("kubectl", "kubectl COMMAND", takes_s=0.5, configure=_subcommands)
def kubectl(op: Operator, args: argparse.Namespace) -> Effect:
    """What kubectl can do here, grouped as it groups it."""
    blocks = [f"{title}:\n" + "\n".join(f"  {name}" for name in names) for title, names in COMMAND_GROUPS]
    return Effect("kubectl controls the Kubernetes cluster manager.\n\n" + "\n\n".join(blocks))


SHORT_MAX = 6
"""Longer spellings are no short names."""
API_VERSIONS = {
    "apps": "apps/v1",
    "batch": "batch/v1",
    "autoscaling": "autoscaling/v2",
    "policy": "policy/v1",
    "networking.k8s.io": "networking.k8s.io/v1",
    "discovery.k8s.io": "discovery.k8s.io/v1",
    "apiextensions.k8s.io": "apiextensions.k8s.io/v1",
}
KINDS = {
    "configmaps": "ConfigMap",
    "cronjobs": "CronJob",
    "daemonsets": "DaemonSet",
    "endpoints": "Endpoints",
    "endpointslices": "EndpointSlice",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler",
    "ingresses": "Ingress",
    "jobs": "Job",
    "networkpolicies": "NetworkPolicy",
    "nodes": "Node",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "poddisruptionbudgets": "PodDisruptionBudget",
    "pods": "Pod",
    "replicasets": "ReplicaSet",
    "resourcequotas": "ResourceQuota",
    "serviceaccounts": "ServiceAccount",
    "deployments": "Deployment",
    "events": "Event",
    "namespaces": "Namespace",
    "secrets": "Secret",
    "customresourcedefinitions": "CustomResourceDefinition",
    "services": "Service",
    "statefulsets": "StatefulSet",
}
ALLOWED = {
    "pods": ("delete",),
    "deployments": ("delete", "patch", "update"),
    "statefulsets": ("delete", "patch", "update"),
    "jobs": ("delete", "patch", "update"),
    "nodes": ("patch", "update"),
}
"""What on-call may change, by kind."""
COMMAND_GROUPS = (
    ("Basic Commands (Beginner)", ("create", "expose", "run", "set")),
    ("Basic Commands (Intermediate)", ("explain", "get", "edit", "delete")),
    ("Deploy Commands", ("rollout", "scale", "autoscale")),
    ("Cluster Management Commands", ("cluster-info", "top", "cordon", "uncordon", "drain", "taint")),
    ("Troubleshooting and Debugging Commands", ("describe", "logs", "attach", "exec", "port-forward", "proxy", "cp",
                                                "auth", "debug", "events")),
    ("Advanced Commands", ("diff", "apply", "patch", "replace", "wait")),
    ("Settings Commands", ("label", "annotate")),
    ("Other Commands", ("api-resources", "config", "version")),
)  # fmt: skip
"""Source: `kubectl --help`, as far as the commands exist here."""
