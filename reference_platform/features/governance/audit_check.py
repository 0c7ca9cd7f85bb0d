"""Verifies an audit trail: every digest, every link, no file missing, nothing cut off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reference_platform.errors import ConfigError
from reference_platform.features.governance.audit_file import START, Line, closed_files, read_line

LINE_BYTES_MAX = 4 << 20


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What `verify` found. `problem` is empty for an intact trail; else `where` is `file:line` of the first fault.

    `torn_bytes`: an unfinished last record, which a crash leaves and the next writer cuts off and records; no fault.
    `dropped_files`: closed files that the trail itself says were deleted to stay within its limits.
    """

    records: int
    files: int
    dropped_files: int
    sequence: int
    digest: str
    torn_bytes: int = 0
    problem: str = ""
    where: str = ""

    @property
    def intact(self) -> bool:
        """Whether every record is as it was written."""
        return not self.problem

    def to_text(self) -> str:
        """One line for people."""
        if self.problem:
            return f"{self.where}: {self.problem} (after {self.records:,} good records)"
        torn = f"; an unfinished record of {self.torn_bytes:,} bytes at the end" if self.torn_bytes else ""
        dropped = f"; {self.dropped_files:,} older files were deleted" if self.dropped_files else ""
        return f"{self.records:,} records in {self.files} files verify, up to {self.digest[:12]}{torn}{dropped}"


class _Fault(Exception):  # noqa: N818  (leaves this module only as a report)
    def __init__(self, problem: str, where: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where


def verify(path: Path, *, key: bytes = b"", head: tuple[int, str] | None = None) -> AuditReport:
    """Check the whole trail at `path`, oldest file first, in one pass over its lines.

    `key`: the one it was written with. `head`: an earlier `AuditTrail.head()`, kept elsewhere; the trail must still
    contain it. Raises ConfigError when there is no trail.
    """
    closed = closed_files(path)
    files = [*closed.values(), *([path] if path.exists() else [])]
    if not files:
        raise ConfigError(f"there is no audit trail at {path}", fix="check the path")
    walk = _Walk(key, head)
    try:
        for file in files:
            walk.file(file, last=file is files[-1])
        walk.finish(files[-1])
    except _Fault as fault:
        return walk.report(len(files), fault.problem, fault.where)
    return walk.report(len(files))


class _Walk:
    def __init__(self, key: bytes, head: tuple[int, str] | None) -> None:
        self._key = key
        self._head = head
        self._records = 0
        self._sequence, self._digest = -1, START
        self._first_number = 0
        self._oldest = 0
        self._torn_bytes = 0

    def file(self, path: Path, *, last: bool) -> None:
        with path.open("rb") as stream:
            for number, raw in enumerate(iter(lambda: stream.readline(LINE_BYTES_MAX), b""), start=1):
                where = f"{path.name}:{number}"
                if not raw.endswith(b"\n"):
                    if not last:
                        raise _Fault("a closed file ends in the middle of a record", where)
                    self._torn_bytes = len(raw)
                    return
                self._record(raw[:-1], where, first=number == 1)

    def _record(self, raw: bytes, where: str, *, first: bool) -> None:
        line = read_line(self._key, raw)
        if line is None:
            raise _Fault("not a record of an audit trail", where)
        if not line.intact:
            raise _Fault(f"record {line.sequence} was changed, or is sealed with another key", where)
        begins = self._records == 0
        if not begins or line.sequence == 0:
            if line.previous != self._digest:
                raise _Fault(f"record {line.sequence} does not follow the record before it", where)
            if line.sequence != self._sequence + 1:
                raise _Fault(f"record {line.sequence} where {self._sequence + 1} was due", where)
        if first:
            self._opens(raw, line, where, begins=begins)
        if self._head is not None and line.sequence == self._head[0] and line.digest != self._head[1]:
            raise _Fault(f"record {line.sequence} is not the one that was published", where)
        self._sequence, self._digest = line.sequence, line.digest
        self._records += 1

    def _opens(self, raw: bytes, line: Line, where: str, *, begins: bool) -> None:
        values = json.loads(raw)
        if values.get("kind") != "file":
            raise _Fault("a file that does not begin with its number", where)
        if begins:
            self._first_number = values["number"]
            if (line.sequence == 0) != (values["number"] == 1):
                raise _Fault(f"file {values['number']} begins with record {line.sequence}", where)
        self._oldest = max(self._oldest, values["oldest"])

    def finish(self, last: Path) -> None:
        if self._records == 0:
            raise _Fault("no record at all", f"{last.name}:1")
        if self._first_number > self._oldest:
            missing = self._first_number - self._oldest
            raise _Fault(f"{missing:,} of the oldest files are missing, and the trail does not say why", last.name)
        if self._head is not None and self._sequence < self._head[0]:
            raise _Fault(f"cut short: record {self._head[0]} was published, {self._sequence} is the last", last.name)

    def report(self, files: int, problem: str = "", where: str = "") -> AuditReport:
        return AuditReport(
            self._records,
            files,
            max(0, self._first_number - 1),
            self._sequence,
            self._digest,
            self._torn_bytes,
            problem,
            where,
        )


def records(path: Path) -> Iterator[dict[str, object]]:
    """Every whole record of the trail at `path`, oldest first, as JSON; for searching. Verify first."""
    for file in [*closed_files(path).values(), path]:
        if file.exists():
            with file.open("rb") as stream:
                yield from (json.loads(line) for line in stream if line.endswith(b"\n"))
