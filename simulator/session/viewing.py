"""From a session to the frozen view that front ends draw. Only what a responder could see goes in."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reference_platform.calendar import clock_text
from reference_platform.models.catalogue import card_of
from reference_platform.roles import FALLBACK, GATEWAY, MATERIALIZER, PIPELINE, REGISTRY, STORE, Role
from simulator.engine.events import Event
from simulator.incident.record import hint_cost_points
from simulator.plant.plant import Plant
from simulator.session.simulation import Simulation
from simulator.session.view import (
    AlertState,
    AlertView,
    CommsLine,
    DashboardView,
    HypothesisView,
    LogLine,
    Mark,
    NoteView,
    SeriesView,
    ServiceState,
    ServiceView,
    SessionView,
    TerminalEntry,
)

HISTORY_S = 6 * 3600.0
MARKS_S = 2 * 3600.0
"""Older roll-outs are not drawn on charts; `deploys` lists them."""
LOGS_MAX = 400
TERMINAL_MAX = 200
RESOLVED_MAX = 8


def calendar(offset_s: float, t_s: float) -> str:
    """`Wed 03:07:42` at simulation second `t_s`."""
    return clock_text(offset_s + t_s)


def build_view(simulation: Simulation, mode: str) -> SessionView:
    """A session as it stands: its simulation, played in `mode`."""
    drill, plant, incident = simulation.drill, simulation.plant, simulation.incident
    return SessionView(
        scenario_id=drill.scenario_id,
        title=drill.title,
        brief=drill.brief,
        mode="interview" if mode == "interview" else "practice",
        now_s=simulation.now_s,
        joined_s=incident.joined_s,
        drill_s=drill.drill_s,
        clock=calendar(drill.calendar_offset_s, simulation.now_s),
        severity=incident.severity,
        burn_rate=_newest(plant, "slo_burn_rate", window="5m"),
        error_ratio=_error_ratio(plant),
        status_due_s=incident.status_due_s,
        ended=incident.ended,
        alerts=_alerts(simulation),
        dashboards=_dashboards(plant),
        services=_services(plant),
        logs=tuple(
            LogLine(line.t_s, line.source, line.level, line.text) for line in list(plant.book.lines)[-LOGS_MAX:]
        ),
        notes=tuple(NoteView(note.t_s, note.text) for note in incident.notes),
        hypotheses=tuple(
            HypothesisView(
                item.hyp_id,
                item.component,
                item.mechanism,
                item.text,
                item.state,
                tuple(e.event_n for e in item.evidence if e.direction == "for"),
                tuple(e.event_n for e in item.evidence if e.direction == "against"),
            )
            for item in incident.hypotheses
        ),
        comms=tuple(CommsLine(line.t_s, line.author, line.text) for line in incident.comms),
        terminal=tuple(
            TerminalEntry(item.n, item.t_s, item.line, item.text, item.exit, item.cost_s)
            for item in incident.outputs[-TERMINAL_MAX:]
        ),
        marks=_marks(simulation.log.events, simulation.now_s - MARKS_S),
        hints_used=incident.hints_taken,
        hints_total=len(drill.hints),
        hint_costs_points=_hint_costs_points(simulation, mode),
    )


def _hint_costs_points(simulation: Simulation, mode: str) -> int:
    taken = simulation.incident.hints_taken
    left = mode != "interview" and taken < len(simulation.drill.hints)
    return hint_cost_points(taken + 1) if left else 0


def _error_ratio(plant: Plant) -> float:
    """Share of the last minutes' responses that no model gave."""
    rates = {
        source: sum(
            _last_rate(plant, "shop_responses_total", route=model.name, source=source) for model in plant.spec.models
        )
        for source in ("model", "default", "error")
    }
    total = sum(rates.values())
    return 1.0 - rates["model"] / total if total else 0.0


def _alerts(simulation: Simulation) -> tuple[AlertView, ...]:
    shown: list[AlertView] = []
    resolved: list[AlertView] = []
    for status in simulation.alerts.alerts():
        if status.alert_id is None or status.fired_s is None:
            continue
        state: AlertState = "RESOLVED" if status.state == "resolved" else "FIRING"
        if state == "FIRING" and simulation.pager.acked_by(status.alert_id):
            state = "ACKED"
        if state != "RESOLVED" and status.silenced_until_s is not None and status.silenced_until_s > simulation.now_s:
            state = "SILENCED"
        since_s = status.resolved_s if status.resolved_s is not None else status.fired_s
        view = AlertView(
            status.alert_id, status.name, status.severity, state, since_s, status.component, status.summary
        )
        (resolved if state == "RESOLVED" else shown).append(view)
    shown.sort(key=lambda view: (view.severity, -view.since_s, view.alert_id))
    recent = [view for view in resolved if view.since_s >= simulation.incident.joined_s - HISTORY_S]
    return (*shown, *sorted(recent, key=lambda view: -view.since_s)[:RESOLVED_MAX])


def _newest(plant: Plant, name: str, **labels: str) -> float:
    """The largest newest value of a metric's series with these labels; 0 when there is none."""
    values = [
        series.last_value
        for series in plant.store.select(name)
        if all(dict(series.labels).get(key) == value for key, value in labels.items())
    ]
    return max((value for value in values if math.isfinite(value)), default=0.0)


def _line(
    plant: Plant, title: str, unit: str, name: str, limit: float | None = None, scale: float = 1.0, **labels: str
) -> SeriesView:
    window = plant.store.series(name, labels).window(plant.now_s - HISTORY_S, plant.now_s)
    return SeriesView(title, unit, window.times_s.copy(), window.values * scale, limit)


