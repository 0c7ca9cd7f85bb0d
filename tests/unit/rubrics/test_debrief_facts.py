"""What a debrief says of a run: marks on the axis, lessons, the truth, and whether it would be caught next time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rubrics.debrief import Debrief, debrief
from rubrics.findings import Finding
from rubrics.loader import incident_rubric
from rubrics.scoring import score
from tests.unit.rubrics.book import DIP, LEAK, Book, Wrong

HARMLESS = "This was harmless: nothing needed to be changed."
STORE = ("online-store", "connection_exhaustion")


def debriefed(book: Book, expert: Book | None = None) -> Debrief:
    return debrief(book.log, score(book.log, incident_rubric()), expert.log if expert else None)


def test_every_kind_of_mark_stands_where_it_happened() -> None:
    book = Book(LEAK)
    made = [
        (book.fired(1, 1, "Burn"), "world", "alert"),
        (book.ack(2), "you", "ack"),
        (book.scope(3, "SEV1"), "you", "hypothesis"),
        (book.look(4, "pods"), "you", "look"),
        (book.suspect(5, 1, *STORE), "you", "hypothesis"),
        (book.confirm(6, 1), "you", "hypothesis"),
        (book.rule_out(7, 1), "you", "hypothesis"),
        (book.change(8, "restart", "gateway"), "you", "change"),
        (book.silence(9, "Burn", 1), "you", "change"),
        (book.status(10, "all on defaults"), "you", "status"),
        (book.resolve(11, STORE), "you", "resolve"),
        (book.add(12, "alert.rule_added", name="mine"), "you", "prevention"),
        (book.postmortem(13, STORE), "you", "prevention"),
    ]
    book.look(14)
    found = [(e.n, e.lane, e.kind, e.t_s) for e in debriefed(book).entries if e.kind != "fault"]
    assert found == [(event.n, lane, kind, float(k)) for k, (event, lane, kind) in enumerate(made, start=1)]


def test_the_recovery_that_lasted_is_marked_on_a_night_that_was_broken() -> None:
    for fault, marks in ((LEAK, [30.0]), (DIP, [])):
        book = Book(fault)
        book.hurt(0)
        book.change(10, "stop_job", "loyalty-export")
        book.heal(30)
        assert [entry.t_s for entry in debriefed(book).entries if entry.kind == "recovery"] == marks


def test_a_lane_holds_so_many_marks_and_the_first_ones_stay() -> None:
    book = Book(LEAK)
    for k in range(405):
        book.look(k, "pods")
    for k in range(405):
        book.fired(1000, k, "Burn")
    entries = debriefed(book).entries
    mine = [entry for entry in entries if entry.lane == "you"]
    assert (len(mine), mine[-1].t_s) == (400, 399.0)
    assert len([entry for entry in entries if entry.kind == "alert"]) == 400


def test_the_axis_reaches_the_end_of_the_longer_run() -> None:
    short, long = Book(LEAK, drill_s=600.0), Book(LEAK, drill_s=600.0)
    short.look(100, "pods")
    long.look(900, "pods")
    assert debriefed(short).axis_s == 600.0
    assert debriefed(long).axis_s == 900.0
    assert debriefed(short, long).axis_s == 900.0
    assert debriefed(long, short).axis_s == 900.0


def test_lessons_come_critical_and_dearest_first_and_name_what_the_expert_did() -> None:
    book, expert = Book(LEAK), Book(LEAK)
    book.ack(700)
    book.look(710, "pods")
    expert.ack(10)
    found = debriefed(book, expert)
    order = [(not lesson.critical, -lesson.lost) for lesson in found.lessons]
    assert order == sorted(order)
    titles = {finding.title: finding for finding in found.card.findings}
    for lesson in found.lessons:
        finding = titles[lesson.title]
        assert finding.verdict in ("missed", "partly")
        assert lesson.lost == pytest.approx(finding.points_max - finding.points)
        assert (lesson.because, lesson.why, lesson.how) == (finding.because, finding.why, finding.how)
        assert lesson.evidence == finding.evidence
    told = {lesson.title: lesson.expert for lesson in found.lessons}
    met = {f.title: f.because for f in found.expert_card.findings if f.verdict == "met"} if found.expert_card else {}
    assert {title for title, text in told.items() if text} == set(met) & set(told)
    assert not any("you " in text for text in told.values())
    assert {f.title for f in found.card.findings if f.verdict == "met"}.isdisjoint(told)


@pytest.mark.parametrize(("points", "lost"), [(0.0, 3.0), (1.126, 1.87), (2.96, 0.04)])
def test_what_a_lesson_cost_is_told_to_the_hundredth(points: float, lost: float) -> None:
    book = Book(LEAK)
    finding = Finding("a", "Took the page", "partly", points, 3.0, (book.joined.n,), "late")
    card = replace(score(book.log, incident_rubric()), findings=(finding,))
    assert [lesson.lost for lesson in debrief(book.log, card).lessons] == [lost]


def test_harm_is_set_beside_the_experts_and_that_of_doing_nothing() -> None:
    book, expert = Book(LEAK), Book(LEAK)
    for log, eur in ((book, 60.0), (expert, 12.0)):
        log.harm(1, 0)
        log.harm(61, eur)
    harm = debriefed(book, expert).harm
    assert (harm.you_eur, harm.idle_eur, harm.expert_eur) == (60.0, 1800.0, 12.0)
    assert debriefed(book).harm.expert_eur is None


@pytest.mark.parametrize(
    ("faults", "truth"),
    [
        ((), ("Nothing was broken.",)),
        ((LEAK,), ("online-store: connection exhaustion. It began 10 min before you joined.",)),
        (
            (Wrong((("dns", "dns_failure"),), began_s=-60.0), DIP),
            (
                f"traffic: seasonal dip. It began 10 min before you joined. {HARMLESS}",
                "dns: dns failure. It began 60 s before you joined.",
            ),
        ),
        ((Wrong((("dns", "dns_failure"),), began_s=-1.0),), ("dns: dns failure. It began 1 s before you joined.",)),
    ],
)
def test_it_says_what_was_wrong(faults: tuple[Wrong, ...], truth: tuple[str, ...]) -> None:
    assert debriefed(Book(*faults)).truth == truth


def test_a_fault_may_begin_after_joining() -> None:
    book = Book()
    book.add(120, "truth.fault", component="dns", mechanism="dns_failure", accepted=[], near=[], harmless=False)
    assert debriefed(book).truth == ("dns: dns failure. It began 2 min after you joined.",)
    now = Book()
    now.add(0, "truth.fault", component="dns", mechanism="dns_failure", accepted=[], near=[], harmless=False)
    assert debriefed(now).truth == ("dns: dns failure. It began 0 s after you joined.",)


@pytest.mark.parametrize(
    ("fires_at_s", "since_fault_s", "text"),
    [
        (6900.0, 300.0, "Your rule x fires 5 min after the fault begins [#{n}], 5 min before you were called."),
        (7200.0, 600.0, "Your rule x fires 10 min after the fault begins [#{n}], too late to help."),
        (6600.0, 0.0, "Your rule x fires 0 s after the fault begins [#{n}], 10 min before you were called."),
        (7199.0, 599.0, "Your rule x fires 10 min after the fault begins [#{n}], 1 s before you were called."),
        (6599.0, -1.0, "Your rule x fires before anything is wrong: a false alarm [#{n}]."),
        (6500.0, -100.0, "Your rule x fires before anything is wrong: a false alarm [#{n}]."),
        (None, None, "Your rule x does not fire when the drill is run again [#{n}]."),
        (None, 5.0, "Your rule x does not fire when the drill is run again [#{n}]."),
    ],
)
def test_it_says_whether_a_rule_would_have_caught_it(
    fires_at_s: float | None, since_fault_s: float | None, text: str
) -> None:
    book = Book(LEAK)
    book.postmortem(1, STORE, prevention="be careful")
    event = book.add(5, "prevention.checked", name="x", fires_at_s=fires_at_s, since_fault_s=since_fault_s)
    assert debriefed(book).prevention == text.format(n=event.n)


def test_without_a_rule_it_says_what_was_written_or_that_nothing_was() -> None:
    book = Book(LEAK)
    assert debriefed(book).prevention.startswith("No alert rule was added")
    assert debriefed(Book(DIP)).prevention.startswith("Nothing was done so that this page does not come again")
    book.postmortem(1, STORE, prevention=["an alert", "a limit"])
    assert debriefed(book).prevention == "You wrote: an alert; a limit"


def test_the_drill_is_named() -> None:
    assert debriefed(Book(LEAK)).scenario == ""
    book = Book(LEAK, before=[(-900.0, "session.started", {"scenario": "toy"})])
    assert debriefed(book).scenario == "toy"
