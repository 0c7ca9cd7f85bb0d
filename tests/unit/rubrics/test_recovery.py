"""Whether recovery held before it was declared, and whether somebody watched."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.outcomes import recovery_held
from tests.unit.rubrics.book import LEAK, STALL, Book, cured, ns

STORE = ("online-store", "connection_exhaustion")
HELD = measures.RecoveryHeld(
    name="recovery_held", hold="10m", partly_hold="5m", early_ratio=0.2, undeclared_ratio=0.3, looked=("metrics",)
)


@pytest.mark.parametrize(
    ("held_s", "looked", "share"),
    [
        (600, True, 1.0),
        (599.999, True, 0.5),
        (300, True, 0.5),
        (299.999, True, 0.2),
        (600, False, 0.6),
        (300, False, 0.1),
        (299, False, 0.2),
    ],
)
def test_it_is_measured_until_the_resolve_and_must_be_watched(held_s: float, looked: bool, share: float) -> None:
    book = Book(LEAK)
    book.hurt(0)
    book.change(10, "stop_job", "loyalty-export")
    book.hurt(99)
    # What is good at 100 has been good since the report before it.
    _, start = book.heal(100)
    held_s -= 1
    look = book.look(110, "metrics") if looked else book.look(110, "pods")
    book.look(120, "metrics") if looked else None
    claim = book.resolve(100 + held_s, STORE)
    found = recovery_held(book.facts, HELD)
    assert found.share == pytest.approx(share)
    if share == 1.0:
        assert found.evidence == ns(start, look, claim)
        assert found.because.endswith(f"[#{look.n}]")


@pytest.mark.parametrize(
    ("looked", "of", "line", "watched"),
    [
        (("metrics",), (), "metrics up", True),
        (("logs",), ("gateway",), "logs gateway", True),
        (("logs",), ("recommendation",), "logs recommendation", False),
        (("upstream",), ("online-store",), "store clients", True),
        (("upstream",), ("loyalty-export",), "store clients", True),
        (("upstream",), ("gateway",), "store clients", False),
        (("changes",), ("loyalty-export",), "deploys", False),
        (("fallback",), ("fallback",), "curl http://fallback/v1/recommendation", True),
        (("features",), (), "features list", False),
    ],
)
def test_it_is_watched_by_a_look_at_customers_or_at_what_had_been_broken(
    looked: tuple[str, ...], of: tuple[str, ...], line: str, watched: bool
) -> None:
    book = cured()
    look = book.look(400, *looked, of=of, line=line)
    claim = book.resolve(900, STORE)
    found = recovery_held(book.facts, HELD)
    assert found.share == pytest.approx(1.0 if watched else 0.6)
    assert (look.n in found.evidence) == watched
    assert claim.n in found.evidence


def test_looks_before_recovery_or_after_the_resolve_do_not_watch_it() -> None:
    book = Book(LEAK)
    book.hurt(0)
    book.change(10, "stop_job", "loyalty-export")
    book.look(99, "metrics")
    book.hurt(99.9999)
    book.heal(100)
    book.resolve(700, STORE)
    book.look(701, "metrics")
    assert recovery_held(book.facts, HELD).share == pytest.approx(0.6)


def test_a_relapse_starts_the_clock_again_and_the_last_resolve_counts() -> None:
    book = Book(LEAK)
    book.hurt(0)
    book.change(10, "stop_job", "loyalty-export")
    book.heal(60)
    book.resolve(700, STORE)
    book.hurt(799.9999)
    book.heal(800)
    book.look(810, "metrics")
    assert recovery_held(book.facts, HELD).share == HELD.early_ratio
    book.resolve(1400, STORE)
    assert recovery_held(book.facts, HELD).share == 1.0


def test_a_stretch_that_ended_is_no_recovery() -> None:
    book = cured()
    book.look(110, "metrics")
    book.resolve(800, STORE)
    _, last = book.hurt(900)
    assert recovery_held(book.facts, HELD).evidence == ns(last)


@pytest.mark.parametrize(("again_s", "share"), [(None, 0.2), (150, 0.0)])
def test_declared_before_it_came_true_through_what_had_been_done_earns_the_early_share(
    again_s: float | None, share: float
) -> None:
    book = Book(LEAK)
    book.hurt(0)
    book.change(10, "stop_job", "loyalty-export")
    book.resolve(100, STORE)
    if again_s is not None:
        book.change(again_s, "stop_job", "loyalty-export")
    book.hurt(160)
    book.heal(220)
    assert recovery_held(book.facts, HELD).share == pytest.approx(share)


@pytest.mark.parametrize(
    ("claim_s", "share", "shown"),
    [(99.0, 0.2, "after only 0 s"), (98.999, 0.0, "before service was back"), (98.5, 0.0, "before service was back")],
)
def test_a_good_report_tells_of_the_time_since_the_one_before(claim_s: float, share: float, shown: str) -> None:
    """Service has been good since 99 s. What was changed after the resolve keeps it from having come true."""
    book = Book(LEAK)
    book.hurt(0)
    book.change(10, "stop_job", "loyalty-export")
    if claim_s < 99:
        book.resolve(claim_s, STORE)
    book.hurt(99)
    if claim_s == 99:
        book.resolve(claim_s, STORE)
    book.change(99.5, "stop_job", "loyalty-export")
    book.heal(100)
    found = recovery_held(book.facts, HELD)
    assert found.share == pytest.approx(share)
    assert found.because.endswith(shown)


@pytest.mark.parametrize(("end_s", "share"), [(640, 0.3), (639.999, 0.0)])
def test_held_and_never_declared_earns_its_share(end_s: float, share: float) -> None:
    book = Book(LEAK)
    book.hurt(0)
    book.change(10, "stop_job", "loyalty-export")
    book.hurt(40)
    book.heal(100)
    book.add(end_s, "session.ended", reason="timeout")
    assert recovery_held(book.facts, HELD).share == pytest.approx(share)


def test_a_service_that_was_never_bad_did_not_recover() -> None:
    book = Book(STALL)
    book.slo(0, good=True)
    book.state(0, cleared=False, good=True)
    book.change(10, "unlock", "materializer")
    book.look(20, "metrics")
    book.resolve(900, STALL.accepted[0])
    assert recovery_held(book.facts, HELD).share == 0.0
