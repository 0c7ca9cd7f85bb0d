"""Small worlds full of corner cases, many at once, and what the join must answer in them.

A world is a few labels and rows that share a few keys. Its oracle compares every label with every row, all worlds side
by side; it sorts nothing, searches nothing and shares nothing with the join.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reference_platform.features.join.spec import JoinSpec, RowColumns
from tests.oracle.point_in_time import Label, Row, answering_row

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FAR = 1 << 61
LEAST = -(1 << 63)
KEYS = 3
US = pa.timestamp("us", tz="UTC")
UNITS = (1, 1000, 1_000_000, 86_400_000_000)
BASES = (0, 1_736_467_200_000_000, -5_000_000_000_000_000, FAR - 10, -FAR + 10)
SPELLINGS = ("dense", "sparse", "text", "two integers", "two texts", "bytes and integer")


class Table(NamedTuple):
    """`key`: which of the world's keys, -1: none. `time` and `created`: instants, LEAST: none. All [worlds, n]."""

    key: Ints
    time: Ints
    created: Ints
    sequence: Ints


@dataclass(frozen=True)
class Worlds:
    """`position`: where each row stands in the source. `spelling`: how a key is written down."""

    labels: Table
    rows: Table
    position: Ints
    spelling: str
    ttl: int | None
    known: bool
    has_created: bool
    has_sequence: bool


def random_worlds(rng: np.random.Generator, worlds: int, labels: int, rows: int) -> Worlds:
    """Ties on every version, exactly ttl and a microsecond more, late and missing created, missing keys, extremes."""
    unit, base = int(rng.choice(UNITS)), int(rng.choice(BASES))
    ttl = (None, 0, 1, unit, 2 * unit, 3 * unit + 1, 4 * FAR)[rng.integers(7)]

    def times(n: int) -> Ints:
        # Worlds differ in how many instants there are: from one, so that all is tied, to eight.
        step = rng.integers(0, rng.integers(1, 9, (worlds, 1)), (worlds, n)) * unit
        off = np.where(rng.random((worlds, n)) < 0.2, rng.integers(-1, 2, (worlds, n)), 0)
        return base + step + off

    asked, event = times(labels), times(rows)
    if ttl is not None and ttl < 2 * FAR:
        edge = rng.random((worlds, rows)) < 0.2
        aimed = asked[:, rng.integers(0, labels, rows)] - ttl + rng.integers(-1, 2, (worlds, rows))
        event = np.where(edge, aimed, event)
    fate = rng.random((worlds, 1))
    event = event + np.where(fate < 0.03, 9 * unit, np.where(fate < 0.06, -20 * unit, 0))
    event = _with_extremes(rng, event)
    if rng.random() < 0.25:
        asked = _with_extremes(rng, asked)
    late = rng.integers(-1, 3, (worlds, rows)) * rng.choice([0, 0, 1, unit], (worlds, rows))
    clipped = [np.clip(values, -FAR, FAR) for values in (asked, event, event + late)]

    def gaps(values: Ints, ratio: float) -> Ints:
        return np.where(rng.random(values.shape) < ratio, LEAST, values)

    asked, event, created = (gaps(values, ratio) for values, ratio in zip(clipped, (0.01, 0.01, 0.05), strict=True))
    keys = [rng.integers(-1, KEYS, (worlds, 1)) * (rng.random((worlds, n)) < 0.5) for n in (labels, rows)]
    return Worlds(
        Table(keys[0], asked, asked, np.zeros_like(asked)),
        Table(keys[1], event, created, rng.integers(0, 2, (worlds, rows))),
        rng.permutation(worlds * rows).reshape(worlds, rows),
        SPELLINGS[rng.integers(len(SPELLINGS))],
        ttl,
        bool(rng.integers(2)),
        bool(rng.integers(4)),
        bool(rng.integers(2)),
    )


def _with_extremes(rng: np.random.Generator, times: Ints) -> Ints:
    return np.where(rng.random(times.shape) < 0.01, rng.choice([-FAR, FAR], times.shape), times)


