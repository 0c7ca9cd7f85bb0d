"""The server over real connections: what it answers, and that no request costs the connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from reference_platform.features.store import FeatureStore
from reference_platform.live.feature_server import create_app
from reference_platform.live.serve import serving
from tests.unit.reference_platform.live.conftest import HANG_S, told
from tests.unit.reference_platform.live.fleet import NOW, opened

EPOCH = "1970-01-01T00:00:00Z"


def _read(
    client: httpx.Client, features: list[str] | str, headers: dict[str, str] | None = None, **entities: Any
) -> Any:
    asked = {"feature_service": features} if isinstance(features, str) else {"features": features}
    reply = client.post("/get-online-features", json={**asked, "entities": entities}, headers=headers)
    assert reply.status_code == httpx.codes.OK, reply.text
    return reply.json()


def _values(answer: Any) -> dict[str, list[Any]]:
    names = answer["metadata"]["feature_names"]
    return {name: result["values"] for name, result in zip(names, answer["results"], strict=True)}


def test_a_read_is_column_by_column_with_every_status(client: httpx.Client) -> None:
    answer = _read(client, ["driver_stats:trips", "driver_stats:city"], driver_id=[1, "2", 3, 4, None])
    assert answer["metadata"] == {"feature_names": ["driver_id", "trips", "city"]}
    keys, trips, city = answer["results"]
    assert keys == {"values": [1, 2, 3, 4, None], "statuses": ["PRESENT"] * 5, "event_timestamps": [EPOCH] * 5}
    assert trips["values"] == [7, None, None, None, None]
    assert trips["statuses"] == ["PRESENT", "OUTSIDE_MAX_AGE", "NULL_VALUE", "NOT_FOUND", "NOT_FOUND"]
    assert city["values"] == ["Oslo", None, "null", None, None]
    assert city["statuses"] == ["PRESENT", "OUTSIDE_MAX_AGE", "PRESENT", "NOT_FOUND", "NOT_FOUND"]
    times = ["2026-03-01T11:00:00Z", "2026-03-01T09:00:00Z", "2026-03-01T11:59:59.998500Z", EPOCH, EPOCH]
    assert trips["event_timestamps"] == city["event_timestamps"] == times


def test_every_type_has_a_form_in_json(client: httpx.Client) -> None:
    names = ["rating", "seen", "badge", "route"]
    assert _values(_read(client, [f"driver_stats:{name}" for name in names], driver_id=[1, 3])) == {
        "driver_id": [1, 3],
        "rating": [4.5, "NaN"],
        "seen": [1772366400, None],
        "badge": ["AAE=", "/w=="],
        "route": [[0.5, 2.0], ["Infinity", None]],
    }


def test_full_names_leave_join_keys_alone(client: httpx.Client) -> None:
    body = {"features": ["driver_stats:trips"], "entities": {"driver_id": [1]}, "full_feature_names": True}
    names = client.post("/get-online-features", json=body).json()["metadata"]["feature_names"]
    assert names == ["driver_id", "driver_stats__trips"]


def test_a_service_reads_by_composite_keys_that_never_run_together(client: httpx.Client) -> None:
    values = _values(_read(client, "ranking", driver_id=[1, 12, 1], depot_code=["23", "3", "3"]))
    assert values["visits"] == [5, 6, None]
    assert values["trips"] == [7, None, 7]


def test_request_data_is_computed_with_and_sent_back(client: httpx.Client) -> None:
    values = _values(_read(client, ["trip_worth:worth"], driver_id=[1, 1], price=[2, 0.5]))
    assert values == {"driver_id": [1, 1], "price": [2.0, 0.5], "worth": [14.0, 3.5]}


def test_columns_that_nothing_needs_are_passed_over(client: httpx.Client) -> None:
    assert _values(_read(client, ["driver_stats:trips"], driver_id=[1], city=["x"])) == {"driver_id": [1], "trips": [7]}


def test_keys_of_bytes_come_and_go_as_base64(client: httpx.Client) -> None:
    df = {"tag_id": ["AAE="], "uses": ["3"], "event_timestamp": [NOW.isoformat()]}
    assert client.post("/write-to-online-store", json={"feature_view_name": "tags", "df": df}).text == "null"
    assert _values(_read(client, ["tags:uses"], tag_id=["AAE=", "AAI="])) == {
        "tag_id": ["AAE=", "AAI="],
        "uses": [3, None],
    }


def test_no_rows_are_no_rows(client: httpx.Client) -> None:
    assert _values(_read(client, ["driver_stats:trips"], driver_id=[])) == {"driver_id": [], "trips": []}


@pytest.mark.parametrize(
    ("body", "status", "name", "message"),
    [
        ({"features": ["driver_stat:trips"]}, 404, "FeatureViewNotFoundException", 'mean "driver_stats"'),
        ({"feature_service": "rankin"}, 404, "FeatureServiceNotFoundException", 'mean "ranking"'),
        ({"features": ["driver_stats:trip"]}, 422, "SpecifiedFeaturesNotPresentError", 'mean "driver_stats:trips"'),
        ({"features": ["driver_stats:trips"] * 2}, 422, "FeastError", "twice"),
        ({"features": ["trips"]}, 422, "FeastError", 'write "view:feature"'),
        ({"features": ["driver_stats:trips"], "entities": {"drivr_id": [1]}}, 422, "FeastError", '"driver_id"'),
        ({"features": ["driver_stats:trips"], "entities": {"driver_id": ["x"]}}, 422, "FeastError", "row 0"),
        ({"features": ["driver_stats:trips"], "entities": {"driver_id": [1 << 64]}}, 422, "FeastError", "row 0"),
        ({"features": ["trip_worth:worth"]}, 422, "FeastError", '"price"'),
        ({"features": ["daily:km", "driver_stats:trips", "driver_stats:trips"]}, 422, "FeastError", "twice"),
    ],
)
def test_a_wrong_read_is_refused_in_a_form_that_clients_rebuild(
    client: httpx.Client, body: dict[str, Any], status: int, name: str, message: str
) -> None:
    reply = client.post("/get-online-features", json={"entities": {"driver_id": [1]}, **body})
    assert (reply.status_code, told(reply)["class"]) == (status, name)
    assert message in told(reply)["message"]


@pytest.mark.parametrize(
    ("path", "body", "status", "name"),
    [
        ("/push", {"push_source_name": "driver_pus", "df": {"x": [1]}}, 422, "PushSourceNotFoundException"),
        ("/push", {"push_source_name": "driver_push", "df": {"driver_id": [1]}}, 422, "FeastError"),
        ("/push", {"push_source_name": "driver_push", "df": {"driver_id": [[1]]}}, 422, "FeastError"),
        ("/push", {"push_source_name": "driver_push", "df": {"driver_id": [1]}, "to": "moon"}, 422, "FeastError"),
        ("/write-to-online-store", {"feature_view_name": "tag", "df": {"x": [1]}}, 404, "FeatureViewNotFoundException"),
        ("/materialize", {"start_ts": "2026-01-01"}, 422, "FeastError"),
        (
            "/materialize-incremental",
            {"end_ts": "2026-03-01", "feature_views": ["x"]},
            404,
            "FeatureViewNotFoundException",
        ),
        ("/materialize-incremental", {}, 422, "FeastError"),
    ],
)
def test_a_wrong_write_is_refused(
    client: httpx.Client, path: str, body: dict[str, Any], status: int, name: str
) -> None:
    reply = client.post(path, json=body)
    assert (reply.status_code, told(reply)["class"]) == (status, name)


def test_a_late_write_never_replaces_a_newer_row(client: httpx.Client) -> None:
    for event, uses in ((NOW.isoformat(), 2), ("2026-02-01T00:00:00", 1)):
        df = {"tag_id": ["/w=="], "uses": [uses], "event_timestamp": [event], "created": [None]}
        client.post("/write-to-online-store", json={"feature_view_name": "tags", "df": df}).raise_for_status()
    assert _values(_read(client, ["tags:uses"], tag_id=["/w=="]))["uses"] == [2]


def test_personal_data_needs_a_grant_and_is_otherwise_unknown(client: httpx.Client) -> None:
    granted = {"X-Role": "support", "X-Purpose": "callback"}
    assert _values(_read(client, ["driver_stats:phone"], granted, driver_id=[1]))["phone"] == ["555-0101"]
    body = {"features": ["driver_stats:phone"], "entities": {"driver_id": [1]}}
    hidden = client.post("/get-online-features", json=body, headers={"X-Role": "support", "X-Purpose": "marketing"})
    missing = client.post("/get-online-features", json={**body, "features": ["driver_stats:fax"]})
    assert (hidden.status_code, told(hidden)["class"]) == (missing.status_code, told(missing)["class"])
    for reply, name in ((hidden, "phone"), (missing, "fax")):
        first, _, advice = told(reply)["message"].partition("\n")
        assert first == f'feature "driver_stats:{name}" does not exist'
        assert "phone" not in advice
    wrong_key = {**body, "entities": {"driver_id": ["x"]}}
    assert client.post("/get-online-features", json=wrong_key).content == hidden.content


def test_materialize_fills_what_files_hold(client: httpx.Client) -> None:
    body = {"start_ts": "2026-02-27T00:00:00", "end_ts": "2026-02-27T23:00:00Z", "feature_views": ["daily"]}
    assert client.post("/materialize", json=body).text == "null"
    assert _values(_read(client, ["daily:km"], driver_id=[1, 2]))["km"] == [120.5, None]
    body = {"end_ts": "2026-03-01T12:00:00"}
    assert client.post("/materialize-incremental", json=body).status_code == httpx.codes.OK
    assert _values(_read(client, ["daily:km"], driver_id=[1, 2]))["km"] == [120.5, 80.0]
    shown = client.get("/metrics").text
    assert 'feast_materialization_lag_seconds{feature_view="daily"} 0.0' in shown


def test_a_run_in_the_background_is_accepted(client: httpx.Client) -> None:
    body = {"end_ts": "2026-03-01T12:00:00", "feature_views": ["daily"]}
    reply = client.post("/materialize-incremental?async=true&force=true", json=body)
    assert (reply.status_code, reply.json()) == (202, {"status": "accepted", "feature_views": ["daily"]})


def test_metrics_count_requests_statuses_and_ages(client: httpx.Client) -> None:
    _read(client, ["driver_stats:trips"], driver_id=[1, 2, 3, 4])
    text = client.get("/metrics").text
    for wanted in (
        'feast_feature_server_request_total{endpoint="/get-online-features",status="success"}',
        'feast_feature_server_request_latency_seconds_bucket{endpoint="/get-online-features",le="0.002"}',
        'feast_online_features_status_total{feature_view="driver_stats",status="OUTSIDE_MAX_AGE"}',
        'feast_push_request_total{mode="online",push_source="driver_push"} 1.0',
        'feast_feature_freshness_seconds{feature_view="driver_stats"} 0.0015',
    ):
        assert wanted in text


def test_health_says_whether_the_store_can_be_read(client: httpx.Client) -> None:
    assert (client.get("/health").status_code, client.get("/health").content) == (200, b"")


def test_other_paths_and_methods_are_refused_in_the_same_form(client: httpx.Client) -> None:
    assert (client.get("/nowhere").status_code, told(client.get("/nowhere"))["class"]) == (404, "FeastError")
    refused = client.get("/push")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert "POST" not in told(refused)["message"]


def test_definitions_may_change_while_it_serves(client: httpx.Client, store: FeatureStore) -> None:
    from reference_platform.features.definitions import FeatureView, Field
    from reference_platform.features.sources import PushSource
    from reference_platform.features.types import Int64
    from tests.unit.reference_platform.live.fleet import DRIVER

    asked = {"features": ["later:x"], "entities": {"driver_id": ["1"]}}
    assert client.post("/get-online-features", json=asked).status_code == httpx.codes.NOT_FOUND
    later = FeatureView(
        name="later", entities=(DRIVER,), source=PushSource(name="later_push"), schema=(Field(name="x", dtype=Int64),)
    )
    store.apply([later])
    assert _values(client.post("/get-online-features", json=asked).json()) == {"driver_id": [1], "x": [None]}


def test_the_catalogue_shows_each_caller_what_it_may_see(client: httpx.Client) -> None:
    page = client.get("/catalog")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "driver_stats" in page.text
    granted = {"X-Role": "support", "X-Purpose": "callback"}
    assert "phone" not in page.text + client.get("/catalog.json").text
    assert "phone" in client.get("/catalog.json", headers=granted).text
    assert {entry["name"] for entry in client.get("/catalog.json").json()} >= {"driver_stats", "ranking"}


def test_reads_are_written_down_when_the_server_ends(tmp_path: Path) -> None:
    made = opened(tmp_path)
    with (
        serving(create_app(made)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=HANG_S) as reader,
    ):
        _read(reader, ["driver_stats:trips"], {"X-Role": "ops", "X-Purpose": "drill"}, driver_id=[1])
    assert '"role":"ops"' in (tmp_path / "data" / "audit" / "reads.jsonl").read_text()
    made.close()


def test_reads_of_a_store_across_a_network_may_wait_in_threads(tmp_path: Path) -> None:
    made = opened(tmp_path)
    app = create_app(made, reads_may_block=True)
    with serving(app) as address, httpx.Client(base_url=address, trust_env=False, timeout=HANG_S) as reader:
        assert _values(_read(reader, ["driver_stats:trips"], driver_id=[1])) == {"driver_id": [1], "trips": [None]}
    made.close()
