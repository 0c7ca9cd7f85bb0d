"""The store as one thing: declare, join, push, materialise, read."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reference_platform.errors import CommandError, ContentError, PagerDrillError
from reference_platform.features import (
    Aggregation,
    Entity,
    FeatureService,
    FeatureStore,
    FeatureView,
    Field,
    FileSource,
    Float64,
    Int64,
    KafkaSource,
    PushMode,
    PushSource,
    StoreConfig,
    StreamFeatureView,
    String,
    UnknownFeatureError,
    on_demand_feature_view,
)
from reference_platform.features.example.folder import write_example
from reference_platform.live.opening import open_store
from tests.unit.reference_platform.features.store.rides import (
    DRIVER,
    FARE,
    HOUR,
    SERVICE,
    STATS,
    T0,
    TARIFF,
    us,
    write_stats,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    """A store with the rides, an hour after the newest row."""
    write_stats(tmp_path)
    made = FeatureStore(tmp_path, clock=lambda: us(T0 + HOUR))
    made.apply([DRIVER, STATS, FARE, SERVICE])
    yield made
    made.close()


def labels(*rows: tuple[int | None, timedelta]) -> pd.DataFrame:
    frame = pd.DataFrame({"driver_id": [row[0] for row in rows], "event_timestamp": [T0 + row[1] for row in rows]})
    return frame.astype({"driver_id": "Int64"})


def test_an_empty_folder_is_a_store(tmp_path: Path) -> None:
    """Nothing declared, nothing found, nothing broken."""
    made = open_store(tmp_path / "new")
    assert made.list_feature_views() == []
    with pytest.raises(UnknownFeatureError, match="does not exist"):
        made.get_online_features(["driver_stats:trips"], [{"driver_id": 1}])


def test_a_training_set_keeps_rows_order_types_and_what_was_not_known(store: FeatureStore) -> None:
    """Duplicates, missing entities, null keys and rows that became known later."""
    asked = labels((1, HOUR), (1, timedelta(0)), (9, HOUR), (None, HOUR), (1, HOUR), (3, HOUR))
    table = store.get_historical_features(asked, ["driver_stats:trips", "driver_stats:rating"]).to_arrow()
    assert table.column_names == ["driver_id", "event_timestamp", "trips", "rating"]
    assert table.column("trips").to_pylist() == [11, 10, None, None, 11, None]
    assert table.schema.field("trips").type == pa.int64()
    assert table.column("driver_id").to_pylist() == [1, 1, 9, None, 1, 3]


def test_without_the_cutoff_rows_count_before_they_were_known_and_the_report_says_so(store: FeatureStore) -> None:
    """At T0 the row of T0 was not known yet: it became known ten minutes later."""
    asked = labels((1, timedelta(0)), (2, timedelta(0)))
    leaky = store.get_historical_features(asked, ["driver_stats:trips"], known_at_label=False)
    assert leaky.to_arrow().column("trips").to_pylist() == [11, 20]
    report = leaky.leak_report()
    assert report.cells_changed == 1


def test_on_demand_features_are_the_same_in_training_and_online(store: FeatureStore) -> None:
    """One function, fed from history and from the online store."""
    store.materialize_incremental(T0 + HOUR)
    asked = labels((1, HOUR), (2, HOUR)).assign(price_eur=[2.0, 3.0])
    trained = store.get_historical_features(asked, SERVICE).to_arrow()
    online = store.get_online_features(SERVICE, {"driver_id": [1, 2], "price_eur": [2.0, 3.0]}).to_dict()
    for name in ("trips", "rating", "fare_eur"):
        assert online[name] == trained.column(name).to_pylist()


def test_what_is_pushed_is_served_and_remembered(store: FeatureStore) -> None:
    """With history kept, the pushed row answers online now and offline at every later instant."""
    frame = pd.DataFrame({"driver_id": [1], "event_timestamp": [T0], "trips": [99], "rating": [1.0], "phone": ["x"]})
    assert store.push("driver_stats_push", frame, to=PushMode.ONLINE_AND_OFFLINE) == 1
    assert store.get_online_features(["driver_stats:trips"], [{"driver_id": 1}]).to_dict()["trips"] == [99]
    joined = store.get_historical_features(labels((1, HOUR), (1, HOUR / 2)), ["driver_stats:trips"]).to_arrow()
    assert joined.column("trips").to_pylist() == [99, 11]


def test_an_older_row_never_replaces_a_newer_one(store: FeatureStore) -> None:
    """Whatever arrives last."""
    rows = {"driver_id": [1], "trips": [1], "rating": [1.0], "phone": ["x"]}
    assert store.write_to_online_store("driver_stats", {**rows, "event_timestamp": [T0]}) == 1
    assert store.write_to_online_store("driver_stats", {**rows, "trips": [2], "event_timestamp": [T0 - HOUR]}) == 0
    assert store.get_online_features(["driver_stats:trips"], [{"driver_id": 1}]).to_dict()["trips"] == [1]


def test_another_process_sees_what_is_applied_and_written(store: FeatureStore) -> None:
    """Two stores over one folder."""
    other = FeatureStore(store.repo_path, clock=store.now_us)
    store.materialize_incremental(T0 + HOUR)
    assert other.get_online_features(["driver_stats:trips"], [{"driver_id": 2}]).to_dict()["trips"] == [20]
    store.apply(FeatureService("two", (STATS[["trips"]],)))
    assert other.get_online_features("two", [{"driver_id": 2}]).to_dict()["trips"] == [20]
    other.close()


def test_looking_at_a_plan_takes_up_what_another_process_applied(store: FeatureStore) -> None:
    """Reads after it know the new service."""
    other = FeatureStore(store.repo_path, clock=store.now_us)
    other.get_online_features(["driver_stats:trips"], [{"driver_id": 2}])
    store.apply(FeatureService("two", (STATS[["trips"]],)))
    assert not other.plan([STATS]).empty
    assert other.get_online_features("two", [{"driver_id": 2}]).rows == 1
    other.close()


def test_names_that_do_not_exist_are_answered_with_the_nearest_that_does(store: FeatureStore) -> None:
    """View, feature, service, push source, join key, column."""
    with pytest.raises(UnknownFeatureError, match="did you mean") as view:
        store.get_online_features(["driver_stat:trips"], [{"driver_id": 1}])
    assert 'did you mean "driver_stats"?' in str(view.value)
    with pytest.raises(UnknownFeatureError) as feature:
        store.get_online_features(["driver_stats:trip"], [{"driver_id": 1}])
    assert 'did you mean "driver_stats:trips"?' in str(feature.value)
    with pytest.raises(UnknownFeatureError) as service:
        store.get_online_features("prices", [{"driver_id": 1}])
    assert "pricing" in str(service.value)
    with pytest.raises(UnknownFeatureError) as source:
        store.push("driver_stats_pusch", {"driver_id": [1]})
    assert 'did you mean "driver_stats_push"?' in str(source.value)
    with pytest.raises(CommandError) as key:
        store.get_historical_features(
            labels((1, HOUR)).rename(columns={"driver_id": "driver"}), ["driver_stats:trips"]
        ).to_df()
    assert "driver_id" in str(key.value)


def test_personal_data_does_not_exist_without_a_grant(tmp_path: Path) -> None:
    """Online and in training sets; with a grant it is there, for that role and purpose alone."""
    write_stats(tmp_path)
    (tmp_path / "grants.yaml").write_text(
        "grants:\n  - {role: support, purpose: call-back, expires: '2027-01-01T00:00:00Z', pii: [phone],"
        " granted_by: dpo, reason: the driver asked}\n"
    )
    made = FeatureStore(tmp_path, config=StoreConfig(grants="grants.yaml"), clock=lambda: us(T0 + HOUR))
    made.apply([STATS, SERVICE])
    made.materialize_incremental(T0 + HOUR)
    asked, row = ["driver_stats:phone"], [{"driver_id": 1}]
    for role, purpose in (("", ""), ("support", "marketing"), ("analyst", "call-back")):
        with pytest.raises(UnknownFeatureError, match="does not exist"):
            made.get_online_features(asked, row, role=role, purpose=purpose)
        with pytest.raises(UnknownFeatureError, match="does not exist"):
            made.get_historical_features(labels((1, HOUR)), asked, role=role, purpose=purpose)
    granted = made.get_online_features(asked, row, role="support", purpose="call-back")
    assert granted.to_dict()["phone"] == ["+49-1"]
    made.close()


def test_rows_corrected_in_place_need_a_new_beginning(store: FeatureStore) -> None:
    """Equal versions never replace each other, whatever the content; `anew` forgets first."""
    store.materialize(T0 - 2 * HOUR, T0 + HOUR)
    path = store.repo_path / "stats.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(table.column_names.index("trips"), "trips", pa.array([1, 2, 3, 4])), path)
    trips = ["driver_stats:trips"]
    store.materialize(T0 - 2 * HOUR, T0 + HOUR, anew=True)
    assert store.get_online_features(trips, {"driver_id": [1, 2, 3]}).to_dict()["trips"] == [2, 3, 4]


def test_applying_something_contradictory_changes_nothing(store: FeatureStore) -> None:
    """The registry keeps its version."""
    with pytest.raises(ContentError, match="cannot be removed"):
        store.apply([], objects_to_delete=[STATS])
    assert [view.name for view in store.list_feature_views()] == ["driver_stats"]


def test_teardown_leaves_sources_and_definitions(store: FeatureStore) -> None:
    """Only what the store keeps goes."""
    store.materialize_incremental(T0 + HOUR)
    store.teardown()
    assert not store.data.exists()
    assert (store.repo_path / "stats.parquet").exists()
    assert store.list_feature_views() == []


def test_code_that_another_process_declared_by_hand_is_missed_with_what_to_do(store: FeatureStore) -> None:
    """The registry keeps where code stands; a function from nowhere cannot be found again."""
    other = FeatureStore(store.repo_path, clock=store.now_us)
    with pytest.raises(CommandError, match="the code of fare is not here") as caught:
        other.get_online_features(SERVICE, {"driver_id": [1], "price_eur": [1.0]})
    assert "apply the declaration again" in str(caught.value)
    assert other.get_online_features(["driver_stats:trips"], [{"driver_id": 1}]).rows == 1
    other.close()


def test_the_example_works_from_its_folder_alone(tmp_path: Path) -> None:
    """Written, applied by one process, read by another: decorated functions are found again."""
    write_example(tmp_path, T0)
    first = FeatureStore(tmp_path, clock=lambda: us(T0))
    first.apply(first.read_repository().objects(), partial=False)
    first.materialize_incremental(T0)
    first.close()
    second = FeatureStore(tmp_path, clock=lambda: us(T0))
    ride = {"driver_id": 1001, "distance_km": 10.0, "euro_per_km": 2.0}
    answer = second.get_online_features("pricing", [ride]).to_dict()
    assert answer["fare_eur"][0] == pytest.approx(22.0 if answer["rating"][0] >= 4.5 else 20.0)
    assert second.plan(second.read_repository()).empty
    second.close()


def test_a_sorted_copy_gives_the_same_training_set_until_history_changes(store: FeatureStore) -> None:
    """And the change is seen at once."""
    asked = labels((1, HOUR), (1, timedelta(0)), (9, HOUR), (None, HOUR), (3, HOUR), (1, -HOUR))
    features = ["driver_stats:trips", "driver_stats:rating"]
    before = store.get_historical_features(asked, features).to_arrow()
    assert store.compact() == {"driver_stats": 4}
    assert store.get_historical_features(asked, features).to_arrow().equals(before)
    frame = {"driver_id": [9], "event_timestamp": [T0], "trips": [7], "rating": [1.0], "phone": ["x"]}
    store.push("driver_stats_push", frame, to=PushMode.OFFLINE)
    after = store.get_historical_features(asked, features).to_arrow()
    assert after.column("trips").to_pylist()[2] == 7


def test_a_stream_view_publishes_windows_that_history_agrees_with(tmp_path: Path) -> None:
    """Pushed events become windows online and offline; time alone closes them too."""
    clock = [us(T0)]
    rides = KafkaSource(name="rides")
    fares = StreamFeatureView(
        name="fares",
        source=rides,
        entities=(DRIVER,),
        schema=(Field(name="fare_1h", dtype=Float64),),
        aggregations=(
            Aggregation(column="eur", function="sum", time_window=HOUR, slide_interval=HOUR / 4, name="fare_1h"),
        ),
        event_id="ride",
    )
    made = FeatureStore(tmp_path, clock=lambda: clock[0])
    made.apply(fares)
    events = {"driver_id": [1, 1, 2], "event_timestamp": [T0, T0, T0], "eur": [5.0, 7.0, 1.0], "ride": [1, 2, 3]}
    made.push("rides", events)
    made.push("rides", events)
    clock[0] = us(T0 + HOUR / 2)
    made.materialize_incremental(T0 + HOUR / 2)
    served = made.get_online_features(["fares:fare_1h"], {"driver_id": [1, 2, 3]}).to_dict()
    assert served["fare_1h"] == [12.0, 1.0, None]
    joined = made.get_historical_features(labels((1, HOUR / 2), (2, HOUR / 2), (1, timedelta(0))), ["fares:fare_1h"])
    assert joined.to_arrow().column("fare_1h").to_pylist() == [12.0, 1.0, None]
    made.close()


def test_one_feature_of_an_on_demand_view_can_be_asked_for_alone(tmp_path: Path) -> None:
    """Online and in training sets."""
    both = on_demand_feature_view(
        sources=[TARIFF], schema=[Field(name="net", dtype=Float64), Field(name="gross", dtype=Float64)], name="prices"
    )(lambda columns: {"net": columns["price_eur"], "gross": columns["price_eur"] * 1.2})
    made = FeatureStore(tmp_path, clock=lambda: us(T0))
    made.apply([both, DRIVER])
    assert made.get_online_features(["prices:gross"], {"price_eur": [10.0]}).to_dict()["gross"] == [12.0]
    asked = {"event_timestamp": [T0], "price_eur": [10.0]}
    table = made.get_historical_features(asked, ["prices:gross"]).to_arrow()
    assert table.column_names == ["event_timestamp", "price_eur", "gross"]
    made.close()


def test_a_join_key_that_only_hidden_features_need_may_be_sent(tmp_path: Path) -> None:
    """Whoever asks for a service sends the keys of all of it; what is hidden must not show by a refusal."""
    rider = Entity("rider", join_keys=("rider_id",))
    contact = FeatureView(
        name="contact",
        source=PushSource(name="crm"),
        entities=(rider,),
        schema=(Field(name="email", dtype=String, pii="email"),),
    )
    made = FeatureStore(tmp_path, clock=lambda: us(T0))
    made.apply(FeatureService("both", (STATS[["trips"]], contact)))
    answer = made.get_online_features("both", {"driver_id": [1], "rider_id": [7]}).to_dict()
    assert set(answer) == {"driver_id", "trips"}
    made.close()


@pytest.mark.parametrize(
    "wrong", [{"x": ["alice@example.com"]}, {"driver_id": ["alice@example.com"]}, {"event_timestamp": ["alice@x"]}]
)
def test_errors_never_quote_values(wrong: dict[str, list[str]], tmp_path: Path) -> None:
    """Not those pushed, and not those of a source, which may be hidden from whoever asks."""
    made = FeatureStore(tmp_path, clock=lambda: us(T0))
    file = FileSource(path="source.parquet")
    fields = (Field(name="x", dtype=Int64, pii="email"), Field(name="y", dtype=Int64))
    view = FeatureView(name="v", entities=(DRIVER,), schema=fields, source=file)
    made.apply([view, replace(view, name="pushed", source=PushSource(name="push", batch_source=file))])
    rows = {"driver_id": [1], "event_timestamp": [T0], "x": [1], "y": [1], **wrong}
    pq.write_table(pa.table(rows), tmp_path / "source.parquet")
    asked = {"driver_id": [1], "event_timestamp": [T0]}
    for ask in (
        lambda: made.push("push", rows),
        lambda: made.materialize_incremental(T0),
        lambda: made.get_historical_features(asked, ["v:y"]).to_arrow(),
        made.compact,
    ):
        with pytest.raises(PagerDrillError) as caught:
            ask()
        assert "alice" not in str(caught.value)
    made.close()


def test_a_store_that_is_forgotten_after_its_folder_went_is_quiet(tmp_path: Path) -> None:
    """Nothing can be written any more, and nobody could be told."""
    made = FeatureStore(tmp_path / "gone", clock=lambda: us(T0))
    made.apply(SERVICE)
    made.get_online_features(["driver_stats:trips"], {"driver_id": [1]})
    shutil.rmtree(tmp_path / "gone")
    (tmp_path / "gone").write_text("a file now")
    del made
    gc.collect()
