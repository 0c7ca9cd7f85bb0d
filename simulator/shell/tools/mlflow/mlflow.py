"""`mlflow`: models, versions, aliases and runs of the registry."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from reference_platform.durations import format_gib
from reference_platform.errors import CommandError
from reference_platform.models.catalogue import card_of
from reference_platform.registry.port import ModelVersion
from reference_platform.roles import REGISTRY
from simulator.plant.knobs import SetAlias, turn
from simulator.shell.calendar import age, clock
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.free_text import is_digits
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table

_ALIAS_MAX_CHARS = 64


def _name(parser: Arguments) -> None:
    parser.add_argument("name")


def _name_and_version(parser: Arguments) -> None:
    _name(parser)
    parser.add_argument("version")


def _alias_move(parser: Arguments) -> None:
    _name(parser)
    parser.add_argument("alias")
    parser.add_argument("version")


def _two_versions(parser: Arguments) -> None:
    _name(parser)
    parser.add_argument("first")
    parser.add_argument("second")


def _models(op: Operator) -> Iterable[str]:
    return op.plant.registry.names()


def reach(op: Operator) -> None:
    if not op.plant.role_up(REGISTRY):
        host = op.plant.spec.name_of(REGISTRY)
        raise CommandError(
            f"HTTPConnectionPool(host='{host}', port=5000): Max retries exceeded: Connection refused",
            fix=f"kubectl get pods -l app={host}",
        )


def _version(op: Operator, name: str, text: str) -> ModelVersion:
    """The version that `3`, `v3`, `champion` or `@champion` means."""
    registry = op.plant.registry
    wanted = text.lstrip("@")
    number = wanted.removeprefix("v")
    if is_digits(number) and len(number) < 10:
        return registry.get(name, int(number))
    if wanted in registry.aliases(name):
        return registry.alias(name, wanted)
    known = ", ".join([str(item.version) for item in registry.versions(name)] + sorted(registry.aliases(name)))
    raise CommandError(f'model "{name}" has no version "{text[:40]}"', fix=f"versions and aliases: {known}")


def _aliases_of(op: Operator, item: ModelVersion) -> str:
    return ", ".join(alias for alias, number in op.plant.registry.aliases(item.name).items() if number == item.version)


def _metrics_of(item: ModelVersion) -> str:
    return ", ".join(f"{name}={value:.4f}" for name, value in sorted(item.metrics.items()))


def _running(op: Operator, name: str) -> str:
    """Which versions ready servers of the model run, such as `3 (3 pods)`."""
    versions = [pod.template.model_version for pod in op.plant.cluster.ready_pods(name)]
    counts = {version: versions.count(version) for version in sorted(set(versions))}
    return ", ".join(f"{version} ({count} pod{'s' * (count > 1)})" for version, count in counts.items()) or "none ready"


@command(
    "mlflow models list",
    "mlflow models list",
    takes_s=2.0,
    aliases=["mlflow models", "mlflow models search"],
    looked=("registry",),
    sight="registry",
)
def models_list(op: Operator, _: argparse.Namespace) -> Effect:
    """Registered models with their newest version and aliases."""
    reach(op)
    rows = []
    for name in op.plant.registry.names():
        newest = op.plant.registry.versions(name)[-1]
        aliases = ", ".join(f"{alias}={number}" for alias, number in op.plant.registry.aliases(name).items())
        rows.append((name, str(newest.version), f"{age(op, newest.created_at_s)} ago", aliases))
    text = table(("NAME", "NEWEST VERSION", "CREATED", "ALIASES"), rows)
    return Effect(text, looked=DECLARED, subjects=op.plant.registry.names())


@command(
    "mlflow models describe",
    "mlflow models describe NAME",
    takes_s=2.0,
    configure=_name,
    complete=_models,
    aliases=["mlflow models get"],
    looked=("registry",),
    sight="registry",
)
def models_describe(op: Operator, args: argparse.Namespace) -> Effect:
    """One model: owner, aliases, what it reads, what its pods run."""
    reach(op)
    versions = op.plant.registry.versions(args.name)
    lines = [f"Name:       {args.name}"]
    spec = next((model for model in op.plant.spec.models if model.name == args.name), None)
    if spec is not None:
        card = card_of(args.name)
        lines += [
            f"Owner:      {card.owner}",
            f"Labels:     arrive after {card.label.delay}; until then watch {card.proxy_metric}",
            f"Deadline:   {spec.deadline * 1000:.0f} ms at the gateway, p99 objective {spec.latency_slo * 1000:.0f} ms",
            f"Without it: {card.fallback_text}; a {card.latency_class} waits for the answer",
        ]
    aliases = ", ".join(f"{alias}={number}" for alias, number in op.plant.registry.aliases(args.name).items())
    lines += [
        f"Versions:   {', '.join(str(item.version) for item in versions)}",
        f"Aliases:    {aliases or 'none'}",
        f"Reads:      {versions[-1].tags.get('features', '-')}",
        f"Serving:    {_running(op, args.name)}",
    ]
    return Effect("\n".join(lines), looked=DECLARED, subjects=(args.name,))


@command(
    "mlflow versions",
    "mlflow versions NAME",
    takes_s=2.0,
    configure=_name,
    complete=_models,
    aliases=["mlflow models versions", "mlflow versions list", "mlflow model-versions"],
    looked=("registry",),
    sight="registry",
)
def versions_list(op: Operator, args: argparse.Namespace) -> Effect:
    """Versions of a model with metrics and aliases."""
    reach(op)
    rows = [
        (
            str(item.version),
            item.status,
            f"{age(op, item.created_at_s)} ago",
            _metrics_of(item),
            _gib(item, "host_memory_bytes"),
            _gib(item, "gpu_memory_bytes"),
            _aliases_of(op, item) or "-",
        )
        for item in reversed(op.plant.registry.versions(args.name))
    ]
    text = table(("VERSION", "STATUS", "CREATED", "METRICS", "HOST MEM", "GPU MEM", "ALIASES"), rows)
    return Effect(text, looked=DECLARED, subjects=(args.name,))


def _gib(item: ModelVersion, tag: str) -> str:
    value = item.tags.get(tag, "")
    return format_gib(int(value)) if is_digits(value) else "-"


@command(
    "mlflow versions describe",
    "mlflow versions describe NAME VERSION",
    takes_s=2.0,
    configure=_name_and_version,
    complete=_models,
    aliases=["mlflow versions get", "mlflow models version"],
    looked=("registry",),
    sight="registry",
)
def versions_describe(op: Operator, args: argparse.Namespace) -> Effect:
    """One version: run, metrics, tags with its memory needs and load time."""
    reach(op)
    item = _version(op, args.name, args.version)
    lines = [
        f"Name:          {item.name}",
        f"Version:       {item.version}",
        f"Status:        {item.status}",
        f"Created:       {clock(op, item.created_at_s)} ({age(op, item.created_at_s)} ago)",
        f"Run:           {item.run_id}",
        f"Aliases:       {_aliases_of(op, item) or 'none'}",
        f"Host memory:   {_gib(item, 'host_memory_bytes')}",
        f"GPU memory:    {_gib(item, 'gpu_memory_bytes')}",
        f"Load time:     {item.tags.get('load_s', '-')} s",
        f"Serving now:   {_running(op, item.name)}",
        "Metrics:",
        *(f"  {name:<24} {value:.6f}" for name, value in sorted(item.metrics.items())),
        "Tags:",
        *(f"  {name:<24} {value}" for name, value in sorted(item.tags.items())),
    ]
    return Effect("\n".join(lines), looked=DECLARED, subjects=(item.name,))


@command(
    "mlflow aliases",
    "mlflow aliases NAME",
    takes_s=2.0,
    configure=_name,
    complete=_models,
    aliases=["mlflow alias list", "mlflow alias get"],
    looked=("registry",),
    sight="registry",
)
def aliases_list(op: Operator, args: argparse.Namespace) -> Effect:
    """Aliases of a model and the versions they point at."""
    reach(op)
    rows = [(alias, str(number)) for alias, number in op.plant.registry.aliases(args.name).items()]
    text = table(("ALIAS", "VERSION"), rows) + f"\nserving now: {_running(op, args.name)}"
    return Effect(text, looked=DECLARED, subjects=(args.name,))


@command(
    "mlflow alias set",
    "mlflow alias set NAME ALIAS VERSION",
    takes_s=3.0,
    changes=True,
    configure=_alias_move,
    complete=_models,
    aliases=["mlflow aliases set", "mlflow models set-alias"],
    looked=("registry",),
    sight="registry",
)
def alias_set(op: Operator, args: argparse.Namespace) -> Effect:
    """Point an alias at another version. What pods run is named by their deployment and does not follow."""
    reach(op)
    item = _version(op, args.name, args.version)
    allowed = args.alias.replace("-", "").replace("_", "")
    if (
        not (allowed.isascii() and allowed.isalnum() and not args.alias[0].isdigit())
        or len(args.alias) > _ALIAS_MAX_CHARS
    ):
        raise CommandError(f'INVALID_PARAMETER_VALUE: "{args.alias[:40]}" is no alias', fix="such as champion")
    before = op.plant.registry.aliases(args.name).get(args.alias)
    if before == item.version:
        return Effect(f"{args.name}@{args.alias} points at version {item.version} already", looked=DECLARED)
    turn(op.plant, SetAlias(args.name, args.alias, item.version))
    op.changed("set_alias", [args.name], f"{args.name}@{args.alias}: {before or 'none'} -> {item.version}")
    return Effect(
        f"{args.name}@{args.alias}: version {before or 'none'} -> {item.version}\n"
        f"pods do not follow: they run what their deployment names ({_running(op, args.name)}), after a restart too\n"
        f"to serve it: kubectl set env deployment/{args.name} MODEL_VERSION={item.version}",
        looked=DECLARED,
        subjects=(args.name,),
    )


@command(
    "mlflow runs",
    "mlflow runs NAME",
    takes_s=2.0,
    configure=_name,
    complete=_models,
    aliases=["mlflow runs search"],
    looked=("registry",),
    sight="registry",
)
def runs_list(op: Operator, args: argparse.Namespace) -> Effect:
    """Training runs behind a model's versions."""
    reach(op)
    rows = [
        (item.run_id[:12], "FINISHED", clock(op, item.created_at_s), f"{age(op, item.created_at_s)} ago",
         item.tags.get("git_sha", "-"), str(item.version), _metrics_of(item))
        for item in reversed(op.plant.registry.versions(args.name))
    ]  # fmt: skip
    text = table(("RUN ID", "STATUS", "STARTED", "AGE", "GIT", "VERSION", "METRICS"), rows)
    return Effect(text, looked=DECLARED, subjects=(args.name,))


