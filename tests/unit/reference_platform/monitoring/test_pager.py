"""The pager wakes the right person once, at the right time."""

from __future__ import annotations

import math

import pytest

from reference_platform.errors import CommandError
from reference_platform.monitoring.alerts import Alert, Fired, Resolved, Severity, Silenced, Unsilenced
from reference_platform.monitoring.pager import (
    GROUP_INTERVAL_S,
    Acked,
    Escalated,
    Notification,
    Paged,
    Pager,
    Ticketed,
)


def _alert(alert_id: int, severity: Severity = "P1", name: str = "Down") -> Alert:
    return Alert(alert_id, name, (("route", "fraud"),), severity, "fraud", "fraud is down", "down", 1.0)


def _fire(pager: Pager, alert: Alert, now_s: float, *, silenced: bool = False) -> list[Notification]:
    return pager.observe([Fired(now_s, alert, silenced)], now_s)


def test_p1_pages_at_once() -> None:
    assert _fire(Pager(), _alert(1), 10.0) == [Paged(10.0, _alert(1), 0)]


def test_p2_pages_after_the_group_wait() -> None:
    pager = Pager()
    assert _fire(pager, _alert(1, "P2"), 10.0) == []
    assert pager.next_wake_s() == 40.0
    assert pager.tick(39.9) == []
    assert pager.tick(40.0) == [Paged(40.0, _alert(1, "P2"), 0)]


def test_p2_that_resolves_within_the_group_wait_wakes_nobody() -> None:
    pager = Pager()
    _fire(pager, _alert(1, "P2"), 0.0)
    assert pager.observe([Resolved(20.0, _alert(1, "P2"), False)], 20.0) == []
    assert pager.next_wake_s() == math.inf
    assert pager.tick(1000.0) == []


def test_p3_becomes_one_ticket_and_never_a_page() -> None:
    pager = Pager()
    _fire(pager, _alert(1, "P3"), 0.0)
    assert pager.tick(30.0) == [Ticketed(30.0, _alert(1, "P3"))]
    assert pager.tick(1e6) == []


def test_an_acknowledged_p3_makes_no_ticket() -> None:
    pager = Pager()
    _fire(pager, _alert(1, "P3"), 0.0)
    pager.ack([1], "you", 5.0)
    assert pager.tick(1e6) == []


def test_the_same_alert_twice_pages_once() -> None:
    pager = Pager()
    _fire(pager, _alert(1), 0.0)
    assert _fire(pager, _alert(2), 1.0) == []


def test_an_unanswered_page_climbs_the_chain_one_step_at_a_time() -> None:
    pager = Pager()
    _fire(pager, _alert(1), 0.0)
    assert pager.next_wake_s() == 300.0
    assert pager.tick(300.0) == [Escalated(300.0, _alert(1), "secondary on-call", 1)]
    assert pager.tick(600.0) == [Escalated(600.0, _alert(1), "engineering manager", 2)]
    assert pager.tick(3000.0) == []


def test_an_acknowledged_page_does_not_escalate_but_repeats_while_it_fires() -> None:
    pager = Pager()
    _fire(pager, _alert(1), 0.0)
    assert pager.ack([1], "you", 100.0) == Acked(100.0, (1,), "you")
    assert pager.acked_by(1) == "you"
    assert pager.tick(400.0) == []
    assert pager.next_wake_s() == 4 * 3600.0
    assert pager.tick(4 * 3600.0) == [Paged(4 * 3600.0, _alert(1), 1)]


def test_an_alert_acknowledged_before_its_page_does_not_page() -> None:
    pager = Pager()
    _fire(pager, _alert(1, "P2"), 0.0)
    pager.ack([1], "you", 10.0)
    assert pager.tick(1000.0) == []


def test_acknowledging_nothing_real_is_refused_and_changes_nothing() -> None:
    pager = Pager()
    _fire(pager, _alert(1), 0.0)
    with pytest.raises(CommandError, match="no such alert: 7") as caught:
        pager.ack([1, 7], "you", 1.0)
    assert caught.value.fix == "open alerts: 1"
    assert pager.acked_by(1) == ""
    pager.observe([Resolved(2.0, _alert(1), False)], 2.0)
    with pytest.raises(CommandError, match="already resolved"):
        pager.ack([1], "you", 3.0)
    with pytest.raises(CommandError, match="no number given"):
        pager.ack([], "you", 3.0)


