"""The point-in-time join as its table of rules reads, label by label and row by row. Slow, plain, and independent.

Instants are integers in microseconds, None where missing. A key is a tuple; one missing part and it equals nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Key = tuple[object, ...]


@dataclass(frozen=True)
class Row:
    key: Key
    event: int | None
    created: int | None
    sequence: int


@dataclass(frozen=True)
class Label:
    key: Key
    time: int | None


def answering_row(rows: Sequence[Row], label: Label, ttl: int | None, *, known_at_label: bool) -> int:
    """Index of the row that answers, -1 when none does."""
    best = -1
    for index, row in enumerate(rows):
        if answers(row, label, ttl, known_at_label=known_at_label) and (best < 0 or not _beats(rows[best], row)):
            best = index
    return best


def answers(row: Row, label: Label, ttl: int | None, *, known_at_label: bool) -> bool:
    """Whether `row` is a candidate for `label`."""
    if None in row.key or None in label.key or row.key != label.key:
        return False
    if row.event is None or label.time is None or row.event > label.time:
        return False
    if ttl is not None and row.event < label.time - ttl:
        return False
    if known_at_label:
        return row.created is not None and row.created <= label.time
    return True


def _beats(row: Row, other: Row) -> bool:
    """Whether `row` is the newer version of the two; a created that is missing is older than any."""
    assert row.event is not None
    assert other.event is not None
    if row.event != other.event:
        return row.event > other.event
    if row.created != other.created:
        return other.created is None or (row.created is not None and row.created > other.created)
    return row.sequence > other.sequence
