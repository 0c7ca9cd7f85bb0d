"""The first minutes: the page, what customers get, and how bad it is."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.triage import acknowledged, customers_seen, severity_fits, shows_customers
from tests.unit.rubrics.book import DIP, LEAK, Book, ns, routes

ACK = measures.Acknowledged(name="acknowledged", met="5m", partly="10m")
CUSTOMERS = measures.CustomersSeen(name="customers_seen", critical_from_ratio=0.01)
SEVERITY = measures.SeverityFits(name="severity_fits", most_ratio=0.5, some_ratio=0.02)


class TestAcknowledged:
    @pytest.mark.parametrize(
        ("at_s", "share"), [(0, 1.0), (300, 1.0), (300.001, 0.5), (600, 0.5), (600.001, 0.0), (1200, 0.0)]
    )
    def test_a_page_that_woke_the_responder_is_due_from_joining(self, at_s: float, share: float) -> None:
        book = Book(LEAK, before=[(-0.0, "page.sent", {"alert_id": 1})])
        acked = book.ack(at_s)
        book.ack(at_s + 1)
        found = acknowledged(book.facts, ACK)
        assert (found.share, found.evidence) == (share, ns(acked))
        assert found.because.endswith(f"[#{acked.n}]")
        assert found.because.startswith("too late: ") == (share < 1.0)

    @pytest.mark.parametrize(("took_s", "share"), [(300, 1.0), (301, 0.5), (600, 0.5), (601, 0.0)])
    def test_a_page_after_joining_is_due_from_when_it_was_sent(self, took_s: float, share: float) -> None:
        book = Book(LEAK, reason="shift")
        book.page(500)
        book.page(501)
        book.ack(500 + took_s)
        assert acknowledged(book.facts, ACK).share == share

    def test_an_earlier_page_keeps_the_clock_at_joining_when_another_follows(self) -> None:
        book = Book(LEAK, before=[(-60.0, "page.sent", {"alert_id": 1})])
        book.page(500)
        book.ack(700)
        assert acknowledged(book.facts, ACK).share == 0.0

    def test_nobody_paged_nothing_to_acknowledge_whatever_made_the_responder_join(self) -> None:
        for reason in ("page", "complaint", "shift"):
            book = Book(LEAK, reason=reason)
            book.ack(10)
            found = acknowledged(book.facts, ACK)
            assert (found.verdict, found.evidence) == ("no_chance", ns(book.joined))

    def test_a_page_that_nobody_took_is_cited(self) -> None:
        book = Book(LEAK)
        page = book.page(5)
        book.page(6)
        found = acknowledged(book.facts, ACK)
        assert (found.share, found.evidence) == (0.0, ns(page))


class TestCustomersSeen:
    @pytest.mark.parametrize(
        ("line", "looked", "of", "shows"),
        [
            ("curl http://fallback/v1/x", ["fallback"], [], True),
            ("dash gateway", ["dashboard"], [], True),
            ("logs fallback", ["logs"], ["fallback"], True),
            ("kubectl get pods fallback", ["pods"], ["fallback"], True),
            ("metrics fallback_served", ["metrics"], ["fallback"], True),
            ("kubectl describe fallback", ["describe"], ["fallback"], False),
            ("kubectl logs gateway", ["logs"], ["gateway"], False),
            ("curl http://gateway/v1/x", ["request"], ["gateway"], True),
            ("curl http://mlflow", ["request"], ["mlflow"], False),
            ("metrics sum(shop_responses_total)", ["metrics"], [], True),
            ("metrics rate(gateway_requests_total[5m])", ["metrics"], [], True),
            ("alerts add x shop_responses_total > 1", [], [], False),
            ("metrics up", ["metrics"], [], False),
            ("slo", ["metrics"], [], False),
        ],
    )
    def test_what_shows_customers_and_what_does_not(
        self, line: str, looked: list[str], of: list[str], shows: bool
    ) -> None:
        book = Book(LEAK)
        book.hurt(0)
        assert shows_customers(book.facts, book.look(1, *looked, of=of, line=line)) == shows

    @pytest.mark.parametrize(("lost", "shows"), [((15, 0, 0), True), ((16, 0, 0), False)])
    def test_the_objectives_alone_show_it_where_models_answer_everybody(
        self, lost: tuple[int, int, int], shows: bool
    ) -> None:
        """15 of 3000 responses are half a percent."""
        book = Book(LEAK)
        book.slo(0, good=True, lost=lost)
        assert shows_customers(book.facts, book.look(1, "metrics", line="slo")) == shows
        later = Book(LEAK)
        look = later.look(1, "metrics", line="slo")
        assert not shows_customers(later.facts, look)
        later.slo(2, good=True, lost=lost)
        assert shows_customers(later.facts, look) == shows

    def test_in_time_before_the_first_act_late_before_the_resolve_or_not_at_all(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        found = customers_seen(book.facts, CUSTOMERS)
        assert (found.share, found.critical) == (0.0, True)
        assert found.because == "nobody looked at what customers get, while 90% of responses came from no model"
        assert book.joined.n in found.evidence
        act = book.refused(10, "gateway")
        look = book.look(20, "fallback")
        book.look(21, "fallback")
        book.change(30, "restart", "gateway")
        found = customers_seen(book.facts, CUSTOMERS)
        assert (found.share, found.evidence) == (0.5, ns(look, act))
        assert f"[#{look.n}], after" in found.because
        early = Book(LEAK)
        early.hurt(0)
        first = early.look(5, "fallback")
        early.look(6, "dashboard")
        early.change(10, "restart", "gateway")
        found = customers_seen(early.facts, CUSTOMERS)
        assert (found.share, found.evidence) == (1.0, ns(first))
        assert f"[#{first.n}], before" in found.because

    def test_a_look_after_the_resolve_is_none(self) -> None:
        book = Book(LEAK)
        book.change(10, "stop_job", "loyalty-export")
        book.heal(15)
        book.resolve(20, LEAK.accepted[0])
        book.look(30, "fallback")
        assert customers_seen(book.facts, CUSTOMERS).share == 0.0
        book.withdraw(40)
        assert customers_seen(book.facts, CUSTOMERS).share == 0.5

    @pytest.mark.parametrize(("lost", "critical"), [((30, 0, 0), True), ((29, 0, 0), False)])
    def test_it_is_critical_only_where_defaults_were_served(self, lost: tuple[int, int, int], critical: bool) -> None:
        """30 of 3000 responses are one percent."""
        for looked in (False, True):
            book = Book(LEAK)
            report = book.slo(0, good=False, lost=lost)
            if looked:
                book.look(1, "fallback")
            found = customers_seen(book.facts, CUSTOMERS)
            assert found.critical == critical
            if not looked:
                assert (report.n in found.evidence) == critical

    def test_a_rubric_may_call_it_critical_always(self) -> None:
        book = Book(LEAK)
        always = measures.CustomersSeen(name="customers_seen", critical_from_ratio=0.0)
        found = customers_seen(book.facts, always)
        assert (found.critical, found.evidence) == (True, ns(book.joined))


class TestSeverity:
    @pytest.mark.parametrize(
        ("lost", "severity", "share"),
        [
            ((500, 500, 500), "SEV1", 1.0),
            ((500, 500, 500), "SEV2", 0.5),
            ((500, 500, 500), "SEV3", 0.0),
            ((499, 500, 500), "SEV2", 1.0),
            ((499, 500, 500), "SEV1", 1.0),
            ((60, 0, 0), "SEV1", 0.5),
            ((60, 0, 0), "SEV2", 1.0),
            ((60, 0, 0), "SEV3", 0.5),
            ((60, 0, 0), "SEV4", 0.0),
            ((59, 0, 0), "SEV1", 0.5),
            ((59, 0, 0), "SEV3", 1.0),
            ((59, 0, 0), "SEV4", 0.5),
            ((0, 0, 0), "SEV2", 1.0),
        ],
    )
    def test_it_is_held_to_whom_it_reached(self, lost: tuple[int, int, int], severity: str, share: float) -> None:
        book = Book(LEAK)
        book.slo(0, good=False, lost=lost)
        declared = book.scope(5, severity)
        found = severity_fits(book.facts, SEVERITY)
        assert found.share == share
        assert declared.n in found.evidence

    def test_the_last_declaration_counts(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        book.scope(5, "SEV4")
        last = book.scope(10, "SEV1")
        found = severity_fits(book.facts, SEVERITY)
        assert found.share == 1.0
        assert found.evidence[0] == last.n

    @pytest.mark.parametrize(("at_s", "share"), [(-3600.0, 1.0), (-3600.000001, 0.5)])
    def test_the_hour_before_joining_counts_and_what_came_earlier_does_not(self, at_s: float, share: float) -> None:
        report = (at_s, "slo", {"good": False, "routes": routes((900, 900, 900))})
        book = Book(LEAK, before=[report])
        book.slo(0, good=True)
        book.scope(5, "SEV1")
        assert severity_fits(book.facts, SEVERITY).share == share

    def test_the_next_report_counts_and_no_later_one(self) -> None:
        for first, second, share in ((900, 0, 1.0), (0, 900, 0.5)):
            book = Book(LEAK)
            book.slo(0, good=True)
            book.scope(5, "SEV1")
            book.slo(60, good=not first, lost=(first,) * 3)
            book.slo(120, good=not second, lost=(second,) * 3)
            assert severity_fits(book.facts, SEVERITY).share == share

    @pytest.mark.parametrize(("severity", "share"), [("SEV4", 1.0), ("SEV3", 0.5), ("SEV2", 0.0), ("SEV1", 0.0)])
    def test_on_a_false_alarm_nobody_is_hurt(self, severity: str, share: float) -> None:
        book = Book(DIP)
        book.slo(0, good=True)
        book.scope(5, severity, "nobody affected")
        assert severity_fits(book.facts, SEVERITY).share == share

    def test_saying_that_nobody_is_hurt_while_they_are_earns_nothing(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        declared = book.scope(5, "SEV1", "no customers affected")
        book.hurt(60)
        found = severity_fits(book.facts, SEVERITY)
        assert (found.share, found.evidence) == (0.0, ns(declared))

    @pytest.mark.parametrize("severity", ["", "SEV", "SEV0", "SEV5", "SEV99", "critical", "SEV-1", "sev1x"])
    def test_a_severity_that_does_not_exist_earns_nothing(self, severity: str) -> None:
        book = Book(LEAK)
        book.hurt(0)
        book.scope(5, severity)
        assert severity_fits(book.facts, SEVERITY).share == 0.0

    @pytest.mark.parametrize(("severity", "share"), [("SEV1", 0.5), ("SEV2", 1.0), ("SEV3", 1.0), ("SEV4", 0.5)])
    def test_without_a_report_nobody_failed(self, severity: str, share: float) -> None:
        book = Book(LEAK)
        declared = book.scope(5, severity)
        found = severity_fits(book.facts, SEVERITY)
        assert (found.share, found.evidence) == (share, ns(declared))
        assert "no request failed" in found.because

    @pytest.mark.parametrize(("severity", "share"), [("SEV1", 1.0), ("SEV2", 1.0), ("SEV3", 0.5)])
    def test_a_rubric_that_asks_for_no_share_is_content_without_a_report(self, severity: str, share: float) -> None:
        book = Book(LEAK)
        book.scope(5, severity)
        always = measures.SeverityFits(name="severity_fits", some_ratio=0.0)
        assert severity_fits(book.facts, always).share == share

    def test_the_reason_says_whom_it_reached(self) -> None:
        book = Book(LEAK)
        book.slo(0, good=False, lost=(600, 0, 0))
        book.scope(5, "SEV3")
        because = severity_fits(book.facts, SEVERITY).because
        assert "20% of responses came from no model, on 1 of 3 routes, which is SEV2" in because

    def test_undeclared_is_missed(self) -> None:
        book = Book(LEAK)
        found = severity_fits(book.facts, SEVERITY)
        assert (found.share, found.evidence) == (0.0, ns(book.joined))
