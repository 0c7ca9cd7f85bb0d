"""The cause in the resolve and the post-mortem without the ritual of hypotheses, after a look at it."""

from __future__ import annotations

import pytest

from tests.unit.rubrics.book import DIP, LEAK, Book, ns
from tests.unit.rubrics.diagnosed import EXPORT, STORE, judge


def told(*, looked: str = "logs", verb: str = "look", of: str = "online-store", act_first: bool = False) -> Book:
    book = Book(LEAK)
    if act_first:
        book.change(5, "stop_job", "loyalty-export")
    book.look(10, looked, of=[of], verb=verb)
    book.change(20, "stop_job", "loyalty-export")
    book.resolve(30, STORE)
    book.postmortem(40, STORE, text="The loyalty export held all connections.")
    return book


def test_it_earns_the_named_share_and_cites_all_three() -> None:
    book = told()
    found = judge(book)
    look, claim, filed = (e for e in book.log if e.kind in ("command", "resolve.claimed", "postmortem.filed"))
    assert (found.share, found.evidence) == (0.5, ns(look, claim, filed))
    assert "never argued" in found.because


@pytest.mark.parametrize(
    "changed",
    [
        {"looked": "alerts"},
        {"looked": "changes"},
        {"looked": "rollout"},
        {"verb": "slo"},
        {"of": "gateway"},
        {"act_first": True},
    ],
)
def test_it_asks_for_a_look_at_the_cause_before_the_first_change(changed: dict[str, object]) -> None:
    assert judge(told(**changed)).share == 0.0  # type: ignore[arg-type]


def test_of_several_looks_the_last_is_cited() -> None:
    book = Book(LEAK)
    looks = [book.look(at_s, "logs", of=["online-store"]) for at_s in (10, 11)]
    claim = book.resolve(30, STORE)
    filed = book.postmortem(40, STORE)
    assert judge(book).evidence == ns(looks[-1], claim, filed)


def test_both_papers_must_name_it() -> None:
    for papers in (("resolve",), ("postmortem",)):
        book = Book(LEAK)
        book.look(10, "logs", of=["online-store"])
        if "resolve" in papers:
            book.resolve(30, STORE)
        else:
            book.postmortem(40, STORE)
        assert judge(book).share == 0.0


def test_the_weaker_of_the_two_papers_counts() -> None:
    book = told()
    book.postmortem(50, ("gateway", "connection_exhaustion"), prevention="A limit of connections.")
    assert judge(book).share == pytest.approx(0.5 * 0.7)


def test_a_wrong_confirmation_costs_here_too() -> None:
    book = told()
    book.prove(50, 1, "dns", "dns_failure")
    found = judge(book)
    assert found.share == pytest.approx(0.5 - 0.3)
    assert "1 other cause confirmed as well" in found.because


def test_the_better_of_named_and_proven_counts() -> None:
    book = told()
    book.prove(50, 1, *STORE, strength=0.5)
    assert judge(book).share == pytest.approx(0.5)
    book.prove(60, 2, *EXPORT)
    assert judge(book).share == pytest.approx(1.0)


@pytest.mark.parametrize("said", ["", "It was a dog.", "All is well again."])
def test_nonsense_beside_the_cause_is_judged_elsewhere(said: str) -> None:
    book = told()
    book.postmortem(50, STORE, text=said)
    assert judge(book).share == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("looked", "at_s", "share"), [("dashboard", 10, 0.5), ("dashboard", 31, 0.0), ("logs", 10, 0.0)]
)
def test_on_a_false_alarm_it_asks_for_a_look_at_customers_up_to_the_resolve(
    looked: str, at_s: float, share: float
) -> None:
    book = Book(DIP)
    book.change(5, "restart", "gateway")
    if at_s < 30:
        book.look(at_s, looked, of=["traffic"])
    book.resolve(30, ("traffic", "seasonal_dip"))
    if at_s > 30:
        book.look(at_s, looked, of=["traffic"])
    book.postmortem(40, ("traffic", "seasonal_dip"), text="The traffic dips each week.")
    assert judge(book).share == share


def test_on_a_false_alarm_the_post_mortem_must_say_something_about_it() -> None:
    book = Book(DIP)
    book.look(10, "dashboard", of=["traffic"])
    book.resolve(30, ("traffic", "seasonal_dip"))
    book.postmortem(40, ("traffic", "seasonal_dip"), text="It was a dog.", prevention="Feed it.")
    assert judge(book).share == 0.0
