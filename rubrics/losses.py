"""What the incident cost and whom it reached: EUR of harm, and the share of responses that no model gave."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rubrics.facts import Facts
from rubrics.reading import number
from simulator.engine.events import Event

BEFORE_JOIN_S = 3600.0
AFTER_MIN = 5
"""Windows of harm from which a rate after the cause was gone is taken."""
SERVED_WORSE_RATIO = 0.01
"""From this share of defaults and errors on, customers were served something else than a model's answer."""


class Reach(NamedTuple):
    """How far an interval's trouble went. `share` of all responses came from no model, 0..1; `routes` saw some."""

    share: float
    routes: int
    routes_all: int


class _Window(NamedTuple):
    event: Event
    length_s: float


def harm_eur(facts: Facts) -> float:
    """Harm since joining."""
    return sum(number(event, "eur") or 0.0 for event in facts.since_join("truth.harm"))


def harm_idle_eur(facts: Facts) -> float | None:
    """About what the drill would have cost had nobody done anything."""
    rate = idle_rate_eur_per_s(facts)
    return None if rate is None else rate * facts.drill_s


def idle_rate_eur_per_s(facts: Facts) -> float | None:
    """Harm per second while nothing had been done about the fault; None when that was not seen.

    The larger of two rates, because a fault may still be growing: the median of the last hour before joining (a
    median, because one declined purchase can cost more than a minute of all the rest), and the mean from joining
    until the cause was removed or something else was touched.
    """
    windows = _windows(facts)
    before = [w for w in windows if w.event.n < facts.joined.n and -facts.after_join_s(w.event) <= BEFORE_JOIN_S]
    cleared = facts.cleared()
    limits = [act.event.n for act in facts.stray_acts().values()] + ([cleared.n] if cleared else [])
    joined = [window for window in windows if window.event.n > facts.joined.n]
    seen = [window for window in joined if window.event.n < min(limits, default=facts.last.n + 1)]
    if not seen:
        return None
    rate = max(_median_rate(before), _mean_rate(seen))
    return rate if rate > 0 else None


def rate_after(facts: Facts, event: Event) -> float | None:
    """Harm per second in the windows that begin at or after `event`; None when there are fewer than `AFTER_MIN`."""
    windows = [w for w in _windows(facts) if w.event.t_us - w.length_s * 1e6 >= event.t_us]
    return _mean_rate(windows) if len(windows) >= AFTER_MIN else None


def _windows(facts: Facts) -> list[_Window]:
    """Windows of measured harm that lie wholly within the fault."""
    began_us = max((fault.event.t_us for fault in facts.real_faults), default=0)
    pairs = itertools.pairwise(facts.all("truth.harm"))
    return [_Window(b, (b.t_us - a.t_us) / 1e6) for a, b in pairs if began_us <= a.t_us < b.t_us]


def _median_rate(windows: Sequence[_Window]) -> float:
    rates = [(number(window.event, "eur") or 0.0) / window.length_s for window in windows]
    return statistics.median(rates) if rates else 0.0


def _mean_rate(windows: Sequence[_Window]) -> float:
    return sum(number(window.event, "eur") or 0.0 for window in windows) / sum(window.length_s for window in windows)


def reach_of(slo: Event) -> Reach:
    """Whom one report says was served by no model."""
    routes = slo.data.get("routes")
    rows = [row for row in routes.values() if isinstance(row, Mapping)] if isinstance(routes, Mapping) else []
    lost = [_count(row, "fallback") + _count(row, "errors") for row in rows]
    total = [_count(row, "requests") for row in rows]
    hurt = sum(bad > SERVED_WORSE_RATIO * all_ for bad, all_ in zip(lost, total, strict=True))
    return Reach(sum(lost) / sum(total) if sum(total) else 0.0, hurt, len(rows))


def worst_reach(facts: Facts) -> tuple[Reach, Event | None]:
    """The report with the largest share of responses from no model between the first fault and the end."""
    began_n = min((fault.event.n for fault in facts.real_faults), default=facts.joined.n)
    found = [(reach_of(event), event) for event in facts.all("slo") if event.n > began_n]
    return max(found, key=lambda item: item[0].share, default=(Reach(0.0, 0, 0), None))


def _count(row: Mapping[str, object], key: str) -> int:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
