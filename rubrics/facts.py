"""An index over one event log: who did what since joining, and what was true while they did it."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reference_platform.errors import ContentError
from simulator.engine.events import Event

DRILL_S = 1800.0  # when the log does not say
BEFORE_JOIN_S = 3600.0


class Cause(NamedTuple):
    """A diagnosis: which component, and by what mechanism."""

    component: str
    mechanism: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What was really wrong, and every way of naming it that counts as right."""

    event: Event
    accepted: tuple[Cause, ...]
    also_safe: tuple[str, ...]
    harmless: bool


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One line of thought. Relevant evidence only; `confirmed` and `ruled_out` are the first such events."""

    hyp_id: str
    cause: Cause
    events: tuple[Event, ...]
    pro: tuple[Event, ...]
    contra: tuple[Event, ...]
    confirmed: Event | None
    ruled_out: Event | None

    def proven(self) -> bool:
        """Confirmed, with relevant evidence for it attached before that."""
        return self.confirmed is not None and any(event.n < self.confirmed.n for event in self.pro)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time during which users were well served: from `start` until `end`, or still going on when `end` is None.

    `recovered` says that a bad state came before it.
    """

    start: Event
    end: Event | None
    recovered: bool


def text(event: Event, key: str) -> str:
    """The text at `key`, or an empty one."""
    value = event.data.get(key)
    return value if isinstance(value, str) else ""


def number(event: Event, key: str) -> float | None:
    """The number at `key`, or None."""
    value = event.data.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def texts(event: Event, key: str) -> tuple[str, ...]:
    """The texts at `key`; one text counts as a list of one."""
    value = event.data.get(key)
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, Sequence) else ()


def cause_of(event: Event) -> Cause:
    return Cause(text(event, "component"), text(event, "mechanism"))


class Facts:
    """Everything that criteria ask of a log, computed once. Raises ContentError for a log without events.

    `who` is how texts name the responder.
    """

    def __init__(self, events: Iterable[Event], who: str = "you") -> None:
        self.who = who
        self.events: tuple[Event, ...] = tuple(events)
        if not self.events:
            raise ContentError("this run holds no events, so there is nothing to score", fix="play the drill again")
        self._by_kind: dict[str, list[Event]] = {}
        for event in self.events:
            self._by_kind.setdefault(event.kind, []).append(event)
        joined = self.all("session.joined")
        self.joined: Event = joined[0] if joined else self.events[0]
        self.last: Event = self.events[-1]
        self.drill_s: float = number(self.joined, "drill_s") or DRILL_S
        self.changes: tuple[Event, ...] = self.since_join("changed")
        self.faults: tuple[Fault, ...] = tuple(_fault(event) for event in self.all("truth.fault"))
        self.hypotheses: tuple[Hypothesis, ...] = _hypotheses(self)
        self.stretches: tuple[Stretch, ...] = _stretches(self)

    def all(self, kind: str) -> tuple[Event, ...]:
        """Every event of `kind`, in order."""
        return tuple(self._by_kind.get(kind, ()))

    def since_join(self, kind: str) -> tuple[Event, ...]:
        """Events of `kind` from the instant the responder joined, the page that woke them included."""
        return tuple(event for event in self._by_kind.get(kind, ()) if event.t_us >= self.joined.t_us)

    def looks(self) -> tuple[Event, ...]:
        """Commands that showed something."""
        return tuple(event for event in self.since_join("command") if texts(event, "looked"))

    def after_join_s(self, event: Event) -> float:
        return (event.t_us - self.joined.t_us) / 1e6

    @property
    def real_faults(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if not fault.harmless)

    @property
    def harmless(self) -> bool:
        """Nothing was broken: leaving everything alone was right."""
        return not self.real_faults

    @property
    def joined_by_complaint(self) -> bool:
        return text(self.joined, "reason") == "complaint"

    @property
    def judged_faults(self) -> tuple[Fault, ...]:
        """The faults whose cause must be named: the real ones, or on a false alarm what explains it."""
        return self.real_faults or self.faults

    def accepts(self, cause: Cause) -> bool:
        """`cause` names a fault rightly."""
        return any(cause in fault.accepted for fault in self.judged_faults)

    def target_components(self) -> tuple[str, ...]:
        """Components that a targeted fix may touch."""
        faults = self.real_faults
        return tuple(c for fault in faults for c in (*(cause.component for cause in fault.accepted), *fault.also_safe))

    def state_before(self, event: Event) -> Event | None:
        """The last known true state at `event`."""
        return last_before(self.all("truth.state"), event)

    def good_at(self, event: Event) -> Stretch | None:
        """The good stretch during which `event` fell, if any."""
        for stretch in reversed(self.stretches):
            if stretch.start.n <= event.n:
                return stretch if stretch.end is None or stretch.end.n > event.n else None
        return None

    def recovery(self) -> Stretch | None:
        """The final good stretch, if it came after a bad state and after a change that the responder made."""
        final = self.stretches[-1] if self.stretches else None
        if final is None or final.end is not None or not final.recovered or not self.changes:
            return None
        return final if self.changes[0].n < final.start.n else None

    def harm_eur(self) -> float:
        """Harm since joining."""
        return sum(number(event, "eur") or 0.0 for event in self.since_join("truth.harm"))

    def cleared(self) -> Event | None:
        """The state from which the cause was gone until the end."""
        found: Event | None = None
        for event in self.all("truth.state"):
            if event.data.get("cleared") is not True:
                found = None
            elif found is None:
                found = event
        return found

    def stray_changes(self) -> dict[str, Event]:
        """Components changed that are no part of any accepted cause, each with its first change."""
        targets = self.target_components()
        stray: dict[str, Event] = {}
        for event in self.changes:
            main = texts(event, "component")
            if not set(main) & set(targets):
                for component in main or texts(event, "components"):
                    if component not in targets:
                        stray.setdefault(component, event)
        return stray

    def idle_rate_eur_per_s(self) -> float | None:
        """Harm per second while nothing had been done about the fault; None when that was not seen.

        The larger of two rates, because a fault may still be growing: the median of the last hour before joining (a
        median, because one declined purchase can cost more than a minute of all the rest), and the mean from joining
        until the cause was removed or something else was touched.
        """
        windows = self._harm_windows()
        before = [w for w in windows if w.event.n < self.joined.n and -self.after_join_s(w.event) <= BEFORE_JOIN_S]
        cleared = self.cleared()
        limits = [event.n for event in (*self.stray_changes().values(), *([cleared] if cleared else []))]
        joined = [window for window in windows if window.event.n > self.joined.n]
        seen = [window for window in joined if window.event.n < min(limits, default=self.last.n + 1)]
        if not seen:
            return None
        rate = max(_median_rate(before), _mean_rate(seen))
        return rate if rate > 0 else None

    def _harm_windows(self) -> list[_HarmWindow]:
        """Windows of measured harm that lie wholly within the fault."""
        began_us = max((fault.event.t_us for fault in self.real_faults), default=0)
        pairs = itertools.pairwise(self.all("truth.harm"))
        return [_HarmWindow(b, (b.t_us - a.t_us) / 1e6) for a, b in pairs if began_us <= a.t_us < b.t_us]

    def harm_idle_eur(self) -> float | None:
        """About what the drill would have cost had nobody done anything."""
        rate = self.idle_rate_eur_per_s()
        return None if rate is None else rate * self.drill_s