def expected_positions(it: Worlds) -> Ints:
    """Position of the row that answers each label, -1 where none does; [worlds, labels]."""
    asked, event = it.labels.time[:, :, None], it.rows.time[:, None, :]
    created = it.rows.created[:, None, :] if it.has_created else event
    right = (it.labels.key[:, :, None] == it.rows.key[:, None, :]) & (it.labels.key[:, :, None] >= 0)
    right &= (asked != LEAST) & (event != LEAST) & (event <= asked)
    if it.ttl is not None and it.ttl <= 2 * FAR:
        right &= (asked <= event + it.ttl) | (event == LEAST)
    if it.known:
        right &= (created != LEAST) & (created <= asked)
    sequence = it.rows.sequence[:, None, :] if it.has_sequence else np.zeros_like(event)
    for version in (event, created, sequence, it.position[:, None, :]):
        best = np.where(right, version, LEAST).max(axis=2, keepdims=True)
        right &= version == best
    return np.where(right.any(axis=2), np.where(right, it.position[:, None, :], -1).max(axis=2), -1)


def expected_plainly(it: Worlds, world: int, label: int) -> int:
    """The same for one label, by the slow oracle."""

    def known(value: int) -> int | None:
        return None if value == LEAST else value

    def key(value: int) -> tuple[object, ...]:
        return (None if value < 0 else value,)

    order = np.argsort(it.position[world])
    rows = []
    for at in order.tolist():
        event, created = int(it.rows.time[world, at]), int(it.rows.created[world, at])
        sequence = int(it.rows.sequence[world, at]) if it.has_sequence else 0
        # Of equal versions the later position counts; rows are in that order.
        version = sequence * len(order) + len(rows)
        rows.append(
            Row(key(int(it.rows.key[world, at])), known(event), known(created if it.has_created else event), version)
        )
    asks = Label(key(int(it.labels.key[world, label])), known(int(it.labels.time[world, label])))
    found = answering_row(rows, asks, it.ttl, known_at_label=it.known)
    return -1 if found < 0 else int(it.position[world, order[found]])


def as_arrow(it: Worlds) -> tuple[pa.Table, pa.Table, JoinSpec]:
    """Labels, rows in the order of their positions, and the join to make."""
    labels = _spelled(it.labels.key, it.spelling)
    rows = _spelled(it.rows.key, it.spelling)
    names = tuple(rows)
    labels["asked"] = _instants(it.labels.time)
    rows |= {"event": _instants(it.rows.time), "created": _instants(it.rows.created)}
    rows |= {"sequence": pa.array(it.rows.sequence.ravel()), "value": pa.array(it.position.ravel())}
    columns = RowColumns(
        names,
        "event",
        "created" if it.has_created else None,
        "sequence" if it.has_sequence else None,
        ("value",),
    )
    table = pa.table(rows).take(pa.array(np.argsort(it.position.ravel())))
    return pa.table(labels), table, JoinSpec(names, "asked", columns, ("value",), it.ttl, it.known)


def _instants(values: Ints) -> pa.Array:
    return pa.array(values.ravel(), pa.int64(), mask=values.ravel() == LEAST).cast(US)


def _spelled(key: Ints, spelling: str) -> dict[str, pa.Array]:
    """Keys of every world as columns. Those of composite keys fall together once their parts are joined to one text."""
    world = np.repeat(np.arange(key.shape[0]), key.shape[1])
    flat, gone = key.ravel(), key.ravel() < 0
    number = world * KEYS + flat
    if spelling == "dense":
        return {"k": pa.array(number, pa.int64(), mask=gone)}
    if spelling == "sparse":
        with np.errstate(over="ignore"):
            return {"k": pa.array(number * np.int64(0x1E3779B97F4A7C15) + np.int64(LEAST), mask=gone)}
    if spelling == "text":
        return {"k": pa.array([None if no else f"user-{n}" for n, no in zip(number.tolist(), gone, strict=True)])}
    digits = [_digits(number) for number in range(key.shape[0])]
    parts = [
        (None, digits[w]) if k < 0 else (digits[w][: k + 1], digits[w][k + 1 :])
        for w, k in zip(world.tolist(), flat.tolist(), strict=True)
    ]
    left, right = zip(*parts, strict=True)
    numbers = pa.array([int(text or 0) for text in right], pa.int32())
    if spelling == "two integers":
        return {"a": pa.array([None if text is None else int(text) for text in left]), "b": numbers}
    if spelling == "two texts":
        return {"a": pa.array(left, pa.string()), "b": pa.array(right, pa.string())}
    return {"a": pa.array([None if text is None else text.encode() for text in left], pa.binary()), "b": numbers}


def _digits(number: int) -> str:
    """At least three digits and none of them 0, so that every cut of it gives other integers."""
    text = ""
    while number or len(text) < KEYS + 1:
        number, digit = divmod(number, 9)
        text = str(digit + 1) + text
    return text
