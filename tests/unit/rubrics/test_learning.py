"""What is left behind: the post-mortem, and what keeps it from coming back."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.learning import DOCUMENT, EARLIER_MIN_S, postmortem_cause, prevention
from simulator.engine.events import Event
from tests.unit.rubrics.book import DIP, LEAK, STALL, Book, Wrong, ns

STORE = ("online-store", "connection_exhaustion")
CAUSE = measures.PostmortemCause(name="postmortem_cause", words_min=30)
PREVENTION = measures.Prevention(name="prevention", words_min=8)
TOLD = (
    "The loyalty export that went out in the evening kept its connections to the online store open. By three the pool "
    "was exhausted and every model timed out. We stopped the job, and the store was back in two minutes."
)
SOUP = "online store loyalty export connection exhaustion pool leak job deploy retry timeout gateway " * 3
ELSEWHERE = (
    "The weather was fine and the team had a good walk in the park. We saw a dog that was as large as a horse, and it "
    "was a lovely day for all of us. In the evening we had a soup with bread and some cheese."
)
ACTIONS = "Alert on connections that one client of the online store holds."


def judged(*causes: tuple[str, str], text: str = TOLD, faults: tuple[Wrong, ...] = (LEAK,), **data: str) -> float:
    book = Book(*faults)
    book.hurt(0)
    filed = book.postmortem(10, *causes, text=text, **data)
    found = postmortem_cause(book.facts, CAUSE)
    assert found.evidence == ns(filed)
    return found.share


class TestPostmortem:
    def test_the_right_cause_in_sentences_earns_all(self) -> None:
        assert judged(STORE) == 1.0
        assert judged(LEAK.accepted[1]) == 1.0

    def test_a_nearly_right_cause_earns_most(self) -> None:
        assert judged(("gateway", "connection_exhaustion")) == pytest.approx(0.7)

    def test_several_faults_need_several_causes(self) -> None:
        both = (LEAK, STALL)
        assert judged(STORE, faults=both) == pytest.approx(0.5)
        assert judged(STORE, STALL.accepted[0], faults=both) == 1.0
        for causes, part in (((STORE,), True), ((STORE, STALL.accepted[0]), False)):
            book = Book(*both)
            book.postmortem(10, *causes, text=TOLD)
            assert ("50% of the causes" in postmortem_cause(book.facts, CAUSE).because) == part
            assert ("of the causes" in postmortem_cause(book.facts, CAUSE).because) == part

    def test_too_few_words_earn_half(self) -> None:
        text = " ".join(TOLD.split()[:29])
        assert judged(STORE, text=text) == 0.5
        assert judged(("gateway", "connection_exhaustion"), text=text) == pytest.approx(0.35)

    def test_keywords_earn_nothing(self) -> None:
        assert judged(STORE, text=SOUP) == 0.0
        assert judged(("gateway", "connection_exhaustion"), text=SOUP) == 0.0

    def test_the_number_of_words_is_the_rubrics_choice(self) -> None:
        for words_min, share in ((len(TOLD.split()), 1.0), (len(TOLD.split()) + 1, 0.5)):
            book = Book(LEAK)
            book.postmortem(10, STORE, text=TOLD)
            rule = measures.PostmortemCause(name="postmortem_cause", words_min=words_min)
            assert postmortem_cause(book.facts, rule).share == share

    @pytest.mark.parametrize(
        ("own", "share"),
        [
            ("loyalty", 0.0),
            ("loyalty export", 0.5),
            ("loyalty export connections", 0.5),
            ("exhausted loyalty export connections", 1.0),
        ],
    )
    def test_it_is_told_from_any_other_by_its_own_words(self, own: str, share: float) -> None:
        """The incident has no more words than those of its components and mechanisms."""
        text = f"The {own} of it was the thing that we saw in the night, and so we went and took it away. It was late."
        rule = measures.PostmortemCause(name="postmortem_cause", words_min=10)
        book = Book(LEAK)
        book.postmortem(10, STORE, text=text)
        assert postmortem_cause(book.facts, rule).share == share

    @pytest.mark.parametrize("text", [ELSEWHERE, "", "x " * 40])
    def test_what_is_about_something_else_earns_nothing(self, text: str) -> None:
        assert judged(STORE, text=text) == 0.0

    @pytest.mark.parametrize(
        ("cause", "text", "share"),
        [
            (("online-store", "crash_loop"), TOLD, 0.5),
            (("online-store", "crash_loop"), SOUP, 0.0),
            (("dns", "dns_failure"), TOLD, 0.0),
        ],
    )
    def test_a_wrong_mechanism_of_the_right_component_well_told_earns_its_share(
        self, cause: tuple[str, str], text: str, share: float
    ) -> None:
        assert judged(cause, text=text) == share

    def test_one_cause_that_is_beside_the_truth_among_several_is_enough_for_it(self) -> None:
        assert judged(("dns", "dns_failure"), ("online-store", "crash_loop")) == 0.5

    @pytest.mark.parametrize("field", DOCUMENT)
    def test_every_part_of_the_document_is_read(self, field: str) -> None:
        book = Book(LEAK)
        book.postmortem(10, STORE, **{field: TOLD})
        assert postmortem_cause(book.facts, CAUSE).share == 1.0

    @pytest.mark.parametrize("field", ["summary", "impact"])
    def test_an_untrue_one_earns_nothing(self, field: str) -> None:
        assert judged(STORE, **{field: "no customers affected"}) == 0.0

    def test_the_last_one_filed_counts(self) -> None:
        book = Book(LEAK)
        book.postmortem(10, STORE, text=TOLD)
        last = book.postmortem(20, ("dns", "dns_failure"), text=TOLD)
        found = postmortem_cause(book.facts, CAUSE)
        assert (found.share, found.evidence) == (0.0, ns(last))
        assert "names dns:dns_failure, which is not it; expected online-store:connection_exhaustion" in found.because
        book.postmortem(25, text=TOLD)
        assert "names no cause" in postmortem_cause(book.facts, CAUSE).because
        book.postmortem(30, STORE, text=TOLD)
        assert postmortem_cause(book.facts, CAUSE).share == 1.0

    def test_none_filed_is_missed(self) -> None:
        book = Book(LEAK)
        last = book.look(10, "pods")
        assert postmortem_cause(book.facts, CAUSE).evidence == ns(book.joined, last)


class TestPrevention:
    @staticmethod
    def checked(book: Book, **data: float | str | None) -> Event:
        said = {
            "name": "pool-full",
            "fires_at_s": 6900.0,
            "since_fault_s": 300.0,
            "joined_after_s": 7200.0,
            "healthy_firings": 0,
            **data,
        }
        return book.add(100, "prevention.checked", **said)

    @pytest.mark.parametrize(
        ("data", "share", "reason"),
        [
            ({}, 1.0, "fires 5 min after the fault began"),
            ({"healthy_firings": None}, 1.0, "fires 5 min"),
            ({"since_fault_s": 0.0}, 1.0, "fires 0 s after"),
            ({"since_fault_s": -0.001}, 0.0, "fires before anything is wrong"),
            ({"healthy_firings": 1}, 0.0, "fires once in a healthy week, and it was left there"),
            ({"healthy_firings": 2}, 0.0, "fires 2 times in a healthy week, and it was left there"),
            ({"fires_at_s": None, "since_fault_s": None}, 0.0, "does not fire when the drill is run again"),
            ({"since_fault_s": None}, 0.0, "does not fire"),
            ({"since_fault_s": 0.0, "fires_at_s": 7200.0}, 0.0, "fires no earlier than what called you"),
            ({"fires_at_s": None}, 0.0, ""),
        ],
    )
    def test_a_rule_must_fire_for_the_fault_and_for_nothing_else(
        self, data: dict[str, float | None], share: float, reason: str
    ) -> None:
        book = Book(LEAK)
        event = self.checked(book, **data)
        found = prevention(book.facts, PREVENTION)
        assert (found.share, found.evidence) == (share, ns(event))
        assert reason in found.because

    @pytest.mark.parametrize(("fires_at_s", "share"), [(7140.0, 1.0), (7140.1, 0.0), (7200.0, 0.0)])
    def test_it_must_fire_a_minute_before_what_called_the_responder(self, fires_at_s: float, share: float) -> None:
        assert EARLIER_MIN_S == 60.0
        for reason in ("complaint", "page"):
            book = Book(LEAK, reason=reason)
            event = self.checked(book, fires_at_s=fires_at_s, since_fault_s=0.0)
            found = prevention(book.facts, PREVENTION)
            assert (found.share, found.evidence) == (share, ns(event))
            assert ("fires no earlier than what called you" in found.because) == (share == 0.0)

    @pytest.mark.parametrize(("since_fault_s", "share"), [(1700.0, 1.0), (1700.1, 0.5)])
    def test_after_a_silent_fault_it_must_fire_in_the_first_quarter(self, since_fault_s: float, share: float) -> None:
        """The fault began 6,800 s before somebody complained; a page comes when it comes."""
        for reason, earned in (("complaint", share), ("page", 1.0)):
            book = Book(Wrong(LEAK.accepted, began_s=-6800.0), reason=reason)
            event = self.checked(book, fires_at_s=400.0 + since_fault_s, since_fault_s=since_fault_s)
            found = prevention(book.facts, PREVENTION)
            assert (found.share, found.evidence) == (earned, ns(event))
            assert ("before any customer complained" in found.because) == (reason == "complaint")
            assert ("before the page" in found.because) == (reason == "page")
            assert found.because.endswith("when most of the harm was done") == (earned == 0.5)

    def test_of_two_good_rules_the_early_one_counts(self) -> None:
        book = Book(Wrong(LEAK.accepted, began_s=-6800.0), reason="complaint")
        self.checked(book, fires_at_s=7000.0, since_fault_s=6600.0)
        early = self.checked(book, fires_at_s=1000.0, since_fault_s=600.0)
        found = prevention(book.facts, PREVENTION)
        assert (found.share, found.evidence) == (1.0, ns(early))
        assert f"10 min after the fault began [#{early.n}]" in found.because

    @pytest.mark.parametrize(("firings", "share"), [(0, 1.0), (1, 0.0), (8016, 0.0)])
    def test_a_rule_that_cries_wolf_spoils_what_was_done_beside_it(self, firings: int, share: float) -> None:
        """A rule that never stops firing fires once, so once is too often."""
        for by_rule in (True, False):
            book = Book(LEAK)
            book.postmortem(10, STORE, prevention=ACTIONS)
            if by_rule:
                self.checked(book)
            noisy = self.checked(book, healthy_firings=firings, since_fault_s=300.0 if by_rule else None)
            found = prevention(book.facts, PREVENTION)
            assert found.share == share
            assert (found.evidence == ns(noisy)) == (share == 0.0)

    def test_every_rule_that_cries_wolf_is_cited(self) -> None:
        book = Book(LEAK)
        cited = [self.checked(book, healthy_firings=3), self.checked(book, name="other", healthy_firings=1)]
        self.checked(book)
        found = prevention(book.facts, PREVENTION)
        assert (found.share, found.evidence) == (0.0, ns(*cited))
        assert found.because.startswith("the rule pool-full fires 3 times")

    def test_one_good_rule_among_several_is_enough(self) -> None:
        book = Book(LEAK)
        self.checked(book, fires_at_s=None, since_fault_s=None)
        good = self.checked(book)
        found = prevention(book.facts, PREVENTION)
        assert (found.share, found.evidence) == (1.0, ns(good))

    @pytest.mark.parametrize(
        ("data", "share", "reason"),
        [
            ({"fires_at_s": None, "since_fault_s": None}, 1.0, "proves nothing where nothing was broken"),
            ({"fires_at_s": 0.0, "since_fault_s": None}, 0.0, "fires on this night, on which nothing was wrong"),
            (
                {"fires_at_s": None, "since_fault_s": None, "healthy_firings": 4},
                0.0,
                "fires 4 times in a healthy week, and it was left there",
            ),
        ],
    )
    def test_on_a_false_alarm_a_rule_that_repeats_it_spoils_good_words(
        self, data: dict[str, float | None], share: float, reason: str
    ) -> None:
        book = Book(DIP)
        book.postmortem(10, DIP.accepted[0], prevention=ACTIONS)
        self.checked(book, **data)
        found = prevention(book.facts, PREVENTION)
        assert found.share == share
        assert reason in found.because

    def test_on_a_false_alarm_no_rule_proves_anything(self) -> None:
        book = Book(DIP)
        self.checked(book, fires_at_s=None, since_fault_s=None)
        found = prevention(book.facts, PREVENTION)
        assert found.share == 0.0
        assert "proves nothing where nothing was broken" in found.because

    @pytest.mark.parametrize(
        ("said", "share"),
        [
            (ACTIONS, 1.0),
            ("alert limit review test canary monitor online-store connections", 0.0),
            ("alert limit review test canary monitor online-store. Alert on connections of the store, too.", 1.0),
            ("Alert on connections of the online store now.", 1.0),
            ("Alert on connections of the online store.", 0.0),
            ("We will all be more careful with this kind of thing.", 0.0),
            ("A review of how we water the plants in the office garden.", 0.0),
            ("", 0.0),
        ],
    )
    def test_written_actions_are_about_this_incident_and_can_be_done(self, said: str, share: float) -> None:
        book = Book(LEAK)
        filed = book.postmortem(10, STORE, prevention=said)
        found = prevention(book.facts, PREVENTION)
        assert (found.share, found.evidence) == (share, ns(filed))

    def test_actions_in_a_list_are_read_as_sentences(self) -> None:
        book = Book(LEAK)
        book.postmortem(10, STORE, prevention=["Alert on connections", "limit the pool of every job", "review exports"])
        assert prevention(book.facts, PREVENTION).share == 1.0

    def test_after_a_silent_fault_words_alone_earn_half(self) -> None:
        for faults, reason, share in (
            ((LEAK,), "complaint", 0.5),
            ((LEAK,), "page", 1.0),
            ((DIP,), "complaint", 1.0),
        ):
            book = Book(*faults, reason=reason)
            book.postmortem(10, STORE, prevention="Alert on connections of the online store and on payments.")
            found = prevention(book.facts, PREVENTION)
            assert found.share == share
            assert ("the fault was silent" in found.because) == (share < 1.0)

    def test_a_useless_rule_takes_nothing_from_good_words(self) -> None:
        book = Book(LEAK)
        filed = book.postmortem(10, STORE, prevention=ACTIONS)
        useless = self.checked(book, fires_at_s=None, since_fault_s=None)
        found = prevention(book.facts, PREVENTION)
        assert (found.share, found.evidence) == (1.0, ns(filed, useless))
        assert "does not fire when the drill is run again" in found.because

    def test_only_the_last_post_mortem_counts(self) -> None:
        book = Book(LEAK)
        book.postmortem(10, STORE, prevention=ACTIONS)
        book.postmortem(20, STORE, prevention="none")
        assert prevention(book.facts, PREVENTION).share == 0.0

    def test_nothing_done_cites_the_whole_time(self) -> None:
        book = Book(LEAK)
        last = book.look(10, "pods")
        assert prevention(book.facts, PREVENTION).evidence == ns(book.joined, last)
