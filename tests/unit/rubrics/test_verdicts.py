"""From findings and flags to a verdict: every cut on both sides."""

from __future__ import annotations

from typing import Any

import pytest

from rubrics.findings import Finding, RedFlag, Scorecard
from rubrics.schema import Rubric
from rubrics.scoring import score
from tests.unit.rubrics.book import DIP, LEAK, STALL, Book, ns

WHY = {"asks": "?", "why": "because", "how": "so"}


def criterion(name: str, points: float, event: str = "", partly: str = "", **data: Any) -> dict[str, Any]:
    """Met when `event` happened, partly when `partly` did."""
    patterns: dict[str, Any] = {"met": {"event": event or name}}
    if partly:
        patterns["partly"] = {"event": partly}
    return {"id": name, "title": name.upper(), "points": points, **patterns, **data, **WHY}


def flag(name: str, level: str, **data: Any) -> dict[str, Any]:
    return {"id": name, "title": name.upper(), "level": level, "seen": {"event": name}, "why": "Bad.", **data}


def rubric(*criteria: dict[str, Any], flags: tuple[dict[str, Any], ...] = (), **verdicts: float) -> Rubric:
    bar = {"strong_score": 80, "lean_score": 50, "lean_critical_partly_max": 1, **verdicts}
    return Rubric.model_validate(
        {
            "schema_version": 1,
            "id": "test",
            "title": "Test",
            "verdicts": bar,
            "criteria": list(criteria),
            "red_flags": list(flags),
        }
    )


def judged(asked: Rubric, *kinds: str, book: Book | None = None) -> Scorecard:
    """The card of a log in which these events happened."""
    book = book or Book(LEAK)
    for k, kind in enumerate(kinds):
        book.add(k, kind)
    return score(book.log, asked)


@pytest.mark.parametrize(
    ("points", "verdict"), [(80.0, "strong"), (79.9, "lean"), (50.0, "lean"), (49.9, "no"), (0.5, "no")]
)
def test_the_score_cuts_at_its_bounds(points: float, verdict: str) -> None:
    card = judged(rubric(criterion("a", points), criterion("b", 100 - points)), "a")
    assert (card.score, card.verdict) == (points, verdict)
    assert (card.reasons == ()) == (verdict == "strong")


def test_the_reasons_say_what_the_next_verdict_asks_for() -> None:
    asked = rubric(criterion("a", 70), criterion("b", 30))
    assert judged(asked, "a").reasons == ("70 points; Strong Hire asks for 80",)
    assert judged(asked, "b").reasons == ("30 points; Lean Hire asks for 50",)


def test_the_score_is_the_share_of_what_counted() -> None:
    chance = {"when": {"event": "quiet"}, "because": "nothing to do"}
    asked = rubric(criterion("a", 30), criterion("b", 30), criterion("c", 40, no_chance=chance))
    assert judged(asked, "a").score == 30.0
    card = judged(asked, "a", "quiet")
    assert card.score == 50.0
    assert [(f.verdict, f.points) for f in card.findings] == [("met", 30), ("missed", 0), ("no_chance", 0)]
    assert card.findings[2].because == "nothing to do"
    everything = rubric(criterion("c", 40, no_chance=chance))
    assert judged(everything, "c", "quiet").score == 0.0


def test_scores_are_rounded_to_a_tenth() -> None:
    assert judged(rubric(criterion("a", 1), criterion("b", 2)), "a").score == 33.3


def test_a_critical_criterion_missed_is_no_whatever_the_score() -> None:
    asked = rubric(criterion("a", 95), criterion("b", 5, critical=True))
    card = judged(asked, "a")
    assert (card.verdict, card.reasons, card.critical_missed) == ("no", ("missed and critical: B",), ("b",))
    assert judged(asked, "a", "b").verdict == "strong"
    assert judged(asked, "b").critical_missed == ()


