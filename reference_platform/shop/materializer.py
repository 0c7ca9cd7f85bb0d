"""The materialiser: copies what changed in the offline store to the online store, one job per view.

A run takes the job's lock, copies a bounded number of rows, and gives the lock back when it has caught up. When a run
dies while it holds the lock, the row stays in the table: every later run reports RUNNING, sends heartbeats, and waits.
Nothing fails and nothing advances. A restart makes another run that waits for the same row; `unlock` removes it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from reference_platform.durations import format_duration
from reference_platform.errors import CommandError, nearest
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.times import NEVER_US
from reference_platform.shop.locks import JobLocks, LockRow
from reference_platform.shop.offline import Mark, OfflineStore, after
from reference_platform.shop.rows import FeatureRows, to_instant, to_seconds

JobState = Literal["RUNNING", "IDLE", "STOPPED"]
RATE_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class MaterializerConfig:
    """Pace of every job."""

    batch_rows_max: int = 400
    """Rows an incremental run copies per tick."""
    backfill_rows_max: int = 1000
    """Rows a backfill copies per tick."""
    batch_pause_s: float = 10.0
    lag_s: float = 5.0
    """A run starts this long after the feature pipeline's step."""
    heartbeat_s: float = 30.0
    lock_retry_s: float = 60.0
    lock_log_every_s: float = 600.0


