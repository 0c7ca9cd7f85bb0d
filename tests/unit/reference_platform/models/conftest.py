"""Joined training rows of one small world, made once per test run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from reference_platform.models.schema import FRAUD, MODELS
from reference_platform.models.versions import VersionSpec, version_spec
from simulator.engine.streams import Streams
from simulator.world.examples import training_examples
from simulator.world.rhythm import DAY_S
from simulator.world.world import World, WorldSize
from tests.unit.simulator.world.features_at import x_of_examples

CLICK_DAYS, PAYMENT_DAYS = 7, 20


@dataclass(frozen=True, slots=True)
class Rows:
    """X and labels in time order."""

    spec: VersionSpec
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.generic]


@pytest.fixture(scope="session")
def rows() -> dict[str, Rows]:
    """Rows of the champion of each model."""
    size = WorldSize()
    world = World.create(size, Streams(77), CLICK_DAYS, payment_days_of_history=PAYMENT_DAYS)
    events = world.advance(0.0)
    champions = dict(zip(MODELS, (3, 2, 2), strict=True))
    made: dict[str, Rows] = {}
    for model, version in champions.items():
        spec = version_spec(model, version)
        days = PAYMENT_DAYS if model == FRAUD else CLICK_DAYS
        events_max = {FRAUD: 60_000}.get(model, 12_000)
        rng = np.random.default_rng(3)
        examples = training_examples(world, events, model, -(days - 3) * DAY_S, 0.0, rng, events_max)
        x = x_of_examples(size, events, examples, spec.schema, -days * DAY_S)
        made[model] = Rows(spec, x, examples.label)
    return made