def test_a_silenced_alert_notifies_nobody_until_the_silence_ends() -> None:
    pager = Pager()
    assert _fire(pager, _alert(1), 0.0, silenced=True) == []
    assert pager.next_wake_s() == math.inf
    assert pager.observe([Unsilenced(60.0, _alert(1))], 60.0) == [Paged(60.0, _alert(1), 0)]


def test_a_silence_over_a_page_stops_its_escalation_and_its_end_starts_it_anew() -> None:
    pager = Pager()
    _fire(pager, _alert(1), 0.0)
    pager.observe([Silenced(10.0, _alert(1))], 10.0)
    assert pager.tick(1000.0) == []
    assert pager.observe([Unsilenced(1000.0, _alert(1))], 1000.0) == []
    assert pager.next_wake_s() == 1300.0


def test_a_flapping_p2_pages_at_most_once_per_group_interval() -> None:
    pager = Pager()
    _fire(pager, _alert(1, "P2"), 0.0)
    assert len(pager.tick(30.0)) == 1
    pager.observe([Resolved(60.0, _alert(1, "P2"), False)], 60.0)
    _fire(pager, _alert(2, "P2"), 90.0)
    assert pager.next_wake_s() == 330.0
    assert pager.tick(330.0) == [Paged(330.0, _alert(2, "P2"), 0)]


def test_a_p1_that_returns_pages_again_at_once() -> None:
    pager = Pager()
    _fire(pager, _alert(1), 0.0)
    pager.observe([Resolved(60.0, _alert(1), False)], 60.0)
    assert len(_fire(pager, _alert(2), 61.0)) == 1


def test_a_full_pager_still_takes_p1() -> None:
    pager = Pager()
    for number in range(2_001):
        _fire(pager, _alert(number + 1, "P2", f"A{number}"), 0.0)
    assert pager.overflowed == 1
    assert len(_fire(pager, _alert(9_999), 1.0)) == 1


def test_a_p1_pages_when_its_silence_ends_and_a_p2_after_the_group_wait() -> None:
    for severity, due_s in (("P1", 100.0), ("P2", 130.0)):
        pager = Pager()
        alert = _alert(1, severity)  # type: ignore[arg-type]
        assert _fire(pager, alert, 0.0, silenced=True) == []
        told = pager.observe([Unsilenced(100.0, alert)], 100.0)
        assert told == ([Paged(100.0, alert, 0)] if due_s == 100.0 else [])
        assert pager.next_wake_s() == (400.0 if due_s == 100.0 else 130.0)
        assert pager.tick(due_s) == ([] if due_s == 100.0 else [Paged(130.0, alert, 0)])


def test_an_alert_the_pager_never_heard_of_begins_when_its_silence_ends() -> None:
    pager = Pager()
    assert pager.observe([Unsilenced(5.0, _alert(3))], 5.0) == [Paged(5.0, _alert(3), 0)]
    assert pager.ack([3], "you", 6.0) == Acked(6.0, (3,), "you")


def test_a_page_that_was_acknowledged_before_its_silence_ends_does_not_escalate() -> None:
    pager = Pager()
    _fire(pager, _alert(1), 0.0)
    pager.ack([1], "you", 10.0)
    pager.observe([Silenced(20.0, _alert(1))], 20.0)
    pager.observe([Unsilenced(30.0, _alert(1))], 30.0)
    assert all(isinstance(told, Paged) for told in pager.tick(4000.0))


def test_an_acknowledged_alert_counts_as_notified() -> None:
    """A P2 that was acknowledged within the group wait and is silenced comes back as a repeat, not as news."""
    pager = Pager(repeat_s=1000.0)
    _fire(pager, _alert(1, "P2"), 0.0)
    pager.ack([1], "you", 5.0)
    pager.observe([Silenced(6.0, _alert(1, "P2"))], 6.0)
    assert pager.observe([Unsilenced(7.0, _alert(1, "P2"))], 7.0) == []
    assert pager.next_wake_s() == 1005.0
    assert pager.tick(1005.0) == [Paged(1005.0, _alert(1, "P2"), 1)]


