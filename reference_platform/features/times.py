"""Instants: int64 microseconds since 1970, UTC. Naive times count as UTC; anything finer is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError

if TYPE_CHECKING:
    import pyarrow as pa

NEVER_US = int(np.iinfo(np.int64).min)
"""Before every instant: the event time of what does not exist."""

EARLIEST_US = -62_135_596_800_000_000
"""The first instant that has a date: the beginning of year 1."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_UNIT = {"s": 1_000_000, "ms": 1_000}
FAR_US = 1 << 61
"""Instants beyond this, 73,000 years from 1970, would overflow when a ttl is added."""


def instant_us(moment: datetime) -> int:
    """Microseconds of one instant."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    delta = moment - _EPOCH
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant(us: int) -> datetime:
    """The instant of `us`. Raises OverflowError outside the years 1 to 9999."""
    days, rest = divmod(us, 86_400_000_000)
    return datetime.fromordinal(_EPOCH.toordinal() + days).replace(tzinfo=UTC) + timedelta(microseconds=rest)


def to_us(data: pa.Array | pa.ChunkedArray, what: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Microseconds and which of them are given. Takes Arrow timestamps of any unit, dates and ISO 8601 text.

    Raises CommandError for anything else and for instants finer than a microsecond.
    """
    import pyarrow as pa

    if isinstance(data, pa.ChunkedArray):
        data = data.combine_chunks()
    if pa.types.is_dictionary(data.type):
        data = data.dictionary_decode()
    if pa.types.is_string(data.type) or pa.types.is_large_string(data.type) or pa.types.is_date(data.type):
        try:
            data = data.cast(pa.timestamp("us", tz="UTC") if _zoned(data) else pa.timestamp("us"))
        except pa.ArrowInvalid:
            # What Arrow says quotes the value.
            raise CommandError(f"{what} is no time", why="some of its text cannot be read",
                               fix="write ISO 8601, such as 2026-03-01T12:00:00Z") from None  # fmt: skip
    if pa.types.is_null(data.type):
        return np.zeros(len(data), dtype=np.int64), np.zeros(len(data), dtype=np.bool_)
    if not pa.types.is_timestamp(data.type):
        raise CommandError(f"{what} has type {data.type}, not a time", fix="hand over timestamps")
    valid = np.asarray(data.is_valid()) if data.null_count else np.ones(len(data), dtype=np.bool_)
    raw = np.asarray(data.cast(pa.int64()).fill_null(0))
    return _scaled(raw, data.type.unit, what), valid


def _zoned(data: pa.Array) -> bool:
    import pyarrow as pa

    if pa.types.is_date(data.type):
        return False
    first = next((value.as_py() for value in data if value.is_valid), "")
    return first.endswith("Z") or "+" in first[10:] or "-" in first[10:]


def _scaled(raw: NDArray[np.int64], unit: str, what: str) -> NDArray[np.int64]:
    if unit == "ns":
        us, rest = np.divmod(raw, 1000)
        if rest.any():
            raise CommandError(
                f"{what} is finer than a microsecond",
                why=f"{int(np.count_nonzero(rest)):,} of {len(raw):,} values would lose digits",
                fix='round them first, such as column.dt.floor("us")',
            )
    else:
        factor = _PER_UNIT.get(unit, 1)
        if factor > 1 and len(raw) and np.abs(raw).max() > FAR_US // factor:
            raise CommandError(f"{what} lies beyond the calendar", fix="check its unit")
        us = raw * factor
    if len(us) and (us.max() > FAR_US or us.min() < -FAR_US):
        raise CommandError(f"{what} lies beyond the calendar", fix="check its unit")
    return us
