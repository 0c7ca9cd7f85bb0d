"""`metrics`, `compare`, `dash`, `slo`: numbers now, over time, and against last week."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable

from reference_platform.durations import format_duration
from reference_platform.errors import CommandError, nearest
from reference_platform.monitoring.dashboards.document import DashboardSpec, shipped_dashboards
from reference_platform.monitoring.promql import LOOKBACK_S, parse
from reference_platform.monitoring.promql_nodes import Expr
from reference_platform.monitoring.series import Labels, Matcher
from reference_platform.monitoring.slo import BURN_RATE, ERROR_RATIO
from reference_platform.pattern import Pattern
from reference_platform.roles import GATEWAY, MATERIALIZER, PIPELINE, STORE
from simulator.shell.calendar import clock
from simulator.shell.components import distinct
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.free_text import length_s
from simulator.shell.query import (
    POINTS_MAX,
    about,
    answer,
    asked,
    looks_back_s,
    number_text,
    over_time,
    selectors,
    series_text,
    tags,
)
from simulator.shell.registry import Arguments, command
from simulator.shell.sparkline import sparkline
from simulator.shell.table import table

ROWS_MAX = 100
SPARK_POINTS = 30
USAGE = "metrics EXPR [--range 30m] [--step 1m]"
COMPARE_USAGE = "compare [EXPR|ROUTE] [--offset 7d]"
OVERVIEW = "overview"
WEEK_S = 7 * 86400.0
SHOWN_MIN_OK_RATIO = 0.99
"""A store that is nearly out of connections, and whoever serves or reads less than this, counts as worth naming."""
PUT_ASIDE_S = 600.0


def _names(op: Operator) -> Iterable[str]:
    return op.plant.store.names()


@command(
    "metrics",
    USAGE,
    takes_s=1.5,
    complete=_names,
    aliases=["promql", "metrics query"],
    rest="query",
    looked=("metrics", "upstream", "history"),
    sight="query",
)
def metrics(op: Operator, args: argparse.Namespace) -> Effect:
    """A PromQL query: values now, or with --range their course with a sparkline."""
    query = asked(op, args.raw, ("range", "step"), USAGE)
    if "step" in query.flags and "range" not in query.flags:
        raise CommandError("--step goes with --range", fix=f"usage: {USAGE}")
    back_s = looks_back_s(query.expr)
    if "range" in query.flags:
        range_s = length_s(query.flags["range"], "--range")
        step_s = length_s(query.flags["step"], "--step") if "step" in query.flags else range_s / SPARK_POINTS
        back_s += range_s
        rows = over_time(op, query.expr, range_s, int(min(range_s / step_s, POINTS_MAX)) + 1)
        text = _course(rows)
        labels: list[Labels] = list(rows)
    else:
        samples = answer(op, query.expr, op.now_s)
        labels = [sample.labels for sample in samples]
        text = table(("SERIES", "VALUE"), [(series_text(s.labels), number_text(s.value)) for s in samples[:ROWS_MAX]])
        text += f"\n... {len(samples) - ROWS_MAX} more series" if len(samples) > ROWS_MAX else ""
    if not labels:
        return Effect("empty result: no series has a value that fits", looked=("metrics",))
    subjects = about(op, query.expr, labels)
    return Effect(text, looked=tags(subjects, back_s), subjects=subjects)


def _course(rows: dict[Labels, list[float]]) -> str:
    shown = []
    for labels, values in list(rows.items())[:ROWS_MAX]:
        real = [value for value in values if not math.isnan(value)]
        summary = (
            min(real),
            math.fsum(real) / len(real) if all(map(math.isfinite, real)) else math.nan,
            max(real),
            real[-1],
        )
        shown.append((series_text(labels), *map(number_text, summary), sparkline(values)))
    return table(("SERIES", "MIN", "MEAN", "MAX", "LAST", ""), shown)


@command(
    "metrics list",
    "metrics list [PATTERN]",
    takes_s=1.0,
    aliases=["metrics ls", "promql list"],
    rest="query",
    looked=("metrics",),
    sight="query",
)
def metrics_list(op: Operator, args: argparse.Namespace) -> Effect:
    """Names of all metrics with their labels."""
    pattern = Pattern(args.raw.strip().strip("'\""), ignore_case=True)
    rows = []
    for name in op.plant.store.names():
        if pattern.found_in(name):
            series = op.plant.store.select(name)
            labels = ", ".join(dict.fromkeys(label for item in series for label, _ in item.labels))
            rows.append((name, str(len(series)), labels or "-"))
    if not rows:
        raise CommandError(f"no metric fits {args.raw[:60]!r}", fix="metrics list")
    return Effect(table(("METRIC", "SERIES", "LABELS"), rows), looked=DECLARED)


@command(
    "compare",
    COMPARE_USAGE,
    takes_s=2.0,
    complete=lambda op: [*(model.name for model in op.plant.spec.models), *op.plant.store.names()],
    aliases=["metrics compare"],
    rest="query",
    looked=("metrics", "upstream", "history"),
    sight="query",
)
def compare(op: Operator, args: argparse.Namespace) -> Effect:
    """A query now and the same time a week (or --offset) before: both values and their ratio."""
    query = asked(op, _spelled_out(op, args.raw), ("offset",), COMPARE_USAGE)
    offset_s = length_s(query.flags["offset"], "--offset") if "offset" in query.flags else WEEK_S
    now = answer(op, query.expr, op.now_s)
    then = {sample.labels: sample.value for sample in answer(op, query.expr, op.now_s - offset_s)}
    if not now:
        return Effect("empty result: no series has a value that fits", looked=("metrics",))
    rows = [
        (series_text(s.labels), number_text(s.value), *_against(s.value, then.get(s.labels))) for s in now[:ROWS_MAX]
    ]
    lines = [
        f"now   {clock(op, op.now_s)}",
        f"then  {clock(op, op.now_s - offset_s)}, {format_duration(offset_s)} before",
        "",
        table(("SERIES", "NOW", "THEN", "NOW/THEN"), rows),
    ]
    if not then:
        lines.append(_why_not_then(op, query.expr, op.now_s - offset_s))
        return Effect("\n".join(lines), looked=("metrics",))
    subjects = about(op, query.expr, [sample.labels for sample in now])
    return Effect("\n".join(lines), looked=tags(subjects, offset_s), subjects=subjects)


def _why_not_then(op: Operator, expr: Expr, then_s: float) -> str:
    """Why a query that has an answer now had none at `then_s`: too long ago, too few points, or not true then."""
    for item in selectors(expr.root):
        at_s, needed = then_s - item.offset_s, 1 if item.range_s is None else 2
        times = [series.times_s for series in op.plant.store.select(item.name, item.matchers) if len(series)]
        if not times:
            continue
        first_s = min(float(known[0]) for known in times)
        if first_s > at_s:
            begins = f"{clock(op, first_s)}, {format_duration(op.now_s - first_s)} ago"
            return f"nothing is kept from then: {item.name} begins {begins}"
        width_s = item.range_s or LOOKBACK_S
        if all(int(((known > at_s - width_s) & (known <= at_s)).sum()) < needed for known in times):
            longest = max(times, key=len)
            at = int(longest.searchsorted(at_s, side="right"))
            gap_s = float(longest[min(at, len(longest) - 1)] - longest[at - 1])
            wrap = "rate" if item.name.endswith("_total") else "avg_over_time"
            fix = f"use {wrap}({item.name}[{format_duration(2 * gap_s)}])" if gap_s else "it ended before then"
            return f"{item.name} has one point every {format_duration(gap_s)} then: {fix}" if gap_s else fix
    return "the query had no value then"


def _spelled_out(op: Operator, raw: str) -> str:
    """The query that a route's name, or nothing, stands for: answered requests per second."""
    text = raw.partition("--")[0]
    routes = [model.name for model in op.plant.spec.models]
    word = text.strip().strip("'\"")
    if word in ("", "requests", "traffic"):
        return "sum by (route) (rate(shop_responses_total[10m])) " + raw[len(text) :]
    if word in routes:
        return f'sum by (route) (rate(shop_responses_total{{route="{word}"}}[10m])) ' + raw[len(text) :]
    return raw


