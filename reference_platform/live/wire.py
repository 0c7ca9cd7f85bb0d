"""The bytes of an answer: column by column, join keys first, built from fragments that columns share.

Source: feast 0.67 `feature_server_utils.py` for the layout: NaN and infinities as strings, bytes in base64, null as
null, instants in RFC 3339 with no more fractional digits than they need, timestamps as seconds since 1970.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import orjson

from reference_platform.features.times import NEVER_US, instant, instant_us
from reference_platform.features.types import FeatureType, UnixTimestamp

STATUS_NAMES = ("INVALID", "PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE")
EPOCH = "1970-01-01T00:00:00Z"
_PRESENT = 1
_EVERY_STATUS = range(len(STATUS_NAMES))
_DAY_US = 86_400_000_000
_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999, which is all that RFC 3339 can write."""
_QUOTED_STATUS = tuple(b'"' + name.encode() + b'"' for name in STATUS_NAMES)
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME
_NUMPY_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
_MANY = 4
"""From so many instants on, one array is written faster than each for itself."""
_TWO = tuple(f"{number:02d}" for number in range(60))


class Answer(Protocol):
    """Columns of features, all of `rows` rows: one entity each. `inputs`: join keys and request data by name.

    Instants, among values and event times alike, are microseconds since 1970.
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def kinds(self) -> tuple[FeatureType, ...]: ...

    @property
    def inputs(self) -> dict[str, list[Any]]: ...

    def values(self, index: int, /) -> list[Any]: ...

    def statuses(self, index: int, /) -> list[int]: ...

    def event_us(self, index: int, /) -> list[int]: ...


@dataclass(slots=True)
class Run:
    """Neighbouring columns of one view with the same rows: `status_counts` of each column, and its newest event."""

    view: str
    columns: int
    status_counts: tuple[int, ...]
    newest_us: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """A body, and what it says of each view."""

    body: bytes
    runs: list[Run]


def rfc3339(us: int) -> str:
    """An instant with 0, 3 or 6 fractional digits by need; the epoch for what never happened.

    Beyond the years 1 to 9999 the nearest instant that can be written.
    """
    if us == 0 or us == NEVER_US:
        return EPOCH
    day, rest = divmod(min(max(us, _FIRST_US), _LAST_US), _DAY_US)
    seconds, fraction = divmod(rest, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{_date(day)}T{_TWO[hour]}:{_TWO[minute]}:{_TWO[second]}"
    if not fraction:
        return text + "Z"
    milliseconds, rest = divmod(fraction, 1000)
    return f"{text}.{fraction:06d}Z" if rest else f"{text}.{milliseconds:03d}Z"


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return instant(day * _DAY_US).date().isoformat()


def unix_seconds(us: int) -> int | float:
    """Seconds since 1970: an integer when they are whole, as most are; exact to the microsecond until 2242."""
    seconds, rest = divmod(us, 1_000_000)
    return seconds if rest == 0 else us / 1_000_000


def encode(answer: Answer, views: Mapping[str, str]) -> Encoded:
    """The whole body: join keys and request data first. `views`: whose features they are, by name."""
    inputs = answer.inputs
    parts = [_column(_values(values), *_echo_marks(len(values))) for values in inputs.values()]
    statuses: list[int] | None = None
    events: list[int] | None = None
    status_text = event_text = b""
    runs: list[Run] = []
    for index, (name, kind) in enumerate(zip(answer.names, answer.kinds, strict=True)):
        view, now, then = views.get(name, ""), answer.statuses(index), answer.event_us(index)
        # Most columns of a view share both lists; comparing is far cheaper than writing them again.
        changed = not runs or runs[-1].view != view
        if statuses != now:
            statuses, status_text, changed = now, _statuses(now), True
        if events != then:
            events, event_text, changed = then, _instants(then), True
        if changed:
            runs.append(Run(view, 0, tuple([now.count(each) for each in _EVERY_STATUS]), max(then, default=0)))
        runs[-1].columns += 1
        values = answer.values(index)
        if kind is UnixTimestamp:
            values = [None if us is None else unix_seconds(us) for us in values]
        parts.append(_column(_values(values), status_text, event_text))
    names = orjson.dumps([*inputs, *answer.names])
    return Encoded(b'{"results":[' + b",".join(parts) + b'],"metadata":{"feature_names":' + names + b"}}", runs)


def _column(values: bytes, statuses: bytes, events: bytes) -> bytes:
    return b'{"values":' + values + b',"statuses":[' + statuses + b'],"event_timestamps":[' + events + b"]}"


@lru_cache(maxsize=256)
def _echo_marks(rows: int) -> tuple[bytes, bytes]:
    return b",".join([_QUOTED_STATUS[_PRESENT]] * rows), b",".join([f'"{EPOCH}"'.encode()] * rows)


def _statuses(statuses: list[int]) -> bytes:
    return b",".join([_QUOTED_STATUS[status] for status in statuses])


def _instants(events: list[int]) -> bytes:
    """The instants as JSON strings with commas between."""
    if len(events) >= _MANY:
        try:
            text: bytes = orjson.dumps(np.array(events, dtype="M8[us]"), option=_NUMPY_OPTIONS)[1:-1]
        except TypeError:
            pass
        else:
            # orjson writes six digits or none: three zeros before the Z can only be the end of six.
            return text.replace(b'000Z"', b'Z"')
    return ",".join([f'"{rfc3339(us)}"' for us in events]).encode()


def _values(values: list[Any]) -> bytes:
    """A JSON array. The fast way, unless that would lose a NaN or an infinity: orjson writes both as null."""
    try:
        text = orjson.dumps(values, default=_plain, option=_OPTIONS)
        if text.count(b"null") == values.count(None):
            return text
    except (TypeError, ValueError):
        # Arrays, which do not compare; or half of a surrogate pair, which is written as the escape that it came as.
        return json.dumps([_spelled(value) for value in values], default=_plain, separators=(",", ":")).encode()
    return orjson.dumps([_spelled(value) for value in values], default=_plain, option=_OPTIONS)


def _spelled(value: Any) -> Any:
    """The value with NaN and infinities as words, also inside lists."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _spelled(value.tolist())
    return value


def _plain(value: Any) -> Any:
    """What JSON has no form for, in a form that it has."""
    for kind, form in _FORMS:
        if isinstance(value, kind):
            return form(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


_FORMS: tuple[tuple[type[Any] | tuple[type[Any], ...], Callable[[Any], Any]], ...] = (
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(value).decode("ascii")),
    ((np.ndarray, np.generic), lambda value: value.tolist()),
    (datetime, lambda value: unix_seconds(instant_us(value))),
)
