"""Feast's own client, unchanged, against this feature server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reference_platform.live.feature_server import create_app
from reference_platform.live.serve import serving
from tests.compat.fleet import HOUR, NOW, opened
from tests.compat.peers import REASON, FeastClient, FeastError, feast_client, feast_is_here

pytestmark = [pytest.mark.compat, pytest.mark.skipif(not feast_is_here(), reason=REASON)]
PRESENT, NULL, MISSING, EXPIRED = 1, 2, 3, 4


@pytest.fixture(scope="module")
def feast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeastClient]:
    """Feast's client of a served store."""
    folder = Path(tmp_path_factory.mktemp("compat"))
    store = opened(folder / "ours")
    with serving(create_app(store)) as url, feast_client(url, folder / "theirs") as client:
        yield client
    store.close()


def test_columns_with_every_status(feast: FeastClient) -> None:
    got = feast.read(["driver_stats:trips", "driver_stats:rating"], {"driver_id": [1, 2, 3, 4]})
    assert got.values == {
        "driver_id": [1, 2, 3, 4],
        "trips": [7, None, 9, None],
        "rating": [4.5, None, None, None],
    }
    assert got.statuses == {
        "driver_id": [PRESENT] * 4,
        "trips": [PRESENT, EXPIRED, PRESENT, MISSING],
        "rating": [PRESENT, EXPIRED, NULL, MISSING],
    }


def test_rows_are_columns_to_the_server(feast: FeastClient) -> None:
    assert feast.read(["driver_stats:city"], [{"driver_id": 3}, {"driver_id": 1}]).values["city"] == [None, "Oslo"]


def test_text_keys_of_numbers_are_numbers(feast: FeastClient) -> None:
    assert feast.read(["driver_stats:trips"], {"driver_id": ["1"]}).values == {"driver_id": [1], "trips": [7]}


def test_a_null_key_is_not_found_for_its_row_only(feast: FeastClient) -> None:
    got = feast.read(["driver_stats:trips"], {"driver_id": [None, 1]})
    assert (got.values["trips"], got.statuses["trips"]) == ([None, 7], [MISSING, PRESENT])


def test_instants_and_lists(feast: FeastClient) -> None:
    got = feast.read(["driver_stats:seen", "driver_stats:route"], {"driver_id": [1]})
    assert got.values["seen"] == [round((NOW - 2 * HOUR).timestamp())]
    assert got.values["route"] == [[0.5, 2.0]]


def test_a_service_by_its_name_and_composite_keys(feast: FeastClient) -> None:
    got = feast.read([], {"driver_id": [1, 12, 1], "depot_code": ["23", "3", "3"]}, service="ranking")
    assert list(got.values) == ["driver_id", "depot_code", "trips", "rating", "visits"]
    assert got.values["visits"] == [5, 6, None]


def test_full_names(feast: FeastClient) -> None:
    got = feast.read(["driver_stats:trips"], {"driver_id": [1]}, full=True)
    assert got.values == {"driver_id": [1], "driver_stats__trips": [7]}


def test_request_data_and_computed_features(feast: FeastClient) -> None:
    got = feast.read(["trip_worth:worth"], {"driver_id": [1], "price": [2.5]})
    assert got.values == {"driver_id": [1], "price": [2.5], "worth": [17.5]}


@pytest.mark.parametrize(
    ("features", "service", "error", "message"),
    [
        (["driver_stat:trips"], "", "FeatureViewNotFoundException", 'did you mean "driver_stats"?'),
        (["driver_stats:trip"], "", "SpecifiedFeaturesNotPresentError", 'did you mean "driver_stats:trips"?'),
        ([], "elsewhere", "FeatureServiceNotFoundException", 'service "elsewhere" does not exist'),
        (["driver_depot:visits"], "", "FeastError", 'no join key "depot_code"'),
    ],
)
def test_errors_are_rebuilt_and_the_session_goes_on(
    feast: FeastClient, features: list[str], service: str, error: str, message: str
) -> None:
    with pytest.raises(FeastError) as caught:
        feast.read(features, {"driver_id": [1]}, service=service)
    assert caught.value.name == error
    assert message in caught.value.message
    assert feast.read(["driver_stats:trips"], {"driver_id": [1]}).values["trips"] == [7]


def test_rows_that_feast_writes_are_read_and_late_ones_lose(feast: FeastClient) -> None:
    for moment, trips in ((NOW, 70), (NOW - HOUR, 60)):
        feast.write(
            "driver_stats",
            {
                "driver_id": [100, 101],
                "event_timestamp": [moment.isoformat()] * 2,
                "trips": [trips, None],
                "rating": [2.5, 1.0],
                "city": ["Łódź", None],
                "seen": ["2026-03-01T11:00:00+00:00"] * 2,
                "route": [[1.5], [2.5]],
            },
        )
    names = ["trips", "rating", "city", "seen", "route"]
    got = feast.read([f"driver_stats:{name}" for name in names], {"driver_id": [100, 101]})
    seen = round((NOW - HOUR).timestamp())
    assert [got.values[name] for name in names] == [
        [70, None],
        [2.5, 1.0],
        ["Łódź", None],
        [seen, seen],
        [[1.5], [2.5]],
    ]
    assert got.statuses["trips"] == [PRESENT, NULL]


def test_what_feast_pushes_is_read(feast: FeastClient) -> None:
    columns = {"driver_id": [7], "depot_code": ["x"], "event_timestamp": [NOW.isoformat()], "visits": [11]}
    feast.push("pair_push", columns)
    got = feast.read(["driver_depot:visits"], {"driver_id": [7], "depot_code": ["x"]})
    assert got.values["visits"] == [11]


def test_rows_by_one_key_the_low_level_way(feast: FeastClient) -> None:
    rows = feast.read_rows("driver_stats", [{"driver_id": 1}, {"driver_id": 4}], ["trips", "city"])
    # That call has one event time for all rows: the first one's.
    assert [moment for moment, _ in rows] == [(NOW - HOUR).isoformat()] * 2
    assert [values for _, values in rows] == [{"trips": 7, "city": "Oslo"}, {"trips": None, "city": None}]


def test_rows_by_two_keys_the_low_level_way_are_refused_rather_than_wrong(feast: FeastClient) -> None:
    """That call sends only the first of several join keys."""
    with pytest.raises(FeastError, match='no join key "depot_code"'):
        feast.read_rows("driver_depot", [{"driver_id": 1, "depot_code": "23"}], ["visits"])
    assert feast.read(["driver_stats:trips"], {"driver_id": [1]}).values["trips"] == [7]
