"""Streams of writes and reads in which chosen keys are served wrongly for one known reason, and what is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from reference_platform.features.columns import Column, FeatureBlock
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.history import row_columns
from reference_platform.features.join.spec import RowColumns
from reference_platform.features.on_demand import OnDemandFeatureView, RequestSource
from reference_platform.features.online_store.compiler import compile_plan
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.plan import ReadPlan
from reference_platform.features.push_log import FIRST_SEQUENCE
from reference_platform.features.services import FeatureService
from reference_platform.features.skew.causes import Cause
from reference_platform.features.skew.vector_log import VectorLog
from reference_platform.features.skew.vector_shape import VectorShape
from reference_platform.features.sources import PushSource
from reference_platform.features.types import Bool, Float32, Float64, Int64, String

TTL_US = 400
USER = Entity("user", ("user_id",))
SHOP = Entity("shop", ("shop_code",), String)
SPEND = FeatureView(
    name="spend",
    source=PushSource(name="spend"),
    entities=(USER,),
    ttl=timedelta(microseconds=TTL_US),
    schema=(
        Field(name="total", dtype=Float32),
        Field(name="count", dtype=Int64),
        Field(name="city", dtype=String),
    ),
)
RATING = FeatureView(
    name="rating",
    source=PushSource(name="rating"),
    entities=(SHOP,),
    schema=(Field(name="stars", dtype=Float64), Field(name="open", dtype=Bool)),
)
VIEWS = {"spend": SPEND, "rating": RATING}
USERS = list(range(1, 9))
SHOPS = ["a1", "B2", "07", "x y", "q", "z9"]


def share(columns: Any) -> Any:
    """Part of the spending that this amount is."""
    return {"share": columns["amount"] / (columns["total"] + 1.0)}


def old_share(columns: Any) -> Any:
    """The same as it used to be."""
    return {"share": columns["amount"] / (columns["total"] + 2.0)}


AMOUNT = RequestSource(name="basket", schema=(Field(name="amount", dtype=Float32),))


def share_view(function: Any = share) -> OnDemandFeatureView:
    return OnDemandFeatureView(
        name="basket_share",
        sources=(SPEND[["total"]], AMOUNT),
        schema=(Field(name="share", dtype=Float32),),
        function=function,
    )


@dataclass(frozen=True)
class Row:
    """`online_us`: when it reached the online store; None if never. `past` False: it is not in history."""

    key: Any
    event_us: int
    created_us: int
    sequence: int
    values: tuple[Any, ...]
    online_us: int | None
    past: bool = True
    online_key: Any = None


class MemoryHistory:
    """Rows of one view as history hands them out."""

    def __init__(self, view: FeatureView, rows: list[Row]) -> None:
        self.view = view
        self.rows = rows

    @property
    def columns(self) -> RowColumns:
        return row_columns(self.view)

    def batches(self, *, since_us: int | None = None, until_us: int | None = None) -> Iterator[tuple[int, pa.Table]]:
        del since_us, until_us
        half = len(self.rows) // 2
        yield 0, self._table(self.rows[:half])
        yield half, self._table(self.rows[half:])

    def _table(self, rows: list[Row]) -> pa.Table:
        time = pa.timestamp("us", tz="UTC")
        arrays = [
            pa.array([row.key for row in rows], self.view.key_types[0].arrow_type()),
            pa.array([row.event_us for row in rows], pa.int64()).cast(time),
            pa.array([row.created_us for row in rows], pa.int64()).cast(time),
            pa.array([row.sequence for row in rows], pa.int64()),
        ]
        for at, each in enumerate(self.view.schema):
            arrays.append(pa.array([row.values[at] for row in rows], each.dtype.arrow_type()))
        columns = self.columns
        names = [*columns.keys, columns.event, str(columns.created), str(columns.sequence), *columns.features]
        return pa.Table.from_arrays(arrays, names=names)


def block_of(view: FeatureView, row: Row) -> FeatureBlock:
    kind = view.key_types[0]
    key = row.key if row.online_key is None else row.online_key
    values = tuple(
        Column(
            np.array([each.dtype.numpy_dtype.type() if value is None else value], dtype=each.dtype.numpy_dtype)
            if each.dtype.fixed_width
            else np.array([value], dtype=object),
            None if value is not None else np.zeros(1, dtype=np.bool_),
        )
        for each, value in zip(view.schema, row.values, strict=True)
    )
    number = [np.array([each], dtype=np.int64) for each in (row.event_us, row.created_us, row.sequence)]
    return FeatureBlock((np.array([key], dtype=kind.numpy_dtype),), *number, values)


@dataclass
class World:
    """`wrong`: the cause injected for a key of a view. Everything else is served as training would see it."""

    seed: int
    wrong: dict[tuple[str, Any], Cause] = field(default_factory=dict)
    serving_ttl_us: int | None = TTL_US
    code: bool = False
    view_code: bool = False
    inputs_served: bool = True
    writes: int = 120
    reads: int = 80

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.rows: dict[str, list[Row]] = {"spend": [], "rating": []}
        self.served: list[dict[str, Any]] = []
        self.log = VectorLog(None)
        self._sequence = FIRST_SEQUENCE
        self._clock = 1_000
        self._make_rows()
        self._serve()
        self.log.flush()

    # -- writes ----------------------------------------------------------------

    def _make_rows(self) -> None:
        moments = np.sort(self.random.choice(np.arange(1_000, 4_000, 2), self.writes, replace=False)).tolist()
        for at_us in moments:
            name = "spend" if self.random.random() < 0.6 else "rating"
            keys = USERS if name == "spend" else SHOPS
            self._write(name, keys[int(self.random.integers(len(keys)))], int(at_us))
        self.end_us = moments[-1] + 300

    def _write(self, name: str, key: Any, at_us: int) -> None:
        random = self.random
        delay = 2 * int(random.integers(0, 150)) if random.random() < 0.5 else 2 * int(random.integers(0, 3))
        event_us = at_us - delay
        same_key = [row for row in self.rows[name] if row.key == key and row.past]
        if same_key and random.random() < 0.15:
            event_us = same_key[int(random.integers(len(same_key)))].event_us
        row = Row(key, min(event_us, at_us), at_us, self._next(), self._values(name), at_us)
        if same_key and random.random() < 0.1:
            old = same_key[int(random.integers(len(same_key)))]
            row = replace(row, event_us=min(old.event_us, at_us), values=old.values)
        for each in self._spoiled(name, row):
            self.rows[name].append(each)

    def _spoiled(self, name: str, row: Row) -> list[Row]:
        cause = self.wrong.get((name, row.key))
        at_us, later_us = row.created_us, row.created_us + int(self.random.integers(20, 200))
        if cause is None or self.random.random() < 0.4:
            return [row]
        if cause is Cause.MISSING_MATERIALIZATION:
            return [replace(row, online_us=None if self.random.random() < 0.5 else later_us)]
        if cause is Cause.LATE_DATA:
            # Values of its own: sent twice, it could as well be the older copy.
            row = replace(row, values=self._values(name, nulls=False))
        if cause is Cause.LATE_DATA and self.random.random() < 0.5:
            return [replace(row, created_us=later_us, sequence=row.sequence - FIRST_SEQUENCE)]
        if cause is Cause.LATE_DATA:
            # Written at `later_us` with an older creation, after another row that proves it.
            self._late.append(replace(row, online_us=later_us))
            return []
        if cause is Cause.FUTURE_EVENT:
            return [replace(row, event_us=at_us + 2 * int(self.random.integers(25, 200)))]
        if cause is Cause.ONLINE_ONLY:
            return [replace(row, past=False, event_us=at_us - 1)]
        if cause is Cause.KEY_ENCODING:
            other = row.key.lstrip("0").upper() if row.key.lstrip("0").upper() != row.key else row.key.lower()
            # An event of its own (all others are even): one of its key would look like an older version of that.
            return [
                replace(
                    row, key=f" {other}", online_key=row.key, event_us=at_us - 1, values=self._values(name, nulls=False)
                )
            ]
        return [row]

    @property
    def _late(self) -> list[Row]:
        if not hasattr(self, "_late_rows"):
            self._late_rows: list[Row] = []
        return self._late_rows

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _values(self, name: str, *, nulls: bool = True) -> tuple[Any, ...]:
        random = self.random
        numbers: tuple[Any, ...]
        if name == "spend":
            numbers = (
                float(np.float32(random.normal(50, 20))),
                int(random.integers(1, 1000)),
                f"town {int(random.integers(5))}",
            )
        else:
            numbers = (float(random.normal()), bool(random.random() < 0.5))
        return tuple(None if nulls and random.random() < 0.1 else value for value in numbers)

    # -- reads -----------------------------------------------------------------

    def _serving_views(self) -> dict[str, FeatureView]:
        ttl = None if self.serving_ttl_us is None else timedelta(microseconds=self.serving_ttl_us)
        code = (lambda columns: columns) if self.view_code else None
        return {"spend": replace(SPEND, ttl=ttl, transformation=code), "rating": RATING}

    def _serve(self) -> None:
        views = self._serving_views()
        self._settle_late_rows()
        store = EmbeddedOnlineStore(None)
        store.declare(views.values())
        computed = replace(share_view(old_share if self.code else share), sources=(views["spend"][["total"]], AMOUNT))
        spend = [views["spend"][["total", "count", "city"]]] if self.inputs_served else [views["spend"][["city"]]]
        parts = (*spend, views["rating"][["stars", "open"]], computed)
        plan = compile_plan(parts)
        shape = VectorShape.of_plan(plan, service="test")
        pending = sorted(
            (
                (row.online_us, name, row)
                for name, rows in self.rows.items()
                for row in rows
                if row.online_us is not None
            ),
            key=lambda item: (item[0], item[2].sequence),
        )
        reads = np.sort(self.random.choice(np.arange(1_001, self.end_us, 2), self.reads, replace=False)).tolist()
        for number, read_us in enumerate(reads):
            while pending and pending[0][0] <= read_us:
                _, name, row = pending.pop(0)
                store.write(views[name], block_of(views[name], row))
            self._read(plan, shape, store, int(read_us), number)

    def _settle_late_rows(self) -> None:
        """Rows that arrive late get the numbers of their arrival, each after a row that became known then."""
        for row in self._late:
            assert row.online_us is not None
            for rows in self.rows.values():
                rows.append(Row("nobody" if rows is self.rows["rating"] else 0, row.online_us, row.online_us,
                                0, tuple([None] * (3 if rows is self.rows["spend"] else 2)), None))  # fmt: skip
            name = "spend" if isinstance(row.key, int) else "rating"
            self.rows[name].append(row)
        arrivals = sorted(
            (
                row.created_us if row.online_us is None or row not in self._late else row.online_us,
                row.sequence != 0,
                name,
                at,
            )
            for name, rows in self.rows.items()
            for at, row in enumerate(rows)
        )
        for number, (_, __, name, at) in enumerate(arrivals):
            row = self.rows[name][at]
            pushed = row.sequence == 0 or row.sequence >= FIRST_SEQUENCE
            self.rows[name][at] = replace(row, sequence=number + (FIRST_SEQUENCE if pushed else 0))

    def _read(self, plan: ReadPlan, shape: VectorShape, store: EmbeddedOnlineStore, read_us: int, number: int) -> None:
        user = USERS[int(self.random.integers(len(USERS)))]
        shop = SHOPS[int(self.random.integers(len(SHOPS)))]
        amount = float(np.float32(self.random.random()))
        response = plan.read(store, {"user_id": [user], "shop_code": [shop], "amount": [amount]}, read_us)
        values = [response.values(index) for index in range(len(plan.names))]
        if Cause.NULL_POLICY in (self.wrong.get(("spend", user)), self.wrong.get(("rating", shop))):
            values = [
                [_filled(feature.dtype)]
                if column[0] is None and self.wrong.get(_of(feature.part, user, shop)) is Cause.NULL_POLICY
                else column
                for feature, column in zip(shape.features, values, strict=True)
            ]
            statuses = [response.statuses(index) for index in range(len(plan.names))]
            events = [[0] if index < 0 else response.event_us(index) for index in shape.lookups]
            self.log.append(shape, read_us, [[user], [shop]], [[amount]], values, statuses, events, (str(number),))
        else:
            self.log.append_response(shape, response, read_us, (str(number),))
        named = dict(zip([(f.part, f.feature) for f in shape.features], (column[0] for column in values), strict=True))
        self.served.append({"read_us": read_us, "user": user, "shop": shop, "values": named})

    # -- what is right -----------------------------------------------------------

    def history(self, view: FeatureView) -> MemoryHistory:
        rows = [row for row in self.rows[view.name] if row.past]
        if self.view_code and view.name == "spend":
            rows = [replace(row, values=(_doubled(row.values[0]), *row.values[1:])) for row in rows]
        return MemoryHistory(view, rows)

    def definitions(self) -> DefinitionSet:
        service = FeatureService("test", (SPEND, RATING, share_view()), logging=True)
        return DefinitionSet.of([service])

    def expected(self, vector: dict[str, Any], part: str, feature: str) -> Any:
        """By the definition, one row after the other."""
        view, key = VIEWS[part], vector["user"] if part == "spend" else vector["shop"]
        known = [
            row
            for row in self.history(view).rows
            if row.key == key and row.event_us <= vector["read_us"] and row.created_us <= vector["read_us"]
        ]
        if not known:
            return None
        newest = max(known, key=lambda row: (row.event_us, row.created_us, row.sequence))
        if view.ttl_us is not None and vector["read_us"] - newest.event_us > view.ttl_us:
            return None
        return newest.values[view.feature_names.index(feature)]

    def differing(self) -> dict[tuple[str, str, str], Cause | None]:
        """Stored cells that were served wrongly, by (row id, part, feature), with the cause that was injected."""
        out: dict[tuple[str, str, str], Cause | None] = {}
        for number, vector in enumerate(self.served):
            for (part, feature), value in vector["values"].items():
                if part in VIEWS:
                    expected = self.expected(vector, part, feature)
                    if value != expected and not (value is not None and expected is not None and value == expected):
                        key = vector["user"] if part == "spend" else vector["shop"]
                        out[(str(number), part, feature)] = self._cause(part, key)
        return out

    def _cause(self, part: str, key: Any) -> Cause | None:
        if part == "spend" and self.serving_ttl_us != TTL_US:
            return Cause.TTL
        if part == "spend" and self.view_code:
            return Cause.CODE_VERSION
        return self.wrong.get((part, key))


def _of(part: str, user: int, shop: str) -> tuple[str, Any]:
    return ("rating", shop) if part == "rating" else ("spend" if part == "spend" else "none", user)


def _filled(dtype: str) -> Any:
    return {"Float32": 0.0, "Float64": float("nan"), "Int64": 0, "String": "", "Bool": False}[dtype]


def _doubled(value: float | None) -> float | None:
    return None if value is None else float(np.float32(value * 2))
