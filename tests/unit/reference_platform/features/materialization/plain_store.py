"""An online store as simple as it can be, which can die in the middle of a write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reference_platform.features.columns import FeatureBlock
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.online_store.port import ViewAnswer, ViewRead
from reference_platform.features.sources import FileSource
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import Float64, Int64

NEVER = 1 << 60
DRIVER = Entity(name="driver", value_type=Int64)
VIEW = FeatureView(
    name="trips",
    entities=(DRIVER,),
    schema=(Field(name="x", dtype=Float64),),
    source=FileSource(path="trips.parquet", timestamp_field="at", created_timestamp_column="seen"),
)
State = dict[tuple[Any, ...], tuple[Any, ...]]


class KilledError(Exception):
    """The process was killed."""


class PlainStore:
    """Keys to (event, created, sequence, values). Dies when `rows_left` rows or `calls_left` calls have passed."""

    def __init__(self) -> None:
        self.state: State = {}
        self.rows_left = NEVER
        self.calls_left = NEVER
        self.blocks: list[int] = []
        self._watermark_us: dict[str, int] = {}

    def declare(self, views: Iterable[FeatureView]) -> None:
        """Nothing to do."""

    def drop(self, view: str) -> None:
        self.state.clear()

    def write(self, view: FeatureView, rows: FeatureBlock) -> int:
        self._call()
        self.blocks.append(len(rows))
        keys = list(zip(*(key.tolist() for key in rows.keys), strict=True)) if rows.keys else [()] * len(rows)
        values = list(zip(*(column.to_list() for column in rows.values), strict=True))
        versions = zip(rows.event_us.tolist(), rows.created_us.tolist(), rows.sequence.tolist(), values, strict=True)
        won = 0
        for key, version in zip(keys, versions, strict=True):
            if not self.rows_left:
                raise KilledError
            self.rows_left -= 1
            if key not in self.state or version > self.state[key]:
                self.state[key] = version
                won += 1
        return won

    def read(self, reads: Sequence[ViewRead]) -> list[ViewAnswer]:
        raise NotImplementedError

    def watermark_us(self, view: str) -> int:
        return self._watermark_us.get(view, NEVER_US)

    def advance_watermark(self, view: str, to_us: int) -> None:
        self._call()
        self._watermark_us[view] = max(to_us, self.watermark_us(view))

    def rows(self, view: str) -> int:
        return len(self.state)

    def close(self) -> None:
        """Nothing to do."""

    def _call(self) -> None:
        if not self.calls_left:
            raise KilledError
        self.calls_left -= 1


Row = tuple[int | None, int | None, int | None, float | None]
"""Driver, event, created, x."""


def write_rows(root: Path, rows: Sequence[Row], *, groups: int = 4, name: str = "trips.parquet") -> None:
    """`rows` as the source of VIEW, `groups` rows per row group."""
    driver, at, seen, x = zip(*rows, strict=True) if rows else ((), (), (), ())
    time = pa.timestamp("us", tz="UTC")
    table = pa.table(
        {
            "driver": pa.array(driver, pa.int64()),
            "at": pa.array(at, pa.int64()).cast(time),
            "seen": pa.array(seen, pa.int64()).cast(time),
            "x": pa.array(x, pa.float64()),
        }
    )
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, root / name, row_group_size=groups)


def newest_of(rows: Sequence[Row], asked: Any) -> State:
    """What a store must hold after the rows for which `asked(event, created)`: written from the rules alone."""
    state: State = {}
    for position, (driver, at, seen, x) in enumerate(rows):
        if driver is None or at is None or not asked(at, seen):
            continue
        version = (at, NEVER_US if seen is None else seen, position, (x,))
        state[(driver,)] = max(version, state.get((driver,), version))
    return state
