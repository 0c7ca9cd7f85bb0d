"""What one model reads: features of several views under one name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as attribute

from reference_platform.errors import ContentError
from reference_platform.features.definitions import FeatureView, FeatureViewProjection
from reference_platform.features.naming import checked_name
from reference_platform.features.on_demand import OnDemandFeatureView

Part = FeatureViewProjection | OnDemandFeatureView


@dataclass(frozen=True)
class FeatureService:
    """Features that are read together, in this order."""

    name: str
    features: tuple[Part, ...] = ()
    tags: Mapping[str, str] | None = attribute(default=None, hash=False)
    description: str = ""
    owner: str = ""
    logging: bool = False
    """Whether every served vector is logged, to be audited against history."""

    def __post_init__(self) -> None:
        checked_name(self.name, "feature service")
        parts = tuple(
            FeatureViewProjection(part, part.feature_names) if isinstance(part, FeatureView) else part
            for part in self.features
        )
        for part in parts:
            if not isinstance(part, FeatureViewProjection | OnDemandFeatureView):
                raise ContentError(f"service {self.name}: {part!r} is no feature view", fix="features=[view]")
        if not parts:
            raise ContentError(f"service {self.name} has no features", fix="features=[view]")
        object.__setattr__(self, "features", parts)
        object.__setattr__(self, "tags", dict(self.tags or {}))
