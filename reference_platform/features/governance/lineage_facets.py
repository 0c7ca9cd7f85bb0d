"""The parts of OpenLineage events: datasets and their facets, as the 2-0-2 specification names them.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json and the facet schemas named in `FACETS`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Literal

from reference_platform.features.definitions import FeatureView
from reference_platform.features.definitions import Field as Feature
from reference_platform.features.governance.redaction import AnyView, Redaction
from reference_platform.features.sources import FileSource, KafkaSource, Source
from reference_platform.features.times import instant

RUN_EVENT_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACET_SCHEMA = "https://openlineage.io/spec/facets/{0}/{1}.json#/$defs/{1}"
FACETS = {
    "schema": ("1-2-0", "SchemaDatasetFacet"),
    "ownership": ("1-0-1", "OwnershipDatasetFacet"),
    "tags": ("1-0-0", "TagsDatasetFacet"),
    "columnLineage": ("1-2-0", "ColumnLineageDatasetFacet"),
    "documentation": ("1-1-0", "DocumentationDatasetFacet"),
    "outputStatistics": ("1-0-2", "OutputStatisticsOutputDatasetFacet"),
    "jobType": ("2-0-4", "JobTypeJobFacet"),
    "nominalTime": ("1-0-1", "NominalTimeRunFacet"),
}
"""Version and name of the schema of every facet that is emitted."""
RUN_NAMESPACE = hashlib.sha1(b"https://openlineage.io/run").digest()[:16]
"""Under which run ids are derived; any fixed 16 bytes will do."""
TAG_SOURCE = "PAGERDRILL"

Json = Mapping[str, object]
SubType = Literal["IDENTITY", "TRANSFORMATION", "AGGREGATION"]


def uuid5_text(namespace: bytes, name: bytes) -> str:
    """The UUID of `name` under `namespace`: the same arguments give the same one, on every machine.

    Source: RFC 9562 section 5.5.
    """
    raw = bytearray(hashlib.sha1(namespace + name).digest()[:16])
    raw[6] = (raw[6] & 0x0F) | 0x50
    raw[8] = (raw[8] & 0x3F) | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def instant_text(us: int) -> str:
    """RFC 3339 with microseconds, UTC."""
    return instant(us).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class ColumnInput:
    """One column that another is made from."""

    namespace: str
    name: str
    column: str
    how: SubType


@dataclass(frozen=True, slots=True)
class Dataset:
    """Something that is read or written, in public names. `columns`: name, type and description of each."""

    namespace: str
    name: str
    columns: tuple[tuple[str, str, str], ...] = ()
    owner: str = ""
    description: str = ""
    tags: tuple[tuple[str, str, str], ...] = ()
    """Key, value, and the column it is about; empty for the whole dataset."""
    made_from: Mapping[str, tuple[ColumnInput, ...]] = field(default_factory=dict)
    rows: int | None = None

    def document(self, producer: str, *, output: bool) -> Json:
        """The dataset as it stands in an event; statistics and column lineage belong to outputs."""
        facets: dict[str, Json] = {}

        def add(name: str, **content: object) -> None:
            facets[name] = facet(producer, name, **content)

        if self.columns:
            add("schema", fields=[_column(*column) for column in self.columns])
        if self.owner:
            add("ownership", owners=[{"name": self.owner, "type": "OWNER"}])
        if self.description:
            add("documentation", description=self.description)
        if self.tags:
            add("tags", tags=[_tag(*tag) for tag in self.tags])
        if output and self.made_from:
            add("columnLineage", fields={name: _inputs(inputs) for name, inputs in self.made_from.items()})
        document: dict[str, object] = {"namespace": self.namespace, "name": self.name, "facets": facets}
        if output and self.rows is not None:
            document["outputFacets"] = {"outputStatistics": facet(producer, "outputStatistics", rowCount=self.rows)}
        return document


def facet(producer: str, name: str, **content: object) -> Json:
    """The facet called `name`, with the two members that every facet has."""
    version, schema = FACETS[name]
    return {"_producer": producer, "_schemaURL": _FACET_SCHEMA.format(version, schema), **content}


def _column(name: str, kind: str, description: str) -> Json:
    return {"name": name, "type": kind} | ({"description": description} if description else {})


def _tag(key: str, value: str, column: str) -> Json:
    return {"key": key, "value": value, "source": TAG_SOURCE} | ({"field": column} if column else {})


def _inputs(inputs: Sequence[ColumnInput]) -> Json:
    return {
        "inputFields": [
            {
                "namespace": item.namespace,
                "name": item.name,
                "field": item.column,
                "transformations": [{"type": "DIRECT", "subtype": item.how, "masking": False}],
            }
            for item in inputs
        ]
    }


def source_place(project: str, source: Source) -> tuple[str, str]:
    """Namespace and name of a source, as OpenLineage names files and topics; others live in the project."""
    if isinstance(source, FileSource):
        scheme, separator, rest = source.path.partition("://")
        if separator:
            bucket, _, key = rest.partition("/")
            return f"{scheme}://{bucket}", key or "/"
        return "file", str(PurePosixPath(source.path))
    if isinstance(source, KafkaSource) and source.topic:
        return f"kafka://{source.kafka_bootstrap_servers.partition(',')[0] or 'unknown'}", source.topic
    return project, f"source.{source.name}"


def feature_columns(view: AnyView, redaction: Redaction) -> tuple[tuple[str, str, str], ...]:
    """The features of a view; hidden ones as their class, without description."""
    return tuple(
        (redaction.feature(view.name, feature.name), str(feature.dtype), _words(view, feature, redaction))
        for feature in view.schema
    )


def _words(view: AnyView, feature: Feature, redaction: Redaction) -> str:
    return "" if redaction.is_hidden(view.name, feature.name) else redaction.text(feature.description)


def view_tags(view: AnyView, redaction: Redaction) -> tuple[tuple[str, str, str], ...]:
    """Tags of a view and of its features, the class of personal data among them."""
    tags = [(redaction.text(key), redaction.text(value), "") for key, value in sorted((view.tags or {}).items())]
    if isinstance(view, FeatureView) and view.freshness_sla is not None:
        tags.append(("freshness_sla_s", f"{view.freshness_sla / timedelta(seconds=1):g}", ""))
    for feature in view.schema:
        public = redaction.feature(view.name, feature.name)
        if feature.pii:
            tags.append(("pii", feature.pii, public))
        if feature.unit:
            tags.append(("unit", feature.unit, public))
        if not redaction.is_hidden(view.name, feature.name):
            tags += [
                (redaction.text(key), redaction.text(value), public)
                for key, value in sorted((feature.tags or {}).items())
            ]
    return tuple(tags)
