"""Training examples: what happened, as rows to be joined with the features of their instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulator.world.columns import Array, Columns, Floats, Floats32, Ints

CLICK_LABEL_DELAY_S = (60.0, 600.0)


@dataclass(frozen=True, slots=True)
class Examples:
    """m model rows in time order, whole requests one after another.

    Features must be those known at `ts`; the label is known from `label_ts` on.
    """

    route: str
    entities: Mapping[str, Ints]
    ts: Floats
    context: Floats32
    label: Array
    label_ts: Floats

    def __len__(self) -> int:
        return len(self.ts)


def within(events: Columns, since_s: float, until_s: float) -> Columns:
    """The events with since_s <= ts < until_s; `events` are in order of ts."""
    low, high = np.searchsorted(events["ts"], [since_s, until_s])
    return {name: values[low:high] for name, values in events.items()}


def sampled(events: Columns, events_max: int, rng: np.random.Generator) -> Columns:
    """At most `events_max` of the events, drawn evenly, in their order."""
    count = len(events["ts"])
    if count <= events_max:
        return events
    kept = np.sort(rng.choice(count, events_max, replace=False))
    return {name: values[kept] for name, values in events.items()}