def _rate(plant: Plant, title: str, unit: str, name: str, **labels: str) -> SeriesView:
    window = plant.store.series(name, labels).window(plant.now_s - HISTORY_S, plant.now_s)
    times, values = window.times_s, window.values
    if len(times) < 2:
        return SeriesView(title, unit, times[:0].copy(), values[:0].copy(), None)
    return SeriesView(title, unit, times[1:].copy(), (values[1:] - values[:-1]) / (times[1:] - times[:-1]), None)


def _dashboards(plant: Plant) -> tuple[DashboardView, ...]:
    models = plant.spec.models
    short = {model.name: card_of(model.name).short for model in models}
    serving = [
        _line(plant, f"{short[m.name]} p99", "s", "gateway_request_duration_seconds", m.latency_slo,
              route=m.name, quantile="0.99")
        for m in models
    ]  # fmt: skip
    serving += [
        _rate(plant, f"{short[m.name]} model", "/s", "shop_responses_total", route=m.name, source="model")
        for m in models
    ]
    serving += [
        _rate(plant, f"{short[m.name]} default", "/s", "shop_responses_total", route=m.name, source="default")
        for m in models
    ]
    features = [
        _line(plant, "store read", "ms", "online_store_read_seconds", None, 1000.0),
        _line(plant, "store wait", "ms", "online_store_wait_seconds", None, 1000.0),
        *(
            _line(plant, f"cache {short[m.name]}", "%", "feature_cache_hit_ratio", None, 100.0, route=m.name)
            for m in models[:1]
        ),
        *(
            _line(plant, f"age {view.name.split('_')[0]}", "min", "feature_age_seconds", None, 1 / 60.0, view=view.name)
            for view in plant.views
        ),
        *(
            _line(plant, f"event {source}", "min", "ingest_event_age_seconds", None, 1 / 60.0, source=source)
            for source in plant.ingest.feeds
        ),
    ]
    gpu = [
        _line(plant, f"{node.name} busy", "%", "DCGM_FI_DEV_GPU_UTIL", 100.0, node=node.name)
        for node in plant.spec.nodes
        if node.gpu_memory
    ]
    gpu += [_line(plant, f"{short[m.name]} queue", "req", "model_queue_length", None, model=m.name) for m in models]
    business = [
        *(_business(plant, model.name) for model in models),
        *(_line(plant, f"mean {short[m.name]}", "", "model_prediction_mean", None, model=m.name) for m in models),
    ]
    return (
        DashboardView("serving", tuple(serving)),
        DashboardView("features", tuple(features)),
        DashboardView("gpu", tuple(gpu)),
        DashboardView("business", tuple(business)),
    )


def _business(plant: Plant, model: str) -> SeriesView:
    card = card_of(model)
    title = f"{card.business.title} {card.short}" if card.business.by_route else card.business.title
    return _line(plant, title, "%", card.business.name, None, 100.0, **card.business.labels(model))


def _services(plant: Plant) -> tuple[ServiceView, ...]:
    spec = plant.spec
    front, store, pipeline = spec.name_of(GATEWAY), spec.name_of(STORE), spec.name_of(PIPELINE)
    views = [_deployment(plant, name, "") for name in spec.of_role(GATEWAY)]
    for model in spec.models:
        default_per_s = _last_rate(plant, "shop_responses_total", route=model.name, source="default")
        model_per_s = _last_rate(plant, "shop_responses_total", route=model.name, source="model")
        total = default_per_s + model_per_s
        state = _deployment(plant, model.name, front)
        if total > 0 and default_per_s / total > 0.05 and state.state == "OK":
            state = ServiceView(model.name, front, "DEGRADED", f"{state.detail}, {default_per_s / total:.0%} defaults")
        views.append(state)
    parents: list[tuple[Role, str]] = [(STORE, spec.models[0].name), (MATERIALIZER, store)]
    parents.append((PIPELINE, spec.name_of(MATERIALIZER)))
    views += [_deployment(plant, name, parent) for role, parent in parents for name in spec.of_role(role)]
    producers = [feed.contract.producer for feed in plant.ingest.feeds.values()]
    views += [_deployment(plant, name, pipeline) for name in producers if name in plant.cluster.deployments]
    views += [_deployment(plant, name, front) for name in spec.of_role(FALLBACK)]
    views += [_deployment(plant, name, "") for name in spec.of_role(REGISTRY)]
    known = {view.name for view in views}
    views += [_deployment(plant, name, "") for name in plant.cluster.deployments if name not in known]
    return tuple(views)


def _deployment(plant: Plant, name: str, parent: str) -> ServiceView:
    deployment = plant.cluster.deployments[name]
    ready = len(plant.cluster.ready_pods(name))
    wanted = deployment.replicas
    if deployment.deleted or not wanted:
        return ServiceView(name, parent, "DOWN", "0/0 ready")
    state: ServiceState = "OK" if ready >= wanted else "DEGRADED" if ready else "DOWN"
    return ServiceView(name, parent, state, f"{ready}/{wanted} ready")


def _last_rate(plant: Plant, name: str, **labels: str) -> float:
    window = plant.store.series(name, labels).window(plant.now_s - 150.0, plant.now_s)
    if len(window) < 2:
        return 0.0
    return float((window.values[-1] - window.values[0]) / (window.times_s[-1] - window.times_s[0]))


def _marks(events: Sequence[Event], since_s: float) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for event in events:
        if event.t_s < since_s:
            continue
        if event.kind == "deploy":
            marks.append(Mark(event.t_s, "d", str(event.data["message"])))
        elif event.kind == "page.sent":
            marks.append(Mark(event.t_s, "a", str(event.data["name"])))
        elif event.kind == "changed":
            marks.append(Mark(event.t_s, "y", str(event.data["detail"])))
    return tuple(marks)
