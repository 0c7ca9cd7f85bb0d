"""A shift of two minutes: how somebody joins, what a budget of real time stops, how the end is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reference_platform.models.catalogue import CARDS
from simulator.drill.spec import DrillSpec, Person, PlannedFault
from simulator.image.builder import ensure_image
from simulator.session import session as sessions
from simulator.session.parts import ReviewPart
from simulator.session.runfile import Entered, RunWriter, read_run
from simulator.session.session import Session
from simulator.session.simulation import Simulation, platform_rules
from tests.contract.conditions import SEED, calm_night, run_to

HEADER: dict[str, Any] = {"scenario": "x", "seed": 1, "player": "Lee", "mode": "practice", "drill": {}}
ANA = Person("Ana", "merchandising", "", 50.0)


_calm = cache(calm_night)


def night(*faults: PlannedFault, **changes: Any) -> DrillSpec:
    """Joined after 20 s, over after two minutes more."""
    return replace(_calm(), **{"faults": faults, "joins_by_s": 20.0, "drill_s": 120.0, **changes})


def simulation(*faults: PlannedFault, **changes: Any) -> Simulation:
    return Simulation(night(*faults, **changes), ensure_image(), SEED)


def session(mode: str = "practice", **more: Any) -> Session:
    """Somebody at the beginning of that shift."""
    clock = more.pop("wall_clock", lambda: 0.0)
    opened = Session.open(night(), ensure_image(), SEED, player="Lee", mode=mode, wall_clock=clock, **more)
    assert opened is not None
    return opened


def told(of: Simulation | Session, kind: str) -> list[Any]:
    log = of.log if isinstance(of, Simulation) else of.simulation.log
    return [event for event in log if event.kind == kind]


# -- joining ----------------------------------------------------------------------------------------------------------


def test_a_session_begins_with_what_it_is_and_with_somebody_joining() -> None:
    opened = session(mode="interview")
    first = opened.simulation.log.events[0]
    assert (first.n, first.t_s, first.src, first.kind) == (1, 0.0, "session", "session.started")
    assert first.data == {
        "scenario": "healthy-night",
        "seed": SEED,
        "version": metadata.version("pagerdrill"),
        "image": ensure_image().content,
        "mode": "interview",
    }
    (join,) = told(opened, "session.joined")
    assert (join.t_s, join.src, join.data) == (20.0, "session", {"reason": "shift", "drill_s": 120.0})
    assert (opened.now_s, opened.joined_s, opened.simulation.incident.ends_s) == (20.0, 20.0, 140.0)
    assert (opened.ended, opened.player, opened.mode, opened.seed) == (None, "Lee", "interview", SEED)
    assert opened.operator.interview
    assert not session().operator.interview


def test_whoever_stops_an_opening_gets_no_session() -> None:
    asked: list[float] = []

    def going(now_s: float) -> bool:
        asked.append(now_s)
        return len(asked) < 3

    opened = Session.open(
        night(joins_by_s=200.0),
        ensure_image(),
        SEED,
        player="Lee",
        mode="practice",
        wall_clock=lambda: 0.0,
        going=going,
    )
    assert opened is None
    assert asked == sorted(asked)
    assert 0.0 < asked[-1] < 200.0


def test_joining_counts_once_and_stops_time_at_that_instant() -> None:
    alone = simulation()
    assert alone.run_until_joined(lambda _: True)
    alone.join("again")
    assert len(told(alone, "session.joined")) == 1
    assert alone.run_until_joined(lambda _: False), "there is nothing to wait for"
    assert alone.now_s == 20.0


@pytest.mark.parametrize(
    ("before", "lately", "complains"),
    [(1.0, 0.91, True), (1.0, 0.93, False), (1.0, 0.0, True), (0.0, 0.0, False), (0.0, 1.0, False)],
)
def test_people_complain_of_a_fall_from_what_they_remember(before: float, lately: float, complains: bool) -> None:
    of, heard = simulation(), list[str]()
    model, business = next((name, card.business) for name, card in CARDS.items() if card.business.complaint)
    for t_s, ratio in ((10.0, before), (30_000.0, lately)):
        of.plant.store.append(business.name, business.labels(model), t_s, ratio)
    part = ReviewPart(of.plant, replace(ANA, review_at_s=30_001.0), lambda _, text: heard.append(text))
    part.tick(30_000.5)
    assert heard == []
    part.tick(30_001.0)
    assert bool(heard) == complains


def test_a_complaint_joins_somebody_only_where_the_drill_says_so() -> None:
    for joins, joined in (("complaint", True), ("first_page", False)):
        of = simulation(joins=joins, joins_by_s=1e6)
        run_to(of, 5.0)
        of._complaint(ANA, "fewer clicks")
        (event,) = told(of, "comms")
        assert (event.t_s, event.src, event.visible) == (5.0, "people", True)
        assert event.data == {"author": "Ana", "text": "fewer clicks"}
        (message,) = of.incident.comms
        assert (message.t_s, message.author, message.text) == (5.0, "Ana", "fewer clicks")
        assert [item.data["reason"] for item in told(of, "session.joined")] == ["complaint"] * joined


@pytest.mark.parametrize(
    ("joins", "begun", "joined"), [("first_page", True, True), ("first_page", False, False), ("complaint", True, False)]
)
def test_a_page_joins_somebody_once_a_fault_has_begun(joins: str, begun: bool, joined: bool) -> None:
    of = simulation(PlannedFault("traffic.seasonal_dip", 1.0 if begun else 1e6, {}), joins=joins, joins_by_s=1e6)
    run_to(of, 5.0)
    of._paged("StoreSlow: the store is slow")
    (message,) = of.incident.comms
    assert (message.t_s, message.author, message.text) == (5.0, "pager", "StoreSlow: the store is slow")
    assert [item.data["reason"] for item in told(of, "session.joined")] == ["page"] * joined


def test_only_people_who_review_are_woken_for_it() -> None:
    ordinary = len(simulation(people=()).drive._parts)
    assert len(simulation(people=(ANA, replace(ANA, review_at_s=None))).drive._parts) == ordinary + 1


def _scraped(of: Simulation) -> list[float]:
    due: list[float] = []
    real = of.plant.scrape

    def scrape(now_s: float) -> None:
        due.append(now_s)
        real(now_s)

    of.plant.scrape = scrape  # type: ignore[method-assign]
    run_to(of, of.now_s + 200.0)
    return [after - before for before, after in pairwise(due)]


def test_metrics_come_often_once_somebody_watches() -> None:
    of = simulation(joins_by_s=1e6)
    pace = of.plant.spec.scrape
    assert pace.active < pace.quiet
    assert set(_scraped(of)) == {pace.quiet}
    of.join("shift")
    run_to(of, of.now_s + pace.quiet)
    assert set(_scraped(of)) == {pace.active}


@pytest.mark.parametrize(
    ("state", "severity", "busy"),
    [
        ("firing", "P1", True),
        ("pending", "P2", True),
        ("firing", "P3", False),
        ("resolved", "P1", False),
        ("resolved", "P3", False),
    ],
)
def test_metrics_come_often_while_something_urgent_is_wrong(
    state: str, severity: str, busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = simulation()

    class Status:
        pass

    status = Status()
    status.state, status.severity = state, severity  # type: ignore[attr-defined]
    monkeypatch.setattr(of.alerts, "alerts", lambda: [status])
    assert of._busy() is busy
    monkeypatch.setattr(of.alerts, "alerts", list)
    assert of._busy() is False


def test_the_platforms_rules_are_those_of_its_document_and_of_its_error_budgets() -> None:
    drill = night()
    rules = platform_rules(drill)
    names = [rule.name for rule in rules]
    written = drill.platform.alerts
    assert names[: len(written)] == [item.name for item in written]
    assert len(names) > len(written)
    for rule, item in zip(rules, written, strict=False):
        assert (rule.expr, rule.for_s, rule.severity) == (item.expr, item.hold, item.severity)
        assert (rule.component, rule.summary, rule.runbook) == (item.component, item.summary, item.runbook)
    assert [rule.name for rule in simulation().alerts.rules()] == names
    extra = replace(rules[0], name="Extra")
    assert [rule.name for rule in Simulation(drill, ensure_image(), SEED, [extra]).alerts.rules()] == [*names, "Extra"]


def test_alerts_are_looked_at_every_half_minute_from_the_first_on() -> None:
    of = simulation()
    looked: list[float] = []
    real = of.alerts.tick

    def tick(now_s: float) -> Any:
        looked.append(now_s)
        return real(now_s)

    of.alerts.tick = tick  # type: ignore[method-assign]
    run_to(of, 91.0)
    assert looked == [30.0, 60.0, 90.0]


# -- time -------------------------------------------------------------------------------------------------------------


def test_a_budget_of_real_time_stops_the_drill_between_events_and_none_does_not() -> None:
    wall: Iterator[float] = iter(float(second) for second in range(1000))
    opened = session(wall_clock=lambda: next(wall))
    reached = opened.advance(139.0, wall_budget_s=2.0)
    assert 20.0 < reached < 139.0
    assert next(wall) == 3.0, "asked at the start, then after each event until two seconds were over"
    assert opened.now_s == reached
    assert opened.advance(139.0) == 139.0
    assert next(wall) == 4.0, "nobody asks without a budget"
    assert opened.ended is None


def test_a_shift_ends_at_its_end_and_the_rest_passes_at_once() -> None:
    opened = session()
    assert opened.advance(1e9) == 140.0
    assert opened.ended == "timeout"
    shares: list[float] = []
    opened.pass_rest(lambda share, _: shares.append(share))
    assert shares == [], "it has passed already"
    assert [event.data for event in told(opened, "session.ended")] == [{"reason": "timeout"}]


def test_the_rest_of_a_shift_is_told_as_it_passes_and_only_once() -> None:
    opened = session()
    opened.rest_waits()
    opened.advance(80.0)
    opened.quit()
    assert (opened.ended, opened.now_s, told(opened, "session.ended")) == ("quit", 80.0, [])
    heard: list[tuple[float, str, float]] = []
    opened.pass_rest(lambda share, doing: heard.append((share, doing, opened.now_s)))
    assert {doing for _, doing, _ in heard} == {"the rest of the shift passes"}
    assert [share for share, _, _ in heard] == pytest.approx([0.3 * (now_s - 80.0) / 60.0 for *_, now_s in heard])
    assert heard[-1][0] > 0.2
    (event,) = told(opened, "session.ended")
    assert (event.t_s, event.src, event.data) == (140.0, "session", {"reason": "quit"})
    opened.pass_rest()
    opened.quit()
    opened.advance(1e9)
    assert len(told(opened, "session.ended")) == 1


def test_a_rest_that_waits_can_be_of_no_length() -> None:
    opened = session()
    opened.rest_waits()
    opened.advance(1e9)
    opened.pass_rest(lambda share, _: pytest.fail(f"nothing is left to tell, but {share}"))
    assert [event.t_s for event in told(opened, "session.ended")] == [140.0]


def test_added_rules_are_checked_in_the_last_part_of_the_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    opened = session()

    def check(of: Simulation, image: Any, at_joining: Any, on_progress: Any) -> None:
        asked.append((of, image, at_joining().now_s, of.now_s))
        for share in (0.0, 0.5, 1.0):
            on_progress(share, f"checked {share}")

    monkeypatch.setattr(sessions, "check_prevention", check)
    for rules, checks in (([], []), (["Mine"], [(0.3, "checked 0.0"), (0.65, "checked 0.5"), (1.0, "checked 1.0")])):
        opened = session()
        opened.rest_waits()
        opened.simulation.incident.rules_added.extend(rules)
        opened.quit()
        heard: list[tuple[float, str]] = []
        opened.pass_rest(lambda share, doing, heard=heard: heard.append((share, doing)))  # type: ignore[misc]
        found = [item for item in heard if item[1].startswith("checked")]
        assert [doing for _, doing in found] == [doing for _, doing in checks]
        assert [share for share, _ in found] == pytest.approx([share for share, _ in checks])
    assert asked == [(opened.simulation, opened.image, 20.0, 140.0)]


def test_nobody_passes_the_rest_of_a_drill_that_goes_on() -> None:
    with pytest.raises(AssertionError, match="the drill goes on"):
        session().pass_rest()


# -- commands ---------------------------------------------------------------------------------------------------------


def test_a_command_leaves_one_event_one_output_and_one_result() -> None:
    opened = session()
    result = opened.submit("  ack \n")
    (event,) = told(opened, "command")
    (output,) = opened.simulation.incident.outputs
    assert (event.src, event.visible) == ("responder", True)
    assert (event.data["line"], event.data["verb"], event.data["exit"]) == ("ack", "ack", result.exit)
    assert (event.data["changes"], event.data["attempted"]) == (False, False)
    assert event.t_s == 20.0 + result.cost_s
    assert result.cost_s == event.data["cost_s"] == output.cost_s > 0.0
    assert (result.text, result.exit, result.n) == (output.text, output.exit, event.n)
    assert (output.n, output.t_s, output.line, output.exit) == (event.n, event.t_s, "ack", result.exit)
    assert [list(output.subjects), list(output.looked)] == [event.data["subjects"], event.data["looked"]]


def test_half_a_letter_is_written_as_a_question_mark(tmp_path: Path) -> None:
    opened = session(writer=RunWriter.create(tmp_path / "run.jsonl", HEADER))
    assert opened.submit("note a\ud800b").exit == 0
    opened.close()
    assert read_run(tmp_path / "run.jsonl").commands == (Entered("note a?b", 20_000_000),)
    opened.simulation.incident.ended = None
    with pytest.raises(ValueError, match="closed file"):
        opened.submit("note after leaving")


def test_recorded_commands_are_repeated_up_to_a_moment_and_none_after_the_end() -> None:
    lines = (Entered("note one", 30_000_000), Entered("note two", 40_000_000), Entered("note three", 40_000_001))
    opened = session()
    opened.replay(lines, 40.0)
    assert [note.text for note in opened.simulation.incident.notes] == ["one", "two"]
    assert [note.t_s for note in opened.simulation.incident.notes] == [31.0, 41.0]
    whole = session()
    whole.replay((*lines, Entered("note four", 139_500_000), Entered("note five", 150_000_000)))
    assert [note.text for note in whole.simulation.incident.notes] == ["one", "two", "three"]
    assert whole.ended == "timeout"


def test_what_is_asked_about_before_it_is_typed_is_not_asked_after_the_end() -> None:
    opened = session()
    assert opened.preview("  hint ") == opened.preview("hint") is not None
    assert opened.preview("clock") is None
    assert "clock" in opened.complete("cloc")
    assert opened.draft().startswith("# Post-mortem: ")
    opened.quit()
    assert opened.preview("hint") is None
    refused = opened.submit("clock")
    assert (refused.text, refused.exit, refused.cost_s, refused.n) == ("the drill is over", 1, 0.0, 0)


def test_a_command_that_the_end_overtakes_took_its_time_and_has_no_event() -> None:
    opened = session()
    opened.advance(139.5)
    result = opened.submit("ack")
    assert (result.text, result.exit, result.cost_s, result.n) == ("the drill ended while the command ran", 1, 1.0, 0)
    assert opened.now_s == 140.0


def test_a_finished_run_states_the_digest_of_its_log(tmp_path: Path) -> None:
    opened = session(writer=RunWriter.create(tmp_path / "run.jsonl", HEADER))
    opened.quit()
    opened.finish({"verdict": "no"})
    run = read_run(tmp_path / "run.jsonl")
    assert run.footer is not None
    assert (run.footer["digest"], run.footer["verdict"]) == (opened.simulation.log.digest(), "no")
    assert run.events == tuple(opened.simulation.log)
    unwritten = session()
    unwritten.finish({"verdict": "no"})
    unwritten.close()


def test_the_newest_two_thousand_outputs_are_kept() -> None:
    opened = session()
    opened.submit("clock")
    kept = opened.simulation.incident.outputs
    first = kept[0]
    kept.extend([first] * 1998)
    opened.submit("clock")
    assert (len(kept), kept[0]) == (2000, first)
    second = kept[1]
    opened.submit("slo")
    assert len(kept) == 2000
    assert kept[0] is second
    assert kept[-1].line == "slo"
