"""Copies rows of views from their sources into an online store.

A range takes rows by the time of their events. An incremental run takes rows by the time they became known, the later
of event and creation, from the store's watermark minus the allowed lateness: what arrives behind the last run's end is
still taken by the next. A run goes forward in steps. Each writes its rows, then notes how far it came; whatever dies in
between, repeating the step changes nothing, because a store keeps the newest row of each key.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reference_platform.errors import CommandError
from reference_platform.features.definitions import FeatureView
from reference_platform.features.join.scan import Wanted
from reference_platform.features.materialization.batch import Reduced, merged, reduce_batch, to_block
from reference_platform.features.materialization.progress import Counts, Kept, Kind, Progress, ProgressFolder
from reference_platform.features.materialization.rows import Piece, Transform, ViewRows, rows_of_view
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.features.times import FAR_US, NEVER_US, instant

if TYPE_CHECKING:
    import pyarrow as pa

STEP_ROWS = 1 << 19
"""Source rows that one step reads."""
BATCH_ROWS = 1 << 17
"""Source rows decoded at a time; each batch is cut down to the newest row per key before the next is read."""
LATENESS_US = 3_600_000_000


def declared_transform(view: FeatureView, table: pa.Table) -> pa.Table:
    """The transformation that the view declares."""
    from reference_platform.features.transformations import apply_transformation

    return apply_transformation(view, table)


class MaterializationRun:
    """One run over one view. The store and the progress file always agree on what can be left out."""

    def __init__(
        self, store: OnlineStore, folder: ProgressFolder, rows: ViewRows, progress: Progress, step_rows: int
    ) -> None:
        self.progress = progress
        self._store = store
        self._folder = folder
        self._rows = rows
        self._step_rows = step_rows
        self._batches: Iterator[tuple[int, int, Piece, pa.Table]] | None = None
        self._ahead: tuple[int, int, Piece, pa.Table] | None = None

    def step(self, now_us: int) -> Progress:
        """Write the next rows, or finish. A finished run stays as it is.

        `now_us`: the watermark never moves beyond it, since rows may still arrive before the end of the run.
        """
        if self.progress.done:
            return self.progress
        try:
            progress = self._next(now_us)
        except BaseException:
            # What was read ahead is not written; the next step reads it again.
            self._batches = None
            raise
        self.progress = progress
        return progress

    def _next(self, now_us: int) -> Progress:
        view = self._rows.view
        parts, counts, position = self._read()
        if parts:
            written = self._store.write(view, to_block(view, merged(parts)))
            counts = replace(counts, written=written)
        done = self._ahead is None
        progress = replace(
            self.progress,
            position=self._rows.rows if done else position,
            counts=self.progress.counts + counts,
            done=done,
        )
        if done and progress.kind == "incremental":
            self._store.advance_watermark(view.name, min(progress.end_us, now_us))
        self._note(progress)
        return progress

    def run(self, now_us: int) -> Progress:
        """All remaining steps."""
        while not self.step(now_us).done:
            pass
        return self.progress

    def _read(self) -> tuple[list[Reduced], Counts, int]:
        """The newest of the next `step_rows` rows of one piece, what was counted, and where the next step starts."""
        if self._batches is None:
            known_after_us = self.progress.start_us if self.progress.kind == "incremental" else None
            start_us = self.progress.start_us if self.progress.kind == "range" else None
            end_us = self.progress.end_us
            wanted = Wanted(start_us, end_us, known_after_us, self.progress.position)
            self._batches = self._rows.batches(wanted, min(BATCH_ROWS, self._step_rows))
            self._ahead = next(self._batches, None)
        parts: list[Reduced] = []
        counts, position = Counts(), self.progress.position
        piece = self._ahead[2] if self._ahead else None
        while self._ahead is not None and self._ahead[2] is piece and counts.read < self._step_rows:
            position, number, piece, table = self._ahead
            reduced, counted = reduce_batch(self._rows.view, self.progress, piece, table, number)
            counts += counted
            position += table.num_rows
            if reduced is not None:
                parts.append(reduced)
            self._ahead = next(self._batches, None)
        return parts, counts, position

    def _note(self, progress: Progress) -> None:
        view = progress.view
        kept = self._folder.load(view)
        if progress.done:
            kept = Kept(None, kept.finished_runs + 1, kept.finished + progress.counts)
        else:
            kept = replace(kept, unfinished=progress)
        self._folder.save(view, kept)


@dataclass(frozen=True)
class Materialization:
    """Runs over views into `store`. Paths of sources are relative to `root`; progress is kept in `folder`.

    `push_logs`: folder with one folder of pushed rows per view, read after the view's own source. `lateness_us`: how
    much later than their created column says rows may appear in the source and still be taken.
    """

    store: OnlineStore
    folder: Path
    root: Path
    push_logs: Path | None = None
    lateness_us: int = LATENESS_US
    step_rows: int = STEP_ROWS
    transform: Transform = field(default=declared_transform)

    def materialize(self, view: FeatureView, start_us: int, end_us: int) -> Progress:
        """Write the newest rows whose event lies in start_us .. end_us, both included. The watermark stays."""
        return self.begin(view, start_us, end_us).run(end_us)

    def materialize_incremental(self, view: FeatureView, end_us: int, now_us: int | None = None) -> Progress:
        """Write everything that became known up to `end_us` and is not written yet, finishing a run that was killed.

        `now_us` None stands for `end_us`. The watermark moves to the earlier of both.
        """
        now_us = end_us if now_us is None else now_us
        unfinished = self.unfinished(view)
        if unfinished is not None and unfinished.kind == "incremental" and unfinished.end_us <= end_us:
            resumed = self.resume(view)
            assert resumed is not None
            progress = resumed.run(min(now_us, unfinished.end_us))
            if progress.end_us == end_us:
                return progress
        return self.begin_incremental(view, end_us).run(now_us)

    def begin(self, view: FeatureView, start_us: int, end_us: int) -> MaterializationRun:
        """A run by event time; where the same run was killed, from there on. Raises CommandError for an empty range."""
        _check_instants(view, start_us, end_us)
        if start_us >= end_us:
            raise CommandError(
                f"the range {_shown(start_us)} to {_shown(end_us)} is empty", where=f"materialize {view.name}",
                fix="start before the end",
            )  # fmt: skip
        return self._begin(view, "range", start_us, end_us, self._watermark_us(view))

    def begin_incremental(self, view: FeatureView, end_us: int) -> MaterializationRun:
        """A run by arrival up to `end_us`. Raises CommandError when the store is already further."""
        _check_instants(view, end_us)
        watermark_us = self._watermark_us(view)
        if end_us < watermark_us:
            raise CommandError(
                f"{view.name} is already materialized up to {_shown(watermark_us)}",
                why=f"asked for {_shown(end_us)}", fix="ask for a later end",
            )  # fmt: skip
        start_us = NEVER_US if watermark_us == NEVER_US else watermark_us - self.lateness_us
        return self._begin(view, "incremental", start_us, end_us, watermark_us)

    def unfinished(self, view: FeatureView) -> Progress | None:
        """The run over `view` that was begun and not finished."""
        return ProgressFolder(self.folder).load(view.name).unfinished

    def resume(self, view: FeatureView) -> MaterializationRun | None:
        """The unfinished run, to be continued; from its beginning when the source changed meanwhile."""
        kept = self.unfinished(view)
        if kept is None:
            return None
        if self._watermark_us(view) < kept.watermark_us:
            # The store is not the one that the run began with.
            return self.begin_incremental(view, kept.end_us) if kept.kind == "incremental" else self.begin(
                view, kept.start_us, kept.end_us
            )  # fmt: skip
        return self._begin(view, kept.kind, kept.start_us, kept.end_us, kept.watermark_us)

    def counts(self, view: FeatureView) -> Counts:
        """Rows of all runs over `view`, the unfinished one included."""
        kept = ProgressFolder(self.folder).load(view.name)
        return kept.finished + (kept.unfinished.counts if kept.unfinished else Counts())

    def lag_s(self, view: FeatureView, now_us: int) -> float:
        """Seconds by which the store is behind `now_us`; inf before the first incremental run."""
        watermark_us = self._watermark_us(view)
        return math.inf if watermark_us == NEVER_US else max(0.0, (now_us - watermark_us) / 1e6)

    def empty(self, view: FeatureView) -> None:
        """Take the rows of `view` out of the store, and what is noted about runs over it."""
        self.store.drop(view.name)
        self.forget(view.name)
        self.store.declare([view])

    def forget(self, view: str) -> None:
        """Remove what is noted about runs over `view`, when its rows leave the store."""
        ProgressFolder(self.folder).drop(view)

    def _emptied(self, before: Progress) -> bool:
        """Whether the store lost what the run had written."""
        return before.counts.taken > 0 and not self.store.rows(before.view)

    def _watermark_us(self, view: FeatureView) -> int:
        self.store.declare([view])
        return self.store.watermark_us(view.name)

    def _begin(
        self, view: FeatureView, kind: Kind, start_us: int, end_us: int, watermark_us: int
    ) -> MaterializationRun:
        if not view.online:
            raise CommandError(f"view {view.name} is not served online", fix="declare it with online=True")
        push_log = None if self.push_logs is None else self.push_logs / view.name
        rows = rows_of_view(view, self.root, self.transform, push_log)
        fresh = Progress(view.name, kind, start_us, end_us, watermark_us, rows.fingerprint(), rows.rows)
        folder = ProgressFolder(self.folder)
        kept = folder.load(view.name)
        before = kept.unfinished
        if before is not None and before.same_request(fresh) and not self._emptied(before):
            fresh = before
        else:
            folder.save(view.name, replace(kept, unfinished=fresh))
        return MaterializationRun(self.store, folder, rows, fresh, self.step_rows)


def _check_instants(view: FeatureView, *instants_us: int) -> None:
    for us in instants_us:
        if not -FAR_US <= us <= FAR_US:
            raise CommandError(f"materialize {view.name}: {us} us lies beyond the calendar", fix="check its unit")


def _shown(us: int) -> str:
    try:
        return f"{instant(us):%Y-%m-%dT%H:%M:%S.%fZ}"
    except OverflowError:
        return f"{us} us"
