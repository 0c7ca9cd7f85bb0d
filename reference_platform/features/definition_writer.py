"""Declarations to documents. What is read back is equal to what was written, code apart: it is pointed at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from reference_platform.durations import exact_duration
from reference_platform.features import definition_documents as doc
from reference_platform.features.code_references import CodeFolder
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import FeatureView, FeatureViewProjection, Field
from reference_platform.features.fingerprint import code_sha256
from reference_platform.features.on_demand import OnDemandFeatureView, RequestSource
from reference_platform.features.sources import FileSource, PushSource, Source, TableSource
from reference_platform.features.stream_views import StreamFeatureView


def write_definitions(definitions: DefinitionSet, code: CodeFolder) -> doc.DefinitionsDocument:
    """The declarations as one document."""
    return doc.DefinitionsDocument(
        entities=tuple(
            doc.EntityDocument(
                **_about(entity), join_keys=entity.join_keys, type=entity.key_type.name, key_count=entity.key_count
            )
            for entity in definitions.entities.values()
        ),
        sources=tuple(_source_document(source) for source in definitions.sources.values()),
        feature_views=tuple(_view_document(view, code) for view in definitions.views.values()),
        on_demand_feature_views=tuple(_on_demand_document(view, code) for view in definitions.on_demand.values()),
        feature_services=tuple(
            doc.ServiceDocument(
                **_about(service),
                features=tuple(
                    part.name if isinstance(part, OnDemandFeatureView) else _part_document(part)
                    for part in service.features
                ),
                logging=service.logging,
            )
            for service in definitions.services.values()
        ),
    )


def _text(length: timedelta | None, otherwise_s: float = 0.0) -> Any:
    """A duration as documents write it: pydantic reads the text."""
    return exact_duration(length.total_seconds() if length is not None else otherwise_s)


def _about(thing: Any) -> dict[str, Any]:
    return {"name": thing.name, "description": thing.description, "owner": thing.owner, "tags": dict(thing.tags or {})}


def _source_document(source: Source) -> doc.SourceDocument:
    about = {"name": source.name, "description": source.description, "owner": source.owner}
    if isinstance(source, FileSource):
        return doc.SourceDocument(
            kind="file",
            path=source.path,
            timestamp_field=source.timestamp_field,
            created_timestamp_column=source.created_timestamp_column,
            sequence_column=source.sequence_column,
            **about,
        )
    if isinstance(source, TableSource):
        return doc.SourceDocument(kind="table", timestamp_field=source.timestamp_field, **about)
    batch = source.batch_source.name if source.batch_source else ""
    if isinstance(source, PushSource):
        return doc.SourceDocument(kind="push", batch_source=batch, **about)
    return doc.SourceDocument(
        kind="kafka",
        batch_source=batch,
        timestamp_field=source.timestamp_field,
        topic=source.topic,
        kafka_bootstrap_servers=source.kafka_bootstrap_servers,
        watermark_delay=exact_duration(source.watermark_delay_s),
        **about,
    )


def _field_document(field: Field) -> doc.FieldDocument:
    return doc.FieldDocument(
        name=field.name,
        type=field.dtype.name,
        description=field.description,
        tags=dict(field.tags or {}),
        unit=field.unit,
        pii=field.pii,
    )


def _function_document(function: Callable[..., Any], code: CodeFolder) -> doc.FunctionDocument:
    return doc.FunctionDocument(at=code.reference(function), sha256=code_sha256(function))


def _view_document(view: FeatureView, code: CodeFolder) -> doc.ViewDocument:
    stream = view if isinstance(view, StreamFeatureView) else None
    return doc.ViewDocument(
        **_about(view),
        entities=tuple(entity.name for entity in view.entities),
        source=view.source.name,
        ttl=_text(view.ttl),
        online=view.online,
        freshness_sla=_text(view.freshness_sla) if view.freshness_sla else None,
        every=_text(view.every) if view.every else None,
        features=tuple(_field_document(field) for field in view.schema),
        transformation=_function_document(view.transformation, code) if view.transformation else None,
        aggregations=tuple(
            doc.AggregationDocument(
                column=aggregation.column,
                function=aggregation.function,
                time_window=_text(aggregation.time_window),
                slide_interval=_text(aggregation.slide),
                name=aggregation.name,
            )
            for aggregation in (stream.aggregations if stream else ())
        ),
        allowed_lateness=_text(stream.allowed_lateness if stream else None, 3600.0),
        event_id=stream.event_id if stream else "",
    )


def _part_document(part: FeatureViewProjection) -> doc.PartDocument:
    return doc.PartDocument(
        view=part.view.name, features=part.features, name=part.name, join_key_map=dict(part.join_key_map or {})
    )


def _on_demand_document(view: OnDemandFeatureView, code: CodeFolder) -> doc.OnDemandDocument:
    return doc.OnDemandDocument(
        **_about(view),
        sources=tuple(
            doc.RequestDocument(
                name=source.name,
                request=tuple(_field_document(field) for field in source.schema),
                description=source.description,
            )
            if isinstance(source, RequestSource)
            else _part_document(
                FeatureViewProjection(source, source.feature_names) if isinstance(source, FeatureView) else source
            )
            for source in view.sources
        ),
        features=tuple(_field_document(field) for field in view.schema),
        function=_function_document(view.function, code),
        mode=view.mode,
    )
