"""What every online store promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reference_platform.errors import CommandError
from reference_platform.features.definitions import Entity
from reference_platform.features.online_store.port import OnlineStore, ViewRead
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import Bytes, Float32, Float64, Int64, String
from tests.unit.reference_platform.features.online_store.rows import (
    DRIVER,
    EVERY_TYPE,
    NOW_US,
    PLACE,
    rows_of,
    view_of,
)

TRIPS = view_of("trips", {"trips": Int64, "rating": Float32})


def values(store: OnlineStore, view: object, *keys: object) -> list[list[object]]:
    """Python rows of one read."""
    (answer,) = store.read([ViewRead(view, keys)])  # type: ignore[arg-type]
    return [answer.row(index) for index in range(len(answer))]


def test_rows_come_back_in_the_order_asked_with_repeats_and_gaps(store: OnlineStore) -> None:
    store.declare([TRIPS])
    assert store.write(TRIPS, rows_of(TRIPS, [1, 2], [(10, 0.5), (20, None)])) == 2
    assert values(store, TRIPS, [2, 9, 1, 2, None]) == [[20, None], [None, None], [10, 0.5], [20, None], [None, None]]
    (answer,) = store.read([ViewRead(TRIPS, ([1, 9, None],))])
    assert answer.found.tolist() == [True, False, False]
    assert answer.event_us.tolist() == [NOW_US, NEVER_US, NEVER_US]
    assert store.rows("trips") == 2


def test_every_type_survives(store: OnlineStore) -> None:
    view = view_of("all", EVERY_TYPE)
    store.declare([view])
    full = (-(2**31), 2**63 - 1, 0.25, math.inf, True, "ünï\x00 \ud800", b"\x00\xff", -5, [1.5, None, -0.0], ["", None])
    low = (0, 0, 0.0, 0.0, False, "", b"", 0, [], [])
    none = (None,) * len(full)
    store.write(view, rows_of(view, [1, 2, 3], [full, none, low]))
    assert values(store, view, [1, 2, 3]) == [list(full), list(none), list(low)]


def test_nan_is_a_value_and_null_is_not(store: OnlineStore) -> None:
    store.declare([TRIPS])
    store.write(TRIPS, rows_of(TRIPS, [1, 2], [(1, math.nan), (1, None)]))
    (answer,) = store.read([ViewRead(TRIPS, ([1, 2],))])
    (rating,) = answer.columns(["rating"])
    assert rating.mask().tolist() == [True, False]
    assert math.isnan(rating.values[0])


@pytest.mark.parametrize(
    ("entity", "keys"),
    [
        (Entity("k"), [-(2**63), 0, 2**63 - 1]),
        (Entity("k", key_count=5), [0, 3, 4]),
        (Entity("k", value_type=String), ["", "a", "a\x00", "}"]),
        (Entity("k", value_type=Bytes), [b"", b"a", b"\xff"]),
        (PLACE, [("1", "23"), ("12", "3"), ("", "123"), ("123", "")]),
        (Entity("k", ("a", "b"), value_type=Int64), [(1, 23), (12, 3)]),
    ],
)
def test_keys_of_every_type_are_told_apart(store: OnlineStore, entity: Entity, keys: list[object]) -> None:
    view = view_of("keyed", {"x": Int64}, entity)
    store.declare([view])
    store.write(view, rows_of(view, keys, [(index,) for index in range(len(keys))]))
    columns = list(zip(*keys, strict=True)) if len(view.join_keys) > 1 else [keys]  # type: ignore[call-overload]
    assert values(store, view, *map(list, columns)) == [[index] for index in range(len(keys))]


def test_a_view_without_entities_has_one_row(store: OnlineStore) -> None:
    view = view_of("whole", {"x": Int64})
    object.__setattr__(view, "entities", ())
    store.declare([view])
    store.write(view, rows_of(view, [(), ()], [(1,), (2,)], sequence=[0, 1]))
    (answer,) = store.read([ViewRead(view, (), rows=3)])
    assert [answer.row(index) for index in range(3)] == [[2], [2], [2]]
    assert store.rows("whole") == 1


@pytest.mark.parametrize(
    ("older", "newer"),
    [((1, 9, 9), (2, 0, 0)), ((1, 1, 9), (1, 2, 0)), ((1, 1, 1), (1, 1, 2)), ((-5, 0, 0), (-4, 0, 0))],
)
def test_the_greater_version_wins_in_either_order(
    store: OnlineStore, older: tuple[int, int, int], newer: tuple[int, int, int]
) -> None:
    store.declare([TRIPS])
    first, second = (rows_of(TRIPS, [7], [(index, None)], *version) for index, version in enumerate((older, newer)))
    assert [store.write(TRIPS, rows) for rows in (first, second, first, second)] == [1, 1, 0, 0]
    assert values(store, TRIPS, [7]) == [[1, None]]
    both = rows_of(TRIPS, [8, 8], [(0, None), (1, None)], *zip(older, newer, strict=True))
    assert store.write(TRIPS, both) == 1
    assert store.write(TRIPS, both.take(np.array([1, 0]))) == 0
    assert values(store, TRIPS, [8]) == [[1, None]]


def test_equal_versions_end_in_one_state_whatever_the_order(store: OnlineStore) -> None:
    view = view_of("ties", {"x": Float64, "text": String})
    store.declare([view])
    rows = [(1.0, "b"), (1.0, None), (-1.0, "a"), (None, "zz"), (1.0, "ab")]
    for key, order in enumerate(([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3])):
        for index in order:
            store.write(view, rows_of(view, [key], [rows[index]]))
    store.write(view, rows_of(view, [3] * 5, rows))
    found = values(store, view, [0, 1, 2, 3])
    assert found == [found[0]] * 4


def test_a_null_or_impossible_key_is_refused_and_nothing_is_written(store: OnlineStore) -> None:
    view = view_of("named", {"x": Int64}, Entity("name", value_type=String))
    store.declare([view])
    with pytest.raises(CommandError, match='row 1: join key "name" is null'):
        store.write(view, rows_of(view, ["a", None], [(1,), (2,)]))
    assert store.rows("named") == 0
    assert store.write(view, rows_of(view, [], [])) == 0


def test_watermarks_only_move_forward(store: OnlineStore) -> None:
    store.declare([TRIPS])
    assert store.watermark_us("trips") == NEVER_US
    for to_us in (5, NOW_US, 7):
        store.advance_watermark("trips", to_us)
    assert store.watermark_us("trips") == NOW_US
    store.declare([TRIPS])
    assert store.watermark_us("trips") == NOW_US


def test_a_changed_schema_starts_empty_and_the_old_declaration_is_refused(store: OnlineStore) -> None:
    store.declare([TRIPS])
    store.write(TRIPS, rows_of(TRIPS, [1], [(1, 1.0)]))
    store.advance_watermark("trips", 5)
    same = view_of("trips", {"trips": Int64, "rating": Float32}, ttl_s=60.0)
    store.declare([same])
    assert values(store, same, [1]) == values(store, TRIPS, [1]) == [[1, 1.0]]
    wider = view_of("trips", {"trips": Int64, "rating": Float64}, DRIVER)
    store.declare([wider])
    assert values(store, wider, [1]) == [[None, None]]
    assert store.rows("trips") == 0
    assert store.watermark_us("trips") == NEVER_US
    with pytest.raises(CommandError, match="other keys or features"):
        store.read([ViewRead(TRIPS, ([1],))])


def test_a_dropped_view_is_gone(store: OnlineStore) -> None:
    store.declare([TRIPS])
    store.write(TRIPS, rows_of(TRIPS, [1], [(1, 1.0)]))
    store.drop("trips")
    store.drop("trips")
    with pytest.raises(CommandError, match="not in the online store"):
        store.rows("trips")
    store.declare([TRIPS])
    assert values(store, TRIPS, [1]) == [[None, None]]


def test_many_views_are_answered_together(store: OnlineStore) -> None:
    views = [view_of(f"v{number}", {"x": Int64}) for number in range(20)]
    store.declare(views)
    for number, view in enumerate(views):
        store.write(view, rows_of(view, [1], [(number,)]))
    answers = store.read([ViewRead(view, ([1, 2],)) for view in views])
    assert [answer.row(0) for answer in answers] == [[number] for number in range(20)]
    assert store.read([]) == []


def test_an_answer_does_not_change_when_the_store_does(store: OnlineStore) -> None:
    store.declare([TRIPS])
    store.write(TRIPS, rows_of(TRIPS, [1], [(1, 1.0)]))
    (answer,) = store.read([ViewRead(TRIPS, ([1],))])
    store.write(TRIPS, rows_of(TRIPS, [1], [(2, 2.0)], NOW_US + 1))
    assert answer.row(0) == [1, 1.0]
    assert values(store, TRIPS, [1]) == [[2, 2.0]]


def test_values_of_another_type_are_refused(store: OnlineStore) -> None:
    store.declare([TRIPS])
    wide = view_of("wide", {"trips": Float64, "rating": Float32})
    with pytest.raises(CommandError, match="trips:trips: float64 does not fit Int64"):
        store.write(TRIPS, rows_of(wide, [1], [(1.5, 1.0)]))
    with pytest.raises(CommandError, match='"driver_id", row 0: a float is no Int64'):
        store.read([ViewRead(TRIPS, ([1.5],))])
