"""Rows and labels of one view in Parquet, with the corners that joins get wrong."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DAY_US = 86_400_000_000
FEATURES = tuple(f"f{at}" for at in range(5))
ROWS_FILE, LABELS_FILE, SORTED_FILE = "features.parquet", "labels.parquet", "sorted.parquet"
_FIRST_US = 1_735_689_600_000_000
_INSTANT = pa.timestamp("us", tz="UTC")


class Size(NamedTuple):
    """How many there are of each."""

    rows: int
    labels: int
    keys: int

    def __str__(self) -> str:
        return f"{_short(self.labels)} labels x {_short(self.rows)} rows"


def _short(n: int) -> str:
    return f"{n // 1_000_000}M" if n % 1_000_000 == 0 else f"{n // 1000}k"


def write_view(folder: Path, size: Size, *, days: int = 30, seed: int = 7) -> None:
    """Both files, in random order, and the rows once more sorted by key, event and created.

    One row in two hundred shares its event with another of its key; one label in a hundred each lies exactly at an
    event, a day after one, and a day and a microsecond after one. Rows became known up to an hour after their event.
    """
    rng = np.random.default_rng(seed)
    key, event = rng.integers(0, size.keys, size.rows), rng.integers(0, days * DAY_US, size.rows)
    by_key = np.argsort(key, kind="stable")
    pairs = np.flatnonzero(np.diff(key[by_key]) == 0)
    tied = np.sort(rng.choice(pairs, size.rows // 100, replace=False))[::2]
    event[by_key[tied + 1]] = event[by_key[tied]]
    created = event + rng.integers(1, 3_600_000_000, size.rows)
    values = {name: rng.standard_normal(size.rows) for name in FEATURES}
    asked_key, asked = rng.integers(0, size.keys, size.labels), rng.integers(0, days * DAY_US, size.labels)
    share = size.labels // 100
    aimed, at = rng.choice(size.labels, 3 * share, replace=False), rng.choice(size.rows, 3 * share, replace=False)
    asked_key[aimed] = key[at]
    asked[aimed] = event[at] + np.repeat([0, DAY_US, DAY_US + 1], share)
    rows = {"entity": key, "event_timestamp": _instants(event), "created": _instants(created), **values}
    labels = {"entity": asked_key, "event_timestamp": _instants(asked), "label_id": np.arange(size.labels)}
    table = pa.table(rows)
    pq.write_table(table, folder / ROWS_FILE)
    pq.write_table(pa.table(labels), folder / LABELS_FILE)
    pq.write_table(table.take(pa.array(np.lexsort((created, event, key)))), folder / SORTED_FILE)


def _instants(since_us: np.ndarray) -> pa.Array:
    return pa.array(since_us + _FIRST_US, _INSTANT)
