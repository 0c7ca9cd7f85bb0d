"""One form for equal columns: the same values and nulls are the same bytes, also where nothing should be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


def canonical(table: pa.Table) -> pa.Table:
    """`table` in one piece, with zeros under its nulls."""
    import pyarrow as pa

    return pa.Table.from_arrays([_canonical(column) for column in table.columns], schema=table.schema)


def _canonical(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    whole = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [column.combine_chunks()])
    if not whole.null_count or not pa.types.is_primitive(whole.type) or pa.types.is_boolean(whole.type):
        return whole
    width = whole.type.bit_width
    if width not in (32, 64):
        return whole
    plain = whole.view(pa.int64() if width == 64 else pa.int32())
    missing = np.asarray(whole.is_null())
    values = np.where(missing, 0, np.asarray(plain.fill_null(0))).astype(plain.type.to_pandas_dtype())
    return pa.array(values, type=plain.type, mask=missing).view(whole.type)
