"""Connections survive every kind of nonsense, and every kind of failure."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from reference_platform.errors import ConfigError
from reference_platform.features.store import FeatureStore
from reference_platform.live.feature_server import create_app
from reference_platform.live.serve import listening, serving
from tests.unit.reference_platform.live.conftest import BODY_BYTES_MAX, HANG_S, told

GOOD = orjson.dumps({"features": ["driver_stats:trips"], "entities": {"driver_id": [1]}})


class Line:
    """One connection, byte by byte."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=HANG_S)
        self._stream = self._socket.makefile("rb")

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def post(self, body: bytes, *headers: bytes, path: bytes = b"/get-online-features") -> tuple[int, bytes]:
        """Status and body of one request."""
        given = headers or (b"Content-Type: application/json",)
        lines = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *given]
        self.send(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        return self.reply()

    def reply(self) -> tuple[int, bytes]:
        status = int(self._stream.readline().split()[1])
        length = 0
        while (line := self._stream.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, self._stream.read(length)


@contextmanager
def _line(url: str) -> Iterator[Line]:
    made = Line(url)
    try:
        yield made
    finally:
        made.close()


NONSENSE = {
    "empty": b"",
    "truncated": GOOD[:-5],
    "no utf-8": b'{"features":["\xff\xfe"]}',
    "deep": b"[" * 100_000,
    "deep object": b'{"entities":' * 2_000,
    "wrong types": orjson.dumps({"features": 5, "entities": [[]]}),
    "numbers as names": b'{"entities":{"driver_id":[1]},"features":[1,2]}',
    "huge number": b'{"entities":{"driver_id":[' + b"9" * 5000 + b']},"features":["driver_stats:trips"]}',
    "nan": b'{"entities":{"driver_id":[NaN]},"features":["driver_stats:trips"]}',
    "nested keys": b'{"entities":{"driver_id":[{"a":[1]}]},"features":["driver_stats:trips"]}',
    "surrogate": b'{"entities":{"driver_id":["\\ud800"]},"features":["driver_stats:trips"]}',
    "null byte": b'{"entities":{"driver_id":["\\u0000"]},"features":["driver_stats:trips"]}',
    "long name": orjson.dumps({"entities": {"driver_id": [1]}, "features": ["x" * 100_000 + ":y"]}),
    "bom": b"\xef\xbb\xbf" + GOOD,
}


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("path", [b"/get-online-features", b"/push", b"/write-to-online-store", b"/materialize"])
def test_nonsense_is_refused_and_the_connection_goes_on(url: str, path: bytes, body: bytes) -> None:
    with _line(url) as line:
        status, answer = line.post(body, path=path)
        assert status in (404, 422)
        assert orjson.loads(orjson.loads(answer))["message"]
        assert line.post(GOOD)[0] == 200


def test_a_refusal_and_a_read_share_a_pooled_connection(client: httpx.Client) -> None:
    for status, body in ((404, {"features": ["no:no"], "entities": {"d": [1]}}), (200, orjson.loads(GOOD))):
        reply = client.post("/get-online-features", json=body)
        assert reply.status_code == status
        stream = reply.extensions["network_stream"]
        seen = stream.get_extra_info("client_addr")
        client.headers["X-Seen"] = str(seen) if "X-Seen" not in client.headers else client.headers["X-Seen"]
        assert client.headers["X-Seen"] == str(seen)


@pytest.mark.parametrize("size", [BODY_BYTES_MAX + 1, 10_000_000])
def test_a_body_that_is_too_large_is_refused_clearly(url: str, size: int) -> None:
    with _line(url) as line:
        status, answer = line.post(b" " * size)
        assert status == 413
        assert f"{size:,} bytes; {BODY_BYTES_MAX:,} are the most" in orjson.loads(orjson.loads(answer))["message"]
        assert line.post(GOOD)[0] == 200


def test_a_body_of_exactly_the_limit_is_read(url: str) -> None:
    with _line(url) as line:
        assert line.post(GOOD + b" " * (BODY_BYTES_MAX - len(GOOD)))[0] == 200


def test_a_body_in_chunks_is_read_and_one_without_end_is_not(url: str) -> None:
    head = b"POST /get-online-features HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    with _line(url) as line:
        half = len(GOOD) // 2
        pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (GOOD[:half], GOOD[half:]))
        line.send(head + pieces + b"0\r\n\r\n")
        assert line.reply()[0] == 200
    piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with _line(url) as line:
        line.send(head)
        for _ in range(65):
            line.send(piece)
        assert line.reply()[0] == 413


@pytest.mark.parametrize("kind", [b"text/plain", b"application/x-www-form-urlencoded", b"", b"application/jsonx"])
def test_what_is_not_said_to_be_json_is_not_read(url: str, kind: bytes) -> None:
    with _line(url) as line:
        status, answer = line.post(GOOD, b"Content-Type: " + kind)
        assert status == 415
        assert "Content-Type: application/json" in orjson.loads(orjson.loads(answer))["message"]
        assert line.post(GOOD, b"Content-Type: application/json; charset=utf-8")[0] == 200


@pytest.mark.parametrize("length", [b"-1", b"x", b"99999999999999999999999", b"1, 2"])
def test_a_length_that_is_none_is_refused_and_harms_nobody_else(url: str, length: bytes) -> None:
    with _line(url) as line:
        line.send(b"POST /push HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n{}")
        assert line.reply()[0] == 400
    with _line(url) as line:
        assert line.post(GOOD)[0] == 200


def test_a_client_that_goes_away_is_nobodys_failure(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        with _line(url) as line:
            line.send(
                b"POST /push HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
            )
        with _line(url) as line:
            assert line.post(GOOD)[0] == 200
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_requests_one_after_the_other_without_waiting_are_answered_in_order(url: str) -> None:
    request = b"POST /get-online-features HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with _line(url) as line:
        for body in (GOOD, b"{", GOOD):
            line.send(request + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert [line.reply()[0] for _ in range(3)] == [200, 422, 200]


class Broken:
    """A store of which one method fails with what it is given, which may quote a value."""

    def __init__(self, store: Any, error: Exception, method: str = "get_online_features") -> None:
        self._store = store
        self._error = error
        self._method = method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            return self._fail
        return getattr(self._store, name)

    def _fail(self, *_: object, **__: object) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "status"), [(ZeroDivisionError("secret 555-0101"), 500), (ConfigError("redis is away"), 503)]
)
def test_a_failure_is_told_by_number_and_logged_without_values(
    store: FeatureStore, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    broken: Any = Broken(store, error)
    with serving(create_app(broken)) as url, httpx.Client(base_url=url, trust_env=False, timeout=HANG_S) as client:
        replies = [
            client.post("/get-online-features", content=GOOD, headers={"Content-Type": "application/json"})
            for _ in range(2)
        ]
    for reply in replies:
        assert reply.status_code == status
        found = re.search(r"\((\w{12}) in ", told(reply)["message"])
        assert found
        assert found[1] in caplog.text
        assert "555" not in reply.text + caplog.text
    assert (type(error).__name__ in caplog.text) or "redis is away" in caplog.text


def test_metrics_are_shown_while_the_online_store_is_away(store: FeatureStore) -> None:
    away: Any = Broken(store, ConfigError("redis is away"))
    away.online = Broken(store.online, ConfigError("redis is away"), "watermark_us")
    with serving(create_app(away)) as url, httpx.Client(base_url=url, trust_env=False, timeout=HANG_S) as client:
        assert client.get("/health").status_code == httpx.codes.SERVICE_UNAVAILABLE
        shown = client.get("/metrics")
    assert shown.status_code == httpx.codes.OK
    assert 'feast_feature_server_request_total{endpoint="/health",status="error"} 1.0' in shown.text


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    with listening("127.0.0.1", 0) as held, pytest.raises(ConfigError, match="cannot listen") as caught:
        listening("127.0.0.1", held.getsockname()[1])
    assert "choose another port" in str(caught.value)
