"""How much of the truth was proven, and what every other confirmation costs."""

from __future__ import annotations

import pytest

from tests.unit.rubrics.book import DIP, LEAK, STALL, Book, Wrong, ns
from tests.unit.rubrics.diagnosed import EXPORT, STORE, judge

STALLED = ("materializer", "stalled_job")
GATEWAY = ("gateway", "retry_storm")


def test_a_cause_proven_and_repeated_earns_all_and_cites_the_proof() -> None:
    book = Book(LEAK)
    book.suspect(10, 1, *STORE)
    shown = book.look(20, "logs", of=["online-store"])
    cited = book.cite(30, 1, shown)
    confirmed = book.confirm(40, 1)
    book.resolve(50, STORE)
    found = judge(book)
    assert (found.verdict, found.share, found.evidence) == ("met", 1.0, ns(cited, confirmed))
    assert found.because.endswith("from evidence")
    assert "expected" not in found.because


@pytest.mark.parametrize("cause", [STORE, EXPORT])
@pytest.mark.parametrize("said", [STORE, EXPORT])
def test_every_accepted_name_counts_alike_in_both_places(cause: tuple[str, str], said: tuple[str, str]) -> None:
    book = Book(LEAK)
    book.prove(10, 1, *cause)
    book.resolve(50, said)
    assert judge(book).share == 1.0


@pytest.mark.parametrize(
    ("said", "share"),
    [((), 0.8), ((GATEWAY,), 0.8), ((("gateway", "connection_exhaustion"),), 0.8 + 0.2 * 0.7), ((STORE,), 1.0)],
)
def test_the_share_for_repeating_follows_what_the_resolve_names(
    said: tuple[tuple[str, str], ...], share: float
) -> None:
    book = Book(LEAK)
    book.prove(10, 1, *STORE)
    claim = book.resolve(50, *said)
    found = judge(book)
    assert found.share == pytest.approx(share)
    assert (claim.n in found.evidence) == (share < 1.0)
    assert ("the resolve does not name the same cause" in found.because) == (share < 1.0)


def test_a_resolve_that_was_taken_back_repeats_nothing() -> None:
    silent, back = Book(LEAK), Book(LEAK)
    for book in (silent, back):
        book.prove(10, 1, *STORE)
    back.resolve(20, GATEWAY)
    assert judge(back).share == pytest.approx(0.8)
    back.withdraw(30)
    assert judge(back).share == judge(silent).share == 1.0


def test_half_an_evidence_earns_half_and_the_strongest_counts() -> None:
    book = Book(LEAK)
    book.prove(10, 1, *STORE, strength=0.5)
    book.resolve(50, STORE)
    found = judge(book)
    assert found.share == 0.5
    assert "rolled out" in found.because
    better = Book(LEAK)
    better.suspect(5, 1, *STORE)
    better.cite(6, 1, better.look(6, "changes"), strength=0.5)
    strong = better.cite(7, 1, better.look(7, "logs"), strength=1.0)
    better.cite(8, 1, better.look(8, "changes"), strength=0.5)
    better.confirm(9, 1)
    better.resolve(50, STORE)
    assert judge(better).share == 1.0
    assert strong.n in judge(better).evidence


@pytest.mark.parametrize(
    "evidence",
    [{"relevant": False}, {"direction": "against"}, {"direction": "beside"}],
    ids=["irrelevant", "against", "no direction"],
)
def test_confirmed_without_evidence_that_counts_earns_nothing(evidence: dict[str, str]) -> None:
    book = Book(LEAK)
    book.suspect(10, 1, *STORE)
    shown = book.look(20, "logs")
    book.add(
        30, "hypothesis.evidence", **{"hyp_id": 1, "direction": "for", "relevant": True, "event_n": shown.n} | evidence
    )  # type: ignore[arg-type]
    confirmed = book.confirm(40, 1)
    book.resolve(50, STORE)
    found = judge(book)
    assert (found.verdict, found.share, found.evidence) == ("missed", 0.0, ns(confirmed))
    assert found.because == "confirmed without evidence that can show it", (
        "the name was right: it is not what is missing"
    )


def test_evidence_after_the_confirmation_proves_nothing() -> None:
    book = Book(LEAK)
    book.suspect(10, 1, *STORE)
    shown = book.look(20, "logs")
    book.confirm(30, 1)
    book.cite(31, 1, shown)
    book.resolve(50, STORE)
    assert judge(book).share == 0.0


