"""Join keys as small integers: labels say which keys matter, rows are looked up among them. NumPy only.

Keys are compared, never joined to text: (1, 23) and (12, 3) stay different.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
"""One code per row, 0 .. count-1; -1 where the key is missing or nobody asks for it."""

_TABLE_SPARE = 1 << 16
_HASH_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class IntegerCodes:
    """The distinct integers of one column of labels, `count` of them. `codes`: which of them each label holds."""

    def __init__(self, values: NDArray[np.int64], valid: NDArray[np.bool_] | None = None) -> None:
        given = values if valid is None else values[valid]
        if len(given) and _is_dense(given):
            self._table: _DenseTable | _HashTable = _DenseTable(given)
        else:
            self._table = _HashTable(given)
        self.count = self._table.count
        self.codes = self.lookup(values, valid)

    def lookup(self, values: NDArray[np.int64], valid: NDArray[np.bool_] | None = None) -> Codes:
        """The codes of other values."""
        codes = self._table.lookup(values)
        if valid is not None:
            codes[~valid] = -1
        return codes


def _is_dense(given: NDArray[np.int64]) -> bool:
    return int(given.max()) - int(given.min()) < 8 * len(given) + _TABLE_SPARE


class _DenseTable:
    """Keys from a small range: one table entry per integer in it."""

    def __init__(self, given: NDArray[np.int64]) -> None:
        self._first = given.min()
        self._size = np.uint64(int(given.max()) - int(self._first) + 1)
        present = np.zeros(int(self._size), dtype=np.bool_)
        present[given - self._first] = True
        codes = np.cumsum(present)
        self.count = int(codes[-1])
        self._codes = np.append(np.where(present, codes - 1, -1), -1)

    def lookup(self, values: NDArray[np.int64]) -> Codes:
        """Wrapping subtraction sends everything outside the range beyond its end."""
        offset = np.subtract(values, self._first).view(np.uint64)
        codes: Codes = self._codes.take(np.minimum(offset, self._size, out=offset).view(np.int64))
        return codes


class _HashTable:
    """Keys from anywhere: buckets of keys with equal leading hash bits, searched side by side."""

    def __init__(self, given: NDArray[np.int64]) -> None:
        distinct = np.unique(given)
        self.count = len(distinct)
        bits = max(int(4 * self.count).bit_length(), 4)
        self._shift = np.uint64(64 - bits)
        bucket = self._bucket(distinct)
        self._codes = np.argsort(bucket, kind="stable")
        self._keys = distinct[self._codes]
        self._start = np.zeros((1 << bits) + 1, dtype=np.int64)
        np.cumsum(np.bincount(bucket, minlength=1 << bits), out=self._start[1:])

    def _bucket(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        mixed = values.view(np.uint64)
        for factor in _HASH_FACTORS:
            mixed = (mixed ^ (mixed >> np.uint64(31))) * factor
        return (mixed >> self._shift).view(np.int64)

    def lookup(self, values: NDArray[np.int64]) -> Codes:
        """One round per key in the fullest bucket."""
        codes = np.full(len(values), -1, dtype=np.int64)
        bucket = self._bucket(np.ascontiguousarray(values))
        at, end = self._start.take(bucket), self._start.take(bucket + 1)
        open_ = np.flatnonzero(at < end)
        at, end, wanted = at[open_], end[open_], values[open_]
        while open_.size:
            same = self._keys.take(at) == wanted
            codes[open_[same]] = self._codes[at[same]]
            at += 1
            left = np.flatnonzero(~same & (at < end))
            open_, at, end, wanted = open_[left], at[left], end[left], wanted[left]
        return codes


class CompositeCodes:
    """Several columns of codes as one. `parts`: the codes of each label column; `counts`: how many each can be."""

    def __init__(self, parts: Sequence[Codes], counts: Sequence[int], rows: int) -> None:
        self._counts = tuple(counts)
        self._steps: list[IntegerCodes] = []
        self.codes = parts[0] if parts else np.zeros(rows, dtype=np.int64)
        self.count = counts[0] if parts else 1
        for part, width in zip(parts[1:], counts[1:], strict=True):
            pair, valid = _paired(self.codes, part, width)
            step = IntegerCodes(pair, valid)
            self._steps.append(step)
            self.codes, self.count = step.codes, step.count

    def lookup(self, parts: Sequence[Codes], rows: int) -> Codes:
        """The codes of other rows, given theirs by column."""
        if not parts:
            return np.zeros(rows, dtype=np.int64)
        codes = parts[0]
        for step, part, width in zip(self._steps, parts[1:], self._counts[1:], strict=True):
            codes = step.lookup(*_paired(codes, part, width))
        return codes


def _paired(left: Codes, right: Codes, width: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """One number per pair of codes (each below 2**31), and where both are given."""
    return left * max(width, 1) + right, (left >= 0) & (right >= 0)
