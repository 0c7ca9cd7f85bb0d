"""PromQL typed at the prompt: what it asks for, what it answers, and which components the answer is about."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reference_platform.errors import CommandError, nearest
from reference_platform.monitoring.promql import Sample, Scalar, evaluate, parse
from reference_platform.monitoring.promql_nodes import Aggregate, Binary, Call, Expr, Kind, Negate, Node, Selector
from reference_platform.monitoring.series import Labels
from reference_platform.roles import FALLBACK, GATEWAY, MATERIALIZER, PIPELINE, STORE
from simulator.incident.tags import Tag
from simulator.shell.components import components, distinct, models_reading
from simulator.shell.context import Operator
from simulator.shell.free_text import unquoted

POINTS_MAX = 120
ABOUT = (
    ("gateway_", (GATEWAY,)),
    ("online_store_", (STORE,)),
    ("feature_client_", (STORE,)),
    ("feature_age_", (MATERIALIZER,)),
    ("feature_read_", (STORE, MATERIALIZER)),
    ("ingest_", (PIPELINE,)),
    ("materializer_", (MATERIALIZER,)),
    ("shop_responses_", ("traffic",)),
    ("DCGM_", ("gpu-pool",)),
)
"""What the metrics of a prefix are about, beside the components in their labels."""
HISTORY_MIN_S = 20 * 3600.0
"""From here on a look back is one at other days."""
UPSTREAM = {STORE, MATERIALIZER, PIPELINE}
_COMPONENT_LABELS = ("route", "model", "deployment", "node", "client")


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and the flags that were typed with it."""

    expr: Expr
    flags: dict[str, str]


def asked(op: Operator, raw: str, flags: Sequence[str], usage: str) -> Asked:
    """The query in `raw` with its `--flag value` taken out. Raises CommandError, for an unknown metric too."""
    text, found = without_flags(raw, flags, usage)
    expr = parse_query(text, usage)
    known = op.plant.store.names()
    for selector in selectors(expr.root):
        if selector.name not in known:
            raise CommandError(
                f"no metric {selector.name[:80]}", fix=f"{nearest(selector.name, known)}  see: metrics list"
            )
    return Asked(expr, found)


def parse_query(text: str, usage: str) -> Expr:
    """A query with one value per series. Raises CommandError."""
    text = unquoted(text)
    if not text:
        raise CommandError("no query", fix=f"usage: {usage}")
    expr = parse(text)
    if expr.kind is Kind.RANGE:
        raise CommandError("a range has no single value", fix=f"wrap it: rate({text[:60]}) or avg_over_time(...)")
    return expr


def without_flags(raw: str, flags: Sequence[str], usage: str) -> tuple[str, dict[str, str]]:
    """`raw` less its `--flag value` or `--flag=value`, and those values. Raises CommandError for other flags."""
    found: dict[str, str] = {}

    def keep(match: re.Match[str]) -> str:
        name = match[1]
        if name not in flags:
            raise CommandError(f"unknown flag --{name[:40]}", fix=f"usage: {usage}")
        value = next((part for part in match.groups()[1:] if part is not None), "")
        if not value:
            raise CommandError(f"--{name} needs a value", fix=f"usage: {usage}")
        found[name] = value
        return " "

    flag = r"(?:^|(?<=\s))--([A-Za-z][\w-]*)(?:(?:=|\s+)(?:\"([^\"]*)\"|'([^']*)'|(\S+))|\s*$)"
    return re.sub(flag, keep, raw).strip(), found


def selectors(node: Node) -> Iterator[Selector]:
    """Every selector below `node`."""
    if isinstance(node, Selector):
        yield node
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from selectors(argument)
    elif isinstance(node, Aggregate | Negate):
        yield from selectors(node.operand)
    elif isinstance(node, Binary):
        yield from selectors(node.left)
        yield from selectors(node.right)


def answer(op: Operator, expr: Expr, at_s: float) -> list[Sample]:
    """Values at `at_s`; a number is one sample without labels."""
    found = evaluate(expr, op.plant.store, at_s)
    return [Sample((), found.value)] if isinstance(found, Scalar) else found


def over_time(op: Operator, expr: Expr, range_s: float, points: int) -> dict[Labels, list[float]]:
    """Values by series at `points` instants up to now, NaN where there is none."""
    points = max(2, min(points, POINTS_MAX))
    rows: dict[Labels, list[float]] = {}
    for index in range(points):
        at_s = op.now_s - range_s * (1.0 - index / (points - 1))
        for sample in answer(op, expr, at_s):
            rows.setdefault(sample.labels, [math.nan] * points)[index] = sample.value
    return rows


def about(op: Operator, expr: Expr, answered: Iterable[Labels]) -> tuple[str, ...]:
    """Components that an answer with these labels says something about."""
    known = set(components(op))
    found: list[str] = []
    labels = [pair for sample in answered for pair in sample]
    for selector in selectors(expr.root):
        found += [component for prefix, names in ABOUT if selector.name.startswith(prefix) for component in names]
        labels += [(matcher.label, matcher.value) for matcher in selector.matchers if matcher.op == "="]
    for label, value in labels:
        if label in _COMPONENT_LABELS and op.plant.cluster.component_of(value) in known:
            found.append(op.plant.cluster.component_of(value))
        elif label == "view":
            found += models_reading(op, value)
        elif (label, value) == ("source", "default"):
            found.append(FALLBACK)
        elif label == "source" and f"{value}-producer" in known:
            found.append(f"{value}-producer")
    return distinct(found)


def tags(subjects: Iterable[str], back_s: float) -> tuple[Tag, ...]:
    """What was looked at in a metric about these components that goes `back_s` seconds into the past."""
    names = set(subjects)
    found: list[Tag] = ["metrics"]
    found += ["upstream"] if names & UPSTREAM else []
    found += ["history"] if back_s >= HISTORY_MIN_S else []
    return tuple(found)


def looks_back_s(expr: Expr) -> float:
    """How far into the past a query itself reaches."""
    return max((item.offset_s + (item.range_s or 0.0) for item in selectors(expr.root)), default=0.0)


def series_text(labels: Labels) -> str:
    """A series as Prometheus writes it."""
    name = next((value for label, value in labels if label == "__name__"), "")
    inside = ",".join(f'{label}="{value}"' for label, value in labels if label != "__name__")
    return f"{name}{{{inside}}}" if inside or not name else name


def number_text(value: float) -> str:
    """A value short enough for a table."""
    if math.isnan(value) or math.isinf(value):
        return {True: "NaN"}.get(math.isnan(value), "+Inf" if value > 0 else "-Inf")
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.4g}"
