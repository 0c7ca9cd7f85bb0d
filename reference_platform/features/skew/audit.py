"""Replay audit: every served vector again, from history, at the instant at which it was read.

The expected value of a logged cell is what a point-in-time join gives for that key at the read instant with the
knowledge cutoff on: of the rows with event <= read and created <= read the one with the greatest (event, created,
sequence); null when that row is older than the view's ttl. Computed features are recomputed from expected inputs and
the request values that were logged. The served value is what the log says the model got, whatever its status says.

Values are compared by comparison.py. Every difference gets exactly one cause by the rules of causes.py, which come in
an order of precedence and say which evidence each takes. With `known_at_read` False rows count before they were
known, as if training knew then what it knows now: differences are then mostly late data.

What cannot be recomputed, such as a feature that is no longer declared, is left out, counted and named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import FeatureView
from reference_platform.features.skew.audit_report import AuditReport
from reference_platform.features.skew.comparison import ULPS_MAX
from reference_platform.features.skew.evidence import RowHistory
from reference_platform.features.skew.recompute import Vectors
from reference_platform.features.skew.shape_audit import Question, ShapeAudit
from reference_platform.features.skew.tally import Tally
from reference_platform.features.skew.vector_log import LoggedSegment, VectorLog
from reference_platform.features.skew.vector_shape import VectorShape

if TYPE_CHECKING:
    import pyarrow as pa

EXAMPLES_MAX = 3
"""Examples kept of each feature and cause."""


def audit(
    log: VectorLog,
    history: Callable[[FeatureView], RowHistory],
    definitions: DefinitionSet,
    *,
    since_us: int | None = None,
    until_us: int | None = None,
    known_at_read: bool = True,
    ulps: int = ULPS_MAX,
    examples_max: int = EXAMPLES_MAX,
) -> AuditReport:
    """Recompute and compare every vector with since_us <= read instant < until_us. Only flushed vectors are seen.

    Raises CommandError or ContentError when history or the code of the definitions cannot be read or run.
    """
    import pyarrow as pa

    logged = _Logged.of(log.read(since_us, until_us))
    tally = Tally(examples_max)
    vectors = 0
    spans: list[int] = []
    for shape, tables in logged.shapes.values():
        batch = Vectors(shape, pa.concat_tables(tables))
        vectors += batch.rows
        spans += [int(batch.read_us.min()), int(batch.read_us.max())]
        question = Question(history, definitions, logged.code_since, known_at_read, ulps)
        ShapeAudit(batch, question, tally).run()
    return AuditReport(
        vectors=vectors,
        first_read_us=min(spans) if spans else None,
        last_read_us=max(spans) if spans else None,
        known_at_read=known_at_read,
        findings=tally.findings(),
        examples=tally.examples(),
        unaudited=tally.unaudited(),
        damaged_segments=log.counts.damaged,
        services=tuple(dict.fromkeys(shape.service for shape, _ in logged.shapes.values())),
    )


@dataclass(slots=True)
class _Logged:
    """Segments by shape, and over which instants each code was in use."""

    shapes: dict[str, tuple[VectorShape, list[pa.Table]]] = field(default_factory=dict)
    spans: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, segments: Iterable[LoggedSegment]) -> _Logged:
        import pyarrow.compute as pc

        out = cls()
        for segment in segments:
            out.shapes.setdefault(segment.shape.fingerprint, (segment.shape, []))[1].append(segment.table)
            span = pc.min_max(segment.table["read_us"])
            first, last = span["min"].as_py(), span["max"].as_py()
            for view in segment.shape.views:
                had = out.spans.get((view.view, view.code), (first, last))
                out.spans[(view.view, view.code)] = (min(had[0], first), max(had[1], last))
        return out

    def code_since(self, view: str, code: str) -> int | None:
        """First read under `code` after the last read under any other code of `view`; None if there is no other."""
        others = [last for (name, other), (_, last) in self.spans.items() if name == view and other != code]
        if not others or (view, code) not in self.spans:
            return None
        first, last = self.spans[(view, code)]
        return None if last <= max(others) else max(first, max(others) + 1)
