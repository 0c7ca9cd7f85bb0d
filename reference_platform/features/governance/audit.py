"""The audit trail: who read what, why and when; append-only, and any later change of it shows.

A file holds one JSON object a line. Every record carries the digest of the record before it (`previous`) and its own
(`sha256`); a rotated file begins with the last digest of the file before. With a key the digests are HMAC-SHA256, so
that nobody without the key can write a chain that verifies. Cutting off the end shows against a digest kept elsewhere:
publish `head()` now and then, and give it to `verify`.

Records name roles, purposes, views, services and features; personal fields only by class. They hold no values and no
entity keys: how many rows, and if asked a keyed pseudonym of each entity, so that "who read about me" has an answer.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from reference_platform.errors import ConfigError
from reference_platform.features.governance.audit_file import AuditFile, Body, FileLimits, Value

BUFFER_RECORDS = 512
"""Records held back before they are written together; a crash loses at most these."""
SUBJECTS_MAX = 64
WORD_CHARACTERS_MAX = 200
TEXT_CHARACTERS_MAX = 2000
ABOUT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Read:
    """What one compiled read touches, in public names (see `redaction`). Build it once a plan: its digest is its id."""

    service: str = ""
    features: tuple[str, ...] = ()
    digest: str = field(init=False, compare=False)
    """Names this read in records; equal reads, equal digests."""

    def __post_init__(self) -> None:
        text = "\x1f".join((self.service, *self.features))
        object.__setattr__(self, "digest", hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16])


DENIED = Read()
"""A read that was refused: what was asked for is not written down, since it may name what is hidden."""


class AuditTrail:
    """Appends to `path`. Several threads may share one; several processes may each open the same path.

    `key`: for HMAC digests and pseudonyms; empty means plain SHA-256 and no pseudonyms. Raises ConfigError when the
    file cannot be opened or does not end in a record that verifies.
    """

    def __init__(
        self,
        path: Path,
        *,
        key: bytes = b"",
        buffer_records: int = BUFFER_RECORDS,
        limits: FileLimits | None = None,
        durable: bool = False,
    ) -> None:
        self._key = key
        self._file = AuditFile(path, key, limits or FileLimits(), durable=durable)
        self._buffer: list[Body] = []
        self._buffer_max = max(1, buffer_records)
        self._lock = threading.Lock()
        self.torn_bytes = self._file.torn_bytes
        """Bytes of an unfinished last record that a crash had left; they are cut off, which a record says."""

    def append(
        self,
        *,
        at_us: int,
        role: str,
        purpose: str,
        read: Read,
        rows: int,
        denied: int = 0,
        subjects: Sequence[str] = (),
    ) -> None:
        """Note one read. `denied`: features asked for and not shown. Written when the buffer is full or flushed."""
        body: dict[str, Value] = {
            "kind": "read",
            "at_us": int(at_us),
            "role": role[:WORD_CHARACTERS_MAX],
            "purpose": purpose[:WORD_CHARACTERS_MAX],
            "read": read.digest,
            "rows": int(rows),
            "denied": int(denied),
        }
        if subjects:
            body["subjects"] = list(subjects[:SUBJECTS_MAX])
            if len(subjects) > SUBJECTS_MAX:
                body["subjects_left_out"] = len(subjects) - SUBJECTS_MAX
        with self._lock:
            self._buffer.append(Body(body, read))
            if len(self._buffer) >= self._buffer_max:
                self._write()

    def note(self, *, at_us: int, kind: str, text: str, role: str = "", about: Iterable[str] = ()) -> None:
        """Record an act that is no read, such as an override; written at once. `about` holds public names."""
        body: dict[str, Value] = {
            "kind": kind,
            "at_us": int(at_us),
            "role": role[:WORD_CHARACTERS_MAX],
            "text": text[:TEXT_CHARACTERS_MAX],
            "about": list(about)[:ABOUT_MAX],
        }
        with self._lock:
            self._buffer.append(Body(body, None))
            self._write()

    def pseudonyms(self, keys: Iterable[str | int | bytes]) -> list[str]:
        """The same 16 hex digits for the same entity key, useless without the audit's key.

        Raises ConfigError for a trail without a key, whose pseudonyms anybody could guess.
        """
        if not self._key:
            raise ConfigError("pseudonyms need a key", fix="open the audit trail with key=...")
        return [pseudonym(self._key, key) for key in keys]

    def flush(self) -> None:
        """Write what is buffered. Raises ConfigError when it cannot be written; it then stays buffered."""
        with self._lock:
            self._write()

    def head(self) -> tuple[int, str]:
        """Sequence number and digest of the last record written. Kept elsewhere, it shows a trail cut short."""
        with self._lock:
            return self._file.sequence, self._file.digest

    def close(self) -> None:
        """Flush and let go of the file."""
        with self._lock:
            self._write()
            self._file.close()

    def __enter__(self) -> AuditTrail:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
                 /) -> None:  # fmt: skip
        self.close()

    def _write(self) -> None:
        if self._buffer:
            self._file.write(self._buffer)
            self._buffer.clear()


def pseudonym(key: bytes, entity_key: str | int | bytes) -> str:
    """16 hex digits of HMAC-SHA256 under `key`; text, numbers and bytes never collide."""
    if isinstance(entity_key, bytes):
        raw = b"b" + entity_key
    else:
        raw = f"{'s' if isinstance(entity_key, str) else 'i'}{entity_key}".encode("utf-8", "surrogatepass")
    return hmac.digest(b"subject:" + key, raw, "sha256").hex()[:16]
