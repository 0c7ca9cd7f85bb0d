"""Harm in exact numbers: the rate of doing nothing, the grace, what was saved. Every figure is worked out by hand."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.losses import harm_eur, harm_idle_eur, idle_rate_eur_per_s, rate_after, reach_of, worst_reach
from rubrics.outcomes import harm
from tests.unit.rubrics.book import DIP, LEAK, Book, Wrong, ns, routes

RULE = measures.Harm(name="harm", grace="5m", met_ratio=0.5, partly_ratio=0.2)
EARLY = Wrong(LEAK.accepted, began_s=-7000.0)
DRILL_S = 1800.0


def spiky(*eur: float, every_s: float = 60.0, fault: Wrong = EARLY) -> Book:
    """One report of harm a minute, the last of them a minute before joining."""
    count = len(eur)
    times = [-every_s * (count - k) for k in range(count)]
    return Book(fault, before=[(t, "truth.harm", {"eur": value}) for t, value in zip(times, eur, strict=True)])


class TestRateOfDoingNothing:
    def test_it_is_the_median_before_joining_so_that_a_spike_does_not_set_it(self) -> None:
        """Windows end at -240, -180, -120, -60; the report at -300 only begins the first. Rates 1, 1, 2, 100 per s."""
        book = spiky(999, 60, 120, 6000, 60)
        book.harm(60, 0)
        assert idle_rate_eur_per_s(book.facts) == pytest.approx((60 + 120) / 2 / 60)

    def test_a_minute_without_harm_counts_for_nothing_and_no_less(self) -> None:
        """Before joining 0 and 4 EUR per second; since then 0 and 3."""
        book = spiky(999, 0, 240)
        book.harm(60, 0)
        book.harm(120, 180)
        assert idle_rate_eur_per_s(book.facts) == pytest.approx(2.0)
        book = Book(EARLY)
        book.harm(0, 0)
        book.harm(60, 0)
        book.harm(120, 180)
        assert idle_rate_eur_per_s(book.facts) == pytest.approx(1.5)

    def test_it_is_the_mean_since_joining_where_that_is_more(self) -> None:
        """120 s with 600 and 120 EUR: 6 per s; and 1 per s before."""
        book = spiky(60, 60, 60, 60)
        book.harm(0, 60)
        book.harm(60, 600)
        book.harm(120, 120)
        assert idle_rate_eur_per_s(book.facts) == pytest.approx((60 + 600 + 120) / 180)
        assert harm_idle_eur(book.facts) == pytest.approx((60 + 600 + 120) / 180 * DRILL_S)

    def test_without_a_report_before_joining_the_mean_since_then_is_all(self) -> None:
        book = Book(EARLY)
        book.harm(0, 0)
        book.harm(60, 30)
        assert idle_rate_eur_per_s(book.facts) == pytest.approx(0.5)

    def test_the_larger_of_the_two_counts(self) -> None:
        book = spiky(0, 600, 600, 600)
        book.harm(0, 60)
        book.harm(60, 60)
        assert idle_rate_eur_per_s(book.facts) == pytest.approx(10.0)

    @pytest.mark.parametrize(("early_s", "rate"), [(3600.0, 5.0), (3600.001, 1.0)])
    def test_one_hour_before_joining_is_looked_at(self, early_s: float, rate: float) -> None:
        """A minute of 300 EUR that ends exactly an hour before joining belongs to it."""
        reports = [(-early_s - 60, "truth.harm", {"eur": 0.0}), (-early_s, "truth.harm", {"eur": 300.0})]
        book = Book(EARLY, before=reports)
        book.harm(0, early_s)  # One EUR per second since then.
        book.harm(60, 60)
        assert idle_rate_eur_per_s(book.facts) == pytest.approx(rate)

    def test_a_window_that_began_before_the_fault_tells_nothing_of_it(self) -> None:
        """The fault begins at -90: the report at -120 opens a window of the time before it."""
        book = spiky(0, 6000, 60, fault=Wrong(LEAK.accepted, began_s=-90.0))
        book.harm(0, 60)
        book.harm(60, 60)
        assert idle_rate_eur_per_s(book.facts) == pytest.approx(1.0)
        exact = spiky(0, 6000, 60, fault=Wrong(LEAK.accepted, began_s=-180.0))
        exact.harm(0, 60)
        exact.harm(60, 60)
        assert idle_rate_eur_per_s(exact.facts) == pytest.approx((6000 + 60) / 2 / 60)

    def test_of_several_faults_all_must_have_begun_and_harmless_ones_do_not_count(self) -> None:
        later = Wrong((("dns", "dns_failure"),), began_s=-90.0)
        for faults, rate in (
            ((EARLY, later), 1.0),
            ((EARLY, Wrong(DIP.accepted, harmless=True, began_s=-90.0)), 50.5),
        ):
            times = [(-180.0, 0.0), (-120.0, 6000.0), (-60.0, 60.0)]
            book = Book(*faults, before=[(t, "truth.harm", {"eur": eur}) for t, eur in times])
            book.harm(0, 60)
            book.harm(60, 60)
            assert idle_rate_eur_per_s(book.facts) == pytest.approx(rate)

    def test_what_came_after_the_cure_or_a_stray_change_is_not_the_faults(self) -> None:
        for stray in (False, True):
            book = spiky(60, 60)
            book.harm(0, 60)
            book.harm(60, 120)
            book.change(70, "restart", "gateway") if stray else book.state(70, cleared=True, good=False)
            book.harm(120, 60000)
            # Windows up to the cure: 60 s at joining with 60 EUR, 60 s with 120 EUR.
            assert idle_rate_eur_per_s(book.facts) == pytest.approx(180 / 120)

    def test_a_targeted_change_does_not_end_the_measuring(self) -> None:
        book = spiky(60, 60)
        book.harm(60, 120)
        book.change(70, "stop_job", "loyalty-export")
        book.harm(120, 600)
        # From -60 to 60 are 120 s with 120 EUR, then 60 s with 600.
        assert idle_rate_eur_per_s(book.facts) == pytest.approx(720 / 180)

    def test_without_a_window_after_joining_or_without_harm_there_is_no_rate(self) -> None:
        assert idle_rate_eur_per_s(spiky(60, 60, 60).facts) is None
        calm = spiky(0, 0)
        calm.harm(60, 0)
        assert idle_rate_eur_per_s(calm.facts) is None
        assert harm_idle_eur(calm.facts) is None

    def test_reports_at_one_instant_make_no_window(self) -> None:
        book = Book(EARLY)
        book.harm(10, 60)
        book.harm(10, 600)
        book.harm(70, 60)
        assert idle_rate_eur_per_s(book.facts) == pytest.approx(1.0)


def test_harm_counts_from_joining() -> None:
    book = Book(EARLY, before=[(-1.0, "truth.harm", {"eur": 1000.0})])
    book.harm(0, 5)
    book.harm(60, 7)
    assert harm_eur(book.facts) == 12


class TestHarmAvoided:
    """One EUR per second: idle costs 1,800, of which the first 300 s cannot be avoided, so 1,500 can."""

    @staticmethod
    def book(after_cure_eur: float, *, drill_s: float = DRILL_S) -> Book:
        book = Book(EARLY, drill_s=drill_s, before=[(-60.0, "truth.harm", {"eur": 0.0})])
        book.state(0, cleared=False, good=False)
        book.harm(0, 60)
        book.change(30, "stop_job", "loyalty-export")
        book.harm(60, 60)
        book.state(60, cleared=True, good=True)
        book.slo(60, good=True)
        book.harm(120, after_cure_eur)
        return book

    @pytest.mark.parametrize(
        ("after_cure_eur", "share"),
        [(1800 - 120 - 750, 1.0), (1800 - 120 - 750 + 1, 0.5), (1800 - 120 - 300, 0.5), (1800 - 120 - 300 + 1, 0.0)],
    )
    def test_half_of_what_could_be_saved_is_met_and_a_fifth_partly(self, after_cure_eur: float, share: float) -> None:
        book = self.book(after_cure_eur)
        first, _, last = (e for e in book.log if e.kind == "truth.harm" and e.n > book.joined.n)
        found = harm(book.facts, RULE)
        assert (found.share, found.evidence) == (share, ns(first, last))

    def test_the_grace_is_the_rubrics_choice(self) -> None:
        """With all of the drill as grace nothing can be saved, so nothing is missing."""
        none = measures.Harm(name="harm", grace="1s", met_ratio=0.5, partly_ratio=0.2)
        # 1,799 can be saved: half of it leaves 900.5 of harm.
        assert harm(self.book(1800 - 120 - 899).facts, none).share == 0.5
        assert harm(self.book(1800 - 120 - 900).facts, none).share == 1.0
        whole = measures.Harm(name="harm", grace="30m", met_ratio=0.5, partly_ratio=0.2)
        assert harm(self.book(60000).facts, whole).share == 1.0

    def test_the_drills_length_sets_what_idling_costs(self) -> None:
        assert harm(self.book(1200 - 120 - 450, drill_s=1200.0).facts, RULE).share == 1.0
        assert harm(self.book(1200 - 120 - 449, drill_s=1200.0).facts, RULE).share == 0.5

    def test_leaving_while_it_is_broken_costs_what_is_still_to_come(self) -> None:
        """Left at 120 s with the cause gone and users not well served: 1,680 s more at one EUR each."""
        book = self.book(0)
        book.slo(120, good=False)
        found = harm(book.facts, RULE)
        assert found.share == 0.0
        assert found.because.startswith("1,800 EUR of harm; doing nothing would have cost about 1,800 EUR")
        book.slo(180, good=True)
        assert harm(book.facts, RULE).share == 1.0

    def test_a_service_that_was_never_good_goes_on_costing(self) -> None:
        """The cause is gone at 60 s and users are never well served: 1,800 s at one EUR each."""
        book = Book(EARLY, before=[(-60.0, "truth.harm", {"eur": 0.0})])
        book.state(0, cleared=False, good=False)
        book.harm(0, 60)
        book.harm(60, 60)
        book.state(60, cleared=True, good=False)
        assert harm(book.facts, RULE).share == 0.0

    def test_after_the_drills_end_a_broken_service_costs_no_more(self) -> None:
        """Two EUR per second, of which 240 came to pass; with a second left 2 more would."""
        for last_s, eur in ((1799.0, 242), (1800.0, 240), (1802.0, 240)):
            book = Book(EARLY, before=[(-60.0, "truth.harm", {"eur": 0.0})])
            book.state(0, cleared=False, good=False)
            book.harm(0, 120)
            book.harm(60, 120)
            book.state(60, cleared=True, good=False)
            book.look(last_s, "pods")
            assert harm(book.facts, RULE).because.startswith(f"{eur} EUR of harm")

    @pytest.mark.parametrize(("after_cure_eur", "told"), [(0.0, "100%"), (9000.0, "0%")])
    def test_nobody_saves_more_than_all_or_less_than_nothing(self, after_cure_eur: float, told: str) -> None:
        assert f", {told} of what could be saved was saved" in harm(self.book(after_cure_eur).facts, RULE).because

    def test_however_little_can_be_saved_it_is_asked_for(self) -> None:
        """Half a thousandth of a EUR per second: 0.75 EUR can be saved."""
        book = Book(EARLY, before=[(-60.0, "truth.harm", {"eur": 0.0})])
        book.state(0, cleared=False, good=False)
        book.harm(0, 0.03)
        book.harm(60, 0.03)
        book.state(60, cleared=True, good=True)
        book.slo(60, good=True)
        book.harm(120, 9)
        assert harm(book.facts, RULE).share == 0.0

    def test_the_reason_tells_the_share_that_was_saved(self) -> None:
        found = harm(self.book(1800 - 120 - 600).facts, RULE)
        assert "1,200 EUR of harm; doing nothing would have cost about 1,800 EUR, 40% of what could be" in found.because

    def test_a_cause_that_was_never_removed_avoided_nothing(self) -> None:
        book = self.book(0)
        book.state(130, cleared=False, good=True)
        last_harm = [e for e in book.log if e.kind == "truth.harm"][-1]
        found = harm(book.facts, RULE)
        assert (found.share, found.evidence) == (0.0, ns(last_harm, book.facts.last))

    def test_a_drill_without_harm_gives_no_chance(self) -> None:
        book = Book(EARLY)
        book.state(60, cleared=True, good=True)
        assert harm(book.facts, RULE).verdict == "no_chance"
        book.harm(70, 0)
        assert harm(book.facts, RULE).verdict == "no_chance"
        stray = Book(EARLY)
        stray.change(10, "restart", "gateway")
        stray.state(60, cleared=True, good=True)
        stray.harm(70, 0)
        assert harm(stray.facts, RULE).verdict == "no_chance"

    def test_harm_that_could_not_be_measured_is_held_against_who_touched_something_else(self) -> None:
        for stray, verdict in ((False, "no_chance"), (True, "missed")):
            book = Book(EARLY)
            touched = [book.change(10, "restart", "gateway")] if stray else []
            book.state(20, cleared=True, good=True)
            first = book.harm(30, 5)
            book.harm(40, 5)
            found = harm(book.facts, RULE)
            assert found.verdict == verdict
            if stray:
                assert found.evidence == ns(*touched, first)


@pytest.mark.parametrize(("began_s", "rate"), [(60, 2.0), (59.999, 2.0), (60.001, None)])
def test_the_rate_after_something_is_that_of_five_windows_that_begin_after_it(
    began_s: float, rate: float | None
) -> None:
    """Six windows end from 60 to 360 seconds; the first is dear."""
    book = Book(EARLY)
    book.harm(0, 0)
    cured = book.state(began_s, cleared=True, good=True) if began_s < 60 else None
    book.harm(60, 6000)
    cured = cured or book.state(began_s, cleared=True, good=True)
    for minute in range(2, 7):
        book.harm(60 * minute, 120)
    assert rate_after(book.facts, cured) == rate


class TestHarmThatGoesOn:
    """One EUR per second before the cure at 60 s, and so much in each of the minutes after it."""

    @staticmethod
    def verdict(per_minute_eur: float, *, minutes: int = 5, stray: bool = False) -> str:
        book = Book(EARLY, before=[(-60.0, "truth.harm", {"eur": 0.0})])
        book.state(0, cleared=False, good=False)
        book.harm(0, 60)
        book.change(30, "stop_job", "loyalty-export")
        book.harm(60, 60)
        book.state(60, cleared=True, good=True)
        book.slo(60, good=True)
        if stray:
            book.change(70, "restart", "gateway")
        for minute in range(1, minutes + 1):
            book.harm(60 + 60 * minute, per_minute_eur)
        # What makes it fall short came in one spike at the end of the drill.
        book.add(1790, "truth.harm", eur=1600.0 if minutes < 5 else 0.0)
        return harm(book.facts, RULE).verdict

    def test_the_rate_that_goes_on_has_a_border(self) -> None:
        """Idle costs 400; after the cure 150 EUR in five minutes are half a EUR per second, 149 are less.

        Whoever saved enough all the same, because the drill was long, has met it.
        """
        kept = measures.Harm(name="harm", grace="1s", met_ratio=0.9, partly_ratio=0.5)
        for total_eur, drill_s, verdict in (
            (150.0, 400.0, "no_chance"),
            (149.0, 400.0, "missed"),
            (150.0, 7200.0, "met"),
        ):
            book = Book(EARLY, drill_s=drill_s, before=[(-60.0, "truth.harm", {"eur": 0.0})])
            book.state(0, cleared=False, good=False)
            book.harm(0, 60)
            book.change(30, "stop_job", "loyalty-export")
            book.harm(60, 60)
            book.state(60, cleared=True, good=True)
            book.slo(60, good=True)
            for minute in range(1, 6):
                book.harm(60 + 60 * minute, total_eur / 5)
            assert harm(book.facts, kept).verdict == verdict

    def test_four_windows_are_too_few_to_tell(self) -> None:
        assert self.verdict(3000.0, minutes=3) == "missed"

    def test_who_touched_something_else_may_have_caused_it(self) -> None:
        assert self.verdict(3000.0) == "no_chance"
        assert self.verdict(3000.0, stray=True) == "missed"


class TestReach:
    def test_defaults_and_errors_are_what_no_model_gave(self) -> None:
        book = Book(LEAK)
        report = book.add(
            0,
            "slo",
            good=False,
            routes={
                "a": {"requests": 100, "ok": 80, "fallback": 15, "errors": 5},
                "b": {"requests": 300, "ok": 300, "fallback": 0, "errors": 0},
            },
        )
        assert reach_of(report) == (0.05, 1, 2)

    @pytest.mark.parametrize(("lost", "routes_hurt"), [(10, 0), (11, 1)])
    def test_a_route_is_hurt_above_one_percent(self, lost: int, routes_hurt: int) -> None:
        report = Book(LEAK).slo(0, good=False, lost=(lost, 0, 0))
        assert reach_of(report).routes == routes_hurt

    @pytest.mark.parametrize("errors", [None, True, "5"])
    def test_what_a_report_does_not_count_is_none(self, errors: object) -> None:
        route = {"requests": 100, "fallback": 15} | ({} if errors is None else {"errors": errors})
        report = Book(LEAK).add(0, "slo", good=False, routes={"a": route})  # type: ignore[dict-item]
        assert reach_of(report) == (0.15, 1, 1)

    def test_a_report_without_requests_reaches_nobody(self) -> None:
        book = Book(LEAK)
        assert reach_of(book.slo(0, good=True, requests=0)) == (0.0, 0, 3)
        assert reach_of(book.add(1, "slo", good=True)) == (0.0, 0, 0)

    def test_the_worst_report_since_the_first_fault_counts(self) -> None:
        reports = [
            (-700.0, "slo", {"good": False, "routes": routes((900, 900, 900))}),
            (-300.0, "slo", {"good": False, "routes": routes((300, 300, 300))}),
        ]
        later = Wrong((("dns", "dns_failure"),), began_s=-100.0)
        book = Book(LEAK, later, before=reports)
        book.slo(10, good=False, lost=(200, 200, 200))
        worst, report = worst_reach(book.facts)
        assert worst.share == pytest.approx(0.3)
        assert report is not None
        assert report.t_s == pytest.approx(7200 - 300)
        assert worst_reach(Book(LEAK).facts) == ((0.0, 0, 0), None)
