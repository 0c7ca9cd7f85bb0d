"""Clicks as examples of what visitors want."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulator.world.columns import Columns
from simulator.world.examples import CLICK_LABEL_DELAY_S, Examples, sampled, within
from simulator.world.requests import hour_context
from simulator.world.world import World


def examples(
    world: World,
    events: Mapping[str, Columns],
    since_s: float,
    until_s: float,
    rng: np.random.Generator,
    events_max: int,
) -> Examples:
    """One row per click; the label is its category, i8."""
    clicks = sampled(within(events["clicks"], since_s, until_s), events_max, rng)
    return Examples(
        route="recommendation",
        entities={"customer": clicks["customer"]},
        ts=clicks["ts"],
        context=hour_context(world, clicks["ts"]),
        label=clicks["category"].astype(np.int64),
        label_ts=clicks["ts"] + rng.uniform(*CLICK_LABEL_DELAY_S, len(clicks["ts"])),
    )
