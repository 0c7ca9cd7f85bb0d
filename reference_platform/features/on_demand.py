"""Features computed when asked for, from other features and from the request itself: one function for both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, Literal

from reference_platform.errors import ContentError, nearest
from reference_platform.features.definitions import FeatureView, FeatureViewProjection, Field
from reference_platform.features.fingerprint import code_sha256
from reference_platform.features.naming import checked_name

Mode = Literal["numpy", "python", "pandas"]


@dataclass(frozen=True, kw_only=True)
class RequestSource:
    """Values that the caller sends with the request."""

    name: str
    schema: tuple[Field, ...]
    description: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "request source")
        object.__setattr__(self, "schema", tuple(self.schema))


OnDemandSource = FeatureView | FeatureViewProjection | RequestSource


@dataclass(frozen=True, kw_only=True)
class OnDemandFeatureView:
    """A function over columns: mappings of arrays in mode `numpy`, of lists in `python`, frames in `pandas`."""

    name: str
    sources: tuple[OnDemandSource, ...]
    schema: tuple[Field, ...]
    function: Callable[[Any], Any]
    mode: Mode = "numpy"
    description: str = ""
    tags: Mapping[str, str] | None = attribute(default=None, hash=False)
    owner: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "on-demand feature view")
        if self.mode not in ("numpy", "python", "pandas"):
            raise ContentError(f'on-demand view {self.name} has mode "{self.mode}"',
                               fix=nearest(str(self.mode), ["numpy", "python", "pandas"]))  # fmt: skip
        object.__setattr__(self, "sources", tuple(self.sources))
        object.__setattr__(self, "schema", tuple(self.schema))
        object.__setattr__(self, "tags", dict(self.tags or {}))
        if not self.schema:
            raise ContentError(f"on-demand view {self.name} has no features", fix="schema=[Field(...)]")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of what it computes."""
        return tuple(field.name for field in self.schema)

    @property
    def projections(self) -> tuple[FeatureViewProjection, ...]:
        """The stored features it reads."""
        return tuple(
            FeatureViewProjection(source, source.feature_names) if isinstance(source, FeatureView) else source
            for source in self.sources
            if not isinstance(source, RequestSource)
        )

    @property
    def request_fields(self) -> tuple[Field, ...]:
        """What the request must bring."""
        return tuple(f for source in self.sources if isinstance(source, RequestSource) for f in source.schema)

    @property
    def code_sha256(self) -> str:
        """Fingerprint of its function."""
        return code_sha256(self.function)


def on_demand_feature_view(
    *,
    sources: Sequence[OnDemandSource],
    schema: Sequence[Field],
    mode: Mode = "numpy",
    name: str = "",
    description: str = "",
    tags: Mapping[str, str] | None = None,
    owner: str = "",
) -> Callable[[Callable[[Any], Any]], OnDemandFeatureView]:
    """Make the decorated function an on-demand feature view, named after the function unless `name` is given."""

    def declare(function: Callable[[Any], Any]) -> OnDemandFeatureView:
        return OnDemandFeatureView(
            name=name or function.__name__,
            sources=tuple(sources),
            schema=tuple(schema),
            function=function,
            mode=mode,
            description=description or (function.__doc__ or "").strip().partition("\n")[0],
            tags=tags,
            owner=owner,
        )

    return declare
