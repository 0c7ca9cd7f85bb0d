"""What a store writes down of its own doings: who read what, what was served, and what came from what."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reference_platform.errors import ConfigError
from reference_platform.features.governance.audit import AuditTrail
from reference_platform.features.governance.lineage import LineageEvent
from reference_platform.features.skew.vector_log import VectorLog


class Ledgers:
    """The files of one store, opened when first written to."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._audit: AuditTrail | None = None
        self._vectors: VectorLog | None = None

    @property
    def audit(self) -> AuditTrail:
        """Who read what, why and when."""
        if self._audit is None:
            folder = self._data / "audit"
            folder.mkdir(parents=True, exist_ok=True)
            self._audit = AuditTrail(folder / "reads.jsonl")
        return self._audit

    @property
    def vectors(self) -> VectorLog:
        """Served vectors of the services that ask for it."""
        if self._vectors is None:
            self._vectors = VectorLog(self._data / "vectors", in_background=True)
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
