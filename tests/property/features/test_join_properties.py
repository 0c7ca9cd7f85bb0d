"""Any labels, any rows, any cut and order of portions: the join answers as its rules read."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.join.kernel import AsOfJoin, latest_known, point_in_time_join
from reference_platform.features.join.spec import JoinSpec, RowColumns
from reference_platform.features.times import FAR_US, NEVER_US
from tests.oracle.point_in_time import Label, Row, answering_row

US = pa.timestamp("us", tz="UTC")
TIMES = st.one_of(
    st.integers(-8, 8), st.sampled_from([-FAR_US, FAR_US, 10**15, 10**15 + 1]), st.integers(-FAR_US, FAR_US)
)
KEYS = {
    "integers": (pa.int64(), st.one_of(st.integers(0, 3), st.sampled_from([-(2**63), 2**63 - 1]))),
    "text": (pa.string(), st.sampled_from(["", "1", "12", "23", "3", "ä"])),
    "bytes": (pa.binary(), st.sampled_from([b"", b"\0", b"\0\0"])),
}


class Case(NamedTuple):
    key_types: list[pa.DataType]
    rows: list[Row]
    labels: list[Label]
    ttl: int | None
    known: bool


@st.composite
def cases(draw: st.DrawFn) -> Case:
    kinds = [KEYS[name] for name in draw(st.lists(st.sampled_from(sorted(KEYS)), max_size=3))]
    key = st.tuples(*(st.none() | values if draw(st.booleans()) else values for _, values in kinds))
    pool = st.sampled_from(draw(st.lists(key, min_size=1, max_size=4)))
    times = st.sampled_from(draw(st.lists(TIMES, min_size=1, max_size=6)))
    missing = st.none() if draw(st.booleans()) else times
    rows = draw(st.lists(st.builds(Row, pool, times | missing, times | missing, st.integers(0, 2)), max_size=25))
    labels = draw(st.lists(st.builds(Label, pool, times | missing), max_size=12))
    ttl = draw(st.sampled_from([None, 0, 1, 3, 10**15, 2 * FAR_US, 4 * FAR_US]))
    return Case([kind for kind, _ in kinds], rows, labels, ttl, draw(st.booleans()))


def tables(case: Case) -> tuple[pa.Table, pa.Table, JoinSpec]:
    """The case in Arrow; the feature `n` of a row is its index, as text."""
    names = [f"k{at}" for at in range(len(case.key_types))]

    def keys(items: Any) -> dict[str, pa.Array]:
        return {
            name: pa.array([item.key[at] for item in items], kind)
            for at, (name, kind) in enumerate(zip(names, case.key_types, strict=True))
        }

    rows = pa.table({
        **keys(case.rows),
        "event": pa.array([row.event for row in case.rows], US),
        "created": pa.array([row.created for row in case.rows], US),
        "sequence": pa.array([row.sequence for row in case.rows], pa.int32()),
        "n": pa.array([str(at) for at in range(len(case.rows))], pa.string()),
    })  # fmt: skip
    labels = pa.table({**keys(case.labels), "time": pa.array([label.time for label in case.labels], US)})
    columns = RowColumns(tuple(names), "event", "created", "sequence", ("n",))
    return rows, labels, JoinSpec(tuple(names), "time", columns, ("n",), case.ttl, case.known)


def expected(case: Case) -> list[str | None]:
    found = [answering_row(case.rows, label, case.ttl, known_at_label=case.known) for label in case.labels]
    return [str(at) if at >= 0 else None for at in found]


@settings(max_examples=400, deadline=None)
@given(case=cases())
def test_the_join_answers_as_its_rules_read(case: Case) -> None:
    rows, labels, spec = tables(case)
    assert point_in_time_join(labels, rows, spec)["n"].to_pylist() == expected(case)


@settings(max_examples=200, deadline=None)
@given(case=cases(), data=st.data())
def test_any_cut_and_any_order_of_portions_gives_the_same_bytes(case: Case, data: st.DataObject) -> None:
    rows, labels, spec = tables(case)
    ends = [*sorted(data.draw(st.sets(st.integers(0, len(case.rows))))), len(case.rows)]
    portions = list(zip([0, *ends], ends, strict=False))
    join = AsOfJoin(labels, spec, row_schema=rows.schema)
    for begin, end in data.draw(st.permutations(portions)):
        join.add(rows.slice(begin, end - begin), begin)
    whole = AsOfJoin(labels, spec)
    whole.add(rows, 0)
    assert join.finish().combine_chunks().equals(whole.finish().combine_chunks())
    for name in ("found", "event_us", "row_sequence", "row_position"):
        assert getattr(join, name).tobytes() == getattr(whole, name).tobytes()


@settings(max_examples=200, deadline=None)
@given(case=cases())
def test_the_numpy_join_answers_alike(case: Case) -> None:
    codes = {key: at for at, key in enumerate({item.key for item in [*case.rows, *case.labels]})}
    instants = [
        np.array([NEVER_US if value is None else value for value in column], dtype=np.int64)
        for column in ([row.event for row in case.rows], [row.created for row in case.rows])
    ]
    labels = [label for label in case.labels if label.time is not None and None not in label.key]
    found = latest_known(
        np.array([-1 if None in row.key else codes[row.key] for row in case.rows], dtype=np.int32),
        *instants,
        np.array([row.sequence for row in case.rows], dtype=np.int64),
        np.array([codes[label.key] for label in labels], dtype=np.int64),
        np.array([label.time for label in labels], dtype=np.int64),
        ttl_us=case.ttl,
        known_at_label=case.known,
    )
    assert found.tolist() == [answering_row(case.rows, label, case.ttl, known_at_label=case.known) for label in labels]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), users=st.integers(1, 5), ttl=st.integers(0, 40))
def test_pandas_agrees_where_it_can_be_asked_the_same(seed: int, users: int, ttl: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 80, 2)
    event, user = rng.permutation(400)[:n] - 200, rng.integers(0, users, n)
    time, who = rng.integers(-250, 250, m), rng.integers(0, users + 1, m)
    rows = pd.DataFrame({"user": user, "at": pd.to_datetime(event, unit="us"), "v": rng.normal(size=n)})
    labels = pd.DataFrame({"user": who, "at": pd.to_datetime(time, unit="us")})
    rows["at"], labels["at"] = rows["at"].dt.as_unit("us"), labels["at"].dt.as_unit("us")
    theirs = pd.merge_asof(labels.reset_index().sort_values("at"), rows.sort_values("at"), on="at", by="user",
                           tolerance=pd.Timedelta(ttl, unit="us")).sort_values("index")["v"]  # fmt: skip
    spec = JoinSpec(("user",), "at", RowColumns(("user",), "at", None, None, ("v",)), ("v",), ttl)
    ours = point_in_time_join(pa.Table.from_pandas(labels), pa.Table.from_pandas(rows), spec)["v"].to_numpy()
    np.testing.assert_array_equal(ours, theirs.to_numpy())
