"""What a run event of OpenLineage 2-0-2 has to look like: JSON Schema in our own words, stricter than the original.

Written from the published specification; names, required members and formats are its own. Where it allows further
members, this does not, so that nothing slips into an event unseen.
Source: https://openlineage.io/spec/2-0-2/OpenLineage.json
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import jsonschema

FACET_SCHEMAS = {
    "schema": "facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
    "ownership": "facets/1-0-1/OwnershipDatasetFacet.json#/$defs/OwnershipDatasetFacet",
    "tags": "facets/1-0-0/TagsDatasetFacet.json#/$defs/TagsDatasetFacet",
    "columnLineage": "facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet",
    "documentation": "facets/1-1-0/DocumentationDatasetFacet.json#/$defs/DocumentationDatasetFacet",
    "outputStatistics": (
        "facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet"
    ),
    "jobType": "facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
    "nominalTime": "facets/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet",
}
TEXT = {"type": "string"}
WORD = {"type": "string", "minLength": 1}
INSTANT = {"type": "string", "format": "date-time"}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _facet(name: str, required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    base = {
        "_producer": {"type": "string", "format": "uri"},
        "_schemaURL": {"const": f"https://openlineage.io/spec/{FACET_SCHEMAS[name]}"},
    }
    return _object(base | required, **optional)


def _facets(**known: dict[str, Any]) -> dict[str, Any]:
    return _object({}, **known)


TRANSFORMATION = _object(
    {"type": {"enum": ["DIRECT", "INDIRECT"]}, "subtype": TEXT, "masking": {"type": "boolean"}}, description=TEXT
)
INPUT_FIELD = _object({"namespace": WORD, "name": WORD, "field": WORD}, transformations=_list(TRANSFORMATION))
DATASET_FACETS = {
    "schema": _facet("schema", {"fields": _list(_object({"name": WORD}, type=TEXT, description=TEXT))}),
    "ownership": _facet("ownership", {"owners": _list(_object({"name": WORD}, type=WORD))}),
    "tags": _facet("tags", {"tags": _list(_object({"key": WORD, "value": TEXT}, source=WORD, field=WORD))}),
    "documentation": _facet("documentation", {"description": WORD}),
}
COLUMN_LINEAGE = _facet(
    "columnLineage",
    {"fields": {"type": "object", "additionalProperties": _object({"inputFields": _list(INPUT_FIELD)})}},
)
STATISTICS = _facet("outputStatistics", {}, rowCount={"type": "integer", "minimum": 0})
JOB_TYPE = _facet("jobType", {"processingType": {"enum": ["BATCH", "STREAMING"]}, "integration": WORD}, jobType=WORD)
NOMINAL_TIME = _facet("nominalTime", {"nominalStartTime": INSTANT}, nominalEndTime=INSTANT)
NAMED = {"namespace": WORD, "name": WORD}
RUN_EVENT = _object(
    {
        "eventTime": INSTANT,
        "producer": {"type": "string", "format": "uri"},
        "schemaURL": {"const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"},
        "run": _object({"runId": {"type": "string", "format": "uuid"}}, facets=_facets(nominalTime=NOMINAL_TIME)),
        "job": _object(NAMED, facets=_facets(jobType=JOB_TYPE)),
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
    },
    inputs=_list(_object(NAMED, facets=_facets(**DATASET_FACETS), inputFacets=_facets())),
    outputs=_list(
        _object(
            NAMED,
            facets=_facets(**DATASET_FACETS, columnLineage=COLUMN_LINEAGE),
            outputFacets=_facets(outputStatistics=STATISTICS),
        )
    ),
)
_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_instant(text: object) -> bool:
    return bool(re.search(r"T.*(?:Z|[+-]\d\d:\d\d)$", str(text))) and bool(datetime.fromisoformat(str(text)))


@_FORMATS.checks("uri")
def _is_uri(text: object) -> bool:
    return bool(urlsplit(str(text)).scheme)


@_FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(text: object) -> bool:
    return str(UUID(str(text))) == text


def check_event(document: object) -> None:
    """Raise jsonschema.ValidationError unless `document` is a run event; columns that lineage names must exist."""
    jsonschema.Draft202012Validator(RUN_EVENT, format_checker=_FORMATS).validate(document)
    assert isinstance(document, dict)
    for dataset in document["outputs"]:
        columns = {field["name"] for field in dataset["facets"].get("schema", {}).get("fields", ())}
        made = set(dataset["facets"].get("columnLineage", {}).get("fields", ()))
        assert made <= columns, (dataset["name"], made - columns)
