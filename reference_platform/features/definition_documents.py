"""Declarations as documents: what YAML files of a team say, and what the registry keeps. One form for both."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from reference_platform.durations import Duration
from reference_platform.features.stream_views import Function


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Described(_Document):
    name: str
    description: str = ""
    owner: str = ""
    tags: dict[str, str] = {}


class FieldDocument(_Document):
    """One feature."""

    name: str
    type: str
    description: str = ""
    tags: dict[str, str] = {}
    unit: str = ""
    pii: str = ""


class EntityDocument(_Described):
    """What features describe."""

    join_keys: tuple[str, ...] = ()
    type: str = "Int64"
    key_count: int | None = Field(default=None, gt=0)


class SourceDocument(_Document):
    """Where rows come from. `path` belongs to files, `batch_source` to pushes and topics."""

    name: str
    kind: Literal["file", "push", "kafka", "table"] = "file"
    path: str = ""
    timestamp_field: str = "event_timestamp"
    created_timestamp_column: str = ""
    sequence_column: str = ""
    batch_source: str = ""
    topic: str = ""
    kafka_bootstrap_servers: str = ""
    watermark_delay: Duration = 3600.0
    description: str = ""
    owner: str = ""


class AggregationDocument(_Document):
    """One windowed feature."""

    column: str
    function: Function
    time_window: Duration
    slide_interval: Duration | None = None
    name: str = ""


class FunctionDocument(_Document):
    """Code, by where it stands; `sha256` is written by the registry and tells when it has changed."""

    at: str = Field(description="FILE.py:NAME inside the repository of definitions")
    sha256: str = ""


class ViewDocument(_Described):
    """A batch or, with aggregations, a stream feature view."""

    entities: tuple[str, ...] = ()
    source: str
    ttl: Duration = 0.0
    online: bool = True
    freshness_sla: Duration | None = None
    every: Duration | None = None
    features: tuple[FieldDocument, ...]
    transformation: FunctionDocument | str | None = None
    aggregations: tuple[AggregationDocument, ...] = ()
    allowed_lateness: Duration = 3600.0
    event_id: str = ""


class PartDocument(_Document):
    """Features of a view, perhaps renamed and looked up by other columns. Without `features`: all."""

    view: str
    features: tuple[str, ...] | None = None
    name: str = ""
    join_key_map: dict[str, str] = {}


class RequestDocument(_Document):
    """What a request must bring."""

    name: str
    request: tuple[FieldDocument, ...]
    description: str = ""


class OnDemandDocument(_Described):
    """Features computed when asked for."""

    sources: tuple[PartDocument | RequestDocument | str, ...]
    features: tuple[FieldDocument, ...]
    function: FunctionDocument | str
    mode: Literal["numpy", "python", "pandas"] = "numpy"


class ServiceDocument(_Described):
    """What one model reads. A feature is a view's name, `view:feature`, or the long form."""

    features: tuple[PartDocument | str, ...]
    logging: bool = False


class DefinitionsDocument(_Document):
    """One file of declarations."""

    entities: tuple[EntityDocument, ...] = ()
    sources: tuple[SourceDocument, ...] = ()
    feature_views: tuple[ViewDocument, ...] = ()
    on_demand_feature_views: tuple[OnDemandDocument, ...] = ()
    feature_services: tuple[ServiceDocument, ...] = ()
