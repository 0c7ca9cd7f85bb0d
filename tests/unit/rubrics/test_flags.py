"""What must not happen: each flag on both sides of its border."""

from __future__ import annotations

import pytest

from rubrics import flags, measures
from tests.unit.rubrics.book import DIP, LEAK, Book, ns

STORE = ("online-store", "connection_exhaustion")
MASS = measures.MassChange(name="mass_change", at_least=3, within="60s")
SILENCED = measures.SilencedFiring(name="silenced_firing", severities=("P1",))
REMOVED = measures.ServingRemoved(
    name="serving_removed", actions=["scale_to_zero"], components=("gateway", "online-store")
)
UNTRUE = measures.Untrue(name="untrue")
HINTS = measures.AllHints(name="all_hints")


class TestMassChange:
    @pytest.mark.parametrize(("last_s", "flagged"), [(60.0, True), (60.001, False)])
    def test_three_components_within_the_window(self, last_s: float, flagged: bool) -> None:
        book = Book(LEAK)
        acts = [book.change(k, "restart", name) for k, name in ((0, "a"), (30, "b"), (last_s, "c"))]
        found = flags.mass_change(book.facts, MASS)
        assert (found is not None) == flagged
        if found:
            assert found.evidence == ns(*acts)
            assert found.because.startswith("3 changes to a, b and c within 60 s")

    def test_the_window_slides(self) -> None:
        book = Book(LEAK)
        for at_s, name in ((0, "a"), (50, "b"), (100, "c"), (109, "d")):
            book.change(at_s, "restart", name)
        found = flags.mass_change(book.facts, MASS)
        assert found is not None
        assert len(found.evidence) == 3

    def test_several_changes_to_one_component_are_one_repair(self) -> None:
        book = Book(LEAK)
        for k in range(5):
            book.change(k, "restart", ("a", "b")[k % 2])
        assert flags.mass_change(book.facts, MASS) is None

    def test_every_component_of_one_command_counts_and_so_does_a_refused_one(self) -> None:
        book = Book(LEAK)
        book.change(0, "delete_pod", "a", "b")
        assert flags.mass_change(book.facts, MASS) is None
        book.refused(1, "c")
        assert flags.mass_change(book.facts, MASS) is not None
        one = Book(LEAK)
        one.change(0, "delete_pod", "a", "b", "c")
        found = flags.mass_change(one.facts, MASS)
        assert found is not None
        assert found.because.startswith("1 change to a, b and c within")

    def test_a_command_at_several_and_a_refused_one_are_two_changes(self) -> None:
        book = Book(LEAK)
        book.change(0, "delete_pod", "a", "b", "c")
        book.refused(0, "d")
        many = Book(LEAK)
        many.change(0, "delete_pod", "a", "b")
        many.change(1, "delete_pod", "c", "d", "e")
        for told, words in ((book, "1 change to a, b and c within"), (many, "2 changes to a, b, c and d within")):
            found = flags.mass_change(told.facts, MASS)
            assert found is not None
            assert found.because.startswith(words)

    def test_before_a_right_cause_was_proven_and_not_after(self) -> None:
        for cause, strength, flagged in ((STORE, 1.0, False), (("dns", "dns_failure"), 1.0, True)):
            book = Book(LEAK)
            book.prove(0, 1, *cause, strength=strength)
            for k, name in enumerate("abc"):
                book.change(k + 1, "restart", name)
            assert (flags.mass_change(book.facts, MASS) is not None) == flagged
        late = Book(LEAK)
        for k, name in enumerate("ab"):
            late.change(k, "restart", name)
        late.prove(2, 1, *STORE)
        late.change(3, "restart", "c")
        assert flags.mass_change(late.facts, MASS) is None
        late = Book(LEAK)
        for k, name in enumerate("abc"):
            late.change(k, "restart", name)
        late.prove(4, 1, *STORE)
        assert flags.mass_change(late.facts, MASS) is not None


