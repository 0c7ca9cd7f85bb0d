"""Flags on how a cause came to be known: guessed, foregone, told three ways, or acted on blindly."""

from __future__ import annotations

import pytest

from rubrics import flags, measures
from tests.unit.rubrics.book import LEAK, STALL, Book, ns

STORE = ("online-store", "connection_exhaustion")
GUESSING = measures.Guessing(name="guessing", confirmed_max=2, thin_max=3, loose_max=2)


class TestGuessing:
    @pytest.mark.parametrize(("count", "faults", "flagged"), [(2, 1, False), (3, 1, True), (3, 2, False), (4, 2, True)])
    def test_more_confirmed_than_can_be_true(self, count: int, faults: int, flagged: bool) -> None:
        book = Book(*(LEAK, STALL)[:faults])
        confirmed = [book.prove(k, k, "gateway", f"m{k}") for k in range(count)]
        found = flags.guessing(book.facts, GUESSING)
        assert (found is not None) == flagged
        if found:
            assert found.evidence == ns(*confirmed)

    def test_confirmed_and_ruled_out_again_still_counts(self) -> None:
        book = Book(LEAK)
        for k in range(3):
            book.prove(10 * k, k, "gateway", f"m{k}")
            book.rule_out(10 * k + 1, k)
        assert flags.guessing(book.facts, GUESSING) is not None

    @pytest.mark.parametrize("paper", ["resolve", "postmortem"])
    @pytest.mark.parametrize(("count", "flagged"), [(2, False), (3, True)])
    def test_more_named_in_one_paper_than_can_be_true(self, paper: str, count: int, flagged: bool) -> None:
        book = Book(LEAK)
        causes = [("gateway", f"m{k}") for k in range(count)]
        said = book.resolve(10, *causes) if paper == "resolve" else book.postmortem(10, *causes)
        found = flags.guessing(book.facts, GUESSING)
        assert (found is not None) == flagged
        if found:
            assert found.evidence == ns(said)
            assert found.because.endswith("naming 3 causes")

    @pytest.mark.parametrize(
        ("count", "outputs", "flagged"), [(3, 0, False), (4, 0, True), (4, 1, True), (4, 2, False)]
    )
    def test_a_long_list_that_was_barely_looked_at(self, count: int, outputs: int, flagged: bool) -> None:
        book = Book(LEAK)
        added = []
        for k in range(count):
            added.append(book.suspect(10 * k, k, "gateway", f"m{k}"))
            for way in ("against", "for")[:outputs]:
                book.cite(10 * k + 1, k, book.look(10 * k + 1, "logs"), way)
        found = flags.guessing(book.facts, GUESSING)
        assert (found is not None) == flagged
        if found:
            assert found.evidence == ns(*added)

    @pytest.mark.parametrize(("count", "flagged"), [(2, False), (3, True)])
    @pytest.mark.parametrize("then", ["nothing", "doubted", "decided"])
    def test_many_that_were_supported_and_left_open(self, count: int, flagged: bool, then: str) -> None:
        book = Book(LEAK)
        cited = []
        for k in range(count):
            book.suspect(10 * k, k, "gateway", f"m{k}")
            cited.append(book.cite(10 * k + 1, k, book.look(10 * k + 1, "logs")))
            book.cite(10 * k + 2, k, book.look(10 * k + 2, "pods"))
        if then == "doubted":
            book.cite(50, 0, book.look(50, "pods"), "against")
        elif then == "decided":
            book.confirm(50, 0)
        found = flags.guessing(book.facts, GUESSING)
        assert (found is not None) == (flagged and then == "nothing")
        if found:
            assert found.evidence == ns(*cited)


