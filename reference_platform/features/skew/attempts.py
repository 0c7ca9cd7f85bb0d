"""Which inputs a function was probably given, when only its result was logged: try, and see what gives that result.

Tried for one look-up at a time, in this order, each counted only where the result is exactly the one served:
the newest row although expired (ttl); the newest row of all, known after the read (late data); an older row, up to
`OLDER_ROWS` back, or none at all (missing materialisation); 0 in the place of nulls (null policy).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import PagerDrillError
from reference_platform.features.columns import Column
from reference_platform.features.definitions import FeatureView
from reference_platform.features.join.labels import Labels
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.skew.causes import NONE, NUMBER, Cause, Codes
from reference_platform.features.skew.comparison import Flags, agree
from reference_platform.features.skew.evidence import Instants, RowHistory
from reference_platform.features.skew.recompute import Answer, Vectors, compute, look_up
from reference_platform.features.skew.vector_shape import LoggedFeature
from reference_platform.features.times import NEVER_US

if TYPE_CHECKING:
    import pyarrow as pa

OLDER_ROWS = 3
"""How many rows before the expected one are tried."""
Stored = Mapping[tuple[str, str], Column]


class Expected(Protocol):
    """One look-up of all vectors."""

    @property
    def view(self) -> FeatureView: ...
    @property
    def features(self) -> tuple[str, ...]: ...
    @property
    def answer(self) -> Answer: ...


class Attempts:
    """Trials for the differences of one computed feature in some `rows`."""

    def __init__(
        self, vectors: Vectors, view: OnDemandFeatureView, feature: LoggedFeature, rows: NDArray[np.intp], ulps: int
    ) -> None:
        at = vectors.shape.features.index(feature)
        self._view = view
        self._feature = feature
        self._rows = rows
        self._read_us: Instants = vectors.read_us[rows]
        self._served = vectors.values[at].take(rows)
        self._requests = {name: column.take(rows) for name, column in vectors.requests.items()}
        self._ulps = ulps

    def gives(self, stored: Stored) -> Flags:
        """Where the function gives what was served."""
        try:
            made = compute(self._view, stored, self._requests, len(self._rows))
        except PagerDrillError:
            return np.zeros(len(self._rows), dtype=np.bool_)
        result = made[self._view.feature_names.index(self._feature.feature)]
        return agree(result, self._served, self._feature.kind, self._ulps)

    def other_rows(self, stored: Stored, part: str, expected: Expected, labels: pa.Table, history: RowHistory) -> Codes:
        """Causes for the rows in which another row of the look-up `part` explains the result; NONE elsewhere."""
        import pyarrow as pa

        out: Codes = np.full(len(self._rows), NONE, dtype=np.int8)
        answer = expected.answer.take(self._rows, range(len(expected.features)))
        names = list(expected.features)

        def attempt(values: Sequence[Column], where: Flags, cause: Cause) -> None:
            open_ = (out == NONE) & where
            if open_.any():
                trial = {**stored, **{(part, name): column for name, column in zip(names, values, strict=True)}}
                out[open_ & self.gives(trial)] = NUMBER[cause]

        attempt(answer.values, answer.found & ~answer.fresh, Cause.TTL)
        some = labels.take(pa.array(self._rows))
        newest = self._ask(some, self._read_us, expected, history)
        attempt(newest.values, newest.created_us > self._read_us, Cause.LATE_DATA)
        before = answer
        for _ in range(OLDER_ROWS):
            if not (open_ := (out == NONE) & before.found & answer.fresh).any():
                break
            asked_us = np.where(before.found, before.event_us - 1, self._read_us)
            before = self._ask(some, asked_us, expected, history)
            attempt(before.values, open_ & before.found, Cause.MISSING_MATERIALIZATION)
        nothing = [Column(column.values, np.zeros(len(column), dtype=np.bool_)) for column in answer.values]
        attempt(nothing, answer.fresh, Cause.MISSING_MATERIALIZATION)
        zeros = [_zero_filled(stored[(part, name)]) for name in names if (part, name) in stored]
        if len(zeros) == len(names):
            attempt(zeros, np.ones(len(out), dtype=np.bool_), Cause.NULL_POLICY)
        return out

    def _ask(self, labels: pa.Table, asked_us: Instants, expected: Expected, history: RowHistory) -> Answer:
        import pyarrow as pa

        at = labels.column_names.index("asked")
        timed = labels.set_column(at, "asked", pa.array(asked_us).cast(pa.timestamp("us", tz="UTC")))
        return look_up(
            Labels(timed, timed.column_names[:-1], "asked"),
            asked_us,
            np.full(len(asked_us), NEVER_US, dtype=np.int64),
            history,
            expected.view,
            expected.features,
            logged_ttl_us=None,
            known_at_read=False,
        )


def _zero_filled(column: Column) -> Column:
    given = column.mask()
    if column.values.dtype == object:
        return column
    return Column(np.where(given, column.values, column.values.dtype.type(0)))
