"""Bodies of requests: what is taken, and what is refused with which advice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_platform.live.refusals import Kind, RefusedError
from reference_platform.live.requests import (
    ROWS_MAX,
    materialize_request,
    online_request,
    push_request,
    write_request,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _online(**fields: Any) -> Any:
    return online_request(orjson.dumps({"entities": {"d": [1]}, "features": ["v:f"], **fields}))


def test_a_read_by_references() -> None:
    asked = _online(full_feature_names=True, include_feature_view_version_metadata=False)
    assert (asked.entities, asked.features, asked.service) == ({"d": [1]}, ("v:f",), "")
    assert asked.full_feature_names
    assert asked.rows == 1


def test_a_service_counts_before_references() -> None:
    asked = _online(feature_service="s")
    assert (asked.service, asked.features) == ("s", ())


def test_the_version_in_a_reference_is_dropped() -> None:
    assert _online(features=["v@v2:f", "v@x:f", "@v2:f", "f"]).features == ("v:f", "v@x:f", ":f", "f")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"entities": None}, "`entities` is missing"),
        ({"entities": []}, "`entities` is missing"),
        ({"entities": {"d": 1}}, '"d" is no list'),
        ({"entities": {"d": [1], "e": [1, 2]}}, "different lengths"),
        ({"entities": {"d": [1] * (ROWS_MAX + 1)}}, "10,001 entities"),
        ({"features": "v:f"}, "`features` is no list"),
        ({"features": [1]}, "`features` is no list"),
        ({"features": []}, "nothing is asked for"),
        ({"features": ["v:f"] * 2001}, "more than one answer holds"),
        ({"entities": {"d": [1] * 1000}, "features": [f"v:f{i}" for i in range(1001)]}, "more than one answer holds"),
        ({"feature_service": 1}, "`feature_service` is no text"),
        ({"full_feature_names": "yes"}, "neither true nor false"),
    ],
)
def test_a_wrong_read_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(RefusedError, match=told) as caught:
        _online(**fields)
    assert caught.value.kind is Kind.WRONG
    assert caught.value.fix


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b'{"a":NaN}', b"[" * 5000, b'{"entities":{"d":[1}', b"\x00"],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    for read in (online_request, push_request, write_request):
        with pytest.raises(RefusedError):
            read(body)


@given(st.binary(max_size=200))
def test_no_bytes_surprise_a_reader(body: bytes) -> None:
    for read in (online_request, push_request, write_request):
        with pytest.raises(RefusedError):
            read(body)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(1 << 63), 1 << 63), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)
FIELDS = (
    "entities",
    "features",
    "feature_service",
    "df",
    "push_source_name",
    "to",
    "start_ts",
    "end_ts",
    "feature_views",
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_no_object_surprises_a_reader(fields: dict[str, Any]) -> None:
    body = orjson.dumps(fields)
    for incremental in (False, True):
        _refused_or_fine(lambda: materialize_request(body, incremental=incremental, now=NOW))  # noqa: B023
    for read in (online_request, push_request, write_request):
        _refused_or_fine(lambda: read(body))  # noqa: B023


def _refused_or_fine(call: Any) -> None:
    try:
        call()
    except RefusedError as refused:
        assert refused.fix  # noqa: PT017  (that it may also not be raised is the point)


def test_the_last_of_equal_names_counts() -> None:
    assert online_request(b'{"features":["v:f"],"entities":{"d":[1]},"entities":{"d":[2]}}').entities == {"d": [2]}


def test_a_push_goes_online_unless_it_says_otherwise() -> None:
    body = {"push_source_name": "p", "df": {"d": [1], "x": [2]}}
    asked = push_request(orjson.dumps(body))
    assert (asked.name, asked.columns, asked.to, asked.transform) == ("p", {"d": [1], "x": [2]}, "online", True)
    elsewhere = push_request(orjson.dumps({**body, "to": "online_and_offline", "transform_on_write": False}))
    assert (elsewhere.to, elsewhere.transform) == ("online_and_offline", False)


def test_a_frame_may_come_by_row_index() -> None:
    assert write_request(b'{"feature_view_name":"v","df":{"d":{"0":1,"1":2}}}').columns == {"d": [1, 2]}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"to": "onlin"}, 'did you mean "online"'),
        ({"to": ["online"]}, "`to` names no store"),
        ({"df": None}, "`df` is missing"),
        ({"df": {}}, "has no columns"),
        ({"df": {"d": [1], "x": []}}, "different lengths"),
        ({"push_source_name": ""}, "`push_source_name` is missing"),
        ({"transform_on_write": 1}, "neither true nor false"),
    ],
)
def test_a_wrong_push_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        push_request(orjson.dumps({"push_source_name": "p", "df": {"d": [1]}, **fields}))


def test_instants_without_a_zone_are_utc() -> None:
    body = b'{"start_ts":"2026-01-01T00:00:00","end_ts":"2026-01-01T02:00:00+01:00"}'
    asked = materialize_request(body, incremental=False, now=NOW)
    assert asked.start == datetime(2026, 1, 1, tzinfo=UTC)
    assert asked.end == datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert asked.views is None


def test_everything_may_be_materialized_without_dates() -> None:
    asked = materialize_request(b'{"disable_event_timestamp":true,"feature_views":["v"]}', incremental=False, now=NOW)
    assert asked.start == datetime(1970, 1, 1, tzinfo=UTC)
    assert (asked.end, asked.views) == (NOW, ("v",))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{}", "`start_ts` is missing"),
        (b'{"start_ts":"2026-01-02","end_ts":"2026-01-01"}', "not before"),
        (b'{"start_ts":"2026-01-01","end_ts":"2026-01-01"}', "not before"),
        (b'{"start_ts":"soon","end_ts":"2026-01-01"}', "`start_ts` is missing or no instant"),
        (b'{"start_ts":1,"end_ts":"2026-01-01"}', "`start_ts` is missing or no instant"),
        (b'{"start_ts":"2026-01-01","end_ts":"2026-01-02","feature_views":"v"}', "no list of names"),
        (b'{"start_ts":"2026-01-01","end_ts":"2026-01-02","version":"v2"}', "leave it out"),
    ],
)
def test_a_wrong_materialization_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        materialize_request(body, incremental=False, now=NOW)
