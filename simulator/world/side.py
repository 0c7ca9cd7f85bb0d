"""A model as the world sees it: what is asked of it, what is true, what a decision is worth, what it can learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from simulator.world.columns import Bools, Columns, Floats, Ints
from simulator.world.examples import Examples
from simulator.world.requests import Requests
from simulator.world.world import World

Decisions = npt.NDArray[Any]

Draw = Callable[[World, Ints, Floats, np.random.Generator], Requests]
"""draw(world, customer, t_s, rng): what these customers ask at these instants, given the world's last step."""
Value = Callable[[Requests, Decisions], Floats]
"""value_eur(requests, decisions): expected value f8[n] of each decision, in the form of the model's `decide`."""
Business = Callable[[Requests, Decisions, Bools], float]
"""business(requests, decisions, answered): the model's business metric; an error page is answered False."""
MakeExamples = Callable[[World, Mapping[str, Columns], float, float, np.random.Generator, int], Examples]
"""examples(world, events, since_s, until_s, rng, events_max): from raw events with since_s <= ts < until_s."""

Observe = Callable[[World, Mapping[str, Columns], np.random.Generator], dict[str, Columns]]
"""observe(world, events, rng): what the shop wrote down in the step that has just passed for this model alone."""

LabelSource = Literal["payments", "clicks"]
"""Which events give the labels: payments, known months later, or clicks, known at once."""


@dataclass(frozen=True, slots=True)
class WorldSide:
    """One model's side of the world.

    `examples_per_day` is how many requests of each day of history it learns from, `judged_max` how many of an
    interval are judged: more where a few decide over much money. `examples` finds what `observe` returns among the
    events.
    """

    draw: Draw
    value_eur: Value
    business: Business
    examples: MakeExamples
    labels_from: LabelSource
    examples_per_day: int
    judged_max: int
    observe: Observe | None = None
