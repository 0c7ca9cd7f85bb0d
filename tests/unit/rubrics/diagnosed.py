"""How a diagnosis is judged in the tests, and two right names of the leak."""

from __future__ import annotations

from rubrics import measures
from rubrics.cause import diagnosis
from rubrics.findings import Judgement
from tests.unit.rubrics.book import Book

RULE = measures.Diagnosis(
    name="diagnosis",
    wrong_cost_ratio=0.3,
    repeated_ratio=0.2,
    near_ratio=0.7,
    named_ratio=0.5,
    component_only_ratio=0.25,
)
STORE = ("online-store", "connection_exhaustion")
EXPORT = ("loyalty-export", "connection_exhaustion")


def judge(book: Book) -> Judgement:
    return diagnosis(book.facts, RULE)