class TestActedBlind:
    NAMED = measures.ActedBlind(name="acted_blind", named=True)
    UNNAMED = measures.ActedBlind(name="acted_blind", named=False)

    @pytest.mark.parametrize(
        ("kind", "data", "named"),
        [
            ("alert.fired", {"component": "gateway"}, True),
            ("page.sent", {"name": "gateway latency"}, True),
            ("alert.fired", {"summary": "the gateway is slow"}, True),
            ("comms", {"text": "is the gateway down?"}, True),
            ("alert.fired", {"component": "loyalty_export gateways"}, True),
            ("alert.fired", {"component": "fraud-detection"}, False),
            ("deploy", {"deployment": "gateway"}, False),
        ],
    )
    def test_it_matters_whether_a_page_or_a_person_had_named_the_component(
        self, kind: str, data: dict[str, str], named: bool
    ) -> None:
        book = Book(LEAK)
        book.add(5, kind, **data)
        act = book.change(10, "restart", "gateway")
        book.look(11, "pods")
        book.add(12, "alert.fired", component="gateway")
        first, second = flags.acted_blind(book.facts, self.NAMED), flags.acted_blind(book.facts, self.UNNAMED)
        found, other = (first, second) if named else (second, first)
        assert other is None
        assert found is not None
        assert found.evidence == ns(act)
        assert found.because.endswith("before any look" if named else "before any look; nothing had pointed there")

    def test_underscores_of_an_alert_are_the_dashes_of_a_component(self) -> None:
        book = Book(LEAK)
        book.add(5, "alert.fired", name="online_store_full")
        book.change(10, "restart", "online-store")
        assert flags.acted_blind(book.facts, self.NAMED) is not None

    def test_one_look_before_is_enough_and_a_refused_act_is_one(self) -> None:
        book = Book(LEAK)
        book.look(9, "pods")
        book.change(10, "restart", "gateway")
        assert flags.acted_blind(book.facts, self.UNNAMED) is None
        tried = Book(LEAK)
        tried.refused(5, "gateway")
        tried.look(6, "pods")
        tried.change(7, "restart", "gateway")
        assert flags.acted_blind(tried.facts, self.UNNAMED) is not None
        assert flags.acted_blind(Book(LEAK).facts, self.UNNAMED) is None

    def test_an_attempt_that_showed_something_was_not_preceded_by_a_look(self) -> None:
        book = Book(LEAK)
        book.add(5, "command", line="x", looked=["pods"], subjects=["gateway"], attempted=True)
        assert flags.acted_blind(book.facts, self.UNNAMED) is not None


class TestForegone:
    RULE = measures.Foregone(name="foregone")

    @pytest.mark.parametrize("kind", ["hypothesis.confirmed", "resolve.claimed", "postmortem.filed"])
    @pytest.mark.parametrize("looked_s", [9.0, 11.0, None])
    def test_whoever_names_the_cause_before_the_first_look(self, kind: str, looked_s: float | None) -> None:
        book = Book(LEAK)
        if looked_s == 9.0:
            book.look(looked_s, "pods")
        said = book.add(10, kind, hyp_id=1)
        if looked_s == 11.0:
            book.look(looked_s, "pods")
        found = flags.foregone(book.facts, self.RULE)
        assert (found is None) == (looked_s == 9.0)
        if found:
            assert found.evidence == ns(said)

    def test_the_first_word_is_held_to_it(self) -> None:
        book = Book(LEAK)
        first = book.add(10, "postmortem.filed", text="")
        book.look(11, "pods")
        book.confirm(12, 1)
        found = flags.foregone(book.facts, self.RULE)
        assert found is not None
        assert found.evidence == ns(first)
        assert flags.foregone(Book(LEAK).facts, self.RULE) is None


class TestStories:
    RULE = measures.Stories(name="stories")
    DNS, NODE = ("dns", "dns_failure"), ("gpu-1", "node_failure")

    @pytest.mark.parametrize(
        ("confirmed", "declared", "written", "flagged"),
        [
            (STORE, DNS, NODE, True),
            (STORE, STORE, NODE, False),
            (STORE, DNS, STORE, False),
            (STORE, DNS, DNS, False),
            (STORE, DNS, None, False),
            (STORE, None, NODE, False),
            (None, DNS, NODE, False),
        ],
    )
    def test_three_causes_in_three_places(
        self,
        confirmed: tuple[str, str] | None,
        declared: tuple[str, str] | None,
        written: tuple[str, str] | None,
        flagged: bool,
    ) -> None:
        book = Book(LEAK)
        events = [book.prove(1, 1, *confirmed)] if confirmed else []
        events += [book.resolve(2, declared)] if declared else []
        events += [book.postmortem(3, written)] if written else []
        found = flags.stories(book.facts, self.RULE)
        assert (found is not None) == flagged
        if found:
            assert found.evidence == ns(*events)

    def test_a_cause_that_was_taken_back_tells_no_story(self) -> None:
        book = Book(LEAK)
        book.prove(1, 1, *STORE)
        book.rule_out(2, 1)
        book.resolve(3, self.DNS)
        book.postmortem(4, self.NODE)
        assert flags.stories(book.facts, self.RULE) is None
