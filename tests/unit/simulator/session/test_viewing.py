"""What the room shows is what the platform's metrics, alerts and log say at that instant."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.session import viewing
from simulator.session.session import Session
from simulator.session.view import SeriesView
from tests.unit.simulator.session.nights import joined, opening

LEAK = "gateway-504-at-3am"
ROUTES = {"recommendation": "rec", "search-ranking": "search", "fraud-detection": "fraud"}


@pytest.fixture(scope="module")
def night() -> Session:
    """A store without connections, ten minutes after the page; nobody changes it."""
    session = joined(opening(LEAK))
    session.advance(session.joined_s + 600.0)
    return session


@pytest.mark.parametrize(
    ("offset_s", "t_s", "text"),
    [
        (0.0, 0.0, "Mon 00:00:00"),
        (0.0, 86399.9, "Mon 23:59:59"),
        (2 * 86400.0, 3 * 3600 + 7 * 60 + 42.0, "Wed 03:07:42"),
        (6 * 86400.0, 86400.0 + 59 * 60 + 59.0, "Mon 00:59:59"),
    ],
)
def test_the_calendar(offset_s: float, t_s: float, text: str) -> None:
    assert viewing.calendar(offset_s, t_s) == text


def _line(session: Session, board: str, title: str) -> SeriesView:
    (found,) = (each for each in session.view().dashboards if each.name == board)
    (line,) = (each for each in found.series if each.title == title)
    return line


@pytest.mark.parametrize(
    ("board", "title", "name", "labels", "scale"),
    [
        ("features", "store read", "online_store_read_seconds", {}, 1000.0),
        ("features", "store wait", "online_store_wait_seconds", {}, 1000.0),
        ("features", "cache rec", "feature_cache_hit_ratio", {"route": "recommendation"}, 100.0),
        ("features", "age customer", "feature_age_seconds", {"view": "customer_activity"}, 1 / 60.0),
        ("features", "event clicks", "ingest_event_age_seconds", {"source": "clicks"}, 1 / 60.0),
        ("gpu", "gpu-1 busy", "DCGM_FI_DEV_GPU_UTIL", {"node": "gpu-1"}, 1.0),
        ("gpu", "rec queue", "model_queue_length", {"model": "recommendation"}, 1.0),
        ("business", "ctr rec", "shop_click_ratio", {"route": "recommendation"}, 100.0),
        ("business", "ctr search", "shop_click_ratio", {"route": "search-ranking"}, 100.0),
        ("business", "declined", "shop_payments_declined_ratio", {}, 100.0),
        ("business", "mean fraud", "model_prediction_mean", {"model": "fraud-detection"}, 1.0),
        ("serving", "rec p99", "gateway_request_duration_seconds", {"route": "recommendation", "quantile": "0.99"}, 1),
    ],
)
def test_a_line_is_six_hours_of_its_metric(
    night: Session, board: str, title: str, name: str, labels: dict[str, str], scale: float
) -> None:
    line = _line(night, board, title)
    window = night.simulation.plant.store.series(name, labels).window(night.now_s - 6 * 3600.0, night.now_s)
    assert len(window) > 10
    assert line.times_s.tolist() == window.times_s.tolist()
    np.testing.assert_allclose(line.values, window.values * scale)


@pytest.mark.parametrize("source", ["model", "default"])
@pytest.mark.parametrize(("route", "short"), list(ROUTES.items()))
def test_a_rate_is_the_growth_of_its_counter_a_second(night: Session, route: str, short: str, source: str) -> None:
    line = _line(night, "serving", f"{short} {source}")
    counter = night.simulation.plant.store.series("shop_responses_total", {"route": route, "source": source})
    window = counter.window(night.now_s - 6 * 3600.0, night.now_s)
    assert line.times_s.tolist() == window.times_s[1:].tolist()
    np.testing.assert_allclose(line.values, np.diff(window.values) / np.diff(window.times_s))


@pytest.mark.parametrize("points", [0, 1, 2])
def test_a_rate_needs_two_points(points: int) -> None:
    plant = joined().simulation.plant
    for step in range(points):
        plant.store.append("young_total", {}, plant.now_s - 60.0 + 30.0 * step, 6.0 * step)
    line = viewing._rate(plant, "young", "/s", "young_total")
    assert (line.values.tolist(), len(line.times_s)) == (([0.2], 1) if points == 2 else ([], 0))


def test_the_share_of_errors_is_what_no_model_answered(night: Session) -> None:
    grown = {"model": 0.0, "default": 0.0, "error": 0.0}
    for series in night.simulation.plant.store.select("shop_responses_total"):
        window = series.window(night.now_s - 150.0, night.now_s)
        grown[dict(series.labels)["source"]] += float(window.values[-1] - window.values[0])
    share = night.view().error_ratio
    assert share == pytest.approx(1.0 - grown["model"] / sum(grown.values()), rel=1e-6)
    assert 0.1 < share <= 1.0


def test_services_tell_defaults_and_what_is_missing(night: Session) -> None:
    services = {service.name: service for service in night.view().services}
    assert services["gateway"].state == "OK"
    assert services["recommendation"].state == "DEGRADED"
    assert services["recommendation"].detail.endswith("% defaults")
    assert 5 < int(services["recommendation"].detail.split()[-2].rstrip("%")) <= 100
    session = joined()
    session.submit("kubectl scale deployment fraud-detection --replicas=0")
    services = {service.name: service for service in session.view().services}
    assert (services["fraud-detection"].state, services["fraud-detection"].detail) == ("DOWN", "0/0 ready")
    assert services["recommendation"].state == "OK"


def test_an_alert_is_firing_then_acknowledged_silenced_or_resolved() -> None:
    session = joined(opening(LEAK))
    firing = [alert for alert in session.view().alerts if alert.state == "FIRING"]
    assert firing
    assert [(a.severity, -a.since_s) for a in firing] == sorted((a.severity, -a.since_s) for a in firing)
    session.submit("ack")
    assert {alert.state for alert in session.view().alerts} <= {"ACKED", "RESOLVED"}
    session.submit(f"silence {firing[0].name} --for 30m")
    assert {alert.name for alert in session.view().alerts if alert.state == "SILENCED"} == {firing[0].name}
    session.submit("alerts add StoreWaits online_store_wait_seconds>=0 --severity P3 --component online-store")
    session.advance(session.now_s + 120.0)
    assert [alert.state for alert in session.view().alerts if alert.name == "StoreWaits"] == ["FIRING"]
    session.submit("alerts remove StoreWaits")
    assert [alert.state for alert in session.view().alerts if alert.name == "StoreWaits"] == ["RESOLVED"]
    over = [alert.state == "RESOLVED" for alert in session.view().alerts]
    assert over == sorted(over), "what is over stands last"
    assert not over[0]


def test_the_burn_rate_shown_is_that_of_the_route_that_burns_most(night: Session) -> None:
    newest = [
        series.last_value
        for series in night.simulation.plant.store.select("slo_burn_rate")
        if dict(series.labels)["window"] == "5m"
    ]
    assert len(newest) == len(ROUTES)
    assert night.view().burn_rate == max(newest) > 1.0


@pytest.mark.parametrize("mode", ["practice", "interview"])
def test_the_next_hint_is_priced_only_where_there_is_one(mode: str) -> None:
    session = joined(opening(LEAK, mode=mode))
    total = session.view().hints_total
    costs = [session.view().hint_costs_points]
    for _ in range(total if mode == "practice" else 0):
        session.submit("hint")
        costs.append(session.view().hint_costs_points)
    assert (costs[-1], session.view().hints_used) == (0, total if mode == "practice" else 0)
    assert all(cost > 0 for cost in costs[:-1])
    assert costs[:-1] == sorted(costs[:-1])
