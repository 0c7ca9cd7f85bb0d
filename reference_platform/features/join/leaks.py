"""What training data would know too early: the join with the knowledge cutoff beside the join without it.

A row that is written late (a backfill, a correction, a slow job) describes an instant at which nobody knew it yet.
Joined by event time alone it reaches labels that no model could have served with it, and the model looks better than
it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.join.kernel import AsOfJoin
from reference_platform.features.join.labels import Labels
from reference_platform.features.join.spec import JoinSpec

if TYPE_CHECKING:
    import pyarrow as pa

EXAMPLES_MAX = 3
VALUE_CHARACTERS_MAX = 40


@dataclass(frozen=True, slots=True)
class LeakExample:
    """One training cell. `row`: which label; `asked`: its key and time; then its value with and without the cutoff."""

    row: int
    asked: str
    known: str
    leaked: str


@dataclass(frozen=True, slots=True)
class FeatureLeak:
    """How many cells of one feature change when the cutoff is left out."""

    view: str
    feature: str
    cells: int
    examples: tuple[LeakExample, ...]


@dataclass(frozen=True, slots=True)
class LeakReport:
    """Of `rows` training rows `rows_changed` would hold something from later. `features`: all that were compared."""

    rows: int
    rows_changed: int
    features: tuple[FeatureLeak, ...]

    @property
    def cells_changed(self) -> int:
        """Cells that would hold something from later."""
        return sum(feature.cells for feature in self.features)

    def to_text(self) -> str:
        """The report for a terminal: a line that sums up, then features by how much they leak, with examples."""
        if not self.cells_changed:
            return f"no leak: none of {self.rows:,} training rows changes when the knowledge cutoff is left out"
        changed = f"{self.rows_changed:,} of {self.rows:,} training rows ({self.rows_changed / self.rows:.2%})"
        lines = [f"leak: {changed} would hold values that were not known yet"]
        for feature in sorted(self.features, key=lambda feature: -feature.cells):
            if feature.cells:
                share = feature.cells / self.rows
                lines.append(f"  {feature.view}:{feature.feature}  {feature.cells:,} cells ({share:.2%})")
                lines += [
                    f"    row {example.row:,} ({example.asked}): known {example.known}, leaked {example.leaked}"
                    for example in feature.examples
                ]
        clean = sum(not feature.cells for feature in self.features)
        if clean:
            lines.append(f"  {clean} other feature{'s' * (clean > 1)} unchanged")
        return "\n".join(lines)


class Compared(NamedTuple):
    """One view: its features, and which training rows change in any of them."""

    features: list[FeatureLeak]
    changed: NDArray[np.bool_]


class LeakCheck:
    """Both joins of one view, fed with the same rows. Memory is twice that of a join."""

    def __init__(self, view: str, labels: pa.Table, spec: JoinSpec, *, prepared: Labels | None = None) -> None:
        self._view, self._labels, self._spec = view, labels, spec
        prepared = prepared or Labels(labels, spec.label_keys, spec.label_time)
        self._known = AsOfJoin(prepared, replace(spec, known_at_label=True))
        self._leaky = AsOfJoin(prepared, replace(spec, known_at_label=False))

    def add(self, rows: pa.Table | pa.RecordBatch, first_sequence: int) -> None:
        """As in AsOfJoin: any cut and any order of portions."""
        self._known.add(rows, first_sequence)
        self._leaky.add(rows, first_sequence)

    def finish(self) -> LeakReport:
        """What changes."""
        return _summed(self._labels.num_rows, [self.compared()])

    def compared(self) -> Compared:
        """What changes, to be summed up with other views."""
        return _compared(self._view, self._labels, self._spec, self._known.finish(), self._leaky.finish())


class ViewRows(NamedTuple):
    """One view to check. `rows`: a table, or portions of it in the source's order."""

    view: str
    spec: JoinSpec
    rows: pa.Table | Iterable[pa.RecordBatch]


def leak_report(labels: pa.Table, views: Sequence[ViewRows]) -> LeakReport:
    """What changes in the training data of `labels`, over all views. Labels are prepared once per set of keys."""
    prepared: dict[tuple[tuple[str, ...], str], Labels] = {}
    reports = []
    for view in views:
        keys = (view.spec.label_keys, view.spec.label_time)
        if keys not in prepared:
            prepared[keys] = Labels(labels, *keys)
        check, position = LeakCheck(view.view, labels, view.spec, prepared=prepared[keys]), 0
        for portion in view.rows.to_batches() if hasattr(view.rows, "to_batches") else view.rows:
            check.add(portion, position)
            position += portion.num_rows
        reports.append(check.compared())
    return _summed(labels.num_rows, reports)


def leaks_between(view: str, labels: pa.Table, spec: JoinSpec, known: pa.Table, leaky: pa.Table) -> LeakReport:
    """What differs between two joins of the same labels: with the cutoff, and without. Both hold `spec.outputs`."""
    return _summed(labels.num_rows, [_compared(view, labels, spec, known, leaky)])


def _summed(rows: int, parts: Sequence[Compared]) -> LeakReport:
    changed = np.zeros(rows, dtype=np.bool_)
    for part in parts:
        changed |= part.changed
    return LeakReport(rows, int(np.count_nonzero(changed)), tuple(leak for part in parts for leak in part.features))


def _compared(view: str, labels: pa.Table, spec: JoinSpec, known: pa.Table, leaky: pa.Table) -> Compared:
    assert known.num_rows == leaky.num_rows == labels.num_rows
    anywhere = np.zeros(labels.num_rows, dtype=np.bool_)
    leaks = []
    for at, name in enumerate(spec.outputs):
        before, after = known.column(at), leaky.column(at)
        changed = _changed(before, after)
        anywhere |= changed
        rows = np.flatnonzero(changed)
        examples = tuple(
            LeakExample(row, _asked(labels, spec, row), _shown(before[row]), _shown(after[row]))
            for row in rows[:EXAMPLES_MAX].tolist()
        )
        leaks.append(FeatureLeak(view, name, len(rows), examples))
    return Compared(leaks, anywhere)


def _changed(before: pa.ChunkedArray, after: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Where two columns of one type differ; missing equals missing and NaN equals NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(before.type):
        before, after = (column.cast(column.type.value_type) for column in (before, after))
    if pa.types.is_nested(before.type):
        pairs = zip(before.to_pylist(), after.to_pylist(), strict=True)
        return np.fromiter((repr(left) != repr(right) for left, right in pairs), dtype=np.bool_, count=len(before))
    if pa.types.is_null(before.type):
        return np.zeros(len(before), dtype=np.bool_)
    same = pc.fill_null(pc.equal(before, after), False)
    same = pc.or_(same, pc.and_(pc.is_null(before), pc.is_null(after)))
    if pa.types.is_floating(before.type):
        same = pc.or_(same, pc.fill_null(pc.and_(pc.is_nan(before), pc.is_nan(after)), False))
    changed: NDArray[np.bool_] = ~same.to_numpy()
    return changed


def _asked(labels: pa.Table, spec: JoinSpec, row: int) -> str:
    keys = [f"{key}={_shown(labels[key][row])}" for key in spec.label_keys]
    return " ".join([*keys, f"at {_shown(labels[spec.label_time][row])}"])


def _shown(cell: pa.Scalar) -> str:
    try:
        value: Any = cell.as_py()
    except (OverflowError, ValueError):
        # Instants outside the years 1 to 9999, or finer than a microsecond.
        value = f"{cell.value} {cell.type.unit} since 1970"
    text = "nothing" if value is None else str(value)
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[: VALUE_CHARACTERS_MAX - 3] + "..."
