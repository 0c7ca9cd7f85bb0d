"""The vectors that training would have seen at the instants at which others were served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reference_platform.features.columns import Column, column_from_arrow
from reference_platform.features.definitions import FeatureView
from reference_platform.features.join.kernel import AsOfJoin
from reference_platform.features.join.labels import Labels
from reference_platform.features.join.spec import JoinSpec, RowColumns
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.skew.comparison import Flags
from reference_platform.features.skew.evidence import Instants, RowHistory
from reference_platform.features.skew.vector_shape import LoggedView, VectorShape, part_name
from reference_platform.features.times import NEVER_US, to_us
from reference_platform.features.transformations import run_on_demand
from reference_platform.features.types import type_named

if TYPE_CHECKING:
    import pyarrow as pa

Columns = dict[tuple[str, str], Column]
"""Values by (part, feature)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The newest row of each look-up, whatever its age: `found`, its times, its number, its values as they are.

    `fresh`: its age is within the ttl. What is served is the value where `fresh`, null elsewhere.
    """

    found: Flags
    event_us: Instants
    created_us: Instants
    sequence: Instants
    fresh: Flags
    values: tuple[Column, ...]

    def served(self) -> tuple[Column, ...]:
        """The values that a store would serve."""
        return tuple(Column(column.values, column.mask() & self.fresh) for column in self.values)

    def take(self, rows: NDArray[np.integer], features: Sequence[int]) -> Answer:
        """Some of the look-ups, with some of the features."""
        values = tuple(self.values[feature].take(rows) for feature in features)
        return Answer(
            self.found[rows], self.event_us[rows], self.created_us[rows], self.sequence[rows], self.fresh[rows], values
        )


class Vectors:
    """Logged vectors of one shape as columns."""

    def __init__(self, shape: VectorShape, table: pa.Table) -> None:
        self.shape = shape
        self.rows = table.num_rows
        self.read_us: Instants = table.column("read_us").to_numpy().astype(np.int64)
        self.row_ids: list[str | None] = table.column("row_id").to_pylist()
        self.keys = table.select([f"k{index}" for index in range(len(shape.keys))])
        self.requests: dict[str, Column] = {}
        for index, request in enumerate(shape.requests):
            kind = type_named(request.dtype)
            self.requests[request.name] = column_from_arrow(table.column(f"r{index}"), kind, request.name)
        packed = b"".join(table.column("statuses").to_pylist())
        self.statuses = np.frombuffer(packed, dtype=np.uint8).reshape(self.rows, len(shape.features))
        self.event_us = [table.column(f"e{index}").fill_null(NEVER_US).to_numpy() for index in range(len(shape.views))]
        self.values = [
            column_from_arrow(table.column(f"v{index}"), feature.kind, feature.name)
            for index, feature in enumerate(shape.features)
        ]
        self.misfits: list[str | None] = table.column("misfits").to_pylist()

    def labels(self, view: LoggedView) -> pa.Table:
        """Who is asked about in `view`: columns `k0..` in the order of its join keys, and `asked`."""
        import pyarrow as pa

        names = [key.name for key in self.shape.keys]
        arrays = [self.keys.column(names.index(key)) for key in view.keys]
        asked = pa.array(self.read_us).cast(pa.timestamp("us", tz="UTC"))
        return pa.Table.from_arrays([*arrays, asked], names=[*(f"k{i}" for i in range(len(arrays))), "asked"])


def look_up(
    labels: Labels,
    read_us: Instants,
    served_us: Instants,
    history: RowHistory,
    view: FeatureView,
    features: Sequence[str],
    *,
    logged_ttl_us: int | None,
    known_at_read: bool,
) -> Answer:
    """For every label the newest row of `view` at its instant, with `features`.

    Rows that can be neither an answer within a ttl nor what was served may be left out, unread.
    """
    columns = history.columns
    assert columns.created is not None
    picked = tuple(columns.features[view.feature_names.index(name)] for name in features)
    spec = JoinSpec(
        label_keys=labels.keys,
        label_time=labels.time,
        rows=RowColumns(columns.keys, columns.event, columns.created, columns.sequence, (columns.created, *picked)),
        outputs=("created", *(f"f{index}" for index in range(len(picked)))),
        ttl_us=None,
        known_at_label=known_at_read,
    )
    join = AsOfJoin(labels, spec)
    ttls = (view.ttl_us, logged_ttl_us)
    since_us = None
    if None not in ttls and len(read_us):
        served = served_us[served_us != NEVER_US]
        oldest = int(read_us.min()) - max(ttl for ttl in ttls if ttl is not None)
        since_us = min(oldest, int(served.min())) if len(served) else oldest
    for position, table in history.batches(since_us=since_us, until_us=int(read_us.max()) if len(read_us) else None):
        join.add(table, position)
    table = join.finish()
    kinds = [view.field(name).dtype for name in features]
    fresh = join.found if view.ttl_us is None else join.found & (read_us - join.event_us <= view.ttl_us)
    if table.column("created").null_count == table.num_rows:
        created_us = np.full(len(read_us), NEVER_US, dtype=np.int64)
    else:
        created_us, given = to_us(table.column("created"), "created")
        created_us = np.where(given, created_us, NEVER_US)
    values = tuple(
        column_from_arrow(table.column(f"f{index}"), kind, f"{view.name}: {name}")
        for index, (name, kind) in enumerate(zip(features, kinds, strict=True))
    )
    return Answer(join.found, join.event_us, created_us, join.row_sequence, fresh, values)


def compute(
    view: OnDemandFeatureView, stored: Mapping[tuple[str, str], Column], requests: Mapping[str, Column], rows: int
) -> tuple[Column, ...]:
    """The features of an on-demand view from the request's values and stored features by (part, feature)."""
    inputs: dict[str, Column] = dict(requests)
    for projection in view.projections:
        part = part_name(projection.view, projection.join_keys)
        inputs |= {f"{projection.name}__{name}": stored[(part, name)] for name in projection.features}
    return run_on_demand(view, inputs, rows)


def inputs_of(view: OnDemandFeatureView) -> list[tuple[str, str]]:
    """The stored features it reads, as (part, feature)."""
    return [(part_name(each.view, each.join_keys), name) for each in view.projections for name in each.features]
