"""Plain words: the drill clock, lengths of time, and one short phrase for an event."""

from __future__ import annotations

import pytest

from rubrics.facts import Facts
from rubrics.words import at, clock, minutes, names, phrase, prose, shorten, told
from simulator.engine.events import Event
from tests.unit.rubrics.book import LEAK, Book


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "T+00:00"),
        (0.9, "T+00:00"),
        (59.9, "T+00:59"),
        (60, "T+01:00"),
        (5999.9, "T+99:59"),
        (6000, "T+1h40m"),
        (7199.9, "T+1h59m"),
        (3600 * 25 + 61, "T+25h01m"),
        (-0.5, "T-00:00"),
        (-61, "T-01:01"),
        (-7260, "T-2h01m"),
    ],
)
def test_the_drill_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (600, "10 min"),
        (7199, "120 min"),
        (7200, "2.0 h"),
        (9000, "2.5 h"),
        (3_600_000, "1000.0 h"),
    ],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert minutes(seconds) == text


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("command", {"line": "kubectl  get\npods"}, "ran `kubectl get pods`"),
        ("changed", {"action": "stop_job", "component": "export"}, "stopped the job export"),
        ("changed", {"action": "brand_new", "component": "export"}, "brand new export"),
        ("changed", {"action": "restart"}, "restarted"),
        ("hypothesis.added", {"component": "a", "mechanism": "b"}, "suspected a:b"),
        ("hypothesis.confirmed", {"component": "a", "mechanism": "b"}, "confirmed a:b"),
        ("hypothesis.ruled_out", {"component": "a", "mechanism": "b"}, "ruled out a:b"),
        ("hypothesis.evidence", {"event_n": 7, "direction": "for"}, "cited [#7] for a cause"),
        ("hypothesis.evidence", {"direction": "against"}, "cited [#0] against a cause"),
        ("status.sent", {"audience": "business"}, "sent a status update to business"),
        ("status.sent", {}, "sent a status update to everyone"),
        ("alert.fired", {"name": "Burn"}, "alert Burn"),
        ("page.sent", {"name": "Burn"}, "page Burn"),
        ("alert.resolved", {"name": "Burn"}, "alert cleared: Burn"),
        ("truth.fault", {"component": "store", "mechanism": "slow_dependency"}, "store: slow dependency began"),
        ("truth.state", {"good": True}, "users well served"),
        ("slo", {"good": False}, "users not well served"),
        ("slo", {"good": "yes"}, "users not well served"),
        ("resolve.claimed", {}, "declared it resolved"),
        ("postmortem.filed", {}, "filed a post-mortem"),
        ("something.else", {}, "something else"),
    ],
)
def test_what_happened_in_a_few_words(kind: str, data: dict[str, object], text: str) -> None:
    assert phrase(Event(1, 0, "x", kind, True, data)) == text  # type: ignore[arg-type]


def test_a_clause_says_who_did_it_and_when_and_where_it_stands() -> None:
    book = Book(LEAK)
    act, alert = book.change(65, "restart", "gateway"), book.fired(70, 1, "Burn")
    facts = book.facts
    assert told(facts, act) == "you restarted gateway at T+01:05"
    assert told(facts, alert) == "alert Burn at T+01:10"
    assert at(facts, act) == f"you restarted gateway at T+01:05 [#{act.n}]"
    assert told(Facts(book.log, "they"), act).startswith("they restarted")


@pytest.mark.parametrize("kind", [
    "alert.rule_added", "alert.silenced", "changed", "command", "hypothesis.added", "page.acked", "postmortem.filed",
    "resolve.claimed", "resolve.withdrawn", "scope.declared", "session.joined", "status.sent",
])  # fmt: skip
def test_what_the_responder_does_is_told_of_them(kind: str) -> None:
    book = Book(LEAK)
    assert told(book.facts, book.add(1, kind)).startswith("you ")


@pytest.mark.parametrize("kind", ["alert.fired", "page.sent", "truth.fault", "truth.state", "slo", "session.ended"])
def test_what_the_world_does_is_told_of_nobody(kind: str) -> None:
    book = Book(LEAK)
    assert not told(book.facts, book.add(1, kind)).startswith("you ")


def test_lists_are_read_as_people_say_them() -> None:
    assert [names(()), names(("a",)), names(("a", "b")), names(("a", "b", "c"))] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("line", "chars_max", "short"),
    [("abc", 3, "abc"), ("abcdef", 6, "abcdef"), ("abcdefg", 6, "abc..."), (" a \n b ", 9, "a b")],
)
def test_lines_are_cut_to_their_length(line: str, chars_max: int, short: str) -> None:
    assert shorten(line, chars_max) == short
    assert len(shorten("x" * 61)) == 60


def test_prose_of_a_list_is_its_sentences() -> None:
    event = Event(1, 0, "x", "x", True, {"a": ["one", "two"], "b": "three"})
    assert (prose(event, "a"), prose(event, "b"), prose(event, "c")) == ("one. two", "three", "")