def test_a_ticket_is_written_once_even_when_a_silence_ends_later() -> None:
    pager = Pager()
    _fire(pager, _alert(1, "P3"), 0.0)
    pager.tick(30.0)
    pager.observe([Silenced(40.0, _alert(1, "P3"))], 40.0)
    assert pager.observe([Unsilenced(50.0, _alert(1, "P3"))], 50.0) == []
    assert pager.tick(1e6) == []


def test_a_flapping_p2_may_page_again_when_its_interval_is_over_to_the_second() -> None:
    pager = Pager(group_wait_s=30.0)
    _fire(pager, _alert(1, "P2"), 0.0)
    assert pager.tick(30.0) == [Paged(30.0, _alert(1, "P2"), 0)]
    pager.observe([Resolved(60.0, _alert(1, "P2"), False)], 60.0)
    _fire(pager, _alert(2, "P2"), 90.0)
    assert pager.next_wake_s() == 30.0 + GROUP_INTERVAL_S
    pager.observe([Resolved(95.0, _alert(2, "P2"), False)], 95.0)
    _fire(pager, _alert(3, "P2"), 30.0 + GROUP_INTERVAL_S)
    assert pager.next_wake_s() == 30.0 + GROUP_INTERVAL_S + 30.0


@pytest.mark.parametrize("alert_id", [0, -1, 2])
def test_a_number_that_no_alert_has_had_is_refused(alert_id: int) -> None:
    pager = Pager()
    with pytest.raises(CommandError, match="no such alert: 1"):
        pager.ack([1], "you", 0.0)
    _fire(pager, _alert(1), 0.0)
    with pytest.raises(CommandError, match=f"no such alert: {alert_id}"):
        pager.ack([alert_id], "you", 1.0)


def test_of_many_open_alerts_twelve_are_offered() -> None:
    pager = Pager()
    for k in range(1, 15):
        _fire(pager, _alert(k, name=f"Down{k}"), 0.0)
    with pytest.raises(CommandError) as caught:
        pager.ack([99], "you", 1.0)
    assert caught.value.fix == "open alerts: " + ", ".join(str(k) for k in range(1, 13))


@pytest.mark.parametrize("name", ["repeat_s", "escalate_after_s"])
def test_repeats_and_escalation_take_time(name: str) -> None:
    Pager(**{name: 0.5})
    for wrong_s in (0.0, -0.5):
        with pytest.raises(AssertionError):
            Pager(**{name: wrong_s})


def test_only_numbers_that_were_given_may_be_acknowledged() -> None:
    with pytest.raises(CommandError, match="no such alert: 0"):
        Pager().ack([0], "you", 0.0)
    pager = Pager()
    _fire(pager, _alert(1), 0.0)
    for number in (0, 2):
        with pytest.raises(CommandError, match=f"no such alert: {number}"):
            pager.ack([number], "you", 1.0)


def test_an_alert_that_flaps_late_in_the_night_waits_as_one_that_flaps_early() -> None:
    late_s = 20_000.0
    pager = Pager()
    _fire(pager, _alert(1, "P2"), late_s)
    assert pager.tick(late_s + 30.0) == [Paged(late_s + 30.0, _alert(1, "P2"), 0)]
    pager.observe([Resolved(late_s + 40.0, _alert(1, "P2"), False)], late_s + 40.0)
    _fire(pager, _alert(2, "P2"), late_s + 60.0)
    assert pager.next_wake_s() == late_s + 30.0 + GROUP_INTERVAL_S


def test_a_p1_whose_silence_ends_is_due_at_that_instant() -> None:
    pager = Pager()
    _fire(pager, _alert(1), 10.0, silenced=True)
    assert pager.next_wake_s() == math.inf
    assert pager.observe([Unsilenced(70.0, _alert(1))], 70.0) == [Paged(70.0, _alert(1), 0)]
