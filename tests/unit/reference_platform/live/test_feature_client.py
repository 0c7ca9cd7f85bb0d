"""Our client against our server, and against servers that misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from reference_platform.errors import CommandError
from reference_platform.live.feature_client import (
    FeatureClient,
    NotAllowedError,
    NotFoundError,
    RequestRefusedError,
    ServerFailedError,
    UnreachableError,
)
from tests.unit.reference_platform.live.conftest import HANG_S
from tests.unit.reference_platform.live.fleet import HOUR, NOW


@pytest.fixture
def reader(url: str) -> Iterator[FeatureClient]:
    """A client of the served store."""
    with FeatureClient(url, timeout_s=HANG_S) as made:
        yield made


def test_a_read_comes_back_typed(reader: FeatureClient) -> None:
    got = reader.get_online_features(
        ["driver_stats:trips", "driver_stats:rating"], {"driver_id": np.array([1, 2, 3, 9])}
    )
    assert (got.names, got.rows) == (("driver_id", "trips", "rating"), 4)
    assert got.values("trips") == [7, None, None, None]
    assert got.statuses[got.index("trips")] == [1, 4, 2, 3]
    event_us = round((NOW - HOUR).timestamp() * 1e6)
    assert got.event_us[1] == [event_us, event_us - 7_200_000_000, event_us + 3_599_998_500, 0]
    np.testing.assert_array_equal(got.floats("rating"), [4.5, np.nan, np.nan, np.nan])
    with pytest.raises(CommandError, match='no column "ratin"') as caught:
        got.values("ratin")
    assert "rating" in str(caught.value)


def test_a_service_and_full_names(reader: FeatureClient) -> None:
    got = reader.get_online_features("ranking", {"driver_id": [1], "depot_code": ["23"]}, full_feature_names=True)
    assert got.values("driver_depot__visits") == [5]


def test_a_client_says_who_asks_and_what_for(url: str) -> None:
    with FeatureClient(url, role="support", purpose="callback", timeout_s=HANG_S) as client:
        assert client.get_online_features(["driver_stats:phone"], {"driver_id": [1]}).values("phone") == ["555-0101"]


def test_a_push_is_seen_at_once(reader: FeatureClient) -> None:
    reader.push("tag_push", {"tag_id": ["Aw=="], "uses": [3], "event_timestamp": [NOW.isoformat()]})
    assert reader.get_online_features(["tags:uses"], {"tag_id": ["Aw=="]}).values("uses") == [3]


def test_errors_come_back_as_what_they_are(reader: FeatureClient) -> None:
    with pytest.raises(NotFoundError, match='view "nope" does not exist') as caught:
        reader.get_online_features(["nope:x"], {"driver_id": [1]})
    assert (caught.value.status, caught.value.client_class) == (404, "FeatureViewNotFoundException")
    with pytest.raises(NotFoundError, match="push source"):
        reader.push("nope", {"driver_id": [1]})
    with pytest.raises(RequestRefusedError, match="row 0") as refused:
        reader.get_online_features(["driver_stats:trips"], {"driver_id": ["x"]})
    assert not isinstance(refused.value, NotFoundError)
    assert reader.healthy()


@contextmanager
def _scripted(*answers: bytes | None) -> Iterator[str]:
    """A server that gives these answers, one for each request; None resets the connection instead."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_play, args=(listener, iter(answers)), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _play(listener: socket.socket, answers: Iterator[bytes | None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, suppress(ConnectionError):
            while connection.recv(65536) and (answer := next(answers, None)) is not None:
                connection.sendall(answer)


def _http(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nContent-Type: application/json\r\n\r\n%s" % (
        status,
        len(body),
        body,
    )


EMPTY = b'{"results":[{"values":[1],"statuses":["PRESENT"]}],"metadata":{"feature_names":["d"]}}'


def _read(url: str) -> Callable[[], object]:
    with FeatureClient(url, timeout_s=HANG_S) as client:
        return client.get_online_features(["v:f"], {"d": [1]})


def test_a_kept_connection_that_was_reset_is_opened_again_for_a_read() -> None:
    with (
        _scripted(_http(500, b'"boom"'), None, _http(200, EMPTY)) as url,
        FeatureClient(url, timeout_s=HANG_S) as client,
    ):
        with pytest.raises(ServerFailedError, match="boom"):
            client.get_online_features(["v:f"], {"d": [1]})
        got = client.get_online_features(["v:f"], {"d": [1]})
    assert (got.values("d"), got.event_us) == ([1], ([],))


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (_http(403, b'"{\\"module\\":\\"m\\",\\"class\\":\\"C\\",\\"message\\":\\"no\\"}"'), NotAllowedError, "no"),
        (_http(422, b'{"detail":[{"msg":"Field required"}]}'), RequestRefusedError, "Field required"),
        (_http(502, b"<html>bad gateway"), ServerFailedError, "bad gateway"),
        (_http(500, b""), ServerFailedError, "answered 500"),
        (_http(200, b"[]"), UnreachableError, "no feature server"),
        (_http(200, b"<html>"), UnreachableError, "no feature server"),
        (_http(200, EMPTY.replace(b"PRESENT", b"FINE")), UnreachableError, "no feature server"),
        (_http(200, EMPTY.replace(b'["PRESENT"]', b"[]")), UnreachableError, "no feature server"),
        (b"nonsense\r\n\r\n", UnreachableError, "no answer"),
    ],
)
def test_other_answers_are_errors_that_say_so(answer: bytes, error: type[Exception], message: str) -> None:
    with _scripted(answer, answer) as url, pytest.raises(error, match=message):
        _read(url)


def test_nobody_there_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with FeatureClient(f"http://127.0.0.1:{port}") as client:
        assert not client.healthy()
        with pytest.raises(UnreachableError, match="no answer") as caught:
            client.get_online_features(["v:f"], {"d": [1]})
    assert "check the address" in str(caught.value)
