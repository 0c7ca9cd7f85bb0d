"""What people were told: when, what, how often, and that it is over."""

from __future__ import annotations

import pytest

from rubrics import measures
from rubrics.people import communication_cadence, final_status, first_update, sound_updates, update_content
from tests.unit.rubrics.book import DIP, LEAK, Book, ns

FIRST = measures.FirstUpdate(name="first_update", met="10m", partly="15m")
CONTENT = measures.UpdateContent(name="update_content", words_min=3)
CADENCE = measures.Cadence(name="communication_cadence", met="15m", partly="20m")
FINAL = measures.FinalStatus(name="final_status")
ABOUT = "checkout and search are on defaults"
NONSENSE = "lorem ipsum dolor sit amet"
LISTED = "store export pool connection gateway timeout retry limit job"


@pytest.mark.parametrize(("at_s", "share"), [(600, 1.0), (600.001, 0.5), (900, 0.5), (900.001, 0.0)])
def test_the_first_update_is_due_within_its_time(at_s: float, share: float) -> None:
    book = Book(LEAK)
    sent = book.status(at_s, ABOUT, "checking the online store", 600)
    book.status(at_s + 1, ABOUT)
    found = first_update(book.facts, FIRST)
    assert (found.share, found.evidence) == (share, ns(sent))
    assert f"[#{sent.n}]" in found.because
    assert found.because.startswith("too late: ") == (share < 1.0)


def test_nonsense_is_no_update_and_does_not_stop_the_clock() -> None:
    book = Book(LEAK)
    empty = [book.status(at_s, NONSENSE, NONSENSE) for at_s in (10, 11, 12)]
    for measure, rule in ((first_update, FIRST), (update_content, CONTENT)):
        found = measure(book.facts, rule)  # type: ignore[operator]
        assert (found.share, found.evidence) == (0.0, ns(*empty))
        assert found.because.endswith(f"[#{empty[0].n}]: it says nothing about this incident")
    found = communication_cadence(book.facts, CADENCE)
    assert (found.share, found.evidence) == (0.0, ns(book.joined, empty[2], empty[0]))
    late = book.status(900, ABOUT)
    found = first_update(book.facts, FIRST)
    assert (found.share, found.evidence) == (0.5, ns(late))


def test_an_update_is_judged_by_everything_that_it_says() -> None:
    for field in ("impact", "doing", "text"):
        book = Book(LEAK)
        sent = book.status(10, **{field: "the online store has no connections left"})
        assert sound_updates(book.facts) == [sent], field


def test_an_untrue_update_is_no_update() -> None:
    book = Book(LEAK)
    book.hurt(0)
    lie = book.status(30, "no customer impact in the online store", "looking", 600)
    book.hurt(60)
    found = first_update(book.facts, FIRST)
    assert (found.share, found.evidence) == (0.0, ns(lie))
    assert found.because.endswith("it says that nobody is hurt, and customers were")


def test_no_update_at_all_cites_the_whole_time() -> None:
    book = Book(LEAK)
    last = book.look(900, "pods")
    for measure, rule in ((first_update, FIRST), (update_content, CONTENT), (communication_cadence, CADENCE)):
        found = measure(book.facts, rule)  # type: ignore[operator]
        assert (found.verdict, found.evidence) == ("missed", ns(book.joined, last))
    assert final_status(book.facts, FINAL).evidence == ns(last)


@pytest.mark.parametrize(
    ("impact", "doing", "next_s", "final", "share"),
    [
        ("all on defaults", "stopping the export", 600.0, False, 1.0),
        ("all on defaults", "stopping the export", 0.0, True, 1.0),
        ("all on defaults", "stopping the export", 1.0, False, 1.0),
        ("all on defaults", "stopping the export", 0.0, False, 0.5),
        ("all on defaults", "stopping it", 600.0, False, 0.5),
        ("all on defaults", "", 0.0, False, 0.5),
        ("on defaults", "stopping the export", 600.0, False, 0.0),
        ("", "stopping the export job", 600.0, False, 0.0),
    ],
)
def test_an_update_says_impact_action_and_the_next_time(
    impact: str, doing: str, next_s: float, final: bool, share: float
) -> None:
    book = Book(LEAK)
    sent = book.status(10, impact, doing, next_s, final=final)
    found = update_content(book.facts, CONTENT)
    assert (found.share, found.evidence) == (share, ns(sent))
    assert ("it leaves out" in found.because) == (share < 1.0)


def test_the_best_update_counts_and_of_equals_the_first() -> None:
    book = Book(LEAK)
    book.status(10, "all on defaults")
    best = book.status(20, "all on defaults", "stopping the export", 600)
    book.status(30, "all on defaults", "stopping the export", 600)
    book.status(40, "search on defaults")
    found = update_content(book.facts, CONTENT)
    assert (found.share, found.evidence) == (1.0, ns(best))


