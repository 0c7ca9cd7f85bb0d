"""The lock table of the jobs: one row per job, kept in the database, so it outlives every pod."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LockRow:
    """A run holds the lock of a job since `taken_s`."""

    job: str
    owner: str
    taken_s: float


class JobLocks:
    """Mutual exclusion between runs of the same job. Only the owner, or an operator, removes a row."""

    def __init__(self) -> None:
        self._rows: dict[str, LockRow] = {}

    def row(self, job: str) -> LockRow | None:
        """Who holds the lock of `job`, or None when it is free."""
        return self._rows.get(job)

    def take(self, job: str, owner: str, now_s: float) -> bool:
        """Take the lock for `owner`; False when another run holds it. Taking it twice changes nothing."""
        held = self._rows.setdefault(job, LockRow(job, owner, now_s))
        return held.owner == owner

    def release(self, job: str, owner: str) -> None:
        """Give the lock back if `owner` holds it."""
        held = self._rows.get(job)
        if held is not None and held.owner == owner:
            del self._rows[job]

    def remove(self, job: str) -> LockRow | None:
        """Delete the row whoever owns it, and return it; None when the lock was free."""
        return self._rows.pop(job, None)
