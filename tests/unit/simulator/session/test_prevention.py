"""A rule added for prevention is tried on the night as it was and on a week in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reference_platform.monitoring.alerts import AlertRule
from reference_platform.monitoring.series import SeriesStore
from simulator.image.builder import ensure_image
from simulator.session import prevention
from simulator.session.prevention import firings_of, night_of
from simulator.session.session import Session
from simulator.session.simulation import ALERT_EVERY_S, Simulation
from tests.unit.simulator.session.nights import joined, opening, to_end

GATEWAY = "gateway-504-at-3am"
CONNECTIONS = 'sum(online_store_connections_in_use{client!="model-servers"})'


def rule(expr: str, for_s: float = 0.0, name: str = "Mine") -> AlertRule:
    return AlertRule(name, expr, for_s, "P3", "traffic", "", "")


def store_of(values: Mapping[float, float]) -> SeriesStore:
    store = SeriesStore(retention_s=1e6, points_max=1000)
    for t_s, value in values.items():
        store.append("level", {}, t_s, value)
    return store


RISING = store_of({t_s: t_s for t_s in (30.0, 60.0, 90.0, 120.0, 150.0, 180.0)})


@pytest.mark.parametrize(
    ("condition", "for_s", "end_s", "fires"),
    [
        pytest.param("level > 59", 0.0, 180.0, [60.0], id="at once"),
        pytest.param("level > 60", 0.0, 180.0, [90.0], id="not at the value itself"),
        pytest.param("level > 59", 60.0, 180.0, [120.0], id="when it has stood long enough"),
        pytest.param("level > 59", 61.0, 180.0, [150.0], id="one second longer is one round later"),
        pytest.param("level > 179", 0.0, 180.0, [180.0], id="in the last round"),
        pytest.param("level > 179", 0.0, 179.9, [], id="not after the end"),
        pytest.param("level > 500", 0.0, 180.0, [], id="never"),
        pytest.param("absent(level)", 0.0, 180.0, [], id="not for want of points that come later"),
    ],
)
def test_a_rule_is_evaluated_over_what_it_would_have_seen(
    condition: str, for_s: float, end_s: float, fires: list[float]
) -> None:
    assert firings_of(rule(condition, for_s), RISING, 30.0, end_s, 30.0) == fires


def test_firings_are_counted_each_and_only_as_many_as_are_asked_for() -> None:
    store = store_of({t_s: float(t_s % 60.0 == 0.0) for t_s in (30.0, 60.0, 90.0, 120.0, 150.0, 180.0)})
    assert firings_of(rule("level > 0"), store, 30.0, 180.0, 30.0) == [60.0, 120.0, 180.0]
    assert firings_of(rule("level > 0"), store, 30.0, 180.0, 30.0, firings_max=2) == [60.0, 120.0]


def checked(session: Session, *lines: str) -> list[Mapping[str, Any]]:
    """Type lines, let the shift pass, and return what was found of the rules."""
    for line in lines:
        assert session.submit(line).exit == 0, line
    to_end(session)
    return [event.data for event in session.simulation.log if event.kind == "prevention.checked"]


def test_a_useful_rule_fires_before_anybody_joined_and_is_quiet_when_nothing_is_wrong() -> None:
    session = joined(opening(GATEWAY))
    fault_s = next(event.t_s for event in session.simulation.log if event.kind == "truth.fault")
    useful, blind, noisy = checked(
        session,
        f"alerts add Useful '{CONNECTIONS} > 100' --for 10m",
        f"alerts add Blind '{CONNECTIONS} > 199' --for 10m",
        "alerts add Noisy 'sum(rate(shop_responses_total[5m])) < 100' --for 5m",
    )
    assert fault_s < useful["fires_at_s"] < session.joined_s
    assert useful["since_fault_s"] == useful["fires_at_s"] - fault_s
    assert useful["joined_after_s"] == session.joined_s
    assert useful["healthy_firings"] == 0
    assert (blind["fires_at_s"], blind["since_fault_s"], blind["healthy_firings"]) == (None, None, 0)
    assert noisy["healthy_firings"] == 7, "once every night"


def test_a_floor_that_follows_the_week_is_quiet_in_it_and_a_fixed_one_is_not() -> None:
    payments = 'sum(rate(shop_responses_total{route="fraud-detection"}[10m]))'
    fixed, following, removed = "Fixed", "Following", "Removed"
    found = checked(
        joined(),
        f"alerts add {fixed} '{payments} < 5.8' --for 5m",
        f"alerts add {following} '{payments} < 0.5 * {payments.replace('[10m]', '[10m] offset 7d')}' --for 10m",
        f"alerts add {removed} 'vector_that_is_none > 1'",
        f"alerts remove {removed}",
    )
    assert [item["name"] for item in found] == [fixed, following]
    assert found[0]["fires_at_s"] is not None
    assert 4 <= found[0]["healthy_firings"] <= 5, "every night but those of the weekend"
    assert (found[1]["fires_at_s"], found[1]["healthy_firings"]) == (None, 0)


def test_a_rule_that_was_counted_is_not_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "alerts add Mine 'sum(rate(shop_responses_total[5m])) < 100' --for 5m"
    first = checked(joined(), line)
    monkeypatch.setattr(prevention, "healthy_store", lambda *_: pytest.fail("it is known"))
    assert checked(joined(), line) == first
    assert first[0]["healthy_firings"] == 7


def test_nothing_is_checked_without_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prevention, "healthy_store", lambda *_: pytest.fail("no week is needed"))
    assert checked(joined()) == []


def test_the_night_on_record_says_what_playing_it_again_with_the_rule_says() -> None:
    of = opening(GATEWAY)
    mine = rule(f"{CONNECTIONS} > 60", 300.0)
    session = joined(of)
    found = firings_of(mine, session.simulation.plant.store, ALERT_EVERY_S, session.joined_s, ALERT_EVERY_S, 1)
    again = Simulation(of.drill, ensure_image(), of.seed, extra_rules=[mine])
    again.advance(session.joined_s, lambda: True)
    played = [event.t_s for event in again.log if event.kind == "alert.fired" and event.data["name"] == mine.name]
    assert found == played[:1] != []


def test_a_night_too_long_to_be_on_record_is_played_again() -> None:
    session = joined()
    simulation = session.simulation
    store = simulation.plant.store
    assert night_of(simulation, session._night_again) is store
    store.points_max = max(len(series) for name in store.names() for series in store.select(name)) + 1
    assert night_of(simulation, session._night_again) is store
    store.points_max -= 1
    again = night_of(simulation, session._night_again)
    assert again is not store
    ours, theirs = (each.select("online_store_reads_total")[0].times_s.tolist() for each in (store, again))
    assert theirs == [t_s for t_s in ours if t_s <= session.joined_s]


def test_what_takes_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prevention, "_COUNTED", {})
    session = joined()
    session.rest_waits()
    session.submit("alerts add Mine 'absent(nothing)'")
    session.quit()
    assert session.simulation.log.events[-1].kind != "session.ended"
    told: list[tuple[float, str]] = []
    session.pass_rest(lambda share, doing: told.append((share, doing)))
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert told[0][0] >= 0.0
    assert told[-1][0] <= 1.0
    assert {"the rest of the shift passes", "would Mine have fired in a healthy week?"} <= {doing for _, doing in told}
    last = session.simulation.log.events[-1]
    assert (last.kind, last.data) == ("session.ended", {"reason": "quit"})
    session.pass_rest()
    assert session.simulation.log.events[-1] is last
