"""Suspects, rivals, history, and the order of cause and change."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.cause import (
    ANNOUNCED_S,
    REVERSIBLE,
    compared_with_history,
    discipline,
    evidence_backed_hypotheses,
    no_needless_change,
    rival_ruled_out,
)
from tests.unit.rubrics.book import DIP, LEAK, Book, ns

STORE = ("online-store", "connection_exhaustion")
GATEWAY = ("gateway", "retry_storm")
DNS = ("dns", "dns_failure")
SEVERAL = measures.EvidenceBackedHypotheses(name="evidence_backed_hypotheses", at_least=2)
RIVAL = measures.RivalRuledOut(name="rival_ruled_out")
HISTORY = measures.ComparedWithHistory(name="compared_with_history", looked=("history",))
DISCIPLINE = measures.Discipline(name="discipline", outage_ratio=0.8)
HANDS = measures.NoNeedlessChange(name="no_needless_change", looks_min=3)


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


def test_how_many_suspects_are_asked_for_is_the_rubrics_choice() -> None:
    book = Book(LEAK)
    argued(book, "for", "against", "out")
    rule = measures.EvidenceBackedHypotheses(name="evidence_backed_hypotheses", at_least=4)
    assert evidence_backed_hypotheses(book.facts, rule).share == pytest.approx(0.4 * 2 / 4 + 0.6)


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
    book.suspect(2, 1, "traffic", "seasonal_dip")
    cited = book.cite(3, 1, weeks)
    assert compared_with_history(book.facts, HISTORY).share == pytest.approx(0.5)
    book.confirm(4, 1)
    found = compared_with_history(book.facts, HISTORY)
    assert (found.share, found.evidence) == (1.0, ns(weeks, cited))
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


class TestDiscipline:
    def test_a_cause_proven_before_the_first_change_is_what_is_asked_for(self) -> None:
        book = Book(LEAK)
        proven = book.prove(10, 1, *STORE)
        first = book.change(20, "stop_job", "loyalty-export")
        book.change(30, "restart", "gateway")
        found = discipline(book.facts, DISCIPLINE)
        assert (found.share, found.evidence) == (1.0, ns(proven, first))

    def test_one_event_too_late_is_too_late(self) -> None:
        book = Book(LEAK)
        first = book.change(10, "restart", "loyalty-export")
        book.prove(10, 1, *STORE)
        found = discipline(book.facts, DISCIPLINE)
        assert (found.share, found.evidence) == (0.0, ns(first))

    @pytest.mark.parametrize(
        ("cause", "share"),
        [(STORE, 1.0), (("gateway", "connection_exhaustion"), 1.0), (("online-store", "crash_loop"), 1.0), (DNS, 0.0)],
    )
    def test_any_cause_that_fits_will_do_and_no_other(self, cause: tuple[str, str], share: float) -> None:
        book = Book(LEAK)
        book.prove(10, 1, *cause)
        book.change(20, "restart", "loyalty-export")
        assert discipline(book.facts, DISCIPLINE).share == share

    def test_a_cause_taken_back_by_the_end_was_not_argued(self) -> None:
        book = Book(LEAK)
        book.prove(10, 1, *STORE)
        book.change(20, "restart", "loyalty-export")
        book.rule_out(30, 1)
        assert discipline(book.facts, DISCIPLINE).share == 0.5

    def test_evidence_or_a_note_without_a_confirmed_cause_is_half(self) -> None:
        for kind in ("evidence", "note", "blind", "other note", "note too late"):
            book = Book(LEAK)
            if kind == "evidence":
                book.suspect(1, 1, *STORE)
                book.cite(2, 1, book.look(2, "logs"))
            elif kind == "blind":
                book.suspect(1, 1, *STORE)
                book.confirm(2, 1)
            elif kind != "note too late":
                book.add(3, "note", text="I think it is the online-store" if kind == "note" else "it is dns")
            book.change(20, "restart", "loyalty-export")
            book.add(30, "note", text="it was the online-store")
            assert discipline(book.facts, DISCIPLINE).share == (0.5 if kind in ("evidence", "note") else 0.0), kind

    def test_a_refused_attempt_counts_as_the_first_act(self) -> None:
        book = Book(LEAK)
        tried = book.refused(5, "gateway")
        book.prove(10, 1, *STORE)
        book.change(20, "stop_job", "loyalty-export")
        found = discipline(book.facts, DISCIPLINE)
        assert (found.share, found.evidence) == (0.0, ns(tried))

    def test_without_a_repair_there_is_nothing_to_praise(self) -> None:
        """Neither an attempt at the right place that was refused nor a change at the wrong one."""
        book = Book(LEAK)
        book.prove(10, 1, *STORE)
        book.refused(20, "loyalty-export")
        stray = book.change(30, "restart", "gateway")
        last = book.look(40, "pods")
        found = discipline(book.facts, DISCIPLINE)
        assert (found.share, found.evidence) == (0.0, ns(book.joined, stray, last))

    @pytest.mark.parametrize(
        ("lost", "action", "components", "told_s", "share"),
        [
            (800, "scale", ("gateway",), 10.0, 1.0),
            (799, "scale", ("gateway",), 10.0, 0.0),
            (800, "restart", ("gateway",), 10.0, 0.0),
            (800, "scale", ("gateway", "fallback"), 10.0, 0.0),
            (800, "scale", ("gateway",), 20.0 + ANNOUNCED_S, 1.0),
            (800, "scale", ("gateway",), 20.001 + ANNOUNCED_S, 0.0),
            (800, "scale", ("gateway",), 20.0 - ANNOUNCED_S, 1.0),
            (800, "scale", ("gateway",), 19.999 - ANNOUNCED_S, 0.0),
        ],
    )
    def test_a_stopgap_in_a_total_outage_is_no_sin(
        self, lost: int, action: str, components: tuple[str, ...], told_s: float, share: float
    ) -> None:
        book = Book(LEAK)
        shift_s = max(0.0, -told_s)
        book.hurt(0, lost)
        told = book.status(told_s + shift_s, "all on defaults", "scaling the gateway") if told_s < 20 else None
        act = book.change(20 + shift_s, action, *components)
        told = told or book.status(told_s, "all on defaults", "scaled the gateway")
        book.change(500, "stop_job", "loyalty-export")
        found = discipline(book.facts, DISCIPLINE)
        assert found.share == share
        assert found.evidence == (ns(act, told) if share else ns(act))

    def test_a_stopgap_that_was_refused_or_told_to_nobody_is_none(self) -> None:
        for announced, refused in ((False, False), (True, True)):
            book = Book(LEAK)
            book.hurt(0)
            if announced:
                book.status(5, "all on defaults", "scaling")
            if refused:
                book.refused(10, "gateway")
            book.change(20, "scale", "gateway")
            assert discipline(book.facts, DISCIPLINE).share == 0.0

    @pytest.mark.parametrize(("doing", "share"), [("scaling it down", 1.0), ("looking at the logs", 0.0)])
    def test_the_announcement_says_that_something_is_changed(self, doing: str, share: float) -> None:
        book = Book(LEAK)
        book.hurt(0)
        book.status(10, "all on defaults", doing)
        book.change(20, "scale", "gateway")
        book.change(500, "stop_job", "loyalty-export")
        assert discipline(book.facts, DISCIPLINE).share == share

    @pytest.mark.parametrize(
        ("of", "told", "action", "share"),
        [
            ("online-store", True, "stop_job", 0.5),
            ("gateway", True, "stop_job", 0.0),
            ("online-store", False, "stop_job", 0.0),
            ("online-store", True, "restart_job", 0.0),
        ],
    )
    def test_an_announced_reversible_change_after_a_look_at_the_cause_is_half(
        self, of: str, told: bool, action: str, share: float
    ) -> None:
        book = Book(LEAK)
        book.hurt(0, 100)
        look = book.look(5, "logs", of=[of])
        said = book.status(10, "some on defaults", "stopping the export" if told else "looking on")
        act = book.change(20, action, "loyalty-export")
        found = discipline(book.facts, DISCIPLINE)
        assert (found.share, found.evidence) == (share, ns(look, said, act) if share else ns(act))

    def test_what_destroys_something_is_not_reversible(self) -> None:
        assert not REVERSIBLE & {"delete_pod", "delete_deployment", "restart", "drain", "scale_to_zero", "restart_job"}
        assert {"scale", "rollback", "set_limit", "stop_job"} <= REVERSIBLE


class TestHandsOff:
    def test_looks_without_a_change_are_a_decision(self) -> None:
        book = Book(DIP)
        looks = [book.look(k, "pods") for k in range(2)]
        book.look(2)
        found = no_needless_change(book.facts, HANDS)
        assert (found.share, found.evidence) == (0.0, ns(book.joined, *looks))
        looks.append(book.look(3, "logs"))
        book.look(4, "logs")
        found = no_needless_change(book.facts, HANDS)
        assert (found.share, found.evidence) == (1.0, ns(*looks))

    def test_a_change_forfeits_all_and_a_refused_one_half(self) -> None:
        book = Book(DIP)
        for k in range(3):
            book.look(k, "pods")
        tried = book.refused(5, "gateway")
        found = no_needless_change(book.facts, HANDS)
        assert (found.share, found.evidence) == (0.5, ns(tried))
        blind = Book(DIP)
        blind.refused(5, "gateway")
        assert no_needless_change(blind.facts, HANDS).share == 0.0
        done = book.change(6, "restart", "gateway")
        found = no_needless_change(book.facts, HANDS)
        assert (found.share, found.evidence) == (0.0, ns(done))
        assert found.because.startswith("1 change, the first:")
        book.change(7, "restart", "gateway")
        assert no_needless_change(book.facts, HANDS).because.startswith("2 changes, the first:")
