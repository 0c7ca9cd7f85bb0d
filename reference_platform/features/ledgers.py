"""What a store writes down of its own doings: who read what, what was served, and what came from what."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from reference_platform.errors import ConfigError
from reference_platform.features.governance.audit import AuditTrail
from reference_platform.features.governance.lineage import LineageEvent
from reference_platform.features.skew.vector_log import VectorLog


class Ledgers:
    """The files of one store, opened when first written to. A script that ends without `close` loses nothing."""

    def __init__(self, data: Path, audit_key: Path | None = None) -> None:
        """`audit_key`: a file whose bytes sign the audit, so that nobody without it can write a chain that holds."""
        self._data = data
        self._audit_key = audit_key
        self._audit: AuditTrail | None = None
        self._vectors: VectorLog | None = None

    @property
    def audit(self) -> AuditTrail:
        """Who read what, why and when."""
        if self._audit is None:
            self._audit = AuditTrail(self._data / "audit" / "reads.jsonl", key=self.audit_key())
            weakref.finalize(self, _close, self._audit)
        return self._audit

    def audit_key(self) -> bytes:
        """What signs the audit; empty without a key. Raises ConfigError when it should be there and is not."""
        if self._audit_key is None:
            return b""
        try:
            key = self._audit_key.read_bytes().strip()
        except OSError as error:
            raise ConfigError(
                f"the audit key {self._audit_key} cannot be read",
                why=error.strerror or str(error),
                fix="bring the file back, or correct audit_key in feature_store.yaml",
            ) from error
        if not key:
            raise ConfigError(f"the audit key {self._audit_key} is empty", fix="put at least 32 random bytes into it")
        return key

    @property
    def vectors(self) -> VectorLog:
        """Served vectors of the services that ask for it."""
        if self._vectors is None:
            self._vectors = VectorLog(self._data / "vectors", in_background=True)
            weakref.finalize(self, _close, self._vectors)
        return self._vectors

    def lineage(self, events: Iterable[LineageEvent]) -> None:
        """Append OpenLineage events, one a line. Raises ConfigError when they cannot be written."""
        path = self._data / "lineage.jsonl"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as stream:
                stream.write(b"".join(event.line() for event in events))
        except OSError as error:
            raise ConfigError(f"{path} cannot be written", why=str(error), fix="make room or grant access") from error

    def flush(self) -> None:
        """Write what is held back."""
        if self._audit is not None:
            self._audit.flush()
        if self._vectors is not None:
            self._vectors.flush()

    def close(self) -> None:
        """Write what is held back and let go of the files."""
        if self._audit is not None:
            self._audit.close()
            self._audit = None
        if self._vectors is not None:
            self._vectors.close()
            self._vectors = None


def _close(ledger: AuditTrail | VectorLog) -> None:
    """Close what was forgotten. Whatever fails now, a folder gone or an interpreter ending, nobody is left to tell."""
    with suppress(Exception):
        ledger.close()
