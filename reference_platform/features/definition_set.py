"""Everything a team has declared, by name, and what a list of feature references means."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from reference_platform.errors import ContentError, PagerDrillError, nearest
from reference_platform.features.definitions import Entity, FeatureView, FeatureViewProjection
from reference_platform.features.naming import parse_reference
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.services import FeatureService, Part
from reference_platform.features.sources import FileSource, KafkaSource, PushSource, Source, TableSource

FeatureObject = Entity | FeatureView | OnDemandFeatureView | FeatureService | Source
SOURCES = (FileSource, PushSource, KafkaSource, TableSource)
FeatureRequest = Sequence[str] | FeatureService | str
"""References `view:feature`, or a service, or a service's name."""


class UnknownFeatureError(PagerDrillError):
    """A request names something that is not declared, or that the caller may not see: the answer is the same.

    `kind` is `view`, `feature`, `service` or `push source`.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f'{kind} "{name[:120]}" does not exist', fix=nearest(name, known))
        self.kind = kind
        self.name = name


def asked_by_name(features: FeatureRequest) -> dict[str, tuple[str, ...]]:
    """The features named one by one, by view; empty for a service, which is read as a whole."""
    if isinstance(features, str | FeatureService):
        return {}
    asked: dict[str, tuple[str, ...]] = {}
    for reference in map(parse_reference, features):
        asked[reference.view] = (*asked.get(reference.view, ()), reference.feature)
    return asked


def objects_of(objects: FeatureObject | Iterable[FeatureObject]) -> Iterable[FeatureObject]:
    """One declaration, or several."""
    return objects if isinstance(objects, Iterable) else [objects]


@dataclass(frozen=True, slots=True)
class DefinitionSet:
    """An immutable set of declarations. Names are unique within their kind; views and on-demand views share one."""

    entities: Mapping[str, Entity] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    views: Mapping[str, FeatureView] = field(default_factory=dict)
    on_demand: Mapping[str, OnDemandFeatureView] = field(default_factory=dict)
    services: Mapping[str, FeatureService] = field(default_factory=dict)

    @staticmethod
    def of(objects: Iterable[FeatureObject]) -> DefinitionSet:
        """The set of `objects` and everything they mention. Raises ContentError for two different ones of one name."""
        collected = _Collector()
        for thing in objects:
            collected.add(thing)
        return collected.definitions()

    def objects(self) -> list[FeatureObject]:
        """Everything declared."""
        return [
            *self.entities.values(),
            *self.sources.values(),
            *self.views.values(),
            *self.on_demand.values(),
            *self.services.values(),
        ]

    def merged(self, changed: DefinitionSet) -> DefinitionSet:
        """This set with `changed` added; whatever mentions something of it follows."""
        entities = {**self.entities, **changed.entities}
        sources = {**self.sources, **changed.sources}
        sources = {name: _source_rebound(source, sources) for name, source in sources.items()}
        views = {name: _view_rebound(view, entities, sources) for name, view in {**self.views, **changed.views}.items()}
        on_demand = {name: _rebound(view, views) for name, view in {**self.on_demand, **changed.on_demand}.items()}
        services = {
            name: _service_rebound(service, views, on_demand)
            for name, service in {**self.services, **changed.services}.items()
        }
        _check_told_apart(views)
        return DefinitionSet(entities, sources, views, on_demand, services)

    def without(self, things: Iterable[FeatureObject]) -> DefinitionSet:
        """This set without objects of the kinds and names of `things`.

        Raises ContentError when something left still needs one.
        """
        gone = _Gone(things)
        left = DefinitionSet(
            gone.left(self.entities), gone.left(self.sources), gone.left(self.views), gone.left(self.on_demand),
            gone.left(self.services),
        )  # fmt: skip
        for source in left.sources.values():
            gone.check_kept(f"source {source.name}", _batch_source(source))
        for view in left.views.values():
            gone.check_kept(f"feature view {view.name}", (*view.entities, view.source))
        for on_demand in left.on_demand.values():
            gone.check_kept(f"on-demand view {on_demand.name}", [part.view for part in on_demand.projections])
        for service in left.services.values():
            parts = [part if isinstance(part, OnDemandFeatureView) else part.view for part in service.features]
            gone.check_kept(f"service {service.name}", parts)
        return left

    def online_views(self) -> list[FeatureView]:
        """The views that are served."""
        return [view for view in self.views.values() if view.online]

    def view(self, name: str) -> FeatureView:
        """The view called `name`. Raises UnknownFeatureError."""
        if name not in self.views:
            raise UnknownFeatureError("view", name, self.views)
        return self.views[name]

    def service(self, name: str) -> FeatureService:
        """The service called `name`. Raises UnknownFeatureError."""
        if name not in self.services:
            raise UnknownFeatureError("service", name, self.services)
        return self.services[name]

    def parts(self, features: FeatureRequest) -> tuple[Part, ...]:
        """What `features` means, in the order asked. Raises UnknownFeatureError, ContentError for a bad reference."""
        if isinstance(features, str):
            features = self.service(features)
        if isinstance(features, FeatureService):
            return self.services.get(features.name, features).features
        asked: dict[str, list[str]] = {}
        for text in features:
            reference = parse_reference(text)
            wanted = asked.setdefault(reference.view, [])
            if reference.feature in wanted:
                raise ContentError(f'feature "{text[:120]}" is asked for twice', fix="name each feature once")
            self._check_known(reference.view, reference.feature)
            wanted.append(reference.feature)
        if not asked:
            raise ContentError("no feature is asked for", fix='features=["view:feature", ...] or a feature service')
        return tuple(
            self.on_demand[view] if view in self.on_demand else FeatureViewProjection(self.views[view], tuple(names))
            for view, names in asked.items()
        )

    def _check_known(self, view: str, feature: str) -> None:
        if view not in self.views and view not in self.on_demand:
            raise UnknownFeatureError("view", view, [*self.views, *self.on_demand])
        known = (self.views.get(view) or self.on_demand[view]).feature_names
        if feature not in known:
            raise UnknownFeatureError("feature", f"{view}:{feature}", [f"{view}:{name}" for name in known])


class _Collector:
    def __init__(self) -> None:
        self.entities: dict[str, Entity] = {}
        self.sources: dict[str, Source] = {}
        self.views: dict[str, FeatureView] = {}
        self.on_demand: dict[str, OnDemandFeatureView] = {}
        self.services: dict[str, FeatureService] = {}

    def add(self, thing: FeatureObject) -> None:
        if isinstance(thing, Entity):
            _put(self.entities, thing.name, thing, "entity")
        elif isinstance(thing, FeatureView):
            self._view(thing)
        elif isinstance(thing, OnDemandFeatureView):
            self._on_demand(thing)
        elif isinstance(thing, FeatureService):
            for part in thing.features:
                if isinstance(part, OnDemandFeatureView):
                    self._on_demand(part)
                else:
                    self._view(part.view)
            _put(self.services, thing.name, thing, "feature service")
        elif isinstance(thing, SOURCES):
            self._source(thing)
        else:
            raise ContentError(
                f"a {type(thing).__name__} cannot be declared",
                fix="declare entities, sources, feature views, on-demand views and feature services",
            )

    def _view(self, view: FeatureView) -> None:
        for entity in view.entities:
            _put(self.entities, entity.name, entity, "entity")
        self._source(view.source)
        _put(self.views, view.name, view, "feature view")

    def _source(self, source: Source) -> None:
        _put(self.sources, source.name, source, "source")
        for batch in _batch_source(source):
            self._source(batch)

    def _on_demand(self, view: OnDemandFeatureView) -> None:
        for projection in view.projections:
            self._view(projection.view)
        _put(self.on_demand, view.name, view, "on-demand feature view")

    def definitions(self) -> DefinitionSet:
        for name in self.views.keys() & self.on_demand.keys():
            raise ContentError(f'"{name}" is a feature view and an on-demand view', fix="rename one of them")
        _check_told_apart(self.views)
        return DefinitionSet(self.entities, self.sources, self.views, self.on_demand, self.services)


Thing = TypeVar("Thing")


def _put(known: dict[str, Thing], name: str, thing: Thing, what: str) -> None:
    if known.setdefault(name, thing) != thing:
        raise ContentError(f'two different declarations of {what} "{name}"', fix="rename or remove one of them")


def _check_told_apart(views: Iterable[str]) -> None:
    """Views have folders, and some disks tell neither capitals apart nor ways to write one letter."""
    seen: dict[str, str] = {}
    for name in views:
        same = seen.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
        if same != name:
            raise ContentError(f'feature views "{same}" and "{name}" differ too little', fix="rename one of them")


class _Gone:
    """What goes, by kind and name: an entity and a view may share a name."""

    def __init__(self, things: Iterable[FeatureObject]) -> None:
        self._names = {(_kind(thing), thing.name) for thing in things}

    def left(self, known: Mapping[str, Thing]) -> dict[str, Thing]:
        return {name: thing for name, thing in known.items() if (_kind(thing), name) not in self._names}

    def check_kept(self, what: str, needs: Iterable[FeatureObject]) -> None:
        for thing in needs:
            if (_kind(thing), thing.name) in self._names:
                raise ContentError(
                    f'"{thing.name}" cannot be removed: {what} reads it', fix=f"change or remove {what} first"
                )


def _kind(thing: object) -> type:
    """What names are unique within."""
    return next((kind for kind in (Entity, FeatureView, OnDemandFeatureView, FeatureService)
                 if isinstance(thing, kind)), FileSource)  # fmt: skip


def _batch_source(source: Source) -> tuple[FileSource, ...]:
    batch = source.batch_source if isinstance(source, PushSource | KafkaSource) else None
    return () if batch is None else (batch,)


def _source_rebound(source: Source, sources: Mapping[str, Source]) -> Source:
    if not isinstance(source, PushSource | KafkaSource) or source.batch_source is None:
        return source
    batch = sources[source.batch_source.name]
    if not isinstance(batch, FileSource):
        raise ContentError(
            f"source {source.name} has {batch.name} as its batch source, which would be no file any more",
            fix="give the new source another name",
        )
    return source if batch == source.batch_source else replace(source, batch_source=batch)


def _view_rebound(view: FeatureView, entities: Mapping[str, Entity], sources: Mapping[str, Source]) -> FeatureView:
    described = tuple(entities[entity.name] for entity in view.entities)
    source = sources[view.source.name]
    if described == view.entities and source == view.source:
        return view
    return replace(view, entities=described, source=source)


def _rebound(view: OnDemandFeatureView, views: Mapping[str, FeatureView]) -> OnDemandFeatureView:
    sources = tuple(
        _projection_rebound(source, views)
        if isinstance(source, FeatureViewProjection)
        else views[source.name]
        if isinstance(source, FeatureView)
        else source
        for source in view.sources
    )
    return replace(view, sources=sources)


def _projection_rebound(part: FeatureViewProjection, views: Mapping[str, FeatureView]) -> FeatureViewProjection:
    return replace(part, view=views[part.view.name])


def _service_rebound(
    service: FeatureService, views: Mapping[str, FeatureView], on_demand: Mapping[str, OnDemandFeatureView]
) -> FeatureService:
    parts = tuple(
        on_demand[part.name] if isinstance(part, OnDemandFeatureView) else _projection_rebound(part, views)
        for part in service.features
    )
    return replace(service, features=parts)
