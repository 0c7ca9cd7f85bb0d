"""How a share becomes a verdict, and what no judgement may say."""

from __future__ import annotations

import pytest

from rubrics.judging import judged
from tests.unit.rubrics.book import LEAK, Book, ns


@pytest.mark.parametrize(
    ("share", "verdict"),
    [(1.0, "met"), (0.999, "met"), (0.9989, "partly"), (0.001, "partly"), (0.0, "missed")],
)
def test_nearly_all_is_met_and_anything_is_partly(share: float, verdict: str) -> None:
    """Sums of shares fall short of one by what floats lose."""
    found = judged(share, [Book(LEAK).joined], "because")
    assert (found.verdict, found.share) == (verdict, share)


@pytest.mark.parametrize("share", [-0.001, 1.001])
def test_nobody_earns_less_than_nothing_or_more_than_all(share: float) -> None:
    with pytest.raises(AssertionError, match="all of its points at most"):
        judged(share, [Book(LEAK).joined], "because")


@pytest.mark.parametrize(("events", "cited"), [(7, 7), (8, 8), (9, 8)])
def test_so_many_events_are_cited_and_the_first_ones_stay(events: int, cited: int) -> None:
    book = Book(LEAK)
    looks = [book.look(k, "pods") for k in range(events)]
    assert judged(1.0, looks, "because").evidence == ns(*looks[:cited])


def test_what_cites_nothing_is_no_judgement() -> None:
    with pytest.raises(AssertionError, match="at least one event"):
        judged(1.0, [], "because")
