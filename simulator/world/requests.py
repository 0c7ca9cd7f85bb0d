"""What visitors ask of the models, with the truth that only the world knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from simulator.world.columns import Array, Floats, Floats32, Ints
from simulator.world.world import World


@dataclass(frozen=True, slots=True)
class Requests:
    """A batch of n requests on one route.

    `entities` and `context` hold `rows_per_request` consecutive model rows per request. `asked` holds what else a
    request says, and `truth` what a perfectly informed judge would know, one row per request; which columns there are
    is for each model's side of the world to say.
    """

    route: str
    customer: Ints
    t_s: Floats
    entities: Mapping[str, Ints]
    context: Floats32
    truth: Mapping[str, Array]
    asked: Mapping[str, Array] = field(default_factory=dict)
    rows_per_request: int = 1

    def __len__(self) -> int:
        return len(self.customer)

    @staticmethod
    def joined(parts: Sequence[Requests]) -> Requests:
        """All parts of one route, one after another. Raises IndexError when there are none."""
        first = parts[0]
        return Requests(
            route=first.route,
            customer=np.concatenate([part.customer for part in parts]),
            t_s=np.concatenate([part.t_s for part in parts]),
            entities=_columns([part.entities for part in parts]),
            context=np.concatenate([part.context for part in parts]),
            truth=_columns([part.truth for part in parts]),
            asked=_columns([part.asked for part in parts]),
            rows_per_request=first.rows_per_request,
        )

    def take(self, index: Array) -> Requests:
        """The requests at `index` (positions or a mask), in that order."""
        positions = np.arange(len(self))[index]
        rows = (positions[:, None] * self.rows_per_request + np.arange(self.rows_per_request)).ravel()
        return Requests(
            route=self.route,
            customer=self.customer[positions],
            t_s=self.t_s[positions],
            entities={name: values[rows] for name, values in self.entities.items()},
            context=self.context[rows],
            truth={name: values[positions] for name, values in self.truth.items()},
            asked={name: values[positions] for name, values in self.asked.items()},
            rows_per_request=self.rows_per_request,
        )


def _columns(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def hour_context(world: World, t_s: Floats) -> Floats32:
    """Columns hour_sin, hour_cos."""
    return world.rhythm.hour_circle(t_s).astype(np.float32)