@pytest.mark.parametrize(("allowed", "verdict"), [(0, "no"), (1, "no"), (2, "lean")])
def test_only_so_many_critical_ones_may_be_partly_met(allowed: int, verdict: str) -> None:
    partly = [criterion(name, 10, event=f"all-{name}", partly=name, critical=True) for name in "bc"]
    asked = rubric(criterion("a", 80), *partly, lean_critical_partly_max=allowed)
    card = judged(asked, "a", "b", "c")
    assert (card.score, card.verdict) == (90.0, verdict)
    assert card.critical_missed == ("b", "c")
    one = judged(asked, "a", "b", "all-c")
    assert one.verdict == ("no" if allowed == 0 else "lean")


def test_partly_earns_its_ratio_and_cites_both() -> None:
    book = Book(LEAK)
    asked = rubric(criterion("a", 10, event="x", partly="y", partly_ratio=0.3))
    card = judged(asked, "y", book=book)
    assert card.findings[0].points == pytest.approx(3.0)
    assert card.findings[0].evidence == (book.joined.n + 1, book.joined.n)
    assert judged(asked, "y", "x").findings[0].points == 10.0


def test_points_and_harm_are_told_to_the_hundredth() -> None:
    book = Book(LEAK)
    book.harm(0, 12.3456)
    card = judged(rubric(criterion("a", 10, event="x", partly="y", partly_ratio=0.12345)), "y", book=book)
    assert (card.findings[0].points, card.harm_eur) == (1.23, 12.35)


@pytest.mark.parametrize(("ratio", "verdict"), [(0.5, "strong"), (0.49, "lean")])
def test_strong_asks_for_a_share_of_some_criteria(ratio: float, verdict: str) -> None:
    part = criterion("b", 10, event="all-b", partly="b", partly_ratio=ratio, strong_needs=0.5)
    card = judged(rubric(criterion("a", 90), part), "a", "b")
    assert card.verdict == verdict
    if verdict == "lean":
        assert card.reasons == ("Strong Hire asks for more of: B",)


def test_what_had_no_chance_is_asked_of_nobody() -> None:
    chance = {"when": {"event": "quiet"}, "because": "nothing to do"}
    for extra in ({"critical": True}, {"strong_needs": 1.0}):
        asked = rubric(criterion("a", 90), criterion("b", 10, no_chance=chance, **extra))
        card = judged(asked, "a", "quiet")
        assert (card.verdict, card.critical_missed) == ("strong", ())


@pytest.mark.parametrize(("level", "verdict"), [("fatal", "no"), ("major", "lean"), ("minor", "strong")])
def test_a_flag_weighs_by_its_level(level: str, verdict: str) -> None:
    asked = rubric(criterion("a", 100), flags=(flag("oops", level),))
    book = Book(LEAK)
    card = judged(asked, "a", "oops", book=book)
    assert (card.score, card.verdict) == (100.0, verdict)
    assert [(f.flag, f.level, f.evidence) for f in card.red_flags] == [("oops", level, (book.joined.n + 2,))]
    assert card.reasons == (() if verdict == "strong" else ("OOPS",))
    assert judged(asked, "a").red_flags == ()


@pytest.mark.parametrize(
    ("costs", "total", "verdict"), [((5, 15), 80.0, "strong"), ((5, 15.1), 79.9, "lean"), ((90, 30), 0.0, "no")]
)
def test_hints_cost_what_they_say_after_the_points(costs: tuple[float, ...], total: float, verdict: str) -> None:
    book = Book(LEAK)
    book.add(0, "a")
    taken = [book.add(1, "hint.taken", step=k, of=9, costs_points=cost) for k, cost in enumerate(costs)]
    card = score(book.log, rubric(criterion("a", 100)))
    assert (card.score, card.verdict) == (total, verdict)
    assert (card.hints.taken, card.hints.points, card.hints.evidence) == (2, sum(costs), ns(*taken))


@pytest.mark.parametrize(("said", "costs"), [({"costs_points": 0.5}, 0.5), ({}, 0.0), ({"costs_points": -3}, 0.0)])
def test_a_hint_costs_no_more_and_no_less_than_it_says(said: dict[str, float], costs: float) -> None:
    book = Book(LEAK)
    book.add(0, "hint.taken", step=1, of=9, **said)
    assert score(book.log, rubric(criterion("a", 100))).hints.points == costs


