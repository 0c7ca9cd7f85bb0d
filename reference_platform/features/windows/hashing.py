"""A 64-bit hash that is the same in every process, on every machine and for ever, over whole columns at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.features.columns import Column

Hashes = NDArray[np.uint64]
_FRACTION = np.uint64(0x9E3779B97F4A7C15)
_TEXT = np.uint64(0xD6E8FEB86659FD93)


def mixed(words: Hashes) -> Hashes:
    """Every bit of each word spread over all of its bits; a bijection that maps 0 to 0.

    Source: the finaliser of SplitMix64 with constants by D. Stafford (variant 13).
    """
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def column_hashes(column: Column, what: str) -> Hashes:
    """One hash per value; those of nulls mean nothing. Equal numbers hash alike, whole or not.

    Raises CommandError for what is neither number, time, text nor bytes.
    """
    values = column.values
    kind = values.dtype.kind
    if kind in "iubM":
        return mixed(values.astype(np.int64).view(np.uint64) + _FRACTION)
    if kind == "f":
        return _floats(values.astype(np.float64))
    mask = column.mask()
    if kind in "US":
        values = values.astype(object)
    types = set(map(type, values[mask].tolist())) if values.dtype == object else set()
    if types and all(issubclass(one, int | float | np.number | np.bool_) for one in types):
        return _numbers(values, mask, what)
    if values.dtype != object or not all(issubclass(one, str | bytes) for one in types):
        raise CommandError(f"{what} cannot be told apart", why=f"it holds {values.dtype} values",
                           fix="use numbers, times, text or bytes")  # fmt: skip
    plain = [value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value or b""
             for value in values.tolist()]  # fmt: skip
    return byte_hashes(plain)


def byte_hashes(texts: Sequence[bytes]) -> Hashes:
    """One hash per text, eight bytes at a step for all texts at once."""
    count = len(texts)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=count)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    joined = np.frombuffer(b"".join(texts) + bytes(8), dtype=np.uint8)
    found = mixed(lengths.astype(np.uint64) + _TEXT)
    active = np.flatnonzero(lengths)
    step = 0
    lanes = np.arange(8)
    while len(active):
        at = starts[active] + step
        words = joined[at[:, None] + lanes]
        words[lanes >= (ends[active] - at)[:, None]] = 0
        found[active] = mixed((found[active] ^ np.ascontiguousarray(words).view("<u8")[:, 0]) * _FRACTION + _TEXT)
        step += 8
        active = active[lengths[active] > step]
    return found


def _numbers(values: NDArray[Any], mask: NDArray[np.bool_], what: str) -> Hashes:
    """Python numbers: whole ones and others each as the array they would be in."""
    found = np.zeros(len(values), dtype=np.uint64)
    real = np.array([isinstance(value, float | np.floating) for value in values.tolist()], dtype=np.bool_)
    for chosen, dtype in ((mask & ~real, np.int64), (mask & real, np.float64)):
        try:
            found[chosen] = column_hashes(Column(values[chosen].astype(dtype)), what)
        except OverflowError:
            raise CommandError(f"{what} is beyond 64 bits", fix="hand it over as text") from None
    return found


def _floats(values: NDArray[Any]) -> Hashes:
    """Whole ones as the integer they are; every NaN alike."""
    whole = (np.abs(values) < 2.0**63) & (np.trunc(values) == values)
    integers = np.where(whole, values, 0.0).astype(np.int64).view(np.uint64)
    bits = np.where(np.isnan(values), np.nan, values).view(np.uint64)
    return mixed(np.where(whole, integers + _FRACTION, mixed(bits ^ _TEXT)))
