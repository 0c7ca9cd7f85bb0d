"""The all-clear that was not true: whether it stood, was taken back, or came true."""

from __future__ import annotations

import pytest

from rubrics import flags, measures
from tests.unit.rubrics.book import LEAK, Book, ns

STORE = ("online-store", "connection_exhaustion")
LIMITS = {"corrected_within": "10m", "healed_within": "5m"}
STOOD = measures.ResolvedWhileBroken(name="resolved_while_broken", **LIMITS)
CORRECTED = measures.ResolvedWhileBroken(name="resolved_while_broken", corrected=True, **LIMITS)


def broken() -> Book:
    book = Book(LEAK)
    book.hurt(0)
    book.resolve(100, STORE)
    book.hurt(110)
    return book


def test_the_last_word_while_broken_stands() -> None:
    book = broken()
    claim = next(e for e in book.log if e.kind == "resolve.claimed")
    state = book.facts.state_before(claim)
    found = flags.resolved_while_broken(book.facts, STOOD)
    assert found is not None
    assert state is not None
    assert found.evidence == ns(state, claim)
    assert flags.resolved_while_broken(book.facts, CORRECTED) is None


@pytest.mark.parametrize(("back_s", "stands"), [(700.0, False), (700.001, True)])
@pytest.mark.parametrize("how", ["withdrawn", "resolved again"])
def test_taken_back_in_time_it_is_the_lesser_flag(back_s: float, stands: bool, how: str) -> None:
    book = broken()
    if how == "withdrawn":
        book.withdraw(back_s)
    else:
        book.heal(600)
        book.resolve(back_s, STORE)
    stood, found = (flags.resolved_while_broken(book.facts, rule) for rule in (STOOD, CORRECTED))
    assert ((stood is not None), (found is not None)) == (stands, not stands)
    if found:
        assert "taken back when" in found.because
    if stood:
        assert stood.because.endswith("while users were not well served")


@pytest.mark.parametrize(
    ("changed_s", "healed_s", "stands"),
    [(50, 400, False), (50, 400.001, True), (105, 400, True), (None, 400, True)],
)
def test_what_came_true_in_time_through_what_had_been_done_before_is_the_lesser_flag(
    changed_s: float | None, healed_s: float, stands: bool
) -> None:
    book = Book(LEAK)
    book.hurt(0)
    if changed_s == 50:
        book.change(changed_s, "stop_job", "loyalty-export")
    book.resolve(100, STORE)
    if changed_s == 105:
        book.change(changed_s, "stop_job", "loyalty-export")
    book.hurt(110)
    book.heal(healed_s)
    stood, found = (flags.resolved_while_broken(book.facts, rule) for rule in (STOOD, CORRECTED))
    assert ((stood is not None), (found is not None)) == (stands, not stands)
    if found:
        assert found.because.endswith("while users were not well served, 5 min before they were")
    if stood:
        assert stood.because.endswith("while users were not well served")


def test_what_was_taken_back_and_came_true_is_told_as_taken_back() -> None:
    book = Book(LEAK)
    book.hurt(0)
    book.change(50, "stop_job", "loyalty-export")
    book.resolve(100, STORE)
    book.hurt(110)
    back = book.withdraw(200)
    book.heal(300)
    found = flags.resolved_while_broken(book.facts, CORRECTED)
    assert found is not None
    assert found.because.endswith(f"[#{back.n}]")


@pytest.mark.parametrize("how", ["withdrawn", "resolved again"])
def test_the_first_correction_counts_not_a_later_one(how: str) -> None:
    book = broken()
    if how == "withdrawn":
        book.withdraw(200)
    book.heal(300)
    if how == "resolved again":
        book.resolve(400, STORE)
    book.resolve(5000, STORE)
    assert flags.resolved_while_broken(book.facts, STOOD) is None


def test_after_one_that_was_taken_back_the_next_is_judged() -> None:
    book = broken()
    book.withdraw(200)
    second = book.resolve(300, STORE)
    book.hurt(310)
    found = flags.resolved_while_broken(book.facts, STOOD)
    assert found is not None
    assert second.n in found.evidence


def test_what_was_taken_back_before_corrects_nothing() -> None:
    book = Book(LEAK)
    book.hurt(0)
    book.withdraw(50)
    book.resolve(100, STORE)
    book.hurt(110)
    assert flags.resolved_while_broken(book.facts, STOOD) is not None
    assert flags.resolved_while_broken(book.facts, CORRECTED) is None


def test_a_second_false_claim_corrects_nothing() -> None:
    book = broken()
    first = book.facts.claims[0]
    book.resolve(200, STORE)
    book.hurt(300)
    found = flags.resolved_while_broken(book.facts, STOOD)
    assert found is not None
    assert first.n in found.evidence
    assert flags.resolved_while_broken(book.facts, CORRECTED) is None


def test_a_second_claim_is_judged_on_its_own() -> None:
    book = Book(LEAK)
    book.hurt(0)
    book.heal(50)
    book.resolve(100, STORE)
    book.hurt(150)
    second = book.resolve(200, STORE)
    book.hurt(300)
    found = flags.resolved_while_broken(book.facts, STOOD)
    assert found is not None
    assert second.n in found.evidence


def test_a_true_resolve_is_no_sin_even_when_it_breaks_later() -> None:
    book = Book(LEAK)
    book.hurt(0)
    book.heal(50)
    book.resolve(100, STORE)
    book.hurt(200)
    assert flags.resolved_while_broken(book.facts, STOOD) is None


def test_while_the_cause_is_gone_and_objectives_hold_nothing_is_broken() -> None:
    """The truth lags: money is still lost for a minute, but the cause is gone and users are served."""
    book = Book(LEAK)
    book.hurt(0)
    book.state(50, cleared=True, good=False)
    book.slo(50, good=True)
    book.resolve(60, STORE)
    assert flags.resolved_while_broken(book.facts, STOOD) is None