def test_what_was_shown_before_the_fault_began_is_luck() -> None:
    """The output is what must be newer than the fault, not the sentence that cites it."""
    late = Wrong(LEAK.accepted, began_s=-600.0)
    for before, share in ((True, 0.0), (False, 1.0)):
        book = Book(late, before=[(-700.0, "command", {"line": "x", "looked": ["logs"]})])
        early = next(iter(book.log))
        book.suspect(5, 1, *STORE)
        book.cite(6, 1, early if before else book.look(6, "logs"))
        book.confirm(7, 1)
        book.resolve(8, STORE)
        assert judge(book).share == pytest.approx(share)


def test_a_cause_ruled_out_later_is_not_confirmed_and_confirmed_again_is() -> None:
    book = Book(LEAK)
    book.prove(10, 1, *STORE)
    book.rule_out(20, 1)
    book.resolve(30, STORE)
    assert judge(book).share == 0.0
    book.confirm(40, 1)
    assert judge(book).share == 1.0


@pytest.mark.parametrize(
    ("wrongs", "share", "told"),
    [
        (0, 1.0, "from evidence"),
        (1, 0.7, "1 other cause confirmed as well"),
        (2, 0.4, "2 other causes confirmed as well"),
        (3, 0.1, "3 other causes confirmed as well"),
        (4, 0.0, "4 other causes confirmed as well"),
    ],
)
def test_every_other_confirmation_costs(wrongs: int, share: float, told: str) -> None:
    book = Book(LEAK)
    right = book.prove(10, 1, *STORE)
    others = [book.prove(20 + k, 2 + k, "gateway", f"mechanism{k}") for k in range(wrongs)]
    book.resolve(50, STORE)
    found = judge(book)
    assert found.share == pytest.approx(share)
    assert right.n in found.evidence
    assert set(ns(*others)) <= set(found.evidence)
    assert found.because.endswith(told)


@pytest.mark.parametrize(("acted_s", "share"), [(25, 0.85), (30, 1.0), (35, 1.0)])
@pytest.mark.parametrize("refused", [False, True])
def test_a_wrong_confirmation_that_was_taken_back_costs_half_once_it_was_acted_on(
    acted_s: float, share: float, refused: bool
) -> None:
    book = Book(LEAK)
    book.prove(10, 1, *STORE)
    book.prove(20, 2, *GATEWAY)
    for at_s in sorted((acted_s, 30.0)):
        if at_s == 30 and not any(e.kind == "hypothesis.ruled_out" for e in book.log):
            book.rule_out(30, 2)
        if at_s == acted_s:
            book.refused(at_s, "gateway") if refused else book.change(at_s, "restart", "gateway")
    book.resolve(50, STORE)
    found = judge(book)
    assert found.share == pytest.approx(share)
    assert ("1 other cause confirmed as well" in found.because) == (share < 1.0)


def test_a_second_accepted_name_of_the_same_fault_costs_nothing() -> None:
    book = Book(LEAK)
    book.prove(10, 1, *STORE)
    book.prove(20, 2, *EXPORT)
    book.resolve(50, STORE)
    assert judge(book).share == 1.0


def test_the_right_mechanism_at_a_neighbour_earns_the_near_share() -> None:
    book = Book(LEAK)
    confirmed = book.prove(10, 1, "gateway", "connection_exhaustion")
    book.resolve(50, STORE)
    found = judge(book)
    assert found.share == pytest.approx(0.7)
    assert confirmed.n in found.evidence
    assert "expected online-store:connection_exhaustion, given gateway:connection_exhaustion" in found.because


def test_the_right_component_with_another_mechanism_earns_its_small_share() -> None:
    book = Book(LEAK)
    book.prove(10, 1, "loyalty-export", "crash_loop")
    found = judge(book)
    assert found.share == pytest.approx(0.25)
    assert "the component is right, the mechanism is not" in found.because


def test_of_two_causes_that_are_only_about_the_component_the_first_is_cited() -> None:
    book = Book(LEAK)
    first = book.prove(10, 1, "loyalty-export", "crash_loop")
    second = book.prove(20, 2, "online-store", "crash_loop")
    found = judge(book)
    assert found.evidence == ns(book.facts.hypotheses[0].pro[0], first, second)
    assert f"[#{first.n}]; the component is right" in found.because


