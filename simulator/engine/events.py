"""The event log: what happened, in order, as one canonical JSON line each.

Times are integer microseconds since the simulation began. The digest of a session is SHA-256 over its
lines, so two runs are the same run exactly when their digests are equal. Visible events are what a responder
could know; truth events (visible=False) are for scoring and debriefing only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

JsonValue = str | int | float | bool | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]

EVENTS_MAX = 2_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. `n` counts from 1 and is the id that scores cite."""

    n: int
    t_us: int
    src: str
    kind: str
    visible: bool
    data: Mapping[str, JsonValue]

    @property
    def t_s(self) -> float:
        return self.t_us / 1e6

    def line(self) -> str:
        """Canonical JSON: sorted keys, no spaces, floats rounded to 6 significant digits."""
        body = {
            "n": self.n,
            "t_us": self.t_us,
            "src": self.src,
            "kind": self.kind,
            "visible": self.visible,
            "data": _rounded(self.data),
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def event_from_line(line: str) -> Event:
    """Inverse of `Event.line`. Raises ValueError, KeyError or TypeError on anything else."""
    body = json.loads(line)
    return Event(
        int(body["n"]),
        int(body["t_us"]),
        str(body["src"]),
        str(body["kind"]),
        bool(body["visible"]),
        dict(body["data"]),
    )


def _rounded(value: JsonValue) -> JsonValue:
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value]


def digest_of(events: Sequence[Event]) -> str:
    """SHA-256 over the canonical lines of `events`."""
    total = hashlib.sha256()
    for event in events:
        total.update(event.line().encode())
        total.update(b"\n")
    return total.hexdigest()


class EventLog:
    """Append-only, totally ordered, bounded by EVENTS_MAX."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._listeners: list[Callable[[Event], None]] = []
        self._last_us = 0

    def append(self, t_s: float, src: str, kind: str, data: Mapping[str, JsonValue], *, visible: bool = True) -> Event:
        """Record a fact at `t_s` seconds. Times never run backwards."""
        t_us = round(t_s * 1e6)
        assert t_us >= self._last_us, f"event {kind} at {t_us} before {self._last_us}"
        assert len(self._events) < EVENTS_MAX, "event log is full"
        event = Event(len(self._events) + 1, t_us, src, kind, visible, _rounded(data))  # type: ignore[arg-type]
        self._last_us = t_us
        self._events.append(event)
        for listener in self._listeners:
            listener(event)
        return event

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` for every later event, in order."""
        self._listeners.append(listener)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def since(self, n: int) -> list[Event]:
        """Events with a number above `n`."""
        return self._events[n:]

    @property
    def events(self) -> Sequence[Event]:
        return self._events

    def digest(self) -> str:
        """SHA-256 over all lines so far."""
        return digest_of(self._events)
