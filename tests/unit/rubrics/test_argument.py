"""Suspects, rivals, and the look back at earlier days."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.cause import compared_with_history, evidence_backed_hypotheses, rival_ruled_out
from tests.unit.rubrics.book import DIP, LEAK, Book, ns

STORE = ("online-store", "connection_exhaustion")
GATEWAY = ("gateway", "retry_storm")
SEVERAL = measures.EvidenceBackedHypotheses(name="evidence_backed_hypotheses", at_least=2)
RIVAL = measures.RivalRuledOut(name="rival_ruled_out")
HISTORY = measures.ComparedWithHistory(name="compared_with_history", looked=("history",))


def argued(book: Book, *parts: str) -> None:
    """Any of: `for`, `against`, `out` (with a reason), `shrug` (two words), `irrelevant`."""
    book.suspect(1, 1, *STORE)
    book.suspect(1, 2, *GATEWAY)
    shown = book.look(2, "logs", of=["gateway", "online-store"])
    if "for" in parts:
        book.cite(3, 1, shown)
    if "irrelevant" in parts:
        book.cite(3, 1, shown, relevant=False)
    if "against" in parts:
        book.cite(4, 2, shown, "against")
    if "out" in parts or "shrug" in parts:
        book.rule_out(5, 2, "not this" if "shrug" in parts else "not this one")


@pytest.mark.parametrize(
    ("parts", "share"),
    [
        ((), 0.0),
        (("irrelevant",), 0.0),
        (("out",), 0.0),
        (("for",), 0.2 + 0.3),
        (("against",), 0.2),
        (("for", "against"), 0.4 + 0.3),
        (("against", "out"), 0.2 + 0.3),
        (("for", "out"), 0.2 + 0.3),
        (("for", "against", "shrug"), 0.4 + 0.3),
        (("for", "against", "out"), 1.0),
    ],
)
def test_several_causes_are_paid_for_by_part(parts: tuple[str, ...], share: float) -> None:
    book = Book(LEAK)
    argued(book, *parts)
    found = evidence_backed_hypotheses(book.facts, SEVERAL)
    assert found.share == pytest.approx(share)
    assert found.verdict == ("met" if share == 1.0 else "partly" if share else "missed")


def test_suspects_are_cited_by_their_evidence_and_the_rejection() -> None:
    book = Book(LEAK)
    argued(book, "for", "against", "out")
    pro, contra = [e for e in book.log if e.kind == "hypothesis.evidence"]
    out = next(e for e in book.log if e.kind == "hypothesis.ruled_out")
    found = evidence_backed_hypotheses(book.facts, SEVERAL)
    assert set(found.evidence) == set(ns(pro, contra, out))
    assert found.because.startswith("2 suspected causes with evidence that bears on it; you ruled out")


def test_suspects_without_evidence_are_cited_themselves() -> None:
    book = Book(LEAK)
    first, second = book.suspect(1, 1, *STORE), book.suspect(2, 2, *GATEWAY)
    book.confirm(3, 1)
    found = evidence_backed_hypotheses(book.facts, SEVERAL)
    assert (found.share, found.evidence) == (0.0, ns(first, second))
    assert found.because.startswith("2 suspected, none with evidence")
    assert evidence_backed_hypotheses(Book(LEAK).facts, SEVERAL).because == "no cause was suspected"


def test_the_same_cause_twice_is_one_suspect() -> None:
    book = Book(LEAK)
    for hyp_id in (1, 2):
        book.suspect(hyp_id, hyp_id, *STORE)
        book.cite(hyp_id, hyp_id, book.look(hyp_id, "logs"))
    assert evidence_backed_hypotheses(book.facts, SEVERAL).share == pytest.approx(0.2 + 0.3)


def test_of_each_suspect_one_output_is_cited() -> None:
    book = Book(LEAK)
    book.suspect(1, 1, *STORE)
    pro = book.cite(2, 1, book.look(2, "logs"))
    book.cite(3, 1, book.look(3, "pods"), "against")
    assert evidence_backed_hypotheses(book.facts, SEVERAL).evidence == ns(pro)


def test_one_suspect_is_told_as_one() -> None:
    book = Book(LEAK)
    argued(book, "for")
    assert evidence_backed_hypotheses(book.facts, SEVERAL).because.startswith("1 suspected cause with evidence")


@pytest.mark.parametrize(("at_least", "share"), [(4, 0.4 * 2 / 4 + 0.6), (2, 1.0), (1, 1.0)])
def test_how_many_suspects_are_asked_for_is_the_rubrics_choice(at_least: int, share: float) -> None:
    book = Book(LEAK)
    argued(book, "for", "against", "out")
    rule = measures.EvidenceBackedHypotheses(name="evidence_backed_hypotheses", at_least=at_least)
    assert evidence_backed_hypotheses(book.facts, rule).share == pytest.approx(share)


def test_what_was_found_after_the_resolve_came_too_late() -> None:
    book = Book(LEAK)
    book.suspect(1, 1, *STORE)
    shown = book.look(2, "logs")
    book.heal(2)
    book.resolve(3, STORE)
    book.cite(4, 1, shown)
    assert evidence_backed_hypotheses(book.facts, SEVERAL).share == 0.0
    book.withdraw(5)
    assert evidence_backed_hypotheses(book.facts, SEVERAL).share > 0.0


def test_a_false_all_clear_ends_no_search() -> None:
    book = Book(LEAK)
    book.suspect(1, 1, *STORE)
    shown = book.look(2, "logs")
    book.hurt(2)
    book.resolve(3, STORE)
    book.hurt(4)
    book.cite(5, 1, shown)
    assert evidence_backed_hypotheses(book.facts, SEVERAL).share > 0.0


def test_a_cause_confirmed_again_after_ruling_it_out_was_not_refuted() -> None:
    book = Book(LEAK)
    argued(book, "for", "against", "out")
    book.confirm(6, 2)
    assert evidence_backed_hypotheses(book.facts, SEVERAL).share == pytest.approx(0.7)
    assert rival_ruled_out(book.facts, RIVAL).share == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("parts", "share"),
    [
        ((), 0.0),
        (("for",), 0.0),
        (("against",), 0.3),
        (("out",), 0.3),
        (("against", "shrug"), 0.3),
        (("against", "out"), 1.0),
    ],
)
def test_a_rival_is_ruled_out_by_evidence_and_for_a_reason(parts: tuple[str, ...], share: float) -> None:
    book = Book(DIP)
    argued(book, *parts)
    found = rival_ruled_out(book.facts, RIVAL)
    assert found.share == pytest.approx(share)
    if share == 1.0:
        contra = next(e for e in book.log if e.data.get("direction") == "against")
        out = next(e for e in book.log if e.kind == "hypothesis.ruled_out")
        assert found.evidence == ns(contra, out)


def test_a_rejection_is_shown_by_the_first_evidence_against_it() -> None:
    book = Book(DIP)
    book.suspect(1, 1, *GATEWAY)
    first, _ = (book.cite(at_s, 1, book.look(at_s, "pods"), "against") for at_s in (2, 3))
    out = book.rule_out(4, 1)
    assert rival_ruled_out(book.facts, RIVAL).evidence == ns(first, out)


def test_giving_up_the_right_explanation_rules_out_no_rival() -> None:
    book = Book(DIP)
    book.suspect(1, 1, *DIP.accepted[0])
    book.cite(2, 1, book.look(2, "history"), "against")
    book.rule_out(3, 1)
    assert rival_ruled_out(book.facts, RIVAL).share == 0.0
    assert evidence_backed_hypotheses(book.facts, SEVERAL).share == pytest.approx(0.2)


def test_evidence_that_came_after_the_rejection_does_not_back_it() -> None:
    book = Book(DIP)
    book.suspect(1, 1, *GATEWAY)
    shown = book.look(2, "pods")
    book.rule_out(3, 1)
    book.cite(4, 1, shown, "against")
    assert rival_ruled_out(book.facts, RIVAL).share == pytest.approx(0.3)


def test_history_counts_when_it_is_cited_for_what_was_confirmed() -> None:
    book = Book(DIP)
    assert compared_with_history(book.facts, HISTORY).evidence == ns(book.joined)
    weeks = book.look(1, "metrics", "history", of=["traffic"])
    book.look(1, "metrics", "history", of=["traffic"])
    found = compared_with_history(book.facts, HISTORY)
    assert (found.share, found.evidence) == (0.3, ns(weeks))
    assert found.because.endswith(f"[#{weeks.n}], but it was not cited for the explanation")
    book.suspect(2, 1, "traffic", "seasonal_dip")
    cited = book.cite(3, 1, weeks)
    found = compared_with_history(book.facts, HISTORY)
    assert found.share == pytest.approx(0.5)
    assert found.because.endswith("cited it as evidence, but the explanation was never confirmed")
    book.confirm(4, 1)
    found = compared_with_history(book.facts, HISTORY)
    assert (found.share, found.evidence) == (1.0, ns(weeks, cited))
    assert found.because.endswith("cited it as evidence")
    book.rule_out(5, 1)
    assert compared_with_history(book.facts, HISTORY).share == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("cause", "looked", "direction", "share"),
    [
        (("traffic", "seasonal_dip"), "history", "for", 1.0),
        (("traffic", "seasonal_dip"), "metrics", "for", 0.0),
        (("traffic", "seasonal_dip"), "history", "against", 0.3),
        (("traffic", "traffic_spike"), "history", "for", 1.0),
        (("gateway", "retry_storm"), "history", "for", 0.3),
    ],
)
def test_history_must_be_cited_for_a_cause_that_fits(
    cause: tuple[str, str], looked: str, direction: str, share: float
) -> None:
    book = Book(DIP)
    shown = book.look(1, looked)
    book.suspect(2, 1, *cause)
    book.cite(3, 1, shown, direction)
    book.confirm(4, 1)
    assert compared_with_history(book.facts, HISTORY).share == pytest.approx(share)


def test_a_citation_of_nothing_that_was_looked_at_is_no_look_back() -> None:
    book = Book(DIP)
    book.suspect(1, 1, *DIP.accepted[0])
    cited = book.cite(2, 1, book.joined)
    found = compared_with_history(book.facts, HISTORY)
    assert (found.share, found.evidence) == (0.0, ns(cited))
