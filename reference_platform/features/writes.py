"""Rows that callers hand over, on their way into history and the online store."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from reference_platform.features.blocks import rows_of
from reference_platform.features.columns import FeatureBlock, arrow_table
from reference_platform.features.definition_set import DefinitionSet, UnknownFeatureError
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.features.push_log import PushLog
from reference_platform.features.sources import KafkaSource, PushSource
from reference_platform.features.stream_views import StreamFeatureView
from reference_platform.features.streams import StreamJob
from reference_platform.features.transformations import apply_transformation


class PushMode(Enum):
    """Where pushed rows go. Windows of a stream always go to both: without history they could not be audited."""

    ONLINE = "online"
    OFFLINE = "offline"
    ONLINE_AND_OFFLINE = "online_and_offline"


class Writer:
    """Writes for one store. `data` is its folder; `online` is asked for when rows go there."""

    def __init__(self, data: Path, online: Callable[[], OnlineStore]) -> None:
        self._data = data
        self._online = online

    def log(self, view: FeatureView) -> PushLog:
        """What was pushed to `view`."""
        return PushLog(self._data / "offline", view)

    def write(self, view: FeatureView, df: Any, now_us: int, *, transform: bool) -> int:
        """Write rows online and nowhere else; how many were news. Raises CommandError."""
        return self._online().write(view, _rows(view, df, now_us, transform))

    def push(
        self, definitions: DefinitionSet, source: str, df: Any, now_us: int, *, to: PushMode, transform: bool
    ) -> int:
        """Hand rows, or events of streams, to every view of `source`; how many rows were news online.

        All views are checked first. History is kept before the online store is written, so that what is served can
        always be found again. Raises UnknownFeatureError for a source nobody reads, CommandError for what does not fit.
        """
        # Streams first: events that do not fit are only found while they are taken in, and nothing may be written then.
        views = sorted(_readers(definitions, source), key=_is_stream, reverse=True)
        table = arrow_table(df)
        rows = {view.name: _rows(view, table, now_us, transform) for view in views if not _is_stream(view)}
        news = 0
        for view in views:
            if isinstance(view, StreamFeatureView):
                news += self._stream(view).push(table, now_us)
                continue
            kept = rows[view.name] if to is PushMode.ONLINE else self.log(view).append(rows[view.name])
            if to is not PushMode.OFFLINE:
                news += self._served(view, kept)
        return news

    def advance(self, view: StreamFeatureView, now_us: int) -> int:
        """Publish the windows of a stream that closed by the passing of time; how many rows were news online."""
        return self._stream(view).advance(now_us)

    def forget(self, view: FeatureView) -> None:
        """Forget how far the windows of a stream were; what was published stays history."""
        if isinstance(view, StreamFeatureView):
            self._stream(view).forget()

    def _stream(self, view: StreamFeatureView) -> StreamJob:
        return StreamJob(view, self._data / "streams", self.log(view), partial(self._served, view))

    def _served(self, view: FeatureView, rows: FeatureBlock) -> int:
        return self._online().write(view, rows) if view.online else 0


def _is_stream(view: FeatureView) -> bool:
    return isinstance(view, StreamFeatureView)


def _rows(view: FeatureView, df: Any, now_us: int, transform: bool) -> FeatureBlock:
    table = arrow_table(df)
    return rows_of(view, apply_transformation(view, table) if transform else table, arrived_us=now_us)


def _readers(definitions: DefinitionSet, source: str) -> list[FeatureView]:
    pushed = {
        name for name, known in definitions.sources.items() if isinstance(known, PushSource | KafkaSource)
    }  # fmt: skip
    views = [view for view in definitions.views.values() if view.source.name == source]
    if source not in pushed or not views:
        read = {view.source.name for view in definitions.views.values()}
        raise UnknownFeatureError("push source", source, pushed & read)
    return views
