"""Each rule of the join, on rows small enough to check by eye."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.join.kernel import AsOfJoin, latest_known, point_in_time_join
from reference_platform.features.join.labels import Labels
from reference_platform.features.join.spec import JoinSpec, RowColumns
from reference_platform.features.times import NEVER_US

US = pa.timestamp("us", tz="UTC")
DAY = 86_400_000_000
T = 1_736_467_200_000_000


def rows_of(*rows: tuple[Any, Any, Any, Any], key: pa.DataType | None = None) -> pa.Table:
    """(user, event, created, value) by row."""
    user, event, created, value = zip(*rows, strict=True)
    return pa.table(
        {"user": pa.array(user, key or pa.int64()), "at": pa.array(event, US), "known": pa.array(created, US),
         "v": pa.array(value, pa.int64())}
    )  # fmt: skip


def labels_of(*labels: tuple[Any, Any], key: pa.DataType | None = None) -> pa.Table:
    """(user, time) by label."""
    user, time = zip(*labels, strict=True)
    return pa.table({"user": pa.array(user, key or pa.int64()), "time": pa.array(time, US)})


def spec_of(ttl_us: int | None = DAY, *, known: bool = True, created: bool = True, **change: Any) -> JoinSpec:
    rows = RowColumns(("user",), "at", "known" if created else None, change.pop("sequence", None), ("v",))
    return JoinSpec(("user",), "time", rows, ("v",), ttl_us, known)


def joined(labels: pa.Table, rows: pa.Table, **spec: Any) -> list[Any]:
    answers: list[Any] = point_in_time_join(labels, rows, spec_of(**spec))["v"].to_pylist()
    return answers


def test_a_row_at_the_very_instant_answers_and_one_after_it_does_not() -> None:
    assert joined(labels_of((1, T), (1, T - 1)), rows_of((1, T, T, 10))) == [10, None]


def test_exactly_ttl_old_answers_and_a_microsecond_more_does_not() -> None:
    labels = labels_of((1, T + DAY), (1, T + DAY + 1))
    assert joined(labels, rows_of((1, T, T, 10))) == [10, None]
    assert joined(labels, rows_of((1, T, T, 10)), ttl_us=None) == [10, 10]


def test_newest_event_then_created_then_position_answers() -> None:
    assert joined(labels_of((1, T + 9)), rows_of((1, T, T + 5, 1), (1, T + 1, T + 1, 2), (1, T, T, 3))) == [2]
    assert joined(labels_of((1, T + 9)), rows_of((1, T, T + 5, 1), (1, T, T + 2, 2))) == [1]
    assert joined(labels_of((1, T + 9)), rows_of((1, T, T, 1), (1, T, T, 2))) == [2]


def test_a_sequence_column_comes_before_position() -> None:
    rows = rows_of((1, T, T, 1), (1, T, T, 2), (1, T, T, 3)).append_column("n", pa.array([7, None, 7]))
    assert joined(labels_of((1, T)), rows, sequence="n") == [3]
    assert joined(labels_of((1, T)), rows.slice(0, 2), sequence="n") == [1]


def test_what_became_known_later_does_not_leak_into_training_data() -> None:
    rows = rows_of((1, T, T + 5, 1), (1, T - 5, T - 5, 2), (2, T, T + 5, 3), (3, T, None, 4))
    labels = labels_of((1, T), (2, T), (3, T))
    assert joined(labels, rows) == [2, None, None]
    assert joined(labels, rows, known=False) == [1, 3, 4]


def test_a_missing_created_is_the_oldest_version() -> None:
    assert joined(labels_of((1, T)), rows_of((1, T, T - DAY, 1), (1, T, None, 2)), known=False) == [1]


def test_without_a_created_column_a_row_counts_as_known_at_its_event() -> None:
    assert joined(labels_of((1, T)), rows_of((1, T, T + 5, 1)), created=False) == [1]


def test_a_null_is_an_answer() -> None:
    assert joined(labels_of((1, T + 9)), rows_of((1, T, T, 70), (1, T + 1, T + 1, None))) == [None]


def test_every_label_gets_one_row_in_order_duplicates_and_misses_included() -> None:
    labels = labels_of((2, T), (1, T), (1, T), (None, T), (9, T), (1, None), (1, T - 5 * DAY))
    assert joined(labels, rows_of((1, T, T, 10), (2, T, T, 20), (None, T, T, 30))) == [20, 10, 10] + [None] * 4


def test_missing_answers_keep_their_integer_type_and_lists_and_text_pass_through() -> None:
    big = 2**53 + 1
    rows = rows_of((1, T, T, big)).append_column("words", pa.array([["a", None]])).append_column("t", pa.array(["ä"]))
    spec = JoinSpec(
        ("user",), "time", RowColumns(("user",), "at", None, None, ("v", "words", "t")), ("v_y", "words", "user"), None
    )
    out = point_in_time_join(labels_of((1, T), (2, T)), rows, spec)
    assert out.schema.types == [pa.int64(), pa.list_(pa.string()), pa.string()]
    assert out.to_pylist() == [
        {"v_y": big, "words": ["a", None], "user": "ä"},
        {"v_y": None, "words": None, "user": None},
    ]


def test_composite_keys_do_not_collide() -> None:
    for kind, parts in ((pa.int64(), ((1, 23), (12, 3))), (pa.string(), (("1", "23"), ("12", "3")))):
        left, right = zip(*parts, strict=True)
        at = pa.array([T] * 4, US)
        rows = pa.table({"a": pa.array(left, kind), "b": pa.array(right, kind), "at": at[:2], "v": [1, 2]})
        a, b = zip((right[0], left[0]), (left[1], right[1]), (left[0], right[0]), (None, left[1]), strict=True)
        labels = pa.table({"a": pa.array(a, kind), "b": pa.array(b, kind), "time": at})
        spec = JoinSpec(("a", "b"), "time", RowColumns(("a", "b"), "at", None, None, ("v",)), ("v",), None)
        assert point_in_time_join(labels, rows, spec)["v"].to_pylist() == [None, 2, 1, None]


def test_a_view_without_keys_has_one_value_for_everybody() -> None:
    spec = JoinSpec((), "time", RowColumns((), "at", None, None, ("v",)), ("v",), None)
    assert point_in_time_join(labels_of((1, T), (2, T + 2)), rows_of((5, T, T, 1), (6, T + 1, T, 2)), spec)[
        "v"
    ].to_pylist() == [1, 2]


@pytest.mark.parametrize("kind", [pa.int8(), pa.int32(), pa.uint32(), pa.float64()])
def test_integer_keys_of_any_width_compare_by_value(kind: pa.DataType) -> None:
    labels = labels_of((1, T), (2, T), (None, T), key=kind)
    assert joined(labels, rows_of((1, T, T, 1), (2, T, T, 2))) == [1, 2, None]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_text_keys_compare_whatever_their_encoding(kind: pa.DataType) -> None:
    rows = rows_of(("a", T, T, 1), ("ä", T, T, 2), (None, T, T, 3), ("", T, T, 4), key=pa.string())
    coded = rows.set_column(0, "user", rows["user"].cast(kind))
    labels = labels_of(("ä", T), ("b", T), (None, T), ("", T), key=pa.string())
    for asked in (labels, labels.set_column(0, "user", labels["user"].cast(kind))):
        assert joined(asked, coded) == [2, None, None, 4]


def test_keys_far_apart_and_extreme_are_told_apart() -> None:
    low, high = -(2**63), 2**63 - 1
    rows = rows_of((low, T, T, 1), (high, T, T, 2), (0, T, T, 3), (-1, T, T, 4))
    assert joined(labels_of((high, T), (low, T), (-1, T), (5, T)), rows) == [2, 1, 4, None]


def test_naive_times_count_as_utc_and_units_mix() -> None:
    rows = rows_of((1, T, T, 1))
    naive = rows.set_column(1, "at", rows["at"].cast(pa.timestamp("us")).cast(pa.timestamp("ms")))
    labels = labels_of((1, T))
    nanos = labels.set_column(1, "time", labels["time"].cast(pa.timestamp("ns", tz="Europe/Berlin")))
    assert joined(nanos, naive) == [1]


def test_times_finer_than_a_microsecond_are_refused() -> None:
    labels = labels_of((1, T)).set_column(1, "time", pa.array([T * 1000 + 1], pa.timestamp("ns", tz="UTC")))
    with pytest.raises(CommandError, match="finer than a microsecond"):
        joined(labels, rows_of((1, T, T, 1)))


def test_no_rows_and_no_labels() -> None:
    empty = rows_of((1, T, T, 1)).slice(0, 0)
    assert joined(labels_of((1, T)), empty) == [None]
    assert joined(labels_of((1, T)).slice(0, 0), rows_of((1, T, T, 1))) == []
    never = AsOfJoin(labels_of((1, T)), spec_of(), row_schema=empty.schema).finish()
    assert never.schema.types == [pa.int64()]
    assert AsOfJoin(labels_of((1, T)), spec_of()).finish().to_pylist() == [{"v": None}]


def test_what_answered_can_be_traced() -> None:
    join = AsOfJoin(labels_of((1, T), (2, T), (1, T + 5)), spec_of())
    join.add(rows_of((1, T + 1, T + 1, 2)), 41)
    join.add(rows_of((1, T, T, 1)), 40)
    assert join.finish()["v"].to_pylist() == [1, None, 2]
    assert join.found.tolist() == [True, False, True]
    assert join.event_us.tolist() == [T, NEVER_US, T + 1]
    assert join.row_sequence.tolist() == join.row_position.tolist() == [40, -1, 41]


def test_labels_prepared_once_serve_many_views() -> None:
    labels = Labels(labels_of((1, T), (2, T)), ("user",), "time")
    for value in (5, 6):
        assert point_in_time_join(labels, rows_of((2, T, T, value)), spec_of())["v"].to_pylist() == [None, value]


def test_many_small_portions_are_compacted_and_answer_alike() -> None:
    rng = np.random.default_rng(5)
    n = 600_000
    event = np.sort(rng.integers(0, 1000, n)) + T
    rows = pa.table({"user": rng.integers(0, 3, n), "at": pa.array(event, US), "v": np.arange(n)})
    labels = labels_of((0, T + 2000), (1, T + 2000), (2, T + 500))
    join = AsOfJoin(labels, spec_of(None, created=False))
    for at in range(0, n, 20_000):
        join.add(rows.slice(at, 20_000), at)
    assert (
        join.finish()["v"].to_pylist()
        == point_in_time_join(labels, rows, spec_of(None, created=False))["v"].to_pylist()
    )


@pytest.mark.parametrize(
    ("labels", "rows", "message"),
    [
        (labels_of((1, T)).rename_columns(["usr", "time"]), rows_of((1, T, T, 1)), 'did you mean "usr"'),
        (labels_of((1, T)), rows_of((1, T, T, 1)).rename_columns(["user", "at", "known", "vv"]), 'did you mean "vv"'),
        (labels_of((1, T)), rows_of((1, T, T, 1)).append_column("v", pa.array([1])), '2 columns "v"'),
        (labels_of(("1", T), key=pa.string()), rows_of((1, T, T, 1)), "holds text and"),
        (labels_of((1.5, T), key=pa.float64()), rows_of((1, T, T, 1)), "more than integers"),
        (labels_of(([1], T), key=pa.list_(pa.int64())), rows_of((1, T, T, 1)), "makes no join key"),
        (labels_of((1, T)).set_column(1, "time", pa.array([1])), rows_of((1, T, T, 1)), "not a time"),
    ],
)
def test_what_cannot_be_joined_is_refused_with_the_column_named(labels: pa.Table, rows: pa.Table, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        joined(labels, rows)
    assert message in str(caught.value)


def test_portions_of_different_types_are_refused() -> None:
    join = AsOfJoin(labels_of((1, T)), spec_of())
    join.add(rows_of((1, T, T, 1)), 0)
    other = rows_of((1, T, T, 1))
    with pytest.raises(CommandError, match="int64 in one portion and double in another"):
        join.add(other.set_column(3, "v", other["v"].cast(pa.float64())), 1)


def test_dictionary_columns_of_many_portions_are_answered() -> None:
    join = AsOfJoin(labels_of((1, T), (2, T)), spec_of(created=False))
    for user, word in ((1, "one"), (2, "two")):
        rows = rows_of((user, T, T, user))
        join.add(rows.set_column(3, "v", pa.array([word]).dictionary_encode()), user)
    assert join.finish()["v"].to_pylist() == ["one", "two"]


def test_latest_known_needs_no_arrow_and_breaks_the_last_tie_by_index() -> None:
    key, zero = np.zeros(3, dtype=np.int32), np.zeros(3, dtype=np.int64)
    at = np.array([5, NEVER_US, 3])
    found = latest_known(
        key, zero, zero, zero, np.array([0, 0, 1]), at * [1, 0, 1] - [0, 9, 0], ttl_us=5, known_at_label=True
    )
    assert found.tolist() == [2, -1, -1]
