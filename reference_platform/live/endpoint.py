"""One HTTP path: reads a bounded body, asks a handler, always answers, and keeps the connection open.

Handlers are plain functions from a call to a reply. What they raise becomes an error body; what nobody expected becomes
a number that stands in the log, where it comes with the place in the code but without any value.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs
from uuid import uuid4

from reference_platform.errors import CommandError, ConfigError, ContentError, PagerDrillError
from reference_platform.features.definition_set import UnknownFeatureError
from reference_platform.live.refusals import Kind, RefusedError, error_body

LOG = logging.getLogger("reference_platform.live")
BODY_BYTES_MAX = 8 << 20
_DISCARD_BYTES_MAX = 64 << 20
"""Of a body that is too large, at most this much is read to keep the connection; beyond it the connection closes."""
JSON = b"application/json"
_UNKNOWN = {
    "service": Kind.SERVICE_NOT_FOUND,
    "push source": Kind.PUSH_SOURCE_NOT_FOUND,
    "feature": Kind.FEATURE_NOT_FOUND,
}

Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Call:
    """What a client sent. Header names are lower case."""

    body: bytes
    headers: Mapping[bytes, bytes]
    query: bytes = b""

    def header(self, name: bytes) -> str:
        """The header as text; empty when it is absent."""
        return self.headers.get(name, b"").decode("latin-1").strip()

    def flag(self, name: str) -> bool:
        """Whether the query says `name=true`."""
        values = parse_qs(self.query.decode("latin-1")).get(name, [])
        return bool(values) and values[-1].lower() in ("true", "1", "yes", "on")


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Meter(Protocol):
    """Counts requests."""

    def observe(self, path: str, status: int, seconds: float) -> None: ...


class GoneError(Exception):
    """The client went away before its request was complete."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An ASGI application for one path. With `threads` the handler runs there and may block; otherwise on the loop."""

    path: str
    handler: Callable[[Call], Reply]
    meter: Meter
    threads: Executor | None = None
    takes_body: bool = True
    body_bytes_max: int = BODY_BYTES_MAX
    words: Callable[[PagerDrillError], str] = str
    """How an error of the caller's is told."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begin = time.perf_counter()
        try:
            headers = dict(scope["headers"])
            body = await self._body(headers, receive) if self.takes_body else b""
            call = Call(body, headers, scope["query_string"])
            if self.threads is None:
                reply = self.handler(call)
            else:
                reply = await asyncio.get_running_loop().run_in_executor(self.threads, self.handler, call)
        except GoneError:
            return
        except Exception as error:  # noqa: BLE001  (a client always gets an answer, whatever went wrong)
            reply = refusal(error, self.words)
        await _send(reply, send)
        self.meter.observe(self.path, reply.status, time.perf_counter() - begin)

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The whole body. Raises RefusedError when it is too large or not said to be JSON."""
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(chunk)
            if size <= self.body_bytes_max:
                chunks.append(chunk)
            else:
                chunks.clear()
                if size > _DISCARD_BYTES_MAX:
                    break
        if size > self.body_bytes_max:
            raise TooLargeError(size, self.body_bytes_max, closing=more)
        # Pages of other sites can send anything to a local port except JSON, which browsers ask permission for first.
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != JSON and not (kind.startswith(b"application/") and kind.endswith(b"+json")):
            raise RefusedError(
                Kind.NOT_JSON, "the request is not said to be JSON", fix="send Content-Type: application/json"
            )
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class TooLargeError(RefusedError):
    """A body beyond the limit; `closing` when the rest of it was not waited for."""

    def __init__(self, size: int, most: int, *, closing: bool) -> None:
        told = f"more than {_DISCARD_BYTES_MAX:,}" if closing else f"{size:,}"
        super().__init__(Kind.TOO_LARGE, f"the body has {told} bytes; {most:,} are the most", fix="send it in pieces")
        self.closing = closing


async def _send(reply: Reply, send: Send) -> None:
    headers = [(b"content-type", reply.content_type), (b"content-length", b"%d" % len(reply.body)), *reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def refusal(error: Exception, words: Callable[[PagerDrillError], str] = str) -> Reply:
    """The reply that an error becomes. What is not the caller's mistake is logged under a number, without values."""
    if isinstance(error, TooLargeError) and error.closing:
        return Reply(
            error.kind.status, error_body(error.kind.client_class, str(error)), headers=((b"connection", b"close"),)
        )
    if isinstance(error, UnknownFeatureError):
        kind = _UNKNOWN.get(error.kind, Kind.VIEW_NOT_FOUND)
        return _told(kind, words(error))
    if isinstance(error, RefusedError):
        return _told(error.kind, str(error))
    if isinstance(error, CommandError | ContentError):
        return _told(Kind.WRONG, words(error))
    number = uuid4().hex[:12]
    if isinstance(error, ConfigError):
        LOG.error("%s: %s", number, error)
        return Reply(
            503, error_body("FeastError", f"the feature store is not available ({number} in the server's log)")
        )
    LOG.error("%s: %s at %s", number, type(error).__name__, _place(error))
    return Reply(500, error_body("FeastError", f"the server failed ({number} in its log)"))


def _told(kind: Kind, message: str) -> Reply:
    return Reply(kind.status, error_body(kind.client_class, message))


def _place(error: Exception) -> str:
    """Where in the code; never the message, which may quote a value."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames[-8:]))