@dataclass(frozen=True, slots=True)
class JobLine:
    """One log line of a job."""

    t_s: float
    job: str
    level: Literal["INFO", "WARN", "ERROR"]
    text: str


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What the scheduler shows of a job."""

    job: str
    run: str
    state: JobState
    detail: str
    since_s: float
    """When the current run began."""
    heartbeat_s: float
    watermark_s: float
    rows_per_s: float
    """Rows written to the online store, by the run and by a backfill, mean of the last minute."""
    backfill_rows_per_s: float
    """The part of them that a backfill wrote; the run may wait for its lock meanwhile."""
    backfill_since_s: float | None
    """When the backfill that is going on began; None when there is none."""
    lock: LockRow | None


@dataclass(slots=True)
class _Backfill:
    mark: Mark
    covers_gap: bool
    rows: int
    began_s: float


class MaterializerJob:
    """The job of one view. Deterministic: told the time, it returns what it logs."""

    def __init__(
        self,
        view: FeatureView,
        offline: OfflineStore,
        online: EmbeddedOnlineStore,
        locks: JobLocks,
        config: MaterializerConfig,
        *,
        now_s: float,
    ) -> None:
        self.view = view
        self.job = view.name
        self._offline = offline
        self._online = online
        self._locks = locks
        self._config = config
        self._mark = after(online.watermark_us(view.name))
        self._runs = 0
        self._busy = False
        self._backfill: _Backfill | None = None
        self._written: deque[tuple[float, int]] = deque(maxlen=16)
        self._backfilled: deque[tuple[float, int]] = deque(maxlen=16)
        self._start(now_s)

    def next_wake_s(self) -> float:
        """When `tick` next has something to do; inf while stopped."""
        return min(self._due_s, self._backfill_due_s)

    def tick(self, now_s: float) -> list[JobLine]:
        """Do the work that is due at `now_s`. A second call at the same instant does nothing."""
        lines: list[JobLine] = []
        if now_s >= self._backfill_due_s:
            lines += self._tick_backfill(now_s)
        if now_s >= self._due_s:
            lines += self._tick_incremental(now_s)
        return lines

    def stall(self, now_s: float) -> list[JobLine]:
        """The run dies holding the lock, and the scheduler starts the next one."""
        self._locks.take(self.job, self._run, now_s)
        self._start(now_s)
        return [self._line(now_s, "INFO", f"{self._run} started")]

    def restart(self, now_s: float) -> list[JobLine]:
        """End the run in good order and start another. Locks of other runs stay."""
        lines = self.stop(now_s) if self._due_s < math.inf else []
        self._start(now_s)
        return [*lines, self._line(now_s, "INFO", f"{self._run} started")]

    def stop(self, now_s: float) -> list[JobLine]:
        """End the run and any backfill in good order; nothing runs until `restart`."""
        self._locks.release(self.job, self._run)
        self._busy = False
        self._backfill = None
        self._due_s = self._backfill_due_s = math.inf
        self._ended_s = now_s
        return [self._line(now_s, "INFO", f"{self._run} stopped")]

    def unlock(self, now_s: float) -> LockRow | None:
        """Remove the lock row whoever owns it, and return it. The run goes on within one pause."""
        removed = self._locks.remove(self.job)
        if self._due_s < math.inf:
            self._due_s = min(self._due_s, now_s + self._config.batch_pause_s)
        return removed

    def backfill(self, since_s: float, now_s: float) -> list[JobLine]:
        """Copy again every entity that changed after `since_s`, in larger bounded chunks.

        It needs no lock: the online store keeps the newer of two rows, so a backfill cannot disturb the job. The
        watermark moves when the backfill is done, and only if it covered everything the job has not copied.
        Raises CommandError when the job is stopped or the range is empty.
        """
        if self._due_s == math.inf:
            raise CommandError(f'job "{self.job}" is stopped', fix="restart it first")
        if since_s >= now_s:
            raise CommandError("nothing to backfill", why="the range begins in the future", fix="give an earlier start")
        since_us = to_instant(since_s)
        self._backfill = _Backfill(after(since_us), since_us <= self._online.watermark_us(self.job), 0, now_s)
        self._backfill_due_s = now_s + self._config.batch_pause_s
        return [self._line(now_s, "INFO", f"backfill of the last {format_duration(now_s - since_s)} started")]

    def status(self, now_s: float) -> JobStatus:
        """What the scheduler shows at `now_s`."""
        stopped = self._due_s == math.inf
        beat_s = self._ended_s if stopped else self._since_s + self._beats(now_s) * self._config.heartbeat_s
        lock = self._locks.row(self.job)
        waits = lock is not None and lock.owner != self._run
        state: JobState = "STOPPED" if stopped else "RUNNING" if waits or self._busy or self._backfill else "IDLE"
        details = {"STOPPED": "", "RUNNING": "copying", "IDLE": f"next run in {max(0.0, self._due_s - now_s):.0f} s"}
        recent, backfilled = (
            sum(rows for at_s, rows in written if at_s > now_s - RATE_WINDOW_S)
            for written in (self._written, self._backfilled)
        )
        return JobStatus(
            job=self.job,
            run=self._run,
            state=state,
            detail="backfilling" if self._backfill else "waiting for lock" if waits else details[state],
            since_s=self._since_s,
            heartbeat_s=beat_s,
            watermark_s=to_seconds(self._online.watermark_us(self.job)),
            rows_per_s=(recent + backfilled) / RATE_WINDOW_S,
            backfill_rows_per_s=backfilled / RATE_WINDOW_S,
            backfill_since_s=self._backfill.began_s if self._backfill else None,
            lock=lock,
        )

    def age_s(self, now_s: float) -> float:
        """Age in seconds of the newest data the job vouches for online; inf before its first run."""
        return now_s - to_seconds(self._online.watermark_us(self.job))

    def _start(self, now_s: float) -> None:
        self._runs += 1
        self._run = f"run-{self._runs}"
        self._since_s = now_s
        self._ended_s = now_s
        self._busy = False
        self._logged_wait_s = -math.inf
        self._due_s = now_s + self._config.lag_s
        if self._backfill is None:
            self._backfill_due_s = math.inf

    def _tick_incremental(self, now_s: float) -> list[JobLine]:
        config = self._config
        if not self._locks.take(self.job, self._run, now_s):
            self._due_s = now_s + config.lock_retry_s
            if now_s < self._logged_wait_s + config.lock_log_every_s:
                return []
            self._logged_wait_s = now_s
            return [self._line(now_s, "INFO", f"{self._run} heartbeat {self._beats(now_s)}, waiting for lock")]
        until_us = self._offline.complete_until(self.job)
        rows = self._offline.changed_since(self.job, self._mark, until_us, limit=config.batch_rows_max)
        self._write(rows)
        self._written.append((now_s, len(rows)))
        self._busy = len(rows) == config.batch_rows_max
        if self._busy:
            self._mark = Mark(int(rows.event_us[-1]), int(rows.entity[-1]))
            earlier_us = rows.event_us[rows.event_us < self._mark.event_us]
            self._online.advance_watermark(self.job, int(earlier_us.max(initial=NEVER_US)))
            self._due_s = now_s + config.batch_pause_s
            return [self._line(now_s, "INFO", f"{self._run} copied {len(rows)} rows, more to come")]
        self._mark = max(self._mark, after(until_us))
        self._online.advance_watermark(self.job, until_us)
        self._locks.release(self.job, self._run)
        step = math.floor((now_s - config.lag_s) / self.view.every_s) + 1
        self._due_s = step * self.view.every_s + config.lag_s
        text = f"{self._run} heartbeat {self._beats(now_s)}, copied {len(rows)} rows, lock released"
        return [self._line(now_s, "INFO", text)]

    def _tick_backfill(self, now_s: float) -> list[JobLine]:
        backfill = self._backfill
        assert backfill is not None
        until_us = self._offline.complete_until(self.job)
        limit = self._config.backfill_rows_max
        rows = self._offline.changed_since(self.job, backfill.mark, until_us, limit=limit)
        self._write(rows)
        self._backfilled.append((now_s, len(rows)))
        backfill.rows += len(rows)
        if len(rows) == limit:
            backfill.mark = Mark(int(rows.event_us[-1]), int(rows.entity[-1]))
            self._backfill_due_s = now_s + self._config.batch_pause_s
            return [self._line(now_s, "INFO", f"backfill copied {backfill.rows} rows so far")]
        self._backfill = None
        self._backfill_due_s = math.inf
        if backfill.covers_gap:
            self._mark = max(self._mark, after(until_us))
            self._online.advance_watermark(self.job, until_us)
        return [self._line(now_s, "INFO", f"backfill done, {backfill.rows} rows")]

    def _write(self, rows: FeatureRows) -> None:
        self._online.write_matrix(self.view, rows.entity, rows.event_us, rows.created_us, rows.values)

    def _beats(self, now_s: float) -> int:
        return int((now_s - self._since_s) // self._config.heartbeat_s)

    def _line(self, now_s: float, level: Literal["INFO", "WARN", "ERROR"], text: str) -> JobLine:
        return JobLine(now_s, self.job, level, text)


class Materializer:
    """The component: every view's job over one lock table."""

    name = "materializer"

    def __init__(
        self,
        views: Iterable[FeatureView],
        offline: OfflineStore,
        online: EmbeddedOnlineStore,
        *,
        now_s: float,
        config: MaterializerConfig | None = None,
    ) -> None:
        self.locks = JobLocks()
        config = config or MaterializerConfig()
        self._jobs = {
            view.name: MaterializerJob(view, offline, online, self.locks, config, now_s=now_s) for view in views
        }

    def jobs(self) -> tuple[MaterializerJob, ...]:
        """Every job, in declaration order."""
        return tuple(self._jobs.values())

    def job(self, view: str) -> MaterializerJob:
        """The job of `view`. Raises CommandError when there is none."""
        if view not in self._jobs:
            raise CommandError(f'job "{view}" not found', fix=nearest(view, self._jobs))
        return self._jobs[view]

    def next_wake_s(self) -> float:
        """When any job next has something to do; inf when all are stopped."""
        return min((job.next_wake_s() for job in self._jobs.values()), default=math.inf)

    def tick(self, now_s: float) -> list[JobLine]:
        """Tick every job."""
        return [line for job in self._jobs.values() for line in job.tick(now_s)]

    def restart(self, now_s: float) -> list[JobLine]:
        """The pod starts again: every job gets a new run; the lock table stays as it is."""
        return [line for job in self._jobs.values() for line in job.restart(now_s)]

    def stop(self, now_s: float) -> list[JobLine]:
        """The pod ends in good order."""
        return [line for job in self._jobs.values() for line in job.stop(now_s)]
