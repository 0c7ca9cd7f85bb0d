"""The feature pipeline: every five minutes it turns the raw events of the step into rows of the offline store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reference_platform.features.asof import FeatureRows
from reference_platform.features.definitions import Columns
from reference_platform.features.offline import OfflineStore
from reference_platform.shop.transform import Transform


class FeaturePipeline:
    """Runs the transforms and appends what they changed. The rows of a step are known as soon as it has run."""

    def __init__(self, transforms: Sequence[Transform], offline: OfflineStore) -> None:
        self.transforms = tuple(transforms)
        self._offline = offline

    def run(self, events: Mapping[str, Columns], now_s: float) -> dict[str, int]:
        """Process the events up to `now_s` and return the rows appended, by view.

        `events` holds one entry per source table. Raises KeyError when a view's source is missing.
        """
        appended: dict[str, int] = {}
        for transform in self.transforms:
            changed = transform.update(events[transform.view.source.name], now_s)
            instant = np.full(len(changed.entity), now_s)
            rows = FeatureRows(changed.entity, instant, instant, changed.values)
            self._offline.append(transform.view.name, rows, complete_s=now_s)
            appended[transform.view.name] = len(rows)
        return appended
