"""A served store, and a client with one kept connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from reference_platform.features.store import FeatureStore
from reference_platform.live.feature_server import create_app
from reference_platform.live.serve import serving
from tests.unit.reference_platform.live.fleet import ROWS, opened

BODY_BYTES_MAX = 1 << 20
HANG_S = 600.0
"""Waiting that long for an answer means that none will come, on the slowest machine."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureStore]:
    """One store for the tests of a file, which leave each other's rows alone."""
    made = opened(Path(tmp_path_factory.mktemp("fleet")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def url(store: FeatureStore) -> Iterator[str]:
    """Its address, with the rows pushed."""
    with serving(create_app(store, body_bytes_max=BODY_BYTES_MAX)) as address:
        pushed = httpx.post(f"{address}/push", json={"push_source_name": "driver_push", "df": ROWS}, timeout=HANG_S)
        assert pushed.status_code == httpx.codes.OK, pushed.text
        pairs = {
            "driver_id": [1, 12],
            "depot_code": ["23", "3"],
            "visits": [5, 6],
            "event_timestamp": [ROWS["event_timestamp"][0]] * 2,
        }
        assert (
            httpx.post(f"{address}/push", json={"push_source_name": "pair_push", "df": pairs}, timeout=HANG_S).text
            == ""
        )
        yield address


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    """At most one connection, which is kept."""
    with httpx.Client(base_url=url, limits=httpx.Limits(max_connections=1), trust_env=False, timeout=HANG_S) as made:
        yield made


def told(reply: httpx.Response) -> dict[str, str]:
    """What an error body says, decoded as clients do: twice."""
    assert reply.headers["content-type"] == "application/json"
    inner = orjson.loads(reply.json())
    assert set(inner) == {"module", "class", "message"}
    assert inner["module"] == "feast.errors"
    return inner  # type: ignore[no-any-return]