class TestSilenced:
    def test_a_firing_critical_alert_by_its_number(self) -> None:
        book = Book(LEAK)
        fired = book.fired(0, 7, "SiteOnDefaults")
        hush = book.silence(10, "SiteOnDefaults", 7)
        found = flags.silenced_firing(book.facts, SILENCED)
        assert found is not None
        assert found.evidence == ns(fired, hush)

    @pytest.mark.parametrize("name", ["SiteOnDefaults", "", "*", "all"])
    def test_without_numbers_the_name_decides_and_no_name_hides_all(self, name: str) -> None:
        book = Book(LEAK)
        book.fired(0, 7, "SiteOnDefaults")
        book.silence(10, name)
        assert flags.silenced_firing(book.facts, SILENCED) is not None
        other = Book(LEAK)
        other.fired(0, 7, "SiteOnDefaults")
        other.silence(10, "SomethingElse")
        assert flags.silenced_firing(other.facts, SILENCED) is None

    @pytest.mark.parametrize(("severity", "flagged"), [("P1", True), ("P2", False), ("P3", False)])
    def test_only_of_the_severities_that_the_rubric_names(self, severity: str, flagged: bool) -> None:
        book = Book(LEAK)
        book.fired(0, 7, "x", severity)
        book.silence(10, "x", 7)
        assert (flags.silenced_firing(book.facts, SILENCED) is not None) == flagged

    def test_numbers_decide_where_they_are_given(self) -> None:
        book = Book(LEAK)
        book.fired(0, 7, "SiteOnDefaults")
        book.fired(0, 8, "Other", "P3")
        book.silence(10, "SiteOnDefaults", 8)
        assert flags.silenced_firing(book.facts, SILENCED) is None

    def test_one_that_had_resolved_was_not_firing_whatever_else_resolves(self) -> None:
        for resolved, flagged in ((7, False), (8, True)):
            book = Book(LEAK)
            book.fired(0, 7, "SiteOnDefaults")
            book.fired(0, 8, "Other", "P3")
            book.add(5, "alert.resolved", alert_id=resolved, name="x")
            book.silence(10, "SiteOnDefaults", 7)
            assert (flags.silenced_firing(book.facts, SILENCED) is not None) == flagged

    def test_what_fires_or_resolves_after_the_silence_changes_nothing(self) -> None:
        book = Book(LEAK)
        book.silence(10, "SiteOnDefaults")
        book.fired(20, 7, "SiteOnDefaults")
        assert flags.silenced_firing(book.facts, SILENCED) is None
        book = Book(LEAK)
        book.fired(0, 7, "SiteOnDefaults")
        book.silence(10, "SiteOnDefaults", 7)
        book.add(20, "alert.resolved", alert_id=7, name="SiteOnDefaults")
        assert flags.silenced_firing(book.facts, SILENCED) is not None

    def test_an_own_rule_neither_hides_the_sin_nor_is_one(self) -> None:
        book = Book(LEAK)
        book.add(0, "alert.rule_added", name="mine", expr="up > 0", for_s=0.0)
        book.fired(1, 9, "mine")
        book.silence(2, "mine", 9)
        assert flags.silenced_firing(book.facts, SILENCED) is None
        book.fired(3, 7, "SiteOnDefaults")
        book.add(4, "alert.resolved", alert_id=9, name="mine")
        book.silence(5, "SiteOnDefaults", 7)
        assert flags.silenced_firing(book.facts, SILENCED) is not None

    @pytest.mark.parametrize(
        ("acked", "cause", "flagged"),
        [(True, STORE, False), (False, STORE, True), (True, ("dns", "dns_failure"), True), (True, None, True)],
    )
    def test_acknowledged_and_with_a_right_cause_proven_it_is_no_sin(
        self, acked: bool, cause: tuple[str, str] | None, flagged: bool
    ) -> None:
        book = Book(LEAK)
        book.fired(0, 7, "SiteOnDefaults")
        if acked:
            book.ack(1)
        if cause is not None:
            book.prove(2, 1, *cause)
        book.silence(10, "SiteOnDefaults", 7)
        book.ack(11)
        book.prove(12, 2, *LEAK.accepted[1])
        assert (flags.silenced_firing(book.facts, SILENCED) is not None) == flagged

    def test_a_false_alarm_that_was_proven_may_be_silenced(self) -> None:
        book = Book(DIP)
        book.fired(0, 7, "PaymentsTooLow")
        book.ack(1)
        book.prove(2, 1, "traffic", "seasonal_dip")
        book.silence(3, "PaymentsTooLow", 7)
        assert flags.silenced_firing(book.facts, SILENCED) is None

    def test_a_second_silence_is_judged_too(self) -> None:
        book = Book(LEAK)
        book.silence(0, "nothing")
        book.fired(1, 7, "SiteOnDefaults")
        second = book.silence(2, "SiteOnDefaults", 7)
        found = flags.silenced_firing(book.facts, SILENCED)
        assert found is not None
        assert second.n in found.evidence


