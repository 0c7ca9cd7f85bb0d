"""What a plan serves is what a plain reading of the rules says, row for row, and hidden features never get through."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reference_platform.features.columns import Column
from reference_platform.features.definitions import Entity, FeatureView, Field
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.online_store.compiler import compile_plan
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import Status
from reference_platform.features.types import Float64, Int64, String
from tests.unit.reference_platform.features.online_store.rows import PLACE, rows_of, view_of

NOW_US = 1_000_000
DRIVER = view_of("driver", {"a": Int64, "b": Float64, "c": String}, Entity("driver_id"), ttl_s=0.00001)
STREET = view_of("street", {"d": Int64}, PLACE)
values = st.tuples(st.none() | st.integers(0, 9), st.none() | st.floats(0, 1), st.none() | st.text(max_size=3))
driver_rows = st.dictionaries(st.integers(0, 4), st.tuples(st.integers(NOW_US - 15, NOW_US + 3), values))
street_rows = st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), st.none() | st.integers(0, 9))
asked = st.lists(
    st.tuples(
        st.none() | st.integers(-1, 5), st.none() | st.sampled_from("abc"), st.none() | st.sampled_from("abc")
    ),
    max_size=8,
)  # fmt: skip


def filled(drivers: dict[int, Any], streets: dict[Any, Any]) -> EmbeddedOnlineStore:
    """A store with these rows."""
    store = EmbeddedOnlineStore(None, [DRIVER, STREET])
    rows = list(drivers.values())
    store.write(DRIVER, rows_of(DRIVER, list(drivers), [row[1] for row in rows], [row[0] for row in rows]))
    store.write(STREET, rows_of(STREET, list(streets), [(value,) for value in streets.values()], NOW_US))
    return store


def answer(row: tuple[int, Any] | None, ttl_us: int | None, position: int) -> tuple[Any, Status, int]:
    """Value, status and event time by the rules."""
    if row is None:
        return None, Status.NOT_FOUND, 0
    event_us, found = row
    if ttl_us is not None and NOW_US - event_us > ttl_us:
        return None, Status.OUTSIDE_MAX_AGE, event_us
    return found[position], Status.NULL_VALUE if found[position] is None else Status.PRESENT, event_us


@settings(max_examples=300, deadline=None)
@given(drivers=driver_rows, streets=street_rows, rows=asked, order=st.permutations(["a", "b", "c"]), text=st.booleans())
def test_every_row_gets_its_value_status_and_time(
    drivers: dict[int, Any], streets: dict[Any, Any], rows: list[Any], order: list[str], text: bool
) -> None:
    store = filled(drivers, streets)
    plan = compile_plan([DRIVER[order[:2]], STREET[["d"]], DRIVER[order[2:]]])
    ids = [str(each[0]) if text and each[0] is not None else each[0] for each in rows]
    entities = {"driver_id": ids, "city": [each[1] for each in rows], "street": [each[2] for each in rows]}
    response = plan.read(store, entities, NOW_US)
    assert response.rows == len(rows)
    assert plan.names == (*order[:2], "d", order[2])
    for index, name in enumerate(plan.names):
        if name == "d":
            found = [streets.get(each[1:], ...) for each in rows]
            wanted = [answer(None if value is ... else (NOW_US, (value,)), None, 0) for value in found]
        else:
            wanted = [answer(drivers.get(each[0]), 10, "abc".index(name)) for each in rows]
        got = zip(response.values(index), response.statuses(index), response.event_us(index), strict=True)
        assert list(got) == wanted
        column: Column = response.column(index)
        assert column.to_list() == response.values(index)
    assert response.to_dict() == {
        "driver_id": [each[0] for each in rows],
        "city": entities["city"],
        "street": entities["street"],
        **{name: response.values(index) for index, name in enumerate(plan.names)},
    }


@settings(max_examples=100, deadline=None)
@given(drivers=driver_rows, rows=asked, hidden=st.sets(st.sampled_from("abc")))
def test_hidden_features_are_nowhere(drivers: dict[int, Any], rows: list[Any], hidden: set[str]) -> None:
    def visible(view: FeatureView, field: Field) -> bool:
        return field.name not in hidden

    def twice(inputs: Any) -> Any:
        return {"twice": [None if value is None else 2 * value for value in inputs["a"]]}

    doubled = OnDemandFeatureView(
        name="doubled",
        sources=(DRIVER[["a", "c"]],),
        schema=(Field(name="twice", dtype=Int64),),
        function=twice,
        mode="python",
    )
    store = filled(drivers, {})
    plan = compile_plan([DRIVER[["c", "b", "a"]], doubled], visible=visible)
    shown = [name for name in "cba" if name not in hidden]
    assert plan.names == (*shown, *(["twice"] if not hidden & {"a", "c"} else []))
    assert set(plan.needs("driver")) == set(shown)
    response = plan.read(store, {"driver_id": [each[0] for each in rows]}, NOW_US)
    for section in response._sections:
        stored = getattr(section, "_answer", None)
        for name in hidden:
            if stored is not None:
                assert stored.columns([name])[0].to_list() == [None] * len(rows)
    if "twice" in plan.names:
        ages = [answer(drivers.get(each[0]), 10, 0)[0] for each in rows]
        wanted = [None if value is None else 2 * value for value in ages]
        assert response.values(plan.names.index("twice")) == wanted
