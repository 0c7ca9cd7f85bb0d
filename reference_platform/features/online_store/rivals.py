"""Which row of a write wins when several have one key: the rule that makes order and repetition meaningless."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.online_store.codec import RowCodec
from reference_platform.features.online_store.layout import RowBatch


def winners(codec: RowCodec, rows: RowBatch, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row number of the winner of every key, in ascending order of `codes`; rows of one key have one code.

    The greatest (event, created, sequence) wins, then the greatest packed bytes.
    """
    order = np.argsort(codes, kind="stable")
    same = codes[order[1:]] == codes[order[:-1]]
    if not same.any():
        return order
    order = np.lexsort((rows.sequence, rows.created_us, rows.event_us, codes))
    tied = same.copy()
    for version in (rows.event_us, rows.created_us, rows.sequence):
        tied &= version[order[1:]] == version[order[:-1]]
    if tied.any():
        order = _by_content(codec, rows, order, tied)
    last: NDArray[np.int64] = order[np.append(~same, True)]
    return last


def codes_of(keys: list[Any]) -> NDArray[np.int64]:
    """Numbers that order like `keys`; equal keys have equal numbers."""
    order = sorted(range(len(keys)), key=keys.__getitem__)
    codes = np.zeros(len(keys), dtype=np.int64)
    code = 0
    for before, row in pairwise(order):
        code += keys[before] != keys[row]
        codes[row] = code
    return codes


def _by_content(
    codec: RowCodec, rows: RowBatch, order: NDArray[np.int64], tied: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """`order` with every run of equal keys and versions put in ascending order of packed bytes."""
    order = order.copy()
    start = 0
    for end in (np.flatnonzero(~np.append(tied, False)) + 1).tolist():
        if end - start > 1:
            group = order[start:end]
            packed = codec.encode_batch(rows.take(group))
            order[start:end] = group[sorted(range(end - start), key=packed.__getitem__)]
        start = end
    return order