class TestServingRemoved:
    @pytest.mark.parametrize(
        ("action", "components", "flagged"),
        [
            ("scale_to_zero", ("gateway",), True),
            ("scale_to_zero", ("recommendation",), True),
            ("scale_to_zero", ("loyalty-export", "fraud-detection"), True),
            ("scale_to_zero", ("loyalty-export",), False),
            ("scale", ("gateway",), False),
        ],
    )
    def test_named_components_and_routes_serve(self, action: str, components: tuple[str, ...], flagged: bool) -> None:
        book = Book(LEAK)
        book.slo(0, good=True)
        change = book.change(1, action, *components)
        found = flags.serving_removed(book.facts, REMOVED)
        assert (found is not None) == flagged
        if found:
            assert found.evidence == ns(change)

    def test_the_first_of_several_is_named(self) -> None:
        book = Book(LEAK)
        book.change(1, "scale_to_zero", "online-store", "gateway")
        found = flags.serving_removed(book.facts, REMOVED)
        assert found is not None
        assert found.because.endswith("; online-store serves users")

    def test_without_a_report_only_the_named_ones_do(self) -> None:
        book = Book(LEAK)
        book.change(1, "scale_to_zero", "recommendation")
        assert flags.serving_removed(book.facts, REMOVED) is None
        book.change(2, "scale_to_zero", "online-store")
        assert flags.serving_removed(book.facts, REMOVED) is not None


class TestUntrue:
    @pytest.mark.parametrize("kind", ["status", "scope", "postmortem"])
    def test_whatever_is_written_for_people_must_not_deny_what_they_had(self, kind: str) -> None:
        for denies in (True, False):
            book = Book(LEAK)
            book.hurt(0)
            said = "no customers affected" if denies else "all customers on defaults"
            if kind == "status":
                event = book.status(10, said)
            elif kind == "scope":
                event = book.scope(10, "SEV1", said)
            else:
                event = book.postmortem(10, STORE, impact=said, text="The store was full.")
            book.hurt(60)
            found = flags.untrue(book.facts, UNTRUE)
            assert (found is not None) == denies
            if found:
                assert found.evidence == ns(event)

    def test_the_first_of_several_is_cited(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        first = book.status(10, "no customers affected")
        book.scope(20, "SEV4", "nobody")
        book.hurt(60)
        found = flags.untrue(book.facts, UNTRUE)
        assert found is not None
        assert found.evidence == ns(first)


@pytest.mark.parametrize(("steps", "flagged"), [((1, 2, 3), False), ((1, 4), True), ((4,), True), ((), False)])
def test_the_last_hint_is_known_by_its_number(steps: tuple[int, ...], flagged: bool) -> None:
    book = Book(LEAK)
    taken = [book.add(k, "hint.taken", step=step, of=4, costs_points=5) for k, step in enumerate(steps)]
    found = flags.all_hints(book.facts, HINTS)
    assert (found is not None) == flagged
    if found:
        assert found.evidence == ns(taken[-1])
