"""Counts the differences of an audit and keeps a few of each kind as examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from reference_platform.features.columns import Column
from reference_platform.features.skew.audit_report import Example, FeatureFinding, Unaudited, moment_or_none
from reference_platform.features.skew.causes import CAUSES, NONE, Cause, Codes
from reference_platform.features.skew.comparison import Flags, smape_parts
from reference_platform.features.skew.evidence import Instants
from reference_platform.features.skew.recompute import Vectors
from reference_platform.features.types import FeatureType

VALUE_TEXT_MAX = 60


@dataclass(slots=True)
class _Sums:
    cells: int = 0
    mismatches: int = 0
    missing: int = 0
    extra: int = 0
    status_only: int = 0
    smape_sum: float = 0.0
    smape_count: int = 0
    causes: list[int] = field(default_factory=lambda: [0] * len(CAUSES))


@dataclass(frozen=True, slots=True)
class Cells:
    """One feature of all vectors of one shape, compared. `texts`: values that did not fit their type, by row.

    `written_us`, `created_us`: of the expected row, for the sentences of examples.
    """

    part: str
    feature: str
    kind: FeatureType
    served: Column
    expected: Column
    differs: Flags
    codes: Codes
    status_only: int = 0
    personal: str = ""
    texts: Mapping[int, str] = field(default_factory=dict)
    served_us: Instants | None = None
    expected_us: Instants | None = None
    known_us: Instants | None = None


class Tally:
    """Everything counted so far. At most `examples_max` examples of each feature and cause."""

    def __init__(self, examples_max: int) -> None:
        self._examples_max = examples_max
        self._sums: dict[tuple[str, str, str], _Sums] = {}
        self._examples: dict[tuple[str, str, str, Cause], list[Example]] = {}
        self._unaudited: dict[tuple[str, str, str, str], int] = {}

    def add(self, vectors: Vectors, cells: Cells) -> None:
        """Count one feature of some vectors."""
        service = vectors.shape.service
        sums = self._sums.setdefault((service, cells.part, cells.feature), _Sums())
        given, expected = cells.served.mask().copy(), cells.expected.mask()
        given[list(cells.texts)] = True
        differs = cells.differs
        sums.cells += vectors.rows
        sums.mismatches += int((differs & given & expected).sum())
        sums.missing += int((differs & ~given & expected).sum())
        sums.extra += int((differs & given & ~expected).sum())
        sums.status_only += cells.status_only
        total, count = smape_parts(cells.served, cells.expected, cells.kind)
        sums.smape_sum += total
        sums.smape_count += count
        for number, cause in enumerate(CAUSES):
            rows = np.flatnonzero(cells.codes == number)
            sums.causes[number] += len(rows)
            kept = self._examples.setdefault((service, cells.part, cells.feature, cause), [])
            for row in rows[: self._examples_max - len(kept)].tolist():
                kept.append(_example(vectors, cells, row, cause))
        assert int((cells.codes != NONE).sum()) == int(differs.sum()), "a difference without a cause"

    def leave_out(self, service: str, part: str, feature: str, cells: int, why: str) -> None:
        """Note cells that cannot be recomputed."""
        key = (service, part, feature, why)
        self._unaudited[key] = self._unaudited.get(key, 0) + cells

    def findings(self) -> tuple[FeatureFinding, ...]:
        """By service, view and feature, in the order of the logged plans."""
        return tuple(
            FeatureFinding(
                service=service,
                part=part,
                feature=feature,
                cells=sums.cells,
                mismatches=sums.mismatches,
                missing=sums.missing,
                extra=sums.extra,
                status_only=sums.status_only,
                smape=sums.smape_sum / sums.smape_count if sums.smape_count else None,
                causes={cause: count for cause, count in zip(CAUSES, sums.causes, strict=True) if count},
            )
            for (service, part, feature), sums in self._sums.items()
        )

    def examples(self) -> tuple[Example, ...]:
        """One of each feature and cause first, then the second of each."""
        rounds = range(max(map(len, self._examples.values()), default=0))
        return tuple(kept[at] for at in rounds for kept in self._examples.values() if at < len(kept))

    def unaudited(self) -> tuple[Unaudited, ...]:
        """What was left out."""
        return tuple(
            Unaudited(service, part, feature, cells, why)
            for (service, part, feature, why), cells in self._unaudited.items()
        )


def _example(vectors: Vectors, cells: Cells, row: int, cause: Cause) -> Example:
    names = [key.name for key in vectors.shape.keys]
    read_us = int(vectors.read_us[row])
    entity = {name: str(vectors.keys.column(at)[row].as_py()) for at, name in enumerate(names)}
    return Example(
        service=vectors.shape.service,
        part=cells.part,
        feature=cells.feature,
        cause=cause,
        entity=entity,
        row_id=vectors.row_ids[row],
        read_us=read_us,
        served=cells.texts[row] if row in cells.texts and not cells.personal else _text(cells, cells.served, row),
        expected=_text(cells, cells.expected, row),
        served_event_us=_instant(cells.served_us, row),
        expected_event_us=_instant(cells.expected_us, row),
        why=_sentence(cells, row, cause),
    )


def _text(cells: Cells, column: Column, row: int) -> str:
    if not column.mask()[row]:
        return "null"
    return f"({cells.personal})" if cells.personal else repr(column.values[row : row + 1].tolist()[0])[:VALUE_TEXT_MAX]


def _instant(instants: Instants | None, row: int) -> int | None:
    from reference_platform.features.times import NEVER_US

    return None if instants is None or instants[row] == NEVER_US else int(instants[row])


_SENTENCES = {
    Cause.LATE_DATA: "the row of {expected} became known or was written after the read; served: row of {served}",
    Cause.MISSING_MATERIALIZATION: "the row of {expected} was known at {known} and not online; served: row of {served}",
    Cause.TTL: "serving and training disagree on whether the row of {expected} was too old",
    Cause.CODE_VERSION: "the code that computes it is not the code that was served",
    Cause.NULL_POLICY: "one side has null where the other has a stand-in for it",
    Cause.FUTURE_EVENT: "the served row is of {served}, which lies after the read",
    Cause.ONLINE_ONLY: "history has no row of {served} for this key",
    Cause.KEY_ENCODING: "the served row stands in history under another spelling of the key",
    Cause.UNEXPLAINED: "same row, same code, another value; row of {served}",
}


def _sentence(cells: Cells, row: int, cause: Cause) -> str:
    if cells.served_us is None or cells.expected_us is None or cells.known_us is None:
        return (
            "computed from its inputs, for which this holds"
            if cause is not Cause.UNEXPLAINED
            else ("computed; neither its inputs nor its code explain it")
        )
    return _SENTENCES[cause].format(
        served=moment_or_none(int(cells.served_us[row])),
        expected=moment_or_none(int(cells.expected_us[row])),
        known=moment_or_none(int(cells.known_us[row])),
    )
