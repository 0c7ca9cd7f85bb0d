"""From rows of a source to the few that have to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.columns import Column, FeatureBlock, column_from_arrow
from reference_platform.features.definitions import FeatureView
from reference_platform.features.materialization.progress import Counts, Progress
from reference_platform.features.materialization.reduction import key_codes, newest_rows
from reference_platform.features.materialization.rows import Piece
from reference_platform.features.times import NEVER_US, to_us

if TYPE_CHECKING:
    import pyarrow as pa

Instants = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reduced:
    """Rows of one piece, at most a few per key, with their versions."""

    piece: Piece
    table: pa.Table
    event_us: Instants
    created_us: Instants
    sequence: NDArray[np.int64]


def reduce_batch(
    view: FeatureView, run: Progress, piece: Piece, table: pa.Table, first: int
) -> tuple[Reduced | None, Counts]:
    """The newest row per key of those that `run` asks for, and what was counted; None when there are none.

    `first`: number of the first row of `table` within its piece.
    """
    columns = piece.columns
    event_us, has_event = to_us(table.column(columns.event), f"{view.name}: {columns.event}")
    usable = has_event
    for key in columns.keys:
        column = table.column(key)
        if column.null_count:
            usable = usable & np.asarray(column.combine_chunks().is_valid())
    created_us = event_us
    if columns.created is not None:
        created_us, has_created = to_us(table.column(columns.created), f"{view.name}: {columns.created}")
        if not has_created.all():
            created_us = np.where(has_created, created_us, NEVER_US)
    known_us = event_us if created_us is event_us else np.maximum(event_us, created_us)
    asked, never_known = _asked(run, usable, event_us, created_us, known_us)
    at = np.flatnonzero(asked)
    counts = Counts(
        read=len(usable),
        taken=len(at),
        late=int(np.count_nonzero(asked & (event_us <= run.watermark_us) & (known_us > run.watermark_us))),
        unusable=len(usable) - int(np.count_nonzero(usable)),
        never_known=never_known,
    )
    if not len(at):
        return None, counts
    if columns.sequence is None:
        sequence = np.arange(first, first + table.num_rows, dtype=np.int64)
    else:
        sequence = _whole(table.column(columns.sequence))
    kept = Reduced(piece, table, event_us, created_us, sequence)
    if len(at) < table.num_rows:
        kept = _take(kept, at)
    return newest(kept), counts


def _asked(
    run: Progress, usable: NDArray[np.bool_], event_us: Instants, created_us: Instants, known_us: Instants
) -> tuple[NDArray[np.bool_], int]:
    if run.kind == "range":
        return usable & (event_us >= run.start_us) & (event_us <= run.end_us), 0
    never = usable & (created_us == NEVER_US)
    return usable & ~never & (known_us > run.start_us) & (known_us <= run.end_us), int(np.count_nonzero(never))


def newest(rows: Reduced) -> Reduced:
    """The newest row of each key, and those exactly as new."""
    codes, count = key_codes([rows.table.column(key) for key in rows.piece.columns.keys], rows.table.num_rows)
    index = newest_rows(codes, count, rows.event_us, rows.created_us, rows.sequence)
    return rows if len(index) == rows.table.num_rows else _take(rows, index)


def merged(parts: list[Reduced]) -> Reduced:
    """The newest rows of several parts of one piece."""
    import pyarrow as pa

    if len(parts) == 1:
        return parts[0]
    return newest(
        Reduced(
            parts[0].piece,
            pa.concat_tables([part.table for part in parts]),
            np.concatenate([part.event_us for part in parts]),
            np.concatenate([part.created_us for part in parts]),
            np.concatenate([part.sequence for part in parts]),
        )
    )


def to_block(view: FeatureView, rows: Reduced) -> FeatureBlock:
    """As the store takes them. Raises CommandError for values that do not fit the declared types."""
    table = rows.table
    columns = rows.piece.columns
    keys = (
        column_from_arrow(table.column(name), kind, f"{view.name}: {name}").values
        for name, kind in zip(columns.keys, view.key_types, strict=True)
    )
    values: tuple[Column, ...] = tuple(
        column_from_arrow(table.column(name), field.dtype, f"{view.name}: {field.name}")
        for name, field in zip(columns.features, view.schema, strict=True)
    )
    return FeatureBlock(tuple(keys), rows.event_us, rows.created_us, rows.sequence, values)


def _take(rows: Reduced, index: NDArray[np.int64]) -> Reduced:
    import pyarrow as pa

    return Reduced(
        rows.piece,
        rows.table.take(pa.array(index)),
        rows.event_us[index],
        rows.created_us[index],
        rows.sequence[index],
    )


def _whole(column: Any) -> NDArray[np.int64]:
    import pyarrow as pa

    filled = column.combine_chunks().cast(pa.int64()).fill_null(NEVER_US)
    values: NDArray[np.int64] = filled.to_numpy(zero_copy_only=False)
    return values
