"""Each part wakes at its time, does its work once, and leaves the events that others read."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from reference_platform.monitoring.alerts import Alert, Fired, Resolved
from reference_platform.monitoring.pager import ESCALATE_AFTER_S, Pager
from reference_platform.monitoring.series import SeriesStore
from simulator.drill.spec import Person, PlannedFault
from simulator.engine.events import EventLog
from simulator.session.parts import (
    AlertPart,
    ClusterPart,
    FaultPart,
    MaterializerPart,
    ReviewPart,
    ScrapePart,
    WorldPart,
)

HOUR_S = 3600.0


def fake(**items: Any) -> Any:
    """A plant that has only what a part asks it for."""
    return SimpleNamespace(**items)


def test_the_world_steps_when_its_step_is_due_and_not_before() -> None:
    steps: list[float] = []
    part = WorldPart(fake(next_world_step_s=lambda: 300.0, step_world=steps.append))
    part.tick(299.9)
    assert (part.next_wake_s(), steps) == (300.0, [])
    part.tick(300.0)
    assert steps == [300.0]


def test_jobs_and_cluster_are_told_the_time_and_what_jobs_print_is_logged() -> None:
    lines: list[str] = []
    ticks: list[float] = []
    plant = fake(
        materializer=fake(next_wake_s=lambda: 7.0, tick=lambda now_s: [f"at {now_s}"]),
        log_lines=lines.extend,
        cluster=fake(next_wake_s=lambda: 9.0),
        tick_cluster=ticks.append,
    )
    jobs, cluster = MaterializerPart(plant), ClusterPart(plant)
    jobs.tick(7.0)
    cluster.tick(9.0)
    assert (jobs.next_wake_s(), cluster.next_wake_s(), lines, ticks) == (7.0, 9.0, ["at 7.0"], [9.0])


# -- faults -----------------------------------------------------------------------------------------------------------


def _planned(**times: tuple[float, bool]) -> dict[str, PlannedFault]:
    return {name: PlannedFault(name, at_s, {}, after_join=waits) for name, (at_s, waits) in times.items()}


def test_faults_begin_by_time_then_in_the_order_of_the_file() -> None:
    begun: list[str] = []
    part = FaultPart(_planned(z=(30.0, False), a=(30.0, False), b=(10.0, False)), begun.append)
    assert part.next_wake_s() == 10.0
    part.tick(9.9)
    assert begun == []
    part.tick(10.0)
    assert (begun, part.next_wake_s()) == (["b"], 30.0)
    part.tick(30.0)
    assert (begun, part.next_wake_s()) == (["b", "z", "a"], math.inf)


def test_faults_that_wait_for_somebody_count_from_the_joining_and_only_from_the_first() -> None:
    begun: list[str] = []
    part = FaultPart(_planned(late=(60.0, True), sure=(170.0, False), soon=(5.0, True)), begun.append)
    assert part.next_wake_s() == 170.0
    part.joined(100.0)
    assert part.next_wake_s() == 105.0
    part.joined(1000.0)
    part.tick(105.0)
    part.tick(160.0)
    assert (begun, part.next_wake_s()) == (["soon", "late"], 170.0)
    part.tick(1e6)
    assert (begun, part.next_wake_s()) == (["soon", "late", "sure"], math.inf)


# -- scrapes ----------------------------------------------------------------------------------------------------------


def test_scrapes_come_often_while_busy_and_seldom_otherwise() -> None:
    scraped: list[float] = []
    busy = True
    plant = fake(spec=fake(scrape=fake(active=15.0, quiet=60.0)), scrape=scraped.append)
    part = ScrapePart(plant, lambda: busy)
    assert part.next_wake_s() == 15.0
    part.tick(14.9)
    assert scraped == []
    part.tick(15.0)
    assert (scraped, part.next_wake_s()) == ([15.0], 30.0)
    busy = False
    part.tick(31.0)
    assert (scraped, part.next_wake_s()) == ([15.0, 31.0], 91.0)


# -- alerts -----------------------------------------------------------------------------------------------------------


def _alert(severity: Any = "P1", value: float = 0.25) -> Alert:
    return Alert(7, "StoreSlow", (), severity, "online-store", "the store is slow", "store", value)


def _alerting(transitions: dict[float, list[Any]] | None = None) -> tuple[AlertPart, EventLog, list[str]]:
    pages: list[str] = []
    log = EventLog()
    due = fake(next_wake_s=lambda: 30.0, tick=lambda now_s: (transitions or {}).get(now_s, []))
    return AlertPart(due, Pager(), log, pages.append), log, pages


def _logged(log: EventLog) -> list[tuple[float, str, str, Any]]:
    return [(event.t_s, event.src, event.kind, event.data) for event in log]


def test_an_alert_that_fires_is_logged_then_paged_and_logged_again_when_it_resolves() -> None:
    alert = _alert()
    part, log, pages = _alerting({30.0: [Fired(30.0, alert, False)], 60.0: [Resolved(60.0, alert, False)]})
    assert part.next_wake_s() == 30.0
    part.tick(30.0)
    part.tick(60.0)
    named = {"alert_id": 7, "name": "StoreSlow"}
    told = {"component": "online-store", "summary": "the store is slow", "value": 0.25}
    assert _logged(log) == [
        (30.0, "alerts", "alert.fired", {**named, "severity": "P1", **told}),
        (30.0, "pager", "page.sent", {**named, "severity": "P1"}),
        (60.0, "alerts", "alert.resolved", named),
    ]
    assert pages == ["StoreSlow: the store is slow"]


@pytest.mark.parametrize(("value", "written"), [(math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan")])
def test_a_value_that_is_no_number_of_json_is_logged_as_text(value: float, written: str) -> None:
    part, log, pages = _alerting()
    part.observe([Fired(5.0, _alert("P3", value), False)], 5.0)
    (event,) = log
    assert event.data["value"] == written
    assert pages == []


def test_a_page_that_nobody_acknowledges_goes_to_the_next_person_and_the_chat_says_so() -> None:
    part, log, pages = _alerting({30.0: [Fired(30.0, _alert(), False)]})
    part.tick(30.0)
    due_s = 30.0 + ESCALATE_AFTER_S
    part._alerts.next_wake_s = lambda: 1e9  # type: ignore[method-assign]
    assert part.next_wake_s() == due_s, "the pager wakes it too"
    part.tick(due_s)
    assert _logged(log)[2:] == [
        (
            due_s,
            "pager",
            "comms",
            {"author": "pager", "text": "StoreSlow not acknowledged, paging secondary on-call"},
        )
    ]
    assert len(pages) == 1


# -- the person who compares ------------------------------------------------------------------------------------------


def _review(
    points: list[tuple[float, float]], at_s: float | None = 100 * HOUR_S
) -> tuple[ReviewPart, list[tuple[str, str]]]:
    said: list[tuple[str, str]] = []
    store = SeriesStore(1e9, 1000)
    series = store.series("shop_click_ratio", {"route": "recommendation"})
    for t_s, value in points:
        series.append(t_s, value)
    person = Person("Ana", "merchandising", "", at_s)
    return ReviewPart(fake(store=store), person, lambda who, text: said.append((who.name, text))), said


@pytest.mark.parametrize(("lately", "complains"), [(0.92, False), (0.919, True), (0.75, True), (1.5, False)])
def test_somebody_complains_when_click_through_fell_by_more_than_eight_percent(lately: float, complains: bool) -> None:
    part, said = _review([(HOUR_S, 1.0), (99 * HOUR_S, lately)])
    assert part.next_wake_s() == 100 * HOUR_S
    part.tick(100 * HOUR_S - 0.1)
    assert said == []
    part.tick(100 * HOUR_S)
    assert len(said) == complains
    assert part.next_wake_s() == math.inf
    part.tick(101 * HOUR_S)
    assert len(said) == complains, "they look once"


def test_a_complaint_says_by_how_much() -> None:
    part, said = _review([(HOUR_S, 0.4), (99 * HOUR_S, 0.3)])
    part.tick(100 * HOUR_S)
    ((name, text),) = said
    assert name == "Ana"
    assert text.startswith("Click-through on recommendations is down 25% on what I reported at the start of the week,")


def test_what_is_compared_are_the_first_five_hours_and_the_last_six() -> None:
    """The drop is told by the means of these windows alone; what lies between and beyond does not count."""
    between = [(5 * HOUR_S + 1.0, 90.0), (94 * HOUR_S, 90.0)]
    part, said = _review([(1.0, 1.5), (5 * HOUR_S, 0.5), *between, (94 * HOUR_S + 1.0, 0.4), (100 * HOUR_S, 0.6)])
    part.tick(100 * HOUR_S)
    assert "down 50%" in said[0][1]


@pytest.mark.parametrize("points", [[], [(HOUR_S, 1.0)], [(99 * HOUR_S, 0.1)]])
def test_who_has_nothing_to_compare_says_nothing(points: list[tuple[float, float]]) -> None:
    part, said = _review(points)
    part.tick(100 * HOUR_S)
    assert said == []


def test_who_does_not_review_is_never_woken() -> None:
    part, said = _review([(HOUR_S, 1.0), (99 * HOUR_S, 0.1)], None)
    part.tick(1e9)
    assert (part.next_wake_s(), said) == (math.inf, [])
