"""What to join: which columns ask, which columns answer, and what counts as an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowColumns:
    """Columns of the feature rows. `created` None: a row counts as known at its event time.

    `sequence` None: rows that agree on both times are ordered by their position in the source.
    """

    keys: tuple[str, ...]
    event: str
    created: str | None
    sequence: str | None
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JoinSpec:
    """`label_keys[i]` of a label is looked up in `rows.keys[i]`; `outputs[i]` names the answer of `rows.features[i]`.

    A row answers a label when label_time - ttl_us <= event <= label_time (both ends included; ttl_us None: no lower
    end) and, with `known_at_label`, created <= label_time; a row whose created is null is then never known. Of several
    rows the greatest (event, created, sequence) answers, nulls in it included.
    """

    label_keys: tuple[str, ...]
    label_time: str
    rows: RowColumns
    outputs: tuple[str, ...]
    ttl_us: int | None
    known_at_label: bool = True
