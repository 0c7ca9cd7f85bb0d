"""Reads features over HTTP: from this feature server and from any other that keeps to the same contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np
import orjson
from numpy.typing import NDArray

from reference_platform.errors import CommandError, ConfigError, nearest
from reference_platform.features.times import instant_us
from reference_platform.live.refusals import Kind
from reference_platform.live.wire import STATUS_NAMES

TIMEOUT_S = 5.0
_STATUS = {name: number for number, name in enumerate(STATUS_NAMES)}


class RequestRefusedError(CommandError):
    """The server said no. `status` is HTTP's, `client_class` the error's name in the contract."""

    def __init__(self, status: int, client_class: str, message: str) -> None:
        super().__init__(message or f"the feature server answered {status}")
        self.status = status
        self.client_class = client_class


class NotFoundError(RequestRefusedError):
    """There is no such view, service or push source."""


class NotAllowedError(RequestRefusedError):
    """The caller's role may not do this."""


class ServerFailedError(RequestRefusedError):
    """The server failed; asking again may help."""


class UnreachableError(ConfigError):
    """Nobody answered, or what answered is no feature server."""


@dataclass(frozen=True, slots=True)
class FeatureVectors:
    """Columns as they were served, join keys among them. All have `rows` values.

    `statuses`: numbers of the contract, PRESENT 1. `event_us`: 0 where there is no event.
    """

    names: tuple[str, ...]
    rows: int
    columns: tuple[list[Any], ...]
    statuses: tuple[list[int], ...]
    event_us: tuple[list[int], ...]

    def index(self, name: str) -> int:
        """Place of the column called `name`. Raises CommandError."""
        if name not in self.names:
            raise CommandError(f'no column "{name[:60]}" was served', fix=nearest(name, self.names))
        return self.names.index(name)

    def values(self, name: str) -> list[Any]:
        """Values as JSON gave them; None where there is none."""
        return self.columns[self.index(name)]

    def floats(self, name: str) -> NDArray[np.float64]:
        """Values as numbers: NaN where there is none; NaN and infinities, which come as words, are numbers again."""
        return np.array([np.nan if value is None else float(value) for value in self.values(name)])


class FeatureClient:
    """One server, one pool of connections. Threads may share it."""

    def __init__(self, url: str, *, role: str = "", purpose: str = "", timeout_s: float = TIMEOUT_S) -> None:
        asked = {"X-Role": role, "X-Purpose": purpose}
        headers = {"Content-Type": "application/json", **{name: value for name, value in asked.items() if value}}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, trust_env=False)
        self._url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def healthy(self) -> bool:
        """Whether the server can serve."""
        try:
            return self._asked("GET", "/health", b"", again=True).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def get_online_features(
        self,
        features: Sequence[str] | str,
        entities: Mapping[str, Sequence[Any]],
        full_feature_names: bool = False,
    ) -> FeatureVectors:
        """Features of `entities`, which are columns: join keys and request data. `features`: references or a service.

        Raises NotFoundError, NotAllowedError, RequestRefusedError, ServerFailedError and UnreachableError.
        """
        asked: dict[str, Any] = {"entities": {name: list(column) for name, column in entities.items()}}
        asked["full_feature_names"] = full_feature_names
        if isinstance(features, str):
            asked["feature_service"] = features
        else:
            asked["features"] = list(features)
        return _vectors(self._post("/get-online-features", asked, again=True), self._url)

    def push(self, push_source_name: str, df: Mapping[str, Sequence[Any]], to: str = "online") -> None:
        """Push columns of rows. Raises as `get_online_features` does."""
        frame = {name: list(column) for name, column in df.items()}
        self._post("/push", {"push_source_name": push_source_name, "df": frame, "to": to}, again=False)

    def _post(self, path: str, body: Mapping[str, Any], *, again: bool) -> bytes:
        content = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY, default=str)
        try:
            reply = self._asked("POST", path, content, again=again)
        except httpx.HTTPError as error:
            raise UnreachableError(f"no answer from {self._url}", why=type(error).__name__,
                              fix="check the address, and that the server runs") from error  # fmt: skip
        if reply.status_code >= httpx.codes.BAD_REQUEST:
            raise _refusal(reply)
        return reply.content

    def _asked(self, method: str, path: str, content: bytes, *, again: bool) -> httpx.Response:
        """The reply. `again`: the request changes nothing, so it may be sent once more over a new connection."""
        try:
            return self._http.request(method, path, content=content)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # Some servers reset a kept connection after they replied with an error.
            if not again:
                raise
            return self._http.request(method, path, content=content)


def _vectors(content: bytes, url: str) -> FeatureVectors:
    try:
        answer = orjson.loads(content)
        names, results = tuple(answer["metadata"]["feature_names"]), answer["results"]
        columns = tuple(result["values"] for result in results)
        statuses = tuple([_STATUS[status] for status in result["statuses"]] for result in results)
        events = tuple([_event_us(text) for text in result.get("event_timestamps", [])] for result in results)
        rows = len(columns[0]) if columns else 0
        if len(names) != len(results) or any(len(column) != rows for column in (*columns, *statuses)):
            raise ValueError("columns of different lengths")
    except (KeyError, TypeError, ValueError) as error:
        raise UnreachableError(f"{url} is no feature server", why=f"its answer is not of the contract: {error}"[:200],
                          fix="check the address") from error  # fmt: skip
    return FeatureVectors(names, rows, columns, statuses, events)


def _event_us(text: str) -> int:
    """Microseconds of an RFC 3339 instant; finer digits are dropped."""
    from datetime import datetime

    head, dot, fraction = text.removesuffix("Z").partition(".")
    return instant_us(datetime.fromisoformat(head)) + int(f"{fraction[:6]:0<6}" if dot else 0)


def _refusal(reply: httpx.Response) -> RequestRefusedError:
    client_class, message = _told(reply)
    status = reply.status_code
    missing = (Kind.PUSH_SOURCE_NOT_FOUND.client_class, Kind.SERVICE_NOT_FOUND.client_class)
    if status == httpx.codes.NOT_FOUND or client_class in missing:
        return NotFoundError(status, client_class, message)
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return NotAllowedError(status, client_class, message)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return ServerFailedError(status, client_class, message)
    return RequestRefusedError(status, client_class, message)


def _told(reply: httpx.Response) -> tuple[str, str]:
    """Class and message of an error body: a string with JSON inside, a plain string, or an object with `detail`."""
    try:
        body = reply.json()
        inner = json.loads(body) if isinstance(body, str) and body[:1] == "{" else body
    except ValueError:
        return "", reply.text[:500]
    if isinstance(inner, dict) and "message" in inner:
        return str(inner.get("class", "")), str(inner["message"])
    return "", str(inner.get("detail", inner) if isinstance(inner, dict) else inner)[:500]
