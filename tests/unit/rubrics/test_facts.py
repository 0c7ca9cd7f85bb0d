"""What a log says of a drill: stretches of good service, suspects, and the statement that counts."""

from __future__ import annotations

import pytest

from rubrics.facts import Facts, first_after, last_before
from tests.unit.rubrics.book import DIP, LEAK, Book


def test_a_fault_ends_a_good_stretch_at_its_instant_and_a_harmless_one_does_not() -> None:
    for harmless, stretches in ((True, 1), (False, 2)):
        book = Book()
        book.heal(0)
        named = {"component": "dns", "mechanism": "dns_failure", "accepted": [], "near": [], "also_safe": []}
        book.add(10, "truth.fault", harmless=harmless, **named)
        book.heal(20)
        found = book.facts.stretches
        assert len(found) == stretches
        assert found[-1].end is None
        assert [stretch.recovered for stretch in found] == [False, True][:stretches]


def test_a_stretch_lasts_from_the_report_before_its_first_good_one() -> None:
    book = Book(LEAK)
    book.hurt(10)
    book.hurt(70)
    _, start = book.heal(130)
    end, _ = book.hurt(190)
    (found,) = book.facts.stretches
    assert (found.start, found.end, found.recovered) == (start, end, True)
    assert found.since_us == start.t_us - 60_000_000
    assert book.facts.good_at(start) == found
    inside, outside = book.look(191, "pods"), book.facts.events[0]
    assert book.facts.good_at(inside) is None
    assert book.facts.good_at(end) is None
    assert book.facts.good_at(outside) is None


def test_service_is_good_only_when_the_truth_and_the_objectives_both_are() -> None:
    for truth, slo, good in ((True, True, 1), (True, False, 0), (False, True, 0)):
        book = Book()
        book.slo(0, good=slo)
        book.state(0, cleared=True, good=truth)
        assert len(book.facts.stretches) == good


def test_only_events_of_hypotheses_make_one_and_only_since_joining() -> None:
    book = Book(LEAK, before=[(-5.0, "hypothesis.added", {"hyp_id": 9, "component": "a", "mechanism": "b"})])
    book.add(1, "lesson.added", hyp_id=1, component="a", mechanism="b")
    book.add(1, "hypothesis.renamed", hyp_id=1, component="a", mechanism="b")
    assert book.facts.hypotheses == ()
    book.suspect(2, 1, "a", "b")
    assert [h.hyp_id for h in book.facts.hypotheses] == ["1"]


def test_what_is_known_at_an_event_is_the_last_word_before_it() -> None:
    book = Book(LEAK)
    first = book.state(0, cleared=False, good=False)
    claim = book.resolve(5, LEAK.accepted[0])
    later = book.state(10, cleared=True, good=True)
    assert book.facts.state_before(claim) == first
    assert book.facts.state_before(first) is None
    assert book.facts.cleared() == later


def test_neither_before_nor_after_an_event_is_the_event_itself() -> None:
    book = Book(LEAK)
    first, second, third = (book.slo(at_s, good=True) for at_s in (1, 2, 3))
    reports = book.facts.all("slo")
    assert (last_before(reports, second), first_after(reports, second)) == (first, third)
    assert (last_before(reports, first), first_after(reports, third)) == (None, None)


def test_where_no_objectives_are_reported_the_truth_alone_heals() -> None:
    for cleared, slo, healed in ((True, None, True), (False, None, False), (True, False, False), (True, True, True)):
        book = Book(LEAK)
        if slo is not None:
            book.slo(0, good=slo)
        book.state(0, cleared=cleared, good=False)
        claim = book.resolve(5, LEAK.accepted[0])
        if slo is not None:
            book.slo(10, good=slo)
        book.state(10, cleared=cleared, good=False)
        assert book.facts.healed_at(claim) == healed
        assert book.facts.true_at(claim) == healed
    assert not Book(LEAK).facts.healed_at(claim)


def test_a_cause_that_was_gone_before_the_fault_began_says_nothing() -> None:
    book = Book(LEAK, before=[(-900.0, "truth.state", {"cleared": True, "good": True})])
    assert book.facts.cleared() is None
    gone = book.state(0, cleared=True, good=True)
    assert book.facts.cleared() == gone


def test_repairs_touch_the_cause_or_what_a_cure_may_touch() -> None:
    book = Book(LEAK, DIP)
    book.change(1, "restart", "gateway")
    book.refused(2, "online-store")
    repairs = [book.change(3, "stop_job", "loyalty-export"), book.change(4, "delete_pod", "gateway", "materializer")]
    book.change(5, "restart", "traffic")
    assert book.facts.repairs == tuple(repairs)
    assert list(book.facts.stray_acts()) == ["gateway", "traffic"]


def test_a_true_all_clear_for_another_cause_ends_nothing() -> None:
    book = Book(LEAK)
    book.hurt(0)
    book.heal(100)
    book.resolve(200, ("dns", "dns_failure"))
    assert book.facts.over is None
    told = book.resolve(300, LEAK.accepted[0])
    assert book.facts.over == told


def test_of_two_true_all_clears_the_last_ends_the_search() -> None:
    book = Book(LEAK)
    book.heal(100)
    book.resolve(200, LEAK.accepted[0])
    last = book.resolve(300, LEAK.accepted[1])
    assert book.facts.over == last


@pytest.mark.parametrize(
    ("fix_s", "claim_s", "again_s", "healed"),
    [(10, 15, None, True), (10, 15, 40, True), (10, 15, 20, False), (10, 35, None, False), (15, 10, None, False)],
    ids=["in time", "touched later", "touched before it healed", "healed before", "mended after"],
)
def test_a_resolve_came_true_when_what_was_changed_before_it_healed_it_after(
    fix_s: float, claim_s: float, again_s: float | None, healed: bool
) -> None:
    book = Book(LEAK)
    steps = [(0.0, "hurt"), (fix_s, "fix"), (claim_s, "claim"), (30.0, "heal")] + (
        [(again_s, "fix")] if again_s else []
    )
    for at_s, step in sorted(steps):
        if step == "hurt":
            book.hurt(at_s)
        elif step == "fix":
            book.change(at_s, "stop_job", "loyalty-export")
        elif step == "claim":
            claim = book.resolve(at_s, LEAK.accepted[0])
        else:
            back = book.heal(at_s)[1]
    assert book.facts.healed_after(claim) == (back if healed else None)


def test_a_drill_without_a_length_lasts_half_an_hour() -> None:
    book = Book(LEAK, drill_s=600.0)
    assert book.facts.drill_s == 600.0
    assert Book(LEAK, drill_s=0.0).facts.drill_s == 1800.0


def test_a_log_without_a_moment_of_joining_begins_with_its_first_event() -> None:
    book = Book(LEAK)
    book.look(5, "pods")
    events = [event for event in book.log if event.kind != "session.joined"]
    assert Facts(events).joined == events[0]
