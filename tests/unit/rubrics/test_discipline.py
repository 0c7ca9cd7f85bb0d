"""What came before the first change: a cause, or at least a reason; and leaving alone what is not broken."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.cause import REVERSIBLE, discipline, no_needless_change
from tests.unit.rubrics.book import DIP, LEAK, Book, ns

STORE = ("online-store", "connection_exhaustion")
DNS = ("dns", "dns_failure")
DISCIPLINE = measures.Discipline(name="discipline", outage_ratio=0.8)
HANDS = measures.NoNeedlessChange(name="no_needless_change", looks_min=3)


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

    @pytest.mark.parametrize(
        ("cited", "because"),
        [(True, "followed evidence, but no confirmed cause"), (False, "followed a note of it, but no confirmed cause")],
    )
    def test_half_is_shown_by_the_first_evidence_and_else_by_the_first_note(self, cited: bool, because: str) -> None:
        book = Book(LEAK)
        book.suspect(1, 1, *STORE)
        notes = [book.add(at_s, "note", text="I think it is the online-store") for at_s in (2, 3)]
        shown = [book.cite(at_s, 1, book.look(at_s, "logs")) for at_s in (4, 5) if cited] or notes
        act = book.change(20, "restart", "loyalty-export")
        found = discipline(book.facts, DISCIPLINE)
        assert (found.share, found.evidence) == (0.5, ns(shown[0], act))
        assert found.because.endswith(because)

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
            (800, "scale", ("gateway",), 200.0, 1.0),
            (800, "scale", ("gateway",), 200.001, 0.0),
            (800, "scale", ("gateway",), -160.0, 1.0),
            (800, "scale", ("gateway",), -160.001, 0.0),
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

    def test_of_several_looks_and_announcements_the_last_one_is_cited(self) -> None:
        book = Book(LEAK)
        book.hurt(0, 100)
        looks = [book.look(at_s, "logs", of=["online-store"]) for at_s in (5, 6)]
        said = [book.status(at_s, "some on defaults", "stopping the export") for at_s in (10, 11)]
        act = book.change(20, "stop_job", "loyalty-export")
        found = discipline(book.facts, DISCIPLINE)
        assert found.evidence == ns(looks[-1], said[-1], act)
        assert f"followed you ran `look` at T+00:06 [#{looks[-1].n}]" in found.because

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
        again = book.refused(6, "gateway")
        found = no_needless_change(book.facts, HANDS)
        assert found.evidence == ns(tried, again)
        assert f"[#{tried.n}]; it was refused" in found.because
        blind = Book(DIP)
        blind.refused(5, "gateway")
        assert no_needless_change(blind.facts, HANDS).share == 0.0
        done = book.change(6, "restart", "gateway")
        found = no_needless_change(book.facts, HANDS)
        assert (found.share, found.evidence) == (0.0, ns(done))
        assert found.because.startswith("1 change, the first:")
        book.change(7, "restart", "gateway")
        found = no_needless_change(book.facts, HANDS)
        assert found.because.startswith("2 changes, the first:")
        assert f"[#{done.n}]" in found.because
