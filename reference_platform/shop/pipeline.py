"""The feature pipeline: every five minutes it turns the raw events of the step into rows of the offline store."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import CommandError
from reference_platform.shop.offline import OfflineStore
from reference_platform.shop.rows import FeatureRows, to_instant
from reference_platform.shop.topics import EventColumns
from reference_platform.shop.transform import Transform

SAVEPOINT_EVERY_S = 86400.0
SAVEPOINTS_MAX = 5


@dataclass(frozen=True, slots=True)
class _Savepoint:
    at_s: float
    state: Mapping[str, Mapping[str, NDArray[np.generic]]]


class FeaturePipeline:
    """Runs the transforms and appends what they changed. The rows of a step are known as soon as it has run."""

    def __init__(self, transforms: Sequence[Transform], offline: OfflineStore) -> None:
        self.transforms = tuple(transforms)
        self._offline = offline
        self._savepoints: deque[_Savepoint] = deque(maxlen=SAVEPOINTS_MAX)

    def run(self, events: Mapping[str, EventColumns], now_s: float) -> dict[str, int]:
        """Process the events up to `now_s` and return the rows appended, by view.

        `events` holds one entry per source table. Raises KeyError when a view's source is missing.
        """
        return {
            transform.view.name: self._step(transform, events[transform.view.source.name], now_s)
            for transform in self.transforms
        }

    def _step(self, transform: Transform, columns: EventColumns, now_s: float) -> int:
        changed = transform.update(columns, now_s)
        return self._append(transform, changed.entity, changed.values, now_s)

    def _append(
        self, transform: Transform, entity: NDArray[np.int32], values: NDArray[np.float32], now_s: float
    ) -> int:
        rows = FeatureRows.known_at(entity, values, now_s)
        self._offline.append(transform.view.name, rows, complete_us=to_instant(now_s))
        return len(rows)

    # -- savepoints ----------------------------------------

    def keep_savepoint(self, now_s: float) -> None:
        """Remember the state of every transform once a day; the oldest savepoint makes room."""
        if not self._savepoints or now_s >= self._savepoints[-1].at_s + SAVEPOINT_EVERY_S:
            state = {transform.view.name: transform.state() for transform in self.transforms}
            self._savepoints.append(_Savepoint(now_s, state))

    def go_back(self, source: str, since_s: float) -> float:
        """Give the transforms of `source` the state of the last savepoint at or before `since_s`, or of the oldest.

        Returns its instant. Raises CommandError when there is none.
        """
        if not self._savepoints:
            raise CommandError("the pipeline has kept no savepoint yet", fix="try again after its next step")
        found = [point for point in self._savepoints if point.at_s <= since_s] or [self._savepoints[0]]
        for transform in self.of_source(source):
            transform.restore(found[-1].state[transform.view.name])
        return found[-1].at_s

    def rebuild(self, source: str, columns: EventColumns, now_s: float) -> dict[str, int]:
        """Process the events after a `go_back` and write every entity of the views again. Rows written, by view."""
        written: dict[str, int] = {}
        for transform in self.of_source(source):
            transform.update(columns, now_s)
            everybody = np.arange(transform.view.entity.count, dtype=np.int32)
            written[transform.view.name] = self._append(transform, everybody, transform.values(everybody, now_s), now_s)
        return written

    def of_source(self, source: str) -> Iterable[Transform]:
        """The transforms that read `source`."""
        return [transform for transform in self.transforms if transform.view.source.name == source]