@pytest.mark.parametrize(("gap_s", "share"), [(900, 1.0), (900.001, 0.5), (1200, 0.5), (1200.001, 0.0)])
@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_the_longest_silence_is_measured_from_joining_to_the_resolve(gap_s: float, share: float, where: str) -> None:
    gaps = {"first": (gap_s, 60, 60), "middle": (60, gap_s, 60), "last": (60, 60, gap_s)}[where]
    book = Book(LEAK, drill_s=7200.0)
    book.heal(0)
    first = book.status(gaps[0], ABOUT)
    second = book.status(gaps[0] + gaps[1], ABOUT)
    claim = book.resolve(sum(gaps), LEAK.accepted[0])
    book.status(sum(gaps) + 5000, ABOUT)
    found = communication_cadence(book.facts, CADENCE)
    ends = {"first": (book.joined, first), "middle": (first, second), "last": (second, claim)}[where]
    assert found.share == share
    assert found.evidence == tuple(dict.fromkeys(ns(*ends, first)))


def test_without_a_resolve_the_silence_lasts_to_the_end() -> None:
    book = Book(LEAK, drill_s=7200.0)
    book.status(60, ABOUT)
    book.resolve(70, LEAK.accepted[0])
    book.withdraw(80)
    book.look(961, "pods")
    assert communication_cadence(book.facts, CADENCE).share == 0.5


def test_a_false_all_clear_ends_no_silence() -> None:
    for heals, share in ((True, 1.0), (False, 0.0)):
        book = Book(LEAK, drill_s=7200.0)
        book.hurt(0)
        book.status(60, ABOUT)
        if heals:
            book.heal(65)
        book.resolve(70, LEAK.accepted[0])
        if not heals:
            book.hurt(75)
        book.look(2000, "pods")
        assert communication_cadence(book.facts, CADENCE).share == share
    quiet = Book(DIP, drill_s=7200.0)
    quiet.status(60, ABOUT)
    quiet.resolve(70, DIP.accepted[0])
    quiet.look(2000, "pods")
    assert communication_cadence(quiet.facts, CADENCE).share == 1.0


def test_nonsense_does_not_break_a_silence() -> None:
    book = Book(LEAK, drill_s=7200.0)
    book.heal(0)
    book.status(60, ABOUT)
    book.status(600, NONSENSE)
    book.status(1000, ABOUT)
    book.resolve(1001, LEAK.accepted[0])
    assert communication_cadence(book.facts, CADENCE).share == 0.5


class TestFinal:
    @staticmethod
    def recovered() -> Book:
        book = Book(LEAK)
        book.hurt(0)
        book.change(10, "stop_job", "loyalty-export")
        return book

    @pytest.mark.parametrize(
        ("impact", "final", "share"),
        [(ABOUT, False, 1.0), (NONSENSE, True, 1.0), ("all is resolved.", False, 1.0), (NONSENSE, False, 0.0)],
    )
    def test_it_comes_after_recovery_and_says_so(self, impact: str, final: bool, share: float) -> None:
        book = self.recovered()
        book.status(20, ABOUT)
        _, start = book.heal(30)
        found = final_status(book.facts, FINAL)
        assert (found.share, found.evidence) == (0.0, ns(start))
        sent = book.status(40, impact, final=final)
        found = final_status(book.facts, FINAL)
        assert (found.share, found.evidence) == (share, ns(sent))

    def test_the_last_sound_one_is_cited_and_later_nonsense_spoils_nothing(self) -> None:
        book = self.recovered()
        book.heal(30)
        book.status(40, ABOUT)
        last = book.status(50, ABOUT)
        book.status(60, NONSENSE)
        found = final_status(book.facts, FINAL)
        assert found.evidence == ns(last)
        assert found.because.endswith(f"[#{last.n}], after recovery")

    @pytest.mark.parametrize("listed_first", [True, False])
    def test_of_several_that_say_nothing_the_last_is_told_with_what_it_lacks(self, listed_first: bool) -> None:
        book = self.recovered()
        book.heal(30)
        said = [LISTED, NONSENSE] if listed_first else [NONSENSE, LISTED]
        _, last = (book.status(40 + k, text) for k, text in enumerate(said))
        found = final_status(book.facts, FINAL)
        assert (found.share, found.evidence) == (0.0, ns(last))
        lacks = "it says nothing about this incident" if listed_first else "it is a list of words"
        assert found.because.endswith(f"[#{last.n}], but {lacks}")

    def test_a_relapse_asks_for_another_one(self) -> None:
        book = self.recovered()
        book.heal(30)
        book.status(40, "recovered, search is back")
        book.hurt(60)
        sent = [e for e in book.log if e.kind == "status.sent"]
        found = final_status(book.facts, FINAL)
        assert found.share == 0.0
        assert found.evidence == (book.facts.last.n, sent[-1].n)
        _, start = book.heal(90)
        assert final_status(book.facts, FINAL).evidence == ns(start)
        book.status(100, "recovered, search is back")
        assert final_status(book.facts, FINAL).share == 1.0

    def test_a_recovery_without_a_change_is_nobodys(self) -> None:
        book = Book(LEAK)
        book.hurt(0)
        book.heal(30)
        book.status(40, ABOUT, final=True)
        last = book.status(50, ABOUT, final=True)
        found = final_status(book.facts, FINAL)
        assert (found.share, found.evidence) == (0.0, ns(last))


def test_on_a_false_alarm_the_truth_is_that_nobody_is_hurt() -> None:
    book = Book(DIP)
    book.slo(0, good=True)
    book.status(30, "no customer impact on the gateway", "watching", 600)
    assert first_update(book.facts, FIRST).share == 1.0