class _HarmWindow(NamedTuple):
    event: Event
    length_s: float


def _median_rate(windows: Sequence[_HarmWindow]) -> float:
    rates = [(number(window.event, "eur") or 0.0) / window.length_s for window in windows]
    return statistics.median(rates) if rates else 0.0


def _mean_rate(windows: Sequence[_HarmWindow]) -> float:
    return sum(number(window.event, "eur") or 0.0 for window in windows) / sum(window.length_s for window in windows)


def last_before(events: Sequence[Event], event: Event) -> Event | None:
    """The last of `events` that precedes `event`."""
    return next((item for item in reversed(events) if item.n < event.n), None)


def _fault(event: Event) -> Fault:
    pairs = event.data.get("accepted")
    accepted = [cause_of(event)]
    if isinstance(pairs, Sequence) and not isinstance(pairs, str):
        accepted += [
            Cause(str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, Sequence) and len(pair) == 2
        ]
    harmless = event.data.get("harmless") is True
    return Fault(event, tuple(dict.fromkeys(accepted)), texts(event, "also_safe"), harmless)


def _hypotheses(facts: Facts) -> tuple[Hypothesis, ...]:
    kinds = ("added", "evidence", "confirmed", "ruled_out")
    events = sorted((e for kind in kinds for e in facts.since_join(f"hypothesis.{kind}")), key=lambda e: e.n)
    grouped: dict[str, list[Event]] = {}
    for event in events:
        grouped.setdefault(str(event.data.get("hyp_id")), []).append(event)
    return tuple(_hypothesis(hyp_id, tuple(items)) for hyp_id, items in grouped.items())


def _hypothesis(hyp_id: str, events: tuple[Event, ...]) -> Hypothesis:
    named = next((event for event in events if text(event, "component")), events[0])
    relevant = [e for e in events if e.kind == "hypothesis.evidence" and e.data.get("relevant") is True]

    def first(kind: str) -> Event | None:
        return next((event for event in events if event.kind == kind), None)

    return Hypothesis(
        hyp_id,
        cause_of(named),
        events,
        pro=tuple(event for event in relevant if text(event, "direction") == "for"),
        contra=tuple(event for event in relevant if text(event, "direction") == "against"),
        confirmed=first("hypothesis.confirmed"),
        ruled_out=first("hypothesis.ruled_out"),
    )


def _stretches(facts: Facts) -> tuple[Stretch, ...]:
    """Every time during which both the truth and the users' objectives were good."""
    truth_good: bool | None = None
    slo_good, was_bad, started_bad = True, False, False
    start: Event | None = None
    found: list[Stretch] = []
    for event in facts.events:
        if event.kind == "slo":
            slo_good = event.data.get("good") is True
        elif event.kind == "truth.state":
            truth_good = event.data.get("good") is True
        else:
            continue
        if truth_good is None:
            continue
        now_good = truth_good and slo_good
        if start is None and now_good:
            start, started_bad = event, was_bad
        elif start is not None and not now_good:
            found.append(Stretch(start, event, started_bad))
            start = None
        was_bad = was_bad or not now_good
    if start is not None:
        found.append(Stretch(start, None, started_bad))
    return tuple(found)
