"""The files of an audit trail: whole lines, chained digests, bounded size, several processes in turn."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson

from reference_platform.errors import ConfigError

FORMAT = 1
START = "0" * 64
"""What the very first record names as the digest before it."""
_SEAL_BYTES = len(f',"sha256":"{START}"}}')
_HEAD = re.compile(rb'\{"seq":(\d{1,18}),"previous":"([0-9a-f]{64})",')
_TAIL_BYTES = 1 << 20
"""More than any record has, so that the last one is always found."""
_DECLARED_MAX = 4096

Value = str | int | list[str]


class ReadNames(Protocol):
    """What a read touches."""

    @property
    def digest(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def features(self) -> tuple[str, ...]: ...


class Body(NamedTuple):
    """One record before it is chained. `read`: what its id stands for, written once a file."""

    values: dict[str, Value]
    read: ReadNames | None


@dataclass(frozen=True, slots=True)
class FileLimits:
    """A file is closed before it exceeds `file_bytes_max`; of the closed ones the newest `files_max` are kept."""

    file_bytes_max: int = 64 << 20
    files_max: int = 100


class Line(NamedTuple):
    """A record as found in a file. `intact`: its digest is that of its bytes."""

    sequence: int
    previous: str
    digest: str
    intact: bool


def digest_of(key: bytes, data: bytes) -> str:
    """HMAC-SHA256 under `key`, plain SHA-256 without one; 64 hex digits."""
    return hmac.digest(key, data, "sha256").hex() if key else hashlib.sha256(data).hexdigest()


def read_line(key: bytes, line: bytes) -> Line | None:
    """The record in `line`, which has no line end; None when it is no record at all."""
    head = _HEAD.match(line)
    seal = line[-_SEAL_BYTES:]
    if head is None or not seal.startswith(b',"sha256":"') or not seal.endswith(b'"}'):
        return None
    digest = seal[11:-2].decode("ascii", "replace")
    return Line(int(head[1]), head[2].decode(), digest, digest_of(key, line[:-_SEAL_BYTES]) == digest)


def closed_files(path: Path) -> dict[int, Path]:
    """The closed files of the trail at `path` by number, oldest first."""
    pattern = re.compile(rf"{re.escape(path.stem)}\.(\d{{6,}}){re.escape(path.suffix)}")
    matches = ((pattern.fullmatch(entry.name), entry) for entry in path.parent.iterdir())
    return dict(sorted((int(match[1]), entry) for match, entry in matches if match))


class AuditFile:
    """The end of a trail, where records are added. Every write takes a lock, since another process may write too."""

    def __init__(self, path: Path, key: bytes, limits: FileLimits, *, durable: bool) -> None:
        self._path = path
        self._key = key
        self._limits = limits
        self._durable = durable
        self.sequence, self.digest = -1, START
        self.torn_bytes = 0
        self._descriptor = -1
        self._size = -1
        self._declared: set[str] = set()
        self._pending: list[dict[str, Value]] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked():
                self._catch_up()
        except OSError as error:
            raise self._unusable(error) from error

    def write(self, bodies: Sequence[Body]) -> None:
        """Chain `bodies` and write them. Raises ConfigError when that fails; then none of them is in the file."""
        try:
            with self._locked():
                self._catch_up()
                before = (self.sequence, self.digest, set(self._declared))
                lines = list(self._lines(bodies))
                if self._size + sum(map(len, lines)) > self._limits.file_bytes_max and self._size:
                    self.sequence, self.digest, self._declared = before
                    self._rotate()
                    before = (self.sequence, self.digest, set())
                    lines = list(self._lines(bodies))
                try:
                    self._append(b"".join(lines))
                except OSError:
                    self.sequence, self.digest, self._declared = before
                    raise
                self._pending.clear()
        except OSError as error:
            raise self._unusable(error) from error

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = self._size = -1

    def _unusable(self, error: OSError) -> ConfigError:
        return ConfigError(
            f"the audit trail {self._path} cannot be written", why=str(error), fix="make room or grant access"
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._path.with_name(f".{self._path.name}.lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield

    def _lines(self, bodies: Sequence[Body]) -> Iterator[bytes]:
        for values in self._pending:
            yield self._chained(values)
        for values, read in bodies:
            if read is not None and read.digest not in self._declared:
                if len(self._declared) >= _DECLARED_MAX:
                    self._declared.clear()
                self._declared.add(read.digest)
                yield self._chained({"kind": "names", "read": read.digest, "service": read.service,
                                     "features": list(read.features)})  # fmt: skip
            yield self._chained(values)

    def _chained(self, values: dict[str, Value]) -> bytes:
        self.sequence += 1
        record = b'{"seq":%d,"previous":"%s",%s' % (self.sequence, self.digest.encode(), _packed(values)[1:-1])
        self.digest = digest_of(self._key, record)
        return b'%s,"sha256":"%s"}\n' % (record, self.digest.encode())

    def _append(self, data: bytes) -> None:
        """All of `data` or, after an error, nothing of it."""
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
            if self._durable:
                os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(data)

    def _catch_up(self) -> None:
        """Stand at the end of the trail as it is now, whoever wrote it; cut off what a crash left unfinished."""
        if self._descriptor >= 0 and self._unchanged():
            return
        self.close()
        self._declared.clear()
        fresh = not self._path.exists()
        if fresh and (closed := closed_files(self._path)):
            self._stand_after(max(closed.items())[1])
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = os.fstat(self._descriptor).st_size
        if self._size:
            self._stand_after(self._path)
            self._size = os.fstat(self._descriptor).st_size
        if not self._size:
            self._begin()

    def _unchanged(self) -> bool:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        mine = os.fstat(self._descriptor)
        return (now.st_dev, now.st_ino, now.st_size) == (mine.st_dev, mine.st_ino, self._size)

    def _stand_after(self, path: Path) -> None:
        """Take sequence and digest from the last whole record of `path`. Raises ConfigError when there is none."""
        with path.open("r+b") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL_BYTES))
            tail = stream.read()
            whole, _, torn = tail.rpartition(b"\n")
            if torn:
                self.torn_bytes += len(torn)
                self._pending.append(
                    {"kind": "torn", "bytes": len(torn), "torn_sha256": hashlib.sha256(torn).hexdigest()}
                )
                stream.truncate(size - len(torn))
            if not whole:
                return
        last = read_line(self._key, whole.rpartition(b"\n")[2])
        if last is None or not last.intact:
            raise ConfigError(
                f"the audit trail {path} does not end in a record that verifies",
                why="it was changed, or belongs to another key",
                fix="keep the file as evidence, find out with verify(), and start a new trail beside it",
            )
        self.sequence, self.digest = last.sequence, last.digest

    def _begin(self) -> None:
        """Write the first record of an empty file: its number, and the oldest file that belongs to the trail."""
        closed = closed_files(self._path)
        kept = list(closed)[-self._limits.files_max :]
        number = max(closed, default=0) + 1
        values: dict[str, Value] = {"kind": "file", "format": FORMAT, "number": number,
                                    "oldest": min(kept, default=number), "keyed": int(bool(self._key))}  # fmt: skip
        self._append(self._chained(values))
        for old in list(closed)[: -self._limits.files_max]:
            closed[old].unlink(missing_ok=True)

    def _rotate(self) -> None:
        closed = closed_files(self._path)
        number = max(closed, default=0) + 1
        self.close()
        self._path.rename(self._path.with_name(f"{self._path.stem}.{number:06d}{self._path.suffix}"))
        self._catch_up()


def _packed(values: dict[str, Value]) -> bytes:
    try:
        return orjson.dumps(values)
    except TypeError:
        # A lone surrogate, or a number wider than 64 bits: from outside, so it must not stop the trail.
        return orjson.dumps({key: _plain(value) for key, value in values.items()})


def _plain(value: Value) -> Value:
    if isinstance(value, list):
        return [str(_plain(item)) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value if -(1 << 63) <= value < 1 << 63 else str(value)
