"""A loaded image: the platform and its world at t=0, read piece by piece when asked for.

Loading needs neither torch nor MLflow. Everything it returns is a fresh copy that a session may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.definitions import FeatureView
from reference_platform.features.fitted import TRANSFORM_TAG, check_fingerprint
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.models.catalogue import card_of
from reference_platform.models.runtime import ExportedModel
from reference_platform.monitoring.psi import ReferenceStats, unpack_references
from reference_platform.registry.snapshot import SnapshotRegistry
from reference_platform.shop.offline import OfflineStore
from reference_platform.shop.pipeline import FeaturePipeline
from reference_platform.shop.transform import Transform
from reference_platform.shop.views import ShopSize, ShopViews, shop_transforms, shop_views
from simulator.engine.streams import Streams
from simulator.image.archive import content_of, read_member, sha256_of, unpacked
from simulator.image.layout import FEATURES, PREDICTION, REFERENCES, REGISTRY, WORLD, weights_name
from simulator.image.manifest import DamagedImageError
from simulator.image.plan import BuildPlan
from simulator.world.rhythm import Modifier
from simulator.world.world import World, WorldSize

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Features:
    """The feature store at t=0, wired together: everything computed so far is online, and history goes on from here."""

    views: tuple[FeatureView, ...]
    pipeline: FeaturePipeline
    offline: OfflineStore
    online: EmbeddedOnlineStore


@dataclass(frozen=True, slots=True)
class Image:
    """A verified platform file."""

    path: Path
    plan: BuildPlan
    content: str
    """16 hex digits over what it holds; two sessions can only be equal when these are."""

    @classmethod
    def load(cls, path: Path, plan: BuildPlan, sha256: str) -> Image:
        """Verify and open. Raises DamagedImageError when the file is not the one with that digest."""
        try:
            found = sha256_of(path)
        except OSError as error:
            raise DamagedImageError(f"{path.name} cannot be read ({error.strerror})") from error
        if found != sha256:
            raise DamagedImageError(f"{path.name} has SHA-256 {found[:16]}..., expected {sha256[:16]}...")
        return cls(path, plan, content_of(path))

    def world(self, streams: Streams, calendar_offset_s: float = 0.0, modifiers: tuple[Modifier, ...] = ()) -> World:
        """The world at t=0, going on with the randomness of `streams`."""
        plan = self.plan
        size = WorldSize(plan.customers, plan.products, plan.categories, plan.merchants)
        return World.restore(size, self._arrays(WORLD), streams, calendar_offset_s, modifiers)

    def features(self) -> Features:
        """The feature store at t=0."""
        shop = self._shop()
        views, transforms = shop.all(), shop_transforms(shop)
        stored = self._arrays(FEATURES)
        for transform in transforms:
            transform.restore(_under(stored, f"{transform.view.name}/"))
        offline, online = OfflineStore(views), EmbeddedOnlineStore(views=views)
        offline.restore(_under(stored, "offline/"))
        for view in views:
            rows = offline.latest(view.name)
            online.write_matrix(view, rows.entity, rows.event_us, rows.created_us, rows.values)
            online.advance_watermark(view.name, offline.complete_until(view.name))
        return Features(views, FeaturePipeline(transforms, offline), offline, online)

    def empty_transforms(self) -> tuple[Transform, ...]:
        """The shop's transforms before any event, in the order of the pipeline's."""
        return shop_transforms(self._shop())

    def _shop(self) -> ShopViews:
        plan = self.plan
        return shop_views(ShopSize(plan.customers, plan.products, plan.categories, plan.merchants))

    def registry(self) -> SnapshotRegistry:
        """The model registry; moving its aliases changes this copy only."""
        return SnapshotRegistry.from_json(read_member(self.path, REGISTRY).decode())

    def model(self, name: str, version: int) -> ExportedModel:
        """The weights of a version, ready to serve.

        Raises CommandError for an unknown model or version, and when the inputs would not be normalised as in training.
        """
        tags = self.registry().get(name, version).tags
        model = ExportedModel.from_arrays(self._arrays(weights_name(name, version)), card_of(name).head)
        check_fingerprint(tags[TRANSFORM_TAG], model)
        return model

    def reference_stats(self, versions: dict[str, int] | None = None) -> dict[str, dict[str, ReferenceStats]]:
        """Per model and feature, what its training rows looked like; features in the order of X, context left out.

        `versions` picks a version by model; the champions when omitted.
        """
        registry = self.registry()
        stats: dict[str, dict[str, ReferenceStats]] = {}
        stored = unpack_references(self._arrays(REFERENCES))
        for name in registry.names():
            version = (versions or {}).get(name) or registry.alias(name, "champion").version
            found = _under(stored, f"{name}/{version}/")
            stats[name] = {column: value for column, value in found.items() if column != PREDICTION}
        return stats

    def reference_prediction(self, name: str, version: int) -> ReferenceStats:
        """What a version's best score per row looked like on its training rows."""
        self.registry().get(name, version)
        stored = unpack_references(self._arrays(REFERENCES))
        return stored[f"{name}/{version}/{PREDICTION}"]

    def _arrays(self, member: str) -> dict[str, NDArray[np.generic]]:
        return unpacked(read_member(self.path, member))


def _under(named: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    return {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}
