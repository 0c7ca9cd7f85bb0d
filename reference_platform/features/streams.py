"""Publishes the windows of a stream view: events in, rows out to history and the online store."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reference_platform.errors import ConfigError
from reference_platform.features.columns import FeatureBlock
from reference_platform.features.push_log import PushLog
from reference_platform.features.stream_views import StreamFeatureView
from reference_platform.features.windows.aggregator import WindowAggregator
from reference_platform.features.windows.events import event_columns

if TYPE_CHECKING:
    import pyarrow as pa


class StreamJob:
    """The windows of one view, kept in `folder` between calls. Several processes may take turns.

    Rows are in the log, and then where `publish` writes them, before the state that produced them is saved: a crash in
    between publishes the same windows again. Events of a push that failed must be sent again.
    """

    def __init__(
        self,
        view: StreamFeatureView,
        folder: Path,
        log: PushLog,
        publish: Callable[[FeatureBlock], int] = lambda _: 0,
    ) -> None:
        """`publish` returns how many rows were news there."""
        self._view = view
        self._path = folder / f"{view.name}.npz"
        self._log = log
        self._publish = publish

    def push(self, events: pa.Table, now_us: int) -> int:
        """Take in events that arrive now and publish what they close or correct; rows of news. Raises CommandError."""
        return self._turn(event_columns(events), now_us)

    def advance(self, now_us: int) -> int:
        """Publish the windows that closed by the passing of time; rows of news."""
        return self._turn(None, now_us)

    def forget(self) -> None:
        """Begin anew: the windows are no longer those of the view as it is declared."""
        self._path.unlink(missing_ok=True)

    def _turn(self, events: object, now_us: int) -> int:
        with self._locked():
            aggregator = self._restored()
            if events is not None:
                aggregator.ingest(events, now_us)  # type: ignore[arg-type]
            news = self._publish(self._log.append(aggregator.advance(now_us)))
            self._save(aggregator)
        return news

    def _restored(self) -> WindowAggregator:
        aggregator = WindowAggregator(self._view, event_id=self._view.event_id)
        if self._path.exists():
            try:
                with np.load(self._path, allow_pickle=False) as held:
                    aggregator.restore(dict(held))
            except (OSError, ValueError, KeyError) as error:
                raise ConfigError(
                    f"the windows of {self._view.name} in {self._path} cannot be used",
                    why=str(error).splitlines()[0][:200],
                    fix="delete the file to begin anew: windows fill again as events arrive",
                ) from error
        return aggregator

    def _save(self, aggregator: WindowAggregator) -> None:
        fresh = self._path.with_suffix(".tmp")
        try:
            with fresh.open("wb") as stream:
                np.savez(stream, allow_pickle=False, **aggregator.state())
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(self._path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise ConfigError(f"{self._path} cannot be written", why=str(error), fix="make room, push again") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
