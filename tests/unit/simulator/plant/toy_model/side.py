"""Customers who would come back for a letter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulator.world.columns import Bools, Columns, Floats, Ints
from simulator.world.examples import Examples
from simulator.world.requests import Requests
from simulator.world.side import Decisions, WorldSide
from simulator.world.world import World


def draw(world: World, customer: Ints, t_s: Floats, rng: np.random.Generator) -> Requests:
    """One letter per customer."""
    comes = world.customers.weights[customer] > world.customers.weights.mean()
    postage = np.full((len(customer), 1), 0.5, np.float32)
    return Requests("letters", customer, t_s, {"customer": customer}, postage, truth={"comes": comes})


def examples(
    world: World,
    events: Mapping[str, Columns],
    since_s: float,
    until_s: float,
    rng: np.random.Generator,
    events_max: int,
) -> Examples:
    """Nothing was ever written."""
    raise NotImplementedError


def value_eur(requests: Requests, decisions: Decisions) -> Floats:
    """Ten euros for who comes, one for the letter."""
    return np.asarray(decisions * (10.0 * requests.truth["comes"] - 1.0), dtype=np.float64)


def business(requests: Requests, decisions: Decisions, answered: Bools) -> float:
    """Share of the customers who get one."""
    return float(np.mean(decisions & answered))


SIDE = WorldSide(draw, value_eur, business, examples, labels_from="clicks", examples_per_day=1, judged_max=64)
