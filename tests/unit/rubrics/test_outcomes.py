"""What came of it: the cause, the resolution, speed, and the four times."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.outcomes import mitigation, resolved_right, speed, times_of
from tests.unit.rubrics.book import DIP, LEAK, STALL, Book, Wrong, cured, ns

STORE = ("online-store", "connection_exhaustion")
FIX = measures.Mitigation(name="mitigation")
RIGHT = measures.ResolvedRight(name="resolved_right")
SPEED = measures.Speed(name="speed", met_ratio=0.5, partly_ratio=0.8)


class TestMitigation:
    def test_the_change_before_the_cure_is_cited_with_the_state_that_shows_it(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        book.change(5, "set_limit", "loyalty-export")
        fix = book.change(10, "stop_job", "loyalty-export")
        state, _ = book.heal(20)
        book.state(30, cleared=True, good=True)
        book.change(40, "scale", "loyalty-export")
        found = mitigation(book.facts, FIX)
        assert (found.verdict, found.evidence) == ("met", ns(fix, state))

    @pytest.mark.parametrize(
        ("also", "share"),
        [
            ((), 1.0),
            (("online-store", "materializer"), 1.0),
            (("gateway",), 0.6),
            (("gateway", "gateway"), 0.6),
            (("gateway", "recommendation"), 0.3),
            (("gateway", "recommendation", "fallback"), 0.0),
        ],
    )
    def test_every_component_that_had_nothing_to_do_with_it_costs(self, also: tuple[str, ...], share: float) -> None:
        found = mitigation(cured(*also).facts, FIX)
        assert found.share == share
        stray = [name for name in dict.fromkeys(also) if name not in ("online-store", "materializer")]
        assert all(name in found.because for name in stray)

    def test_of_many_components_that_had_nothing_to_do_with_it_four_are_named(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        book.change(10, "delete_pod", "loyalty-export", "a", "b", "c", "d", "e")
        book.heal(20)
        assert mitigation(book.facts, FIX).because.endswith("but a, b, c and d had nothing to do with it")

    def test_every_component_of_one_command_counts(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        book.change(10, "delete_pod", "loyalty-export", "gateway", "recommendation")
        book.heal(20)
        assert mitigation(book.facts, FIX).share == pytest.approx(0.3)

    def test_a_refused_attempt_counts_like_a_change(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        tried = book.refused(5, "gateway", "fallback")
        book.change(10, "stop_job", "loyalty-export")
        book.heal(20)
        found = mitigation(book.facts, FIX)
        assert found.share == pytest.approx(0.3)
        assert tried.n in found.evidence

    def test_the_safe_components_of_a_harmless_fault_are_no_excuse(self) -> None:
        book = cured("traffic", book=Book(LEAK, Wrong(DIP.accepted, harmless=True)))
        assert mitigation(book.facts, FIX).share == pytest.approx(0.6)
        assert mitigation(cured("materializer", book=Book(LEAK, STALL)).facts, FIX).share == 1.0

    def test_the_cause_must_be_gone_at_the_end(self) -> None:
        book = cured()
        relapse = book.state(200, cleared=False, good=True)
        found = mitigation(book.facts, FIX)
        assert found.share == 0.0
        assert found.evidence[-1] == relapse.n
        assert found.because == "the cause was still there at the end"
        book.change(210, "stop_job", "loyalty-export")
        book.state(220, cleared=True, good=True)
        assert mitigation(book.facts, FIX).share == 1.0

    def test_of_many_changes_in_vain_the_last_are_cited_before_the_final_state(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        tried = [book.change(10 + k, "restart", "online-store") for k in range(6)]
        final = book.state(100, cleared=False, good=False)
        assert mitigation(book.facts, FIX).evidence == ns(*tried[-3:], final)

    def test_a_cause_that_went_before_the_first_change_was_not_removed(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        state, _ = book.heal(10)
        book.change(20, "stop_job", "loyalty-export")
        found = mitigation(book.facts, FIX)
        assert (found.share, found.evidence) == (0.0, ns(state))

    def test_what_passed_by_itself_is_not_mended_by_touching_something_else(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        book.change(10, "restart", "gateway")
        state, _ = book.heal(20)
        assert mitigation(book.facts, FIX).share == 0.0
        assert mitigation(book.facts, FIX).evidence == ns(state)
        assert book.facts.recovery() is None
        book.change(30, "stop_job", "loyalty-export")
        assert book.facts.recovery() is None
        mended = Book(LEAK)
        mended.hurt(0)
        mended.change(10, "restart", "gateway")
        mended.change(15, "stop_job", "loyalty-export")
        mended.heal(20)
        assert mended.facts.recovery() is not None
        assert mitigation(mended.facts, FIX).share == pytest.approx(0.6)

    def test_nothing_changed_cites_the_whole_time(self) -> None:
        book = Book(LEAK)
        _, last = book.hurt(0)
        assert mitigation(book.facts, FIX).evidence == ns(book.joined, last)
        book.refused(5, "gateway")
        assert mitigation(book.facts, FIX).share == 0.0

    def test_no_word_about_the_cause_at_all_is_no_cure(self) -> None:
        book = Book(LEAK)
        change = book.change(10, "stop_job", "loyalty-export")
        assert mitigation(book.facts, FIX).evidence == ns(change)


class TestResolvedRight:
    def test_true_when_users_are_served_and_not_a_report_earlier(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        book.change(10, "stop_job", "loyalty-export")
        book.state(20, cleared=True, good=False)
        broken = book.resolve(30, STORE)
        book.state(40, cleared=True, good=False)
        book.slo(40, good=False)
        found = resolved_right(book.facts, RIGHT)
        assert (found.share, found.evidence[-1]) == (0.0, broken.n)
        state, _ = book.heal(50)
        claim = book.resolve(60, STORE)
        found = resolved_right(book.facts, RIGHT)
        assert (found.share, found.evidence) == (1.0, ns(state, claim))

    @pytest.mark.parametrize(
        ("next_report", "healed_s", "changed_s", "share"),
        [
            ("good", 50, 10, 1.0),
            ("bad", 330, 10, 0.3),
            ("bad", 330.001, 10, 0.0),
            ("bad", 330, 40, 0.0),
            ("bad", None, 10, 0.0),
        ],
    )
    def test_said_before_it_was_true(
        self, next_report: str, healed_s: float | None, changed_s: float, share: float
    ) -> None:
        """The next report decides; then what came true within five minutes through what had been done before."""
        book = Book(LEAK)
        book.hurt(0)
        if changed_s < 30:
            book.change(changed_s, "stop_job", "loyalty-export")
        book.resolve(30, STORE)
        if changed_s > 30:
            book.change(changed_s, "stop_job", "loyalty-export")
        if next_report == "bad":
            book.hurt(45)
        if healed_s is not None:
            book.heal(healed_s)
        found = resolved_right(book.facts, RIGHT)
        assert found.share == pytest.approx(share)
        assert ("5 min before it was true" in found.because) == (share == 0.3)

    def test_never_declared_is_missed_but_no_false_word(self) -> None:
        found = resolved_right(cured().facts, RIGHT)
        assert (found.verdict, found.critical) == ("missed", False)
        lie = Book(LEAK)
        lie.hurt(0)
        lie.resolve(10, STORE)
        lie.hurt(60)
        assert resolved_right(lie.facts, RIGHT).critical

    def test_a_resolve_taken_back_is_no_resolve(self) -> None:
        book = cured()
        book.resolve(200, STORE)
        book.withdraw(210)
        assert resolved_right(book.facts, RIGHT).share == 0.0
        book.resolve(220, STORE)
        assert resolved_right(book.facts, RIGHT).share == 1.0

    def test_the_last_resolve_is_judged_not_the_first(self) -> None:
        book = cured()
        book.resolve(200, STORE)
        book.hurt(300)
        book.resolve(310, STORE)
        book.hurt(360)
        assert resolved_right(book.facts, RIGHT).share == 0.0

    @pytest.mark.parametrize(
        ("cause", "share"),
        [(("traffic", "seasonal_dip"), 1.0), (("traffic", "traffic_spike"), 0.5), (("gateway", "retry_storm"), 0.0)],
    )
    def test_a_false_alarm_is_closed_with_its_explanation(self, cause: tuple[str, str], share: float) -> None:
        book = Book(DIP)
        claim = book.resolve(30, cause)
        found = resolved_right(book.facts, RIGHT)
        assert (found.share, found.evidence) == (share, ns(claim))
        told = "with the right explanation" if share == 1.0 else "without quite the right explanation"
        assert found.because.endswith(f"[#{claim.n}], {told}")


@pytest.mark.parametrize(("at_s", "share"), [(900, 1.0), (900.001, 0.5), (1440, 0.5), (1440.001, 0.0)])
def test_speed_is_the_part_of_the_drill_before_recovery_began(at_s: float, share: float) -> None:
    book = Book(LEAK, drill_s=1800.0)
    book.hurt(0)
    book.change(10, "stop_job", "loyalty-export")
    _, start = book.heal(at_s)
    found = speed(book.facts, SPEED)
    assert (found.share, found.evidence) == (share, ns(start))


def test_without_recovery_there_is_no_speed() -> None:
    book = Book(LEAK)
    _, last = book.hurt(10)
    found = speed(book.facts, SPEED)
    assert (found.share, found.evidence) == (0.0, ns(book.joined, last))


class TestTimes:
    def test_each_time_is_the_first_right_one(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        book.ack(30)
        book.ack(40)
        book.prove(50, 1, "dns", "dns_failure")
        book.prove(60, 2, *LEAK.accepted[1])
        book.prove(61, 3, *STORE)
        book.change(70, "stop_job", "loyalty-export")
        book.resolve(80, STORE)
        book.hurt(99)
        book.heal(100)
        book.resolve(698.999, STORE)
        book.resolve(699, STORE)
        book.resolve(800, STORE)
        times = times_of(book.facts, 600.0)
        assert (times.tta_s, times.ttd_s, times.ttm_s, times.ttr_s) == (30.0, 60.0, 100.0, 699.0)

    def test_a_cause_taken_back_was_not_diagnosed(self) -> None:
        book = Book(LEAK)
        book.prove(10, 1, *STORE)
        book.rule_out(20, 1)
        assert times_of(book.facts, 600.0).ttd_s is None
        book.confirm(30, 1)
        assert times_of(book.facts, 600.0).ttd_s == 30.0

    def test_a_false_alarm_is_over_when_it_is_explained_and_nothing_was_touched(self) -> None:
        book = Book(DIP)
        book.resolve(10, ("gateway", "retry_storm"))
        book.resolve(20, ("traffic", "seasonal_dip"))
        times = times_of(book.facts, 600.0)
        assert (times.ttm_s, times.ttr_s) == (None, 20.0)
        book.change(30, "restart", "gateway")
        assert times_of(book.facts, 600.0).ttr_s is None
