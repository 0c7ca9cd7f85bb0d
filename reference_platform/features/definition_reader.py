"""Documents to declarations, with the place of every mistake."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from reference_platform.errors import ContentError, nearest
from reference_platform.features import definition_documents as doc
from reference_platform.features.code_references import CodeFolder, MissingCode
from reference_platform.features.definition_set import DefinitionSet, FeatureObject
from reference_platform.features.definitions import Entity, FeatureView, FeatureViewProjection, Field
from reference_platform.features.on_demand import OnDemandFeatureView, RequestSource
from reference_platform.features.services import FeatureService
from reference_platform.features.sources import FileSource, KafkaSource, PushSource, Source, TableSource
from reference_platform.features.stream_views import Aggregation, StreamFeatureView
from reference_platform.features.types import type_named

Named = Mapping[str, Any]


class Locate(Protocol):
    """Where the object at a path of the document stands, as `file:line:column`; empty when nobody knows."""

    def __call__(self, *path: str | int) -> str: ...


def nowhere(*_: str | int) -> str:
    """For documents that no person wrote."""
    return ""


def read_definitions(
    document: doc.DefinitionsDocument,
    code: CodeFolder,
    *,
    known: DefinitionSet | None = None,
    locate: Locate = nowhere,
    keep_missing: bool = False,
) -> DefinitionSet:
    """The declarations of a document; `known` may be mentioned by name.

    `keep_missing`: code that is not there becomes a placeholder instead of an error. Raises ContentError.
    """
    return _Reader(code, known or DefinitionSet(), locate, keep_missing).read(document)


class _Reader:
    def __init__(self, code: CodeFolder, known: DefinitionSet, locate: Locate, keep_missing: bool) -> None:
        self.code, self.locate, self.keep_missing = code, locate, keep_missing
        self.entities = dict(known.entities)
        self.sources = dict(known.sources)
        self.views = dict(known.views)
        self.on_demand = dict(known.on_demand)

    def read(self, document: doc.DefinitionsDocument) -> DefinitionSet:
        found: list[FeatureObject] = []
        for index, entity in enumerate(document.entities):
            made = self._at(("entities", index), partial(self._entity, entity))
            self.entities[made.name] = made
            found.append(made)
        # A source may mention one that stands further down.
        waiting = sorted(enumerate(document.sources), key=lambda item: bool(item[1].batch_source))
        for index, source in waiting:
            stands = self._at(("sources", index), partial(self._source, source))
            self.sources[stands.name] = stands
            found.append(stands)
        for index, view in enumerate(document.feature_views):
            built = self._at(("feature_views", index), partial(self._view, view))
            self.views[built.name] = built
            found.append(built)
        for index, computed in enumerate(document.on_demand_feature_views):
            path = ("on_demand_feature_views", index)
            asked = self._at(path, partial(self._on_demand_view, computed))
            self.on_demand[asked.name] = asked
            found.append(asked)
        for index, service in enumerate(document.feature_services):
            found.append(self._at(("feature_services", index), partial(self._service, service)))
        return DefinitionSet.of(found)

    def _at(self, path: tuple[str | int, ...], make: Callable[[], Any]) -> Any:
        try:
            return make()
        except ContentError as error:
            if error.where:
                raise
            raise ContentError(error.what, where=self.locate(*path), why=error.why, fix=error.fix) from error

    def _named(self, name: str, known: Named, what: str) -> Any:
        if name not in known:
            raise ContentError(f'{what} "{name[:100]}" is not declared', fix=nearest(name, known))
        return known[name]

    def _entity(self, entity: doc.EntityDocument) -> Entity:
        kind = type_named(entity.type)
        return Entity(
            entity.name, entity.join_keys, kind, entity.description, entity.tags, entity.owner, entity.key_count
        )

    def _source(self, source: doc.SourceDocument) -> Source:
        about = {"name": source.name, "description": source.description, "owner": source.owner}
        batch = self._named(source.batch_source, self.sources, "source") if source.batch_source else None
        if batch is not None and not isinstance(batch, FileSource):
            raise ContentError(f"the batch source {source.batch_source} is no file", fix="name a source of kind file")
        if source.kind == "push":
            return PushSource(batch_source=batch, **about)
        if source.kind == "kafka":
            return KafkaSource(
                timestamp_field=source.timestamp_field,
                batch_source=batch,
                topic=source.topic,
                kafka_bootstrap_servers=source.kafka_bootstrap_servers,
                watermark_delay_s=source.watermark_delay,
                **about,
            )
        if source.kind == "table":
            return TableSource(timestamp_field=source.timestamp_field, **about)
        return FileSource(
            path=source.path,
            timestamp_field=source.timestamp_field,
            created_timestamp_column=source.created_timestamp_column,
            sequence_column=source.sequence_column,
            **about,
        )

    def _view(self, view: doc.ViewDocument) -> FeatureView:
        shared: dict[str, Any] = {
            "name": view.name,
            "source": self._named(view.source, self.sources, "source"),
            "schema": tuple(_field(field) for field in view.features),
            "entities": tuple(self._named(name, self.entities, "entity") for name in view.entities),
            "ttl": timedelta(seconds=view.ttl),
            "online": view.online,
            "description": view.description,
            "tags": view.tags,
            "owner": view.owner,
            "freshness_sla": None if view.freshness_sla is None else timedelta(seconds=view.freshness_sla),
            "every": None if view.every is None else timedelta(seconds=view.every),
            "transformation": self._function(view.transformation) if view.transformation else None,
        }
        if not view.aggregations:
            return FeatureView(**shared)
        return StreamFeatureView(
            **shared,
            aggregations=tuple(_aggregation(aggregation) for aggregation in view.aggregations),
            allowed_lateness=timedelta(seconds=view.allowed_lateness),
            event_id=view.event_id,
        )

    def _function(self, function: doc.FunctionDocument | str) -> Callable[..., Any]:
        at, recorded = (function, "") if isinstance(function, str) else (function.at, function.sha256)
        if not self.keep_missing:
            return self.code.function(at, "")
        try:
            found = self.code.function(at, "")
        except ContentError:
            return MissingCode(at, recorded)
        return found

    def _part(self, part: doc.PartDocument | str) -> FeatureViewProjection:
        if isinstance(part, str):
            name, _, feature = part.partition(":")
            part = doc.PartDocument(view=name, features=(feature,) if feature else None)
        view: FeatureView = self._named(part.view, self.views, "feature view")
        chosen = view[part.features] if part.features is not None else FeatureViewProjection(view, view.feature_names)
        if part.name:
            chosen = chosen.with_name(part.name)
        return chosen.with_join_key_map(part.join_key_map) if part.join_key_map else chosen

    def _on_demand_view(self, view: doc.OnDemandDocument) -> OnDemandFeatureView:
        sources = tuple(
            RequestSource(
                name=source.name,
                schema=tuple(_field(field) for field in source.request),
                description=source.description,
            )
            if isinstance(source, doc.RequestDocument)
            else self._part(source)
            for source in view.sources
        )
        return OnDemandFeatureView(
            name=view.name,
            sources=sources,
            schema=tuple(_field(field) for field in view.features),
            function=self._function(view.function),
            mode=view.mode,
            description=view.description,
            tags=view.tags,
            owner=view.owner,
        )

    def _service(self, service: doc.ServiceDocument) -> FeatureService:
        parts = tuple(
            self.on_demand[part] if isinstance(part, str) and part in self.on_demand else self._part(part)
            for part in service.features
        )
        return FeatureService(
            service.name, parts, service.tags, service.description, service.owner, logging=service.logging
        )


def _field(field: doc.FieldDocument) -> Field:
    return Field(
        name=field.name,
        dtype=type_named(field.type),
        description=field.description,
        tags=field.tags,
        unit=field.unit,
        pii=field.pii,
    )


def _aggregation(aggregation: doc.AggregationDocument) -> Aggregation:
    slide_s = aggregation.slide_interval
    return Aggregation(
        column=aggregation.column,
        function=aggregation.function,
        time_window=timedelta(seconds=aggregation.time_window),
        slide_interval=None if slide_s is None else timedelta(seconds=slide_s),
        name=aggregation.name,
    )
