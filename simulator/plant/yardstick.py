"""The yardstick of harm: what the online store would hold if every event arrived, intact, the moment it happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reference_platform.features.definitions import Columns, FeatureView
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.shop.feed import Delivery
from reference_platform.shop.offline import OfflineStore, after
from reference_platform.shop.rows import FeatureRows, to_instant
from reference_platform.shop.transform import Transform


class Yardstick:
    """Follows the platform's own pipeline for as long as that receives exactly what happened, then goes on alone."""

    def __init__(
        self,
        views: Sequence[FeatureView],
        online: EmbeddedOnlineStore,
        empty_transforms: Callable[[], tuple[Transform, ...]],
    ) -> None:
        self.store = EmbeddedOnlineStore(views=views)
        self.store.restore(online.state())
        self._views = tuple(views)
        self._empty_transforms = empty_transforms
        self._own: tuple[Transform, ...] = ()

    def before(self, transforms: Sequence[Transform], deliveries: Mapping[str, Delivery]) -> None:
        """Look at what the pipeline is about to take in, while its `transforms` still hold only the truth."""
        if self._own or all(delivery.exact for delivery in deliveries.values()):
            return
        self._own = self._empty_transforms()
        for own, theirs in zip(self._own, transforms, strict=True):
            own.restore(theirs.state())

    def after(self, events: Mapping[str, Columns], offline: OfflineStore, since_s: float, now_s: float) -> None:
        """Take in what really happened between `since_s` and `now_s`."""
        if not self._own:
            for view in self._views:
                self._write(view, offline.changed_since(view.name, after(to_instant(since_s)), to_instant(now_s)))
        for transform in self._own:
            changed = transform.update(events[transform.view.source.name], now_s)
            self._write(transform.view, FeatureRows.known_at(changed.entity, changed.values, now_s))

    def _write(self, view: FeatureView, rows: FeatureRows) -> None:
        self.store.write_matrix(view, rows.entity, rows.event_us, rows.created_us, rows.values)
