"""The newest row of every key, so that only these are written. NumPy only, but for the codes of text keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.times import NEVER_US

if TYPE_CHECKING:
    import pyarrow as pa

Codes = NDArray[np.int64]
_DENSE_RANGE_PER_ROW = 8


def key_codes(columns: Sequence[pa.Array | pa.ChunkedArray], rows: int) -> tuple[Codes, int]:
    """A number below the returned count for every row, equal where all keys are. The keys hold no nulls.

    No columns: one key for all rows.
    """
    codes, count = np.zeros(rows, dtype=np.int64), 1
    for column in columns:
        mine, width = _column_codes(column)
        # Products of two counts stay far below 2**63: each is at most the number of rows, or a dense range of it.
        codes, count = _dense(codes * width + mine) if count > 1 else (mine, width)
    return codes, count


def _column_codes(column: Any) -> tuple[Codes, int]:
    import pyarrow as pa

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_integer(whole.type):
        return _dense(whole.to_numpy(zero_copy_only=False).astype(np.int64, copy=False))
    encoded = whole.dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(encoded.dictionary)


def _dense(values: NDArray[np.int64]) -> tuple[Codes, int]:
    if not len(values):
        return values, 0
    first, last = int(values.min()), int(values.max())
    if last - first < _DENSE_RANGE_PER_ROW * len(values):
        return values - first, last - first + 1
    distinct, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64, copy=False), len(distinct)


def newest_rows(
    codes: Codes, count: int, event_us: NDArray[np.int64], created_us: NDArray[np.int64], sequence: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Rows with the greatest (event, created, sequence) of their key, ascending. Of equal ones all, for the store."""
    rows = np.arange(len(codes))
    for version in (event_us, created_us, sequence):
        best = np.full(count, NEVER_US, dtype=np.int64)
        code, mine = codes[rows], version[rows]
        np.maximum.at(best, code, mine)
        rows = rows[mine == best[code]]
    return rows
