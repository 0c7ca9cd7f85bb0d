"""The replay audit of a store's own vectors."""

from __future__ import annotations

from reference_platform.features.skew.audit import audit
from reference_platform.features.skew.audit_report import AuditReport
from reference_platform.features.skew.vector_log import VectorLog
from reference_platform.features.store import FeatureStore


def run_audit(store: FeatureStore, *, since_us: int | None = None, until_us: int | None = None) -> AuditReport:
    """Audit what the services of `store` with `logging=True` have served, against its own history.

    Reads of this process are flushed first; other processes' reads count once they flushed theirs.
    """
    store.ledgers.flush()
    log = VectorLog(store.data / "vectors")
    return audit(log, store.history, store.definitions, since_us=since_us, until_us=until_us)