def test_a_hint_before_joining_costs_nothing() -> None:
    book = Book(LEAK, before=[(-1.0, "hint.taken", {"step": 1, "of": 4, "costs_points": 5})])
    assert score(book.log, rubric(criterion("a", 100))).hints.points == 0.0


class TestWhereACriterionApplies:
    @pytest.mark.parametrize(
        ("drill", "faults", "applies"),
        [
            ("faulted", (LEAK,), True),
            ("faulted", (DIP,), False),
            ("faulted", (LEAK, DIP), True),
            ("faulted", (), False),
            ("harmless", (DIP,), True),
            ("harmless", (LEAK,), False),
            (None, (LEAK,), True),
        ],
    )
    def test_by_what_was_wrong(self, drill: str | None, faults: tuple[Any, ...], applies: bool) -> None:
        when = {"drill": drill} if drill else {}
        asked = rubric(criterion("a", 10, applies_when=when), criterion("z", 10))
        flagged = rubric(criterion("z", 10), flags=(flag("a", "major", applies_when=when),))
        assert [f.criterion for f in judged(asked, book=Book(*faults)).findings] == (["a", "z"] if applies else ["z"])
        assert bool(judged(flagged, "a", book=Book(*faults)).red_flags) == applies

    @pytest.mark.parametrize(("joined_by", "reason", "applies"), [
        ("page", "page", True), ("page", "shift", True), ("page", "complaint", False),
        ("complaint", "complaint", True), ("complaint", "page", False),
    ])  # fmt: skip
    def test_by_what_made_the_responder_join(self, joined_by: str, reason: str, applies: bool) -> None:
        asked = rubric(criterion("a", 10, applies_when={"joined_by": joined_by}), criterion("z", 10))
        assert len(judged(asked, book=Book(LEAK, reason=reason)).findings) == 1 + applies


def test_a_measure_may_say_that_a_critical_criterion_was_not_critical_tonight() -> None:
    seen = {"id": "c", "title": "C", "points": 5, "critical": True, "measure": {"name": "customers_seen"}, **WHY}
    asked = rubric(criterion("a", 95), seen)
    assert judged(asked, "a", book=Book(STALL)).verdict == "strong"
    book = Book(STALL)
    book.hurt(0)
    assert judged(asked, "a", book=book).verdict == "no"


def test_how_long_recovery_must_have_held_for_the_time_to_resolve_comes_from_the_rubric() -> None:
    held = {"id": "h", "title": "H", "points": 5, "measure": {"name": "recovery_held", "hold": "20m"}, **WHY}
    shorter = {**held, "id": "i", "measure": {"name": "recovery_held", "hold": "5m"}}
    for extra, ttr_s in (((), 699.0), ((held,), 1299.0), ((held, shorter), 1299.0)):
        book = Book(LEAK)
        book.hurt(0)
        book.change(10, "stop_job", "loyalty-export")
        book.hurt(99)
        book.heal(100)
        for claim_s in (698.999, 699, 1298.999, 1299):
            book.resolve(claim_s, LEAK.accepted[0])
        assert score(book.log, rubric(criterion("a", 10), *extra)).times.ttr_s == ttr_s


def test_a_finding_or_flag_without_evidence_or_with_impossible_points_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="cites no event"):
        Finding("a", "A", "missed", 0.0, 1.0, (), "because")
    with pytest.raises(ValueError, match="cites no event"):
        RedFlag("a", "A", "fatal", (), "text")
    with pytest.raises(ValueError, match="no reason"):
        Finding("a", "A", "missed", 0.0, 1.0, (1,), "")
    for points in (2.0, -0.1):
        with pytest.raises(ValueError, match="points"):
            Finding("a", "A", "met", points, 1.0, (1,), "because")
    assert Finding("a", "A", "met", 1.0, 1.0, (1,), "because").points == 1.0
