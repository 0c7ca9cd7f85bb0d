"""Views and rows for tests of the online stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from reference_platform.features.columns import Column, FeatureBlock
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.sources import PushSource
from reference_platform.features.types import (
    Array,
    Bool,
    Bytes,
    FeatureType,
    Float32,
    Float64,
    Int32,
    Int64,
    String,
    UnixTimestamp,
)

NOW_US = 1_780_000_000_000_000
HOUR_US = 3_600_000_000

DRIVER = Entity("driver_id")
PLACE = Entity("place", ("city", "street"), value_type=String)


def view_of(name: str, schema: Mapping[str, FeatureType], *entities: Entity, ttl_s: float = 0.0) -> FeatureView:
    """A view of these features."""
    return FeatureView(
        name=name,
        entities=entities or (DRIVER,),
        schema=tuple(Field(name=feature, dtype=kind) for feature, kind in schema.items()),
        source=PushSource(name="pushed"),
        ttl=timedelta(seconds=ttl_s),
    )


EVERY_TYPE: dict[str, FeatureType] = {
    "small": Int32,
    "large": Int64,
    "single": Float32,
    "double": Float64,
    "flag": Bool,
    "text": String,
    "raw": Bytes,
    "at": UnixTimestamp,
    "numbers": Array(Float32),
    "words": Array(String),
}


def column_of(values: Sequence[Any], kind: FeatureType) -> Column:
    """A column of Python values, None being null."""
    valid = np.array([value is not None for value in values], dtype=np.bool_)
    if not kind.fixed_width:
        cells = np.empty(len(values), dtype=object)
        cells[:] = values
        return Column(cells, None if valid.all() else valid)
    plain = [0 if value is None else value for value in values]
    return Column(np.array(plain, dtype=kind.numpy_dtype), None if valid.all() else valid)


def rows_of(
    view: FeatureView,
    keys: Sequence[Any],
    values: Sequence[Sequence[Any]],
    event_us: int | Sequence[int] = NOW_US,
    created_us: int | Sequence[int] | None = None,
    sequence: int | Sequence[int] = 0,
) -> FeatureBlock:
    """Rows from Python values; `keys` are tuples when the view has several join keys."""
    count = len(keys)
    composite = len(view.join_keys) > 1
    parts = [[key[at] for key in keys] for at in range(len(view.join_keys))] if composite else [keys]
    packed = []
    for part, kind in zip(parts, view.key_types, strict=False):
        column = np.empty(count, dtype=np.int64 if kind.dtype != "O" else object)
        column[:] = part
        packed.append(column)
    created = event_us if created_us is None else created_us
    columns = list(zip(*values, strict=True)) if count else [()] * view.width
    return FeatureBlock(
        tuple(packed),
        np.broadcast_to(np.array(event_us, dtype=np.int64), count),
        np.broadcast_to(np.array(created, dtype=np.int64), count),
        np.broadcast_to(np.array(sequence, dtype=np.int64), count),
        tuple(column_of(column, field.dtype) for column, field in zip(columns, view.schema, strict=True)),
    )