def _against(now: float, then: float | None) -> tuple[str, str]:
    if then is None:
        return "-", "-"
    return number_text(then), f"{now / then:.2f}" if then else "-"


def _dashboards(op: Operator) -> dict[str, DashboardSpec]:
    return {board.name: board for board in (*shipped_dashboards(), *op.plant.spec.dashboards)}


def _dash_options(parser: Arguments) -> None:
    parser.add_argument("name", nargs="?", default=OVERVIEW)


@command(
    "dash",
    "dash [NAME]",
    takes_s=2.0,
    configure=_dash_options,
    complete=_dashboards,
    aliases=["dashboard", "dashboards"],
    looked=("dashboard", "metrics"),
    sight="dashboard",
)
def dash(op: Operator, args: argparse.Namespace) -> Effect:
    """Key series on one screen: now, an hour ago, and the hour between."""
    boards = _dashboards(op)
    if args.name not in boards:
        raise CommandError(f'no dashboard "{args.name[:40]}"', fix=nearest(args.name, boards))
    things = {
        "route": [model.name for model in op.plant.spec.models],
        "view": [view.name for view in op.plant.views],
        "source": list(op.plant.ingest.feeds),
        "gpu_node": [node.name for node in op.plant.spec.nodes if node.gpu_memory],
    }
    shown = []
    for panel in boards[args.name].rows(things):
        course = next(iter(over_time(op, parse(panel.query), 3600.0, 24).values()), [math.nan])
        now, before = course[-1] * panel.scale, course[0] * panel.scale
        if all(map(math.isnan, course)):
            continue
        shown.append((panel.title, _plain(now), _plain(before), panel.unit, sparkline(course)))
    text = table(("SERIES", "NOW", "1H AGO", "UNIT", "LAST HOUR"), shown)
    return Effect(text, looked=DECLARED, subjects=_noticeable(op))


