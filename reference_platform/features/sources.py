"""Where feature rows come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reference_platform.errors import ContentError
from reference_platform.features.naming import checked_name

EVENT_TIMESTAMP = "event_timestamp"
LOG_TIMES = (EVENT_TIMESTAMP, "created_timestamp", "sequence")
"""Columns of a view's push log besides join keys and features."""


@dataclass(frozen=True, kw_only=True)
class FileSource:
    """Parquet: one file, or a folder of files (also partitioned as `key=value/`).

    `created_timestamp_column` says when a row became known; without it a row counts as known at its event time.
    `sequence_column` orders rows that agree on both; without it their position in the source does.
    """

    path: str
    timestamp_field: str = EVENT_TIMESTAMP
    created_timestamp_column: str = ""
    name: str = ""
    sequence_column: str = ""
    description: str = ""
    owner: str = ""

    def __post_init__(self) -> None:
        if not self.path:
            raise ContentError("a FileSource needs a path", fix='FileSource(path="data/rides.parquet", ...)')
        object.__setattr__(self, "path", str(self.path))
        if not self.name:
            object.__setattr__(self, "name", Path(self.path).stem)
        if not self.timestamp_field:
            raise ContentError(f"source {self.name} has no timestamp_field", fix="name the column of the event time")


@dataclass(frozen=True, kw_only=True)
class PushSource:
    """Rows are pushed. History is kept beside `batch_source`, if there is one."""

    name: str
    batch_source: FileSource | None = None
    description: str = ""
    owner: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "push source")


@dataclass(frozen=True, kw_only=True)
class KafkaSource:
    """A topic of raw events. A consumer hands its records to the store; `batch_source` is the same topic's archive.

    `watermark_delay_s`: how late an event may arrive and still correct a window.
    """

    name: str
    timestamp_field: str = EVENT_TIMESTAMP
    batch_source: FileSource | None = None
    kafka_bootstrap_servers: str = ""
    topic: str = ""
    watermark_delay_s: float = 3600.0
    description: str = ""
    owner: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "stream source")


@dataclass(frozen=True, kw_only=True)
class TableSource:
    """A table of events that the caller hands over in memory, such as the shop's clicks."""

    name: str
    timestamp_field: str = EVENT_TIMESTAMP
    description: str = ""
    owner: str = ""


Source = FileSource | PushSource | KafkaSource | TableSource
