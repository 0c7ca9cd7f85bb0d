"""The declarations as one caller may see them. Whatever is resolved against a scope can name nothing hidden.

The rules, in order:

1. A field with `pii` that the caller may not see does not exist: not in its view, a service or a suggestion.
2. A view of which no field is left does not exist.
3. An on-demand view exists only if the caller may see everything it reads and everything it computes; personal data
   stays personal when it is computed with.
4. A service loses what does not exist; a service of which nothing is left does not exist.
5. A request that names something that does not exist is refused whole, with the answer an undeclared name would get.

Names of join keys are visible, since nothing can be asked without them; their values are only ever sent back to the
caller who sent them. Values that a request brings for on-demand views are the caller's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reference_platform.features.definition_set import DefinitionSet, FeatureRequest, UnknownFeatureError
from reference_platform.features.definitions import Entity, FeatureView, FeatureViewProjection
from reference_platform.features.governance.access import Grants, Visibility
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.services import FeatureService, Part
from reference_platform.features.sources import KafkaSource, PushSource, Source
from reference_platform.features.stream_views import StreamFeatureView

SCOPES_MAX = 256


class Scope:
    """`definitions` under `visible`. Valid as long as both are: see `Visibility.valid_until_us`."""

    def __init__(self, definitions: DefinitionSet, visible: Visibility) -> None:
        self.visible = visible
        self._all = definitions
        self._kept = {
            name: tuple(field.name for field in view.schema if visible(view, field))
            for name, view in definitions.views.items()
        }
        self._on_demand = {name: view for name, view in definitions.on_demand.items() if self._sees_on_demand(view)}
        self._services = {
            name: replace(service, features=parts)
            for name, service in definitions.services.items()
            if (parts := self._parts_left(service.features))
        }
        self.definitions = self._narrowed()
        """Only what the caller may see. For names; full views decode rows, `redaction` clears free text."""

    def parts(self, features: FeatureRequest) -> tuple[Part, ...]:
        """What `features` means to this caller, in the order asked, over the full views.

        Raises UnknownFeatureError for what is not there or not visible, ContentError for a bad reference.
        """
        if isinstance(features, str):
            if features not in self._services:
                raise UnknownFeatureError("service", features, self._services)
            return self._services[features].features
        if isinstance(features, FeatureService):
            known = self._services.get(features.name)
            return known.features if known else tuple(self._declared(part) for part in features.features)
        return tuple(self._whole(part) for part in self.definitions.parts(features))

    def denied(self, features: FeatureRequest) -> int:
        """How many of the features asked for are declared but invisible. For the audit; never for the caller."""
        if isinstance(features, str):
            service = self._all.services.get(features)
            return self._hidden_in(service.features) if service else 0
        if isinstance(features, FeatureService):
            if features.name in self._all.services:
                return self._hidden_in(self._all.services[features.name].features)
            return sum(self._is_hidden(text) for part in features.features for text in _references(part))
        return sum(self._is_hidden(text) for text in features)

    def _declared(self, part: Part) -> Part:
        """A part of a service that was never applied: its names are looked up, its own objects not trusted."""
        if isinstance(part, OnDemandFeatureView):
            if part.name not in self._on_demand:
                raise UnknownFeatureError("view", part.name, [*self.definitions.views, *self._on_demand])
            return self._on_demand[part.name]
        self.definitions.parts([f"{part.view.name}:{name}" for name in part.features])
        return replace(part, view=self._all.views[part.view.name])

    def _whole(self, part: Part) -> Part:
        if isinstance(part, OnDemandFeatureView):
            return self._all.on_demand[part.name]
        return replace(part, view=self._all.views[part.view.name])

    def _sees_on_demand(self, view: OnDemandFeatureView) -> bool:
        reads = all(
            self.visible(part.view, part.view.field(name)) for part in view.projections for name in part.features
        )
        return reads and all(self.visible(view, field) for field in view.schema)

    def _parts_left(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        left: list[Part] = []
        for part in parts:
            if isinstance(part, OnDemandFeatureView):
                left += [part] if self._sees_on_demand(part) else []
                continue
            names = tuple(name for name in part.features if self.visible(part.view, part.view.field(name)))
            left += [replace(part, features=names)] if names else []
        return tuple(left)

    def _hidden_in(self, parts: Sequence[Part]) -> int:
        def names(found: Sequence[Part]) -> int:
            return sum(len(part.schema if isinstance(part, OnDemandFeatureView) else part.features) for part in found)

        return names(parts) - names(self._parts_left(parts))

    def _is_hidden(self, text: str) -> bool:
        view, _, feature = text.partition(":")
        view = view.partition("@v")[0]
        if view in self._all.on_demand:
            return view not in self._on_demand and feature in self._all.on_demand[view].feature_names
        return (
            view in self._all.views
            and feature in self._all.views[view].feature_names
            and (feature not in self._kept[view])
        )

    def _narrowed(self) -> DefinitionSet:
        views = {name: narrowed(view, self._kept[name]) for name, view in self._all.views.items() if self._kept[name]}
        on_demand = {name: _on_narrowed(view, views) for name, view in self._on_demand.items()}
        services = {
            name: replace(service, features=tuple(_part_narrowed(part, views, on_demand) for part in service.features))
            for name, service in self._services.items()
        }
        return DefinitionSet(
            _entities_left(self._all, views), _sources_left(self._all, views), views, on_demand, services
        )


class Scopes:
    """The scope of every caller, built once for all who may see the same. Bounded; may be shared by threads."""

    def __init__(self, definitions: DefinitionSet, grants: Grants) -> None:
        self._definitions = definitions
        self._grants = grants
        self._held: dict[Visibility, Scope] = {}

    def of(self, role: str, purpose: str, now_us: int) -> Scope:
        """What `role` may see for `purpose` at `now_us`; hold it no longer than `Scope.visible.valid_until_us`."""
        visible = self._grants.visible(role, purpose, now_us)
        scope = self._held.get(visible)
        if scope is None:
            if len(self._held) >= SCOPES_MAX:
                self._held.clear()
            scope = self._held[visible] = Scope(self._definitions, visible)
        return scope


def narrowed(view: FeatureView, names: Sequence[str]) -> FeatureView:
    """`view` with only the features `names`, of which there is at least one."""
    fields = tuple(field for field in view.schema if field.name in names)
    if len(fields) == len(view.schema):
        return view
    if isinstance(view, StreamFeatureView):
        kept = tuple(aggregation for aggregation in view.aggregations if aggregation.name in names)
        return replace(view, schema=fields, aggregations=kept)
    return replace(view, schema=fields)


def _references(part: Part) -> list[str]:
    if isinstance(part, OnDemandFeatureView):
        return [f"{part.name}:{name}" for name in part.feature_names]
    return [f"{part.view.name}:{name}" for name in part.features]


def _part_narrowed(part: Part, views: Mapping[str, FeatureView], on_demand: Mapping[str, OnDemandFeatureView]) -> Part:
    if isinstance(part, OnDemandFeatureView):
        return on_demand[part.name]
    return replace(part, view=views[part.view.name])


def _on_narrowed(view: OnDemandFeatureView, views: Mapping[str, FeatureView]) -> OnDemandFeatureView:
    sources = tuple(
        FeatureViewProjection(views[source.name], source.feature_names)
        if isinstance(source, FeatureView)
        else replace(source, view=views[source.view.name])
        if isinstance(source, FeatureViewProjection)
        else source
        for source in view.sources
    )
    return replace(view, sources=sources)


def _entities_left(definitions: DefinitionSet, views: Mapping[str, FeatureView]) -> dict[str, Entity]:
    """Without those that only hidden views describe."""
    described = {entity.name for view in definitions.views.values() for entity in view.entities}
    seen = {entity.name for view in views.values() for entity in view.entities}
    return {name: entity for name, entity in definitions.entities.items() if name in seen or name not in described}


def _sources_left(definitions: DefinitionSet, views: Mapping[str, FeatureView]) -> dict[str, Source]:
    """Without those that only hidden views read."""
    read = {name for view in definitions.views.values() for name in _source_names(view.source)}
    seen = {name for view in views.values() for name in _source_names(view.source)}
    return {name: source for name, source in definitions.sources.items() if name in seen or name not in read}


def _source_names(source: Source) -> tuple[str, ...]:
    batch = source.batch_source if isinstance(source, PushSource | KafkaSource) else None
    return (source.name, batch.name) if batch else (source.name,)