def _plain(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}" if abs(value) < 1e5 else f"{value:.0f}"


def _noticeable(op: Operator) -> tuple[str, ...]:
    """Components whose rows of the dashboard stand out: objectives missed, store full, features late."""
    found: list[str] = []
    for model in op.plant.spec.models:
        p99_s, ok_ratio = _p99_s(op, model.name), 1.0 - _gauge(op, ERROR_RATIO, route=model.name, window="5m")
        if p99_s > model.latency_slo or ok_ratio < op.plant.spec.slo.availability:
            found += [GATEWAY, model.name]
    pool = op.plant.pool
    held = {name: count for name, count in pool.held().items() if count}
    if not pool.up or pool.serving_connections() + sum(held.values()) >= SHOWN_MIN_OK_RATIO * pool.connections_max:
        found.append(STORE)
    if any(job.age_s(op.now_s) > job.view.freshness_sla_s for job in op.plant.materializer.jobs()):
        found.append(MATERIALIZER)
    for source, feed in op.plant.ingest.feeds.items():
        if _share_put_aside(op, source) > 1.0 - SHOWN_MIN_OK_RATIO:
            found += [PIPELINE, feed.contract.producer]
    return distinct(found)


def _share_put_aside(op: Operator, source: str) -> float:
    """Share of the last minutes' events of a source that the pipeline put aside."""
    dead, accepted = (
        sum(
            float(window.values[-1] - window.values[0])
            for series in op.plant.store.select(name, [Matcher("source", "=", source)])
            if len(window := series.window(op.now_s - PUT_ASIDE_S, op.now_s)) > 1
        )
        for name in ("ingest_dead_letters_total", "ingest_events_total")
    )
    return dead / (dead + accepted) if dead else 0.0


def _p99_s(op: Operator, route: str) -> float:
    return _gauge(op, "gateway_request_duration_seconds", route=route, quantile="0.99")


def _gauge(op: Operator, name: str, **labels: str) -> float:
    """Newest value of the one series with these labels; NaN when there is none."""
    for series in op.plant.store.select(name, [Matcher(label, "=", value) for label, value in labels.items()]):
        value = series.value_at(op.now_s, LOOKBACK_S)
        return math.nan if value is None else value
    return math.nan


@command("slo", "slo", takes_s=1.5, aliases=["slo status", "slos"], looked=("metrics",), sight="slo")
def slo(op: Operator, _: argparse.Namespace) -> Effect:
    """Per route: share answered by the model, error budget burn, and p99 against its objective."""
    objective = op.plant.spec.slo.availability
    rows = []
    for model in op.plant.spec.models:
        ok = [1.0 - _gauge(op, ERROR_RATIO, route=model.name, window=window) for window in ("5m", "1h")]
        burn = [_gauge(op, BURN_RATE, route=model.name, window=window) for window in ("5m", "1h", "6h")]
        p99_s = _p99_s(op, model.name)
        good = ok[0] >= objective and not p99_s > model.latency_slo
        rows.append(
            (
                model.name,
                *("-" if math.isnan(ratio) else f"{ratio:.2%}" for ratio in ok),
                *("-" if math.isnan(rate) else f"{rate:.1f}x" for rate in burn),
                "-" if math.isnan(p99_s) else f"{p99_s * 1000:.0f} ms",
                f"{model.latency_slo * 1000:.0f} ms",
                "ok" if good else "-" if math.isnan(ok[0]) else "MISSED",
            )
        )
    headers = ("ROUTE", "OK 5M", "OK 1H", "BURN 5M", "BURN 1H", "BURN 6H", "P99", "P99 SLO", "STATE")
    text = f"objective: {objective:.1%} of responses by the model itself\n" + table(headers, rows)
    routes = tuple(model.name for model in op.plant.spec.models)
    return Effect(text, looked=DECLARED, subjects=(GATEWAY, *routes))
