"""What an audit found: counts by feature and cause, and examples to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC

from reference_platform.features.skew.causes import CAUSES, Cause
from reference_platform.features.times import NEVER_US, instant

EXAMPLES_TEXT_MAX = 12
"""Examples printed as text; JSON has all."""


@dataclass(frozen=True, slots=True)
class FeatureFinding:
    """One feature of one service. `smape`: symmetric mean absolute percentage error, 0..2; None for what is no number.

    `mismatches`: both sides have a value and they differ; `missing`: only training has one; `extra`: only serving had.
    `status_only`: the values agree and the statuses do not; no difference.
    """

    service: str
    part: str
    feature: str
    cells: int
    mismatches: int
    missing: int
    extra: int
    status_only: int
    smape: float | None
    causes: Mapping[Cause, int]

    @property
    def differences(self) -> int:
        """Cells that differ."""
        return self.mismatches + self.missing + self.extra


@dataclass(frozen=True, slots=True)
class Example:
    """One difference. Instants in microseconds, None where no row was found. Personal values are not shown."""

    service: str
    part: str
    feature: str
    cause: Cause
    entity: Mapping[str, str]
    row_id: str | None
    read_us: int
    served: str
    expected: str
    served_event_us: int | None
    expected_event_us: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Unaudited:
    """Cells that could not be recomputed, and why."""

    service: str
    part: str
    feature: str
    cells: int
    why: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Every logged cell, recomputed and compared. Passed when `unexplained` is 0."""

    vectors: int
    first_read_us: int | None
    last_read_us: int | None
    known_at_read: bool
    findings: tuple[FeatureFinding, ...]
    examples: tuple[Example, ...]
    unaudited: tuple[Unaudited, ...] = ()
    damaged_segments: int = 0
    services: tuple[str, ...] = field(default=())

    @property
    def cells(self) -> int:
        """Values compared."""
        return sum(finding.cells for finding in self.findings)

    @property
    def differences(self) -> int:
        """Values that differ."""
        return sum(finding.differences for finding in self.findings)

    @property
    def unexplained(self) -> int:
        """Differences without a named cause."""
        return self.by_cause[Cause.UNEXPLAINED]

    @property
    def by_cause(self) -> dict[Cause, int]:
        """Differences per cause, zeros included."""
        return {cause: sum(finding.causes.get(cause, 0) for finding in self.findings) for cause in CAUSES}

    @property
    def mismatch_ratio(self) -> float:
        """Share of cells whose two values differ."""
        return self._ratio(sum(finding.mismatches for finding in self.findings))

    @property
    def missing_ratio(self) -> float:
        """Share of cells that only training has."""
        return self._ratio(sum(finding.missing for finding in self.findings))

    @property
    def extra_ratio(self) -> float:
        """Share of cells that only serving had."""
        return self._ratio(sum(finding.extra for finding in self.findings))

    def _ratio(self, count: int) -> float:
        return count / self.cells if self.cells else 0.0

    def to_json(self) -> dict[str, object]:
        """An object for `json.dumps`: totals, everything by feature, examples, and what could not be audited."""
        return {
            "vectors": self.vectors,
            "cells": self.cells,
            "differences": self.differences,
            "unexplained": self.unexplained,
            "causes": {cause.value: count for cause, count in self.by_cause.items()},
            "mismatch_ratio": self.mismatch_ratio,
            "missing_ratio": self.missing_ratio,
            "extra_ratio": self.extra_ratio,
            "first_read_us": self.first_read_us,
            "last_read_us": self.last_read_us,
            "known_at_read": self.known_at_read,
            "services": list(self.services),
            "damaged_segments": self.damaged_segments,
            "features": [asdict(finding) for finding in self.findings],
            "examples": [asdict(example) for example in self.examples],
            "unaudited": [asdict(each) for each in self.unaudited],
        }

    def to_text(self) -> str:
        """A page for people: totals, causes, features that differ, examples."""
        lines = [self._headline()]
        if self.first_read_us is not None and self.last_read_us is not None:
            lines.append(f"read between {_moment(self.first_read_us)} and {_moment(self.last_read_us)}")
        if self.damaged_segments:
            lines.append(f"{self.damaged_segments} damaged log segments were skipped")
        lines += [
            f"not audited: {each.part}:{each.feature}, {each.cells:,} values: {each.why}" for each in self.unaudited
        ]
        if self.differences:
            lines += ["", *self._causes_table(), "", *self._feature_table(), ""]
            lines += [_example_text(example) for example in self.examples[:EXAMPLES_TEXT_MAX]]
        return "\n".join(lines)

    def _headline(self) -> str:
        if not self.vectors:
            return "no logged vectors in this time"
        compared = f"{self.vectors:,} vectors, {self.cells:,} values compared"
        if not self.differences:
            return f"{compared}: every value is the one training would have seen"
        return (
            f"{compared}: {self.differences:,} differ ({self._ratio(self.differences):.2%}); mismatch "
            f"{self.mismatch_ratio:.2%}, missing {self.missing_ratio:.2%}, extra {self.extra_ratio:.2%}; "
            f"{self.unexplained:,} unexplained"
        )

    def _causes_table(self) -> list[str]:
        found = [(cause, count) for cause, count in self.by_cause.items() if count]
        return [f"{cause.value:<24}{count:>12,}" for cause, count in sorted(found, key=lambda item: -item[1])]

    def _feature_table(self) -> list[str]:
        counts = ("values", "differ", "mismatch", "missing", "extra")
        lines = [f"{'feature':<44}" + "".join(f"{name:>10}" for name in counts) + f"{'smape':>8}  causes"]
        for one in self.findings:
            if one.differences:
                name = f"{one.part}:{one.feature}"
                smape = "" if one.smape is None else f"{one.smape:.3f}"
                causes = ", ".join(f"{cause.value} {count:,}" for cause, count in one.causes.items() if count)
                lines.append(
                    f"{name[:43]:<44}{one.cells:>10,}{one.differences:>10,}{one.mismatches:>10,}{one.missing:>10,}"
                    f"{one.extra:>10,}{smape:>8}  {causes}"
                )
        return lines


def _moment(us: int) -> str:
    return instant(us).astimezone(UTC).isoformat(sep=" ", timespec="microseconds").replace("+00:00", "Z")


def _example_text(example: Example) -> str:
    entity = ", ".join(f"{name}={value}" for name, value in example.entity.items())
    return (
        f"{example.part}:{example.feature} of {entity} at {_moment(example.read_us)}: served {example.served}, "
        f"training has {example.expected} [{example.cause.value}]\n  {example.why}"
    )


def moment_or_none(us: int) -> str:
    """An instant for a sentence; `never` for what does not exist."""
    return "never" if us == NEVER_US else _moment(us)