@command(
    "mlflow compare",
    "mlflow compare NAME VERSION VERSION",
    takes_s=2.0,
    configure=_two_versions,
    complete=_models,
    aliases=["mlflow diff"],
    looked=("registry",),
    sight="registry",
)
def compare(op: Operator, args: argparse.Namespace) -> Effect:
    """Two versions side by side: metrics, memory, load time, features."""
    reach(op)
    one, two = _version(op, args.name, args.first), _version(op, args.name, args.second)
    rows = [("created", f"{age(op, one.created_at_s)} ago", f"{age(op, two.created_at_s)} ago", "")]
    for name in sorted({*one.metrics, *two.metrics}):
        left, right = one.metrics.get(name), two.metrics.get(name)
        change = f"{right - left:+.4f}" if left is not None and right is not None else ""
        rows.append((name, _number(left), _number(right), change))
    for tag, title in (("host_memory_bytes", "host memory"), ("gpu_memory_bytes", "GPU memory")):
        rows.append((title, _gib(one, tag), _gib(two, tag), _times(one.tags.get(tag, ""), two.tags.get(tag, ""))))
    for tag in ("load_s", "features", "git_sha", "threshold"):
        left_tag, right_tag = one.tags.get(tag, "-"), two.tags.get(tag, "-")
        rows.append((tag, left_tag, right_tag, "" if left_tag == right_tag else "differs"))
    text = table((args.name.upper(), f"VERSION {one.version}", f"VERSION {two.version}", "CHANGE"), rows)
    return Effect(text, looked=DECLARED, subjects=(args.name,))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _times(left: str, right: str) -> str:
    if not (is_digits(left) and is_digits(right) and int(left)):
        return ""
    return f"x{int(right) / int(left):.2f}" if left != right else ""


def _anything(parser: Arguments) -> None:
    parser.add_argument("words", nargs="*")


@command("mlflow alias delete", "mlflow alias delete NAME ALIAS", takes_s=1.0, configure=_anything,
         aliases=["mlflow aliases delete"], sight="registry")  # fmt: skip
def alias_delete(op: Operator, args: argparse.Namespace) -> Effect:
    """Not for responders: what serves is found by its alias."""
    reach(op)
    raise CommandError(
        "PERMISSION_DENIED: aliases may be moved, not deleted", fix="mlflow alias set NAME ALIAS VERSION"
    )
