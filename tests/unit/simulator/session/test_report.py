"""The minute report: when it comes, what counts as good, and that nobody is judged by old news."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.serving.served_log import LATENCY_BINS, latency_quantile_s
from simulator.drill.spec import PlannedFault
from simulator.engine.events import Event
from simulator.image.builder import ensure_image
from simulator.session.report import REQUESTS_MIN, objectives_hold
from simulator.session.simulation import Simulation
from tests.contract.conditions import SEED, calm_night, run_to, simulated, staffed


def _told(simulation: Simulation, kind: str) -> list[Event]:
    return [event for event in simulation.log if event.kind == kind]


def _latencies(**counts: int) -> np.ndarray:
    """A histogram: `b100=3` are three requests in bin 100."""
    histogram = np.zeros(LATENCY_BINS, dtype=np.int64)
    for name, count in counts.items():
        histogram[int(name[1:])] = count
    return histogram


FAST = 40
SLOW = 150
BETWEEN_S = 0.5 * (latency_quantile_s(_latencies(b40=1), 1.0) + latency_quantile_s(_latencies(b150=1), 1.0))


@pytest.mark.parametrize(
    ("total", "failed", "good"),
    [
        (19, 19, True),
        (20, 1, True),
        (20, 2, False),
        (199, 1, True),
        (199, 2, False),
        (200, 2, True),
        (200, 3, False),
        (1000, 10, True),
        (1000, 11, False),
    ],
)
def test_availability_counts_failures_and_one_alone_is_chance(total: int, failed: int, good: bool) -> None:
    assert objectives_hold(_latencies(b40=total), total, failed, 0.99, BETWEEN_S) is good


@pytest.mark.parametrize(
    ("total", "slow", "good"),
    [
        (19, 19, True),
        (20, 1, True),
        (20, 2, False),
        (100, 1, True),
        (100, 2, False),
        (1000, 10, True),
        (1000, 11, False),
    ],
)
def test_latency_counts_slow_requests_and_one_alone_is_chance(total: int, slow: int, good: bool) -> None:
    latencies = _latencies(b40=total - slow, b150=slow)
    assert objectives_hold(latencies, total, 0, 0.99, BETWEEN_S) is good


def test_latency_at_its_objective_is_good_and_above_it_is_not() -> None:
    latencies = _latencies(b40=1000)
    p99_s = latency_quantile_s(latencies, 0.99)
    assert objectives_hold(latencies, 1000, 0, 0.99, p99_s)
    assert not objectives_hold(latencies, 1000, 0, 0.99, 0.999 * p99_s)
    assert REQUESTS_MIN == 20


def test_reports_come_every_five_minutes_and_every_minute_once_somebody_joined() -> None:
    simulation = simulated()
    run_to(simulation, 700.0)
    simulation.join("shift")
    run_to(simulation, 930.0)
    times = [event.t_s for event in _told(simulation, "truth.state")]
    assert times == [300.0, 600.0, 760.0, 820.0, 880.0]
    assert [event.data["window_s"] for event in _told(simulation, "slo")] == [300.0, 300.0, 160.0, 60.0, 60.0]


def test_a_report_that_is_due_within_the_minute_is_not_put_off() -> None:
    simulation = simulated()
    run_to(simulation, 590.0)
    simulation.join("shift")
    run_to(simulation, 670.0)
    assert [event.t_s for event in _told(simulation, "truth.state")] == [300.0, 600.0, 660.0]


def test_a_report_counts_each_request_once_by_how_it_ended() -> None:
    simulation = simulated("online_store.connection_leak", {"leaks_per_min": 60.0})
    run_to(simulation, 1500.0)
    minutes = [event.data["routes"] for event in _told(simulation, "slo")]
    totals = simulation.plant.plane.totals
    for row, route in enumerate(simulation.plant.plane.routes):
        mine = [minute[route] for minute in minutes if isinstance(minute, dict)]
        parts = [sum(minute[part] for minute in mine) for part in ("ok", "fallback", "errors")]
        assert sum(minute["requests"] for minute in mine) == sum(parts)
        assert parts[0] > 0
        assert parts[1] > 0
        assert sum(minute["gateway_504"] for minute in mine) <= totals.of_status(row, 504)
        for minute in mine:
            assert minute["ok_ratio"] == pytest.approx(minute["ok"] / minute["requests"], rel=1e-5)
    assert next(event.data["good"] for event in _told(simulation, "slo")) is True
    assert [event.data["good"] for event in _told(simulation, "slo")][-1] is False


def test_harm_is_summed_over_routes_and_time() -> None:
    simulation = simulated("online_store.connection_leak", {"leaks_per_min": 60.0})
    run_to(simulation, 1800.0)
    total_eur = 0.0
    for event in _told(simulation, "truth.harm"):
        by_route = event.data["by_route"]
        assert isinstance(by_route, dict)
        assert event.data["eur"] == pytest.approx(sum(by_route.values()), rel=1e-4)
        total_eur += float(str(event.data["eur"]))
        assert event.data["total_eur"] == pytest.approx(total_eur, rel=1e-4)
        assert not event.visible
    assert total_eur > 0


def _quietly_slow() -> Simulation:
    """The store syncs at every write, on a disk on which nobody notices; and a false alarm."""
    slow = PlannedFault("online_store.slow", 30.0, {"sync_ms": 0.1})
    night = calm_night(slow, PlannedFault("traffic.seasonal_dip", 40.0, {}))
    return Simulation(night, ensure_image(), SEED)


def test_a_state_is_good_only_when_every_cause_is_gone() -> None:
    simulation = _quietly_slow()
    run_to(simulation, 310.0)
    (state,) = _told(simulation, "truth.state")
    assert _told(simulation, "slo")[-1].data["good"] is True
    assert not state.visible
    assert state.data == {
        "cleared": False,
        "faults": {"online_store.slow#0": "active", "traffic.seasonal_dip#1": "cleared"},
        "good": False,
    }


def test_a_claim_is_judged_by_the_state_it_is_made_in() -> None:
    """The cure and the claim fall between two reports; the log knows the cure before it knows the claim."""
    simulation = _quietly_slow()
    run_to(simulation, 310.0)
    session = staffed(simulation)
    session.submit("store config set appendfsync everysec")
    assert len(_told(simulation, "truth.state")) == 1, "nothing had changed before the cure was typed"
    session.submit("resolve online-store:config_error the store syncs once a second again")
    told = [event for event in simulation.log if event.kind in ("truth.state", "resolve.claimed")]
    assert [event.kind for event in told] == ["truth.state", "truth.state", "resolve.claimed"]
    assert told[1].data["good"] is True
    assert told[1].data["cleared"] is True
    session.submit("note nothing new")
    assert len(_told(simulation, "truth.state")) == 2


def test_a_cause_that_is_gone_is_not_good_while_the_objectives_fail() -> None:
    simulation = simulated("online_store.connection_leak", {"leaks_per_min": 60.0})
    run_to(simulation, 1600.0)
    session = staffed(simulation)
    session.submit("kubectl scale deployment loyalty-export --replicas=0")
    run_to(simulation, simulation.now_s + 45.0)
    session.submit("slo")
    state = _told(simulation, "truth.state")[-1]
    assert (state.data["cleared"], state.data["good"]) == (True, False)


def test_a_report_tells_the_latency_of_its_own_minutes_alone() -> None:
    simulation = simulated()
    run_to(simulation, 600.0)
    totals = simulation.plant.plane.totals
    begin_s, before = _told(simulation, "slo")[-1].t_s, totals.latency.copy()
    assert begin_s == 600.0, "the histogram was read as the report read it"
    run_to(simulation, 900.0)
    report = _told(simulation, "slo")[-1]
    assert report.t_s > begin_s
    routes = report.data["routes"]
    assert isinstance(routes, dict)
    for row, model in enumerate(simulation.plant.spec.models):
        told = routes[model.name]
        assert told["p99_s"] == pytest.approx(latency_quantile_s(totals.latency[row] - before[row], 0.99), rel=1e-5)
        assert told["requests"] > 0
