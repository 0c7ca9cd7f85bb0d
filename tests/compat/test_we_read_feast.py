"""This repository's client against a real `feast serve`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from reference_platform.live.feature_client import FeatureClient, NotFoundError, RequestRefusedError
from tests.compat.fleet import HOUR, rows
from tests.compat.peers import REASON, feast_is_here, feast_serve

pytestmark = [pytest.mark.compat, pytest.mark.skipif(not feast_is_here(), reason=REASON)]
THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRESENT, MISSING = 1, 3


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureClient]:
    """Our client of their server."""
    folder = Path(tmp_path_factory.mktemp("serve"))
    held = rows(THEN)
    stats = held["driver_stats"]
    for name, value in {
        **{name: column[0] for name, column in stats.items()},
        "driver_id": 60,
        "rating": math.inf,
    }.items():
        stats[name].append(value)
    with feast_serve(folder, held) as url, FeatureClient(url, timeout_s=30.0) as made:
        yield made


def test_columns_statuses_and_event_times(client: FeatureClient) -> None:
    got = client.get_online_features(["driver_stats:trips", "driver_stats:city"], {"driver_id": [1, 4]})
    assert set(got.names) == {"driver_id", "trips", "city"}
    assert (got.values("driver_id"), got.values("trips"), got.values("city")) == ([1, 4], [7, None], ["Oslo", None])
    trips = got.index("trips")
    assert got.statuses[trips] == [PRESENT, MISSING]
    assert got.event_us[trips] == [round((THEN - HOUR).timestamp() * 1e6), 0]


def test_a_service_and_full_names(client: FeatureClient) -> None:
    entities = {"driver_id": np.array([1]), "depot_code": ["23"]}
    got = client.get_online_features("ranking", entities, full_feature_names=True)
    assert got.values("driver_depot__visits") == [5]
    assert got.values("driver_stats__rating") == [4.5]


def test_request_data(client: FeatureClient) -> None:
    got = client.get_online_features(["trip_worth:worth"], {"driver_id": [1], "price": [2.5]})
    assert got.values("worth") == [17.5]


def test_numbers_that_json_lacks_come_as_words(client: FeatureClient) -> None:
    got = client.get_online_features(["driver_stats:rating"], {"driver_id": [60, 61]})
    assert got.values("rating") == ["Infinity", None]
    np.testing.assert_array_equal(got.floats("rating"), [np.inf, np.nan])


def test_what_we_push_they_serve(client: FeatureClient) -> None:
    columns = {"driver_id": [50], "trips": [1], "rating": [4.0], "city": ["x"], "seen": [1], "route": [[1.0]]}
    client.push("driver_push", {**columns, "event_timestamp": [THEN.isoformat()]})
    assert client.get_online_features(["driver_stats:rating"], {"driver_id": [50]}).values("rating") == [4.0]


def test_errors_are_typed_and_the_client_survives_the_reset_connection(client: FeatureClient) -> None:
    for _ in range(2):
        with pytest.raises(NotFoundError, match="nowhere") as caught:
            client.get_online_features(["nowhere:x"], {"driver_id": [1]})
        assert caught.value.client_class == "FeatureViewNotFoundException"
        assert client.get_online_features(["driver_stats:trips"], {"driver_id": [1]}).values("trips") == [7]
    with pytest.raises(RequestRefusedError):
        client.get_online_features(["driver_stats:trips"], {"driver_id": [1], "depot_code": []})
    assert client.healthy()