def test_a_nearly_right_cause_needs_proof_and_must_stand() -> None:
    book = Book(LEAK)
    book.suspect(10, 1, "gateway", "connection_exhaustion")
    book.confirm(20, 1)
    assert judge(book).share == 0.0
    taken_back = Book(LEAK)
    taken_back.prove(10, 1, "gateway", "connection_exhaustion")
    taken_back.rule_out(20, 1)
    assert taken_back.facts.hypotheses[0].standing is None
    assert judge(taken_back).share == 0.0


def test_evidence_that_names_no_strength_counts_in_full() -> None:
    book = Book(LEAK)
    book.suspect(10, 1, *STORE)
    shown = book.look(20, "logs")
    book.add(30, "hypothesis.evidence", hyp_id=1, direction="for", relevant=True, event_n=shown.n)
    book.confirm(40, 1)
    book.resolve(50, STORE)
    assert judge(book).share == 1.0


@pytest.mark.parametrize(
    ("faults", "cause"),
    [((LEAK,), STORE), ((LEAK,), ("gateway", "connection_exhaustion")), ((), ("traffic", "seasonal_dip"))],
    ids=["right", "near", "nothing wrong"],
)
def test_evidence_that_names_no_output_proves_nothing(faults: tuple[Wrong, ...], cause: tuple[str, str]) -> None:
    book = Book(*faults)
    book.suspect(10, 1, *cause)
    book.add(20, "hypothesis.evidence", hyp_id=1, direction="for", relevant=True, strength=1.0)
    book.confirm(30, 1)
    assert judge(book).share == 0.0


def test_near_beside_right_costs_as_any_other() -> None:
    book = Book(LEAK)
    book.prove(10, 1, *STORE)
    book.prove(20, 2, "gateway", "connection_exhaustion")
    book.resolve(50, STORE)
    assert judge(book).share == pytest.approx(0.7)


def test_something_altogether_wrong_earns_nothing_however_well_cited() -> None:
    book = Book(LEAK)
    confirmed = book.prove(10, 1, "dns", "dns_failure")
    book.resolve(50, STORE)
    found = judge(book)
    assert (found.share, found.evidence) == (0.0, ns(confirmed))
    assert found.because.startswith("1 confirmed, none right; expected online-store:connection_exhaustion")


def test_two_faults_share_the_points_and_both_must_be_told() -> None:
    book = Book(LEAK, STALL)
    book.prove(10, 1, *STORE)
    book.resolve(50, STORE, STALLED)
    found = judge(book)
    assert found.share == pytest.approx(0.5)
    assert "1 of 2 causes" in found.because
    assert "expected online-store:connection_exhaustion and materializer:stalled_job" in found.because
    book.prove(60, 2, *STALLED)
    assert judge(book).share == pytest.approx(1.0)
    book.resolve(70, STORE)
    assert judge(book).share == pytest.approx(0.8 + 0.2 * 0.5)


def test_a_harmless_fault_beside_a_real_one_need_not_be_named() -> None:
    book = Book(LEAK, DIP)
    book.prove(10, 1, *STORE)
    book.resolve(50, STORE)
    assert judge(book).share == 1.0
    book.prove(60, 2, "traffic", "seasonal_dip")
    assert judge(book).share == pytest.approx(0.7)


def test_where_nothing_is_wrong_traffic_alone_explains() -> None:
    for component, share in (("traffic", 1.0), ("gateway", 0.0)):
        book = Book()
        book.prove(10, 1, component, "seasonal_dip")
        book.resolve(50, (component, "seasonal_dip"))
        assert judge(book).share == share


def test_where_nothing_is_wrong_the_first_of_two_explanations_is_cited() -> None:
    book = Book()
    first = book.prove(10, 1, "traffic", "seasonal_dip")
    book.prove(20, 2, "traffic", "traffic_spike")
    assert judge(book).evidence == ns(book.facts.hypotheses[0].pro[0], first)


def test_nothing_confirmed_cites_joining() -> None:
    book = Book(LEAK)
    book.suspect(10, 1, *STORE)
    found = judge(book)
    assert (found.share, found.evidence) == (0.0, ns(book.joined))
    assert found.because == "no cause was confirmed; expected online-store:connection_exhaustion"
