"""Joined training rows of one small world, made once per test run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from reference_platform.models.card import ModelCard, VersionSpec
from reference_platform.models.catalogue import CARDS
from simulator.engine.streams import Streams
from simulator.world.catalogue import side_of
from simulator.world.rhythm import DAY_S
from simulator.world.world import World, WorldSize
from tests.unit.simulator.world.features_at import x_of_examples

CLICK_DAYS, PAYMENT_DAYS = 7, 20


@dataclass(frozen=True, slots=True)
class Rows:
    """X and labels in time order."""

    card: ModelCard
    spec: VersionSpec
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.generic]


@pytest.fixture(scope="session")
def rows() -> dict[str, Rows]:
    """Rows of the champion of each model."""
    size = WorldSize()
    world = World.create(size, Streams(77), CLICK_DAYS, payment_days_of_history=PAYMENT_DAYS)
    events = world.advance(0.0)
    made: dict[str, Rows] = {}
    for model, card in CARDS.items():
        spec, side = card.version(card.aliases["champion"]), side_of(model)
        days, events_max = (PAYMENT_DAYS, 60_000) if side.labels_from == "payments" else (CLICK_DAYS, 12_000)
        seen = side.observe(world, events, np.random.default_rng(4)) if side.observe is not None else {}
        examples = side.examples(world, events | seen, -(days - 3) * DAY_S, 0.0, np.random.default_rng(3), events_max)
        x = x_of_examples(size, events, examples, spec.schema, -days * DAY_S)
        made[model] = Rows(card, spec, x, examples.label)
    return made
