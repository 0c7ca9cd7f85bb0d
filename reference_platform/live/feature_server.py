"""The feature server: a store over HTTP, on the paths and in the bytes that feature-store clients already speak.

POST /get-online-features, /push, /write-to-online-store, /materialize, /materialize-incremental; GET /health, /metrics,
/catalog, /catalog.json. Roles and purposes come in the headers X-Role and X-Purpose.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from reference_platform.errors import PagerDrillError
from reference_platform.features.definition_set import DefinitionSet, FeatureRequest
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.features.times import NEVER_US, instant
from reference_platform.features.writes import PushMode
from reference_platform.live.endpoint import BODY_BYTES_MAX, LOG, Call, Endpoint, Reply
from reference_platform.live.measures import Measures, ViewAge
from reference_platform.live.public_words import PublicWords
from reference_platform.live.refusals import error_body
from reference_platform.live.requests import (
    MaterializeRequest,
    materialize_request,
    online_request,
    push_request,
    write_request,
)
from reference_platform.live.runs import RunsInProgress
from reference_platform.live.tables import Readings, typed_rows
from reference_platform.live.wire import Answer, encode

READERS_MAX = 8
WRITERS_MAX = 4
RUNNERS_MAX = 2
FLUSH_EVERY_S = 1.0
"""A crash loses the record of at most so many seconds of reads."""
CATALOG_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'"


class Catalogue(Protocol):
    """What there is, as one caller may see it."""

    def to_html(self) -> str: ...

    def to_json(self) -> bytes: ...


class Ledgers(Protocol):
    """Records of reads that are held back for a moment."""

    def flush(self) -> None: ...


class Served(Protocol):
    """What the server needs of a feature store."""

    @property
    def ledgers(self) -> Ledgers: ...

    @property
    def definitions(self) -> DefinitionSet: ...

    @property
    def online(self) -> OnlineStore: ...

    def now_us(self) -> int: ...

    def get_online_features(
        self,
        features: FeatureRequest,
        entity_rows: Mapping[str, Sequence[Any]],
        full_feature_names: bool = False,
        *,
        role: str = "",
        purpose: str = "",
    ) -> Answer: ...

    def push(
        self, push_source_name: str, df: Any, *, to: PushMode = PushMode.ONLINE, transform_on_write: bool = True
    ) -> object: ...

    def write_to_online_store(self, feature_view_name: str, df: Any, *, transform_on_write: bool = True) -> object: ...

    def materialize(
        self, start_date: datetime, end_date: datetime, feature_views: Sequence[str] | None = None
    ) -> object: ...

    def materialize_incremental(self, end_date: datetime, feature_views: Sequence[str] | None = None) -> object: ...

    def catalogue(self, *, role: str = "", purpose: str = "") -> Catalogue: ...


class FeatureHandlers:
    """What each path does. Reads run on the event loop, everything else in threads."""

    def __init__(self, store: Served) -> None:
        self._store = store
        self._readings = Readings()
        self._unwritten = False
        self.measures = Measures(self._ages, store.now_us)
        self.runs = RunsInProgress(RUNNERS_MAX)

    def online_features(self, call: Call) -> Reply:
        """POST /get-online-features"""
        asked = online_request(call.body)
        features = asked.service or asked.features
        reading = self._readings.reading(self._store.definitions, features, asked.full_feature_names)
        entities = reading.entities(asked.entities)
        answer = self._store.get_online_features(
            features,
            entities,
            asked.full_feature_names,
            role=call.header(b"x-role"),
            purpose=call.header(b"x-purpose"),
        )
        encoded = encode(answer, reading.views)
        self.measures.served(asked.rows, encoded.runs)
        return Reply(body=encoded.body)

    def push(self, call: Call) -> Reply:
        """POST /push"""
        asked = push_request(call.body)
        views = [view for view in self._store.definitions.views.values() if view.source.name == asked.name]
        rows = typed_rows(views, asked.columns, transform=asked.transform)
        self._store.push(asked.name, rows, to=PushMode(asked.to), transform_on_write=asked.transform)
        self.measures.pushed(asked.name, asked.to)
        return Reply()

    def write(self, call: Call) -> Reply:
        """POST /write-to-online-store"""
        asked = write_request(call.body)
        view = self._store.definitions.view(asked.name)
        rows = typed_rows([view], asked.columns, transform=asked.transform)
        self._store.write_to_online_store(asked.name, rows, transform_on_write=asked.transform)
        return Reply(body=b"null")

    def materialize(self, call: Call) -> Reply:
        """POST /materialize"""
        return self._materialize(call, incremental=False)

    def materialize_incremental(self, call: Call) -> Reply:
        """POST /materialize-incremental"""
        return self._materialize(call, incremental=True)

    def _materialize(self, call: Call, *, incremental: bool) -> Reply:
        asked = materialize_request(call.body, incremental=incremental, now=instant(self._store.now_us()))
        definitions = self._store.definitions
        if asked.views is None:
            views = tuple(view.name for view in definitions.views.values() if view.online)
        else:
            views = tuple(definitions.view(name).name for name in asked.views)
        if not call.flag("async"):
            self._run(asked, views)
            return Reply(body=b"null")
        return self.runs.start(views, lambda: self._run(asked, views), force=call.flag("force"))

    def _run(self, asked: MaterializeRequest, views: tuple[str, ...]) -> None:
        begin = time.perf_counter()
        good = False
        # Without names, the store says for itself which views it can run.
        names = None if asked.views is None else list(views)
        try:
            if asked.start is None:
                self._store.materialize_incremental(asked.end, names)
            else:
                self._store.materialize(asked.start, asked.end, names)
            good = True
        finally:
            self.measures.materialized(views, time.perf_counter() - begin, good=good)

    def health(self, call: Call) -> Reply:
        """GET /health: whether definitions and online values can be read."""
        try:
            names = list(self._store.definitions.views)
            if names:
                self._store.online.watermark_us(names[0])
        except (PagerDrillError, OSError) as error:
            LOG.warning("not healthy: %s", type(error).__name__)
            return Reply(503)
        return Reply()

    def metrics(self, call: Call) -> Reply:
        """GET /metrics"""
        return Reply(body=self.measures.text(), content_type=b"text/plain; version=0.0.4; charset=utf-8")

    def catalog_page(self, call: Call) -> Reply:
        """GET /catalog"""
        # The page is made of names and descriptions that many hands wrote: nothing may be loaded or sent from it.
        policy = (b"content-security-policy", CATALOG_POLICY)
        page = self._catalogue(call).to_html().encode()
        return Reply(body=page, content_type=b"text/html; charset=utf-8", headers=(policy,))

    def catalog_json(self, call: Call) -> Reply:
        """GET /catalog.json"""
        return Reply(body=self._catalogue(call).to_json())

    def _catalogue(self, call: Call) -> Catalogue:
        return self._store.catalogue(role=call.header(b"x-role"), purpose=call.header(b"x-purpose"))

    def flush(self) -> None:
        """Write down what was read. A failure is logged once, not every time."""
        try:
            self._store.ledgers.flush()
        except PagerDrillError as error:
            if not self._unwritten:
                LOG.error("reads are not written down: %s", error)
            self._unwritten = True
        else:
            self._unwritten = False

    def _ages(self) -> list[ViewAge]:
        """Of views that were ever materialised; of none while the online store is away: counters still count."""
        try:
            now_us, online = self._store.now_us(), self._store.online
            views = [view.name for view in self._store.definitions.views.values() if view.online]
            done_us = {view: online.watermark_us(view) for view in views}
        except PagerDrillError:
            return []
        return [ViewAge(view, (now_us - us) / 1e6) for view, us in done_us.items() if us != NEVER_US]


class Threads:
    """What may take long waits apart: a long run keeps neither writes nor looks waiting."""

    def __init__(self) -> None:
        self.looking = ThreadPoolExecutor(READERS_MAX, thread_name_prefix="feature-reader")
        self.writing = ThreadPoolExecutor(WRITERS_MAX, thread_name_prefix="feature-writer")
        self.running = ThreadPoolExecutor(RUNNERS_MAX, thread_name_prefix="feature-runner")

    def close(self) -> None:
        """Begin nothing more, and wait for what is being done; not for runs, which may be cut off anywhere."""
        for threads in (self.looking, self.writing):
            threads.shutdown(wait=True, cancel_futures=True)
        self.running.shutdown(wait=False, cancel_futures=True)


def create_app(store: Served, *, body_bytes_max: int = BODY_BYTES_MAX, reads_may_block: bool | None = None) -> FastAPI:
    """The server's application. `reads_may_block` None: unless the store is embedded, reads too are done in threads.

    Raises ConfigError when the online store cannot be opened.
    """
    handlers, threads = FeatureHandlers(store), Threads()
    if reads_may_block is None:
        reads_may_block = not isinstance(store.online, EmbeddedOnlineStore)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        flushing = asyncio.create_task(_flush_now_and_then(handlers, threads.looking))
        yield
        flushing.cancel()
        handlers.runs.close()
        threads.close()
        handlers.flush()

    def post(path: str, handler: Callable[[Call], Reply], pool: ThreadPoolExecutor | None) -> Route:
        words = str if handler == handlers.online_features else PublicWords(lambda: store.definitions)
        endpoint = Endpoint(path, handler, handlers.measures, pool, body_bytes_max=body_bytes_max, words=words)
        return Route(path, endpoint, methods=["POST"])

    def get(path: str, handler: Callable[[Call], Reply]) -> Route:
        endpoint = Endpoint(path, handler, handlers.measures, threads.looking, takes_body=False)
        return Route(path, endpoint, methods=["GET"])

    app = FastAPI(title="Feature server", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes += [
        post("/get-online-features", handlers.online_features, threads.looking if reads_may_block else None),
        post("/push", handlers.push, threads.writing),
        post("/write-to-online-store", handlers.write, threads.writing),
        post("/materialize", handlers.materialize, threads.running),
        post("/materialize-incremental", handlers.materialize_incremental, threads.running),
        get("/health", handlers.health),
        get("/metrics", handlers.metrics),
        get("/catalog", handlers.catalog_page),
        get("/catalog.json", handlers.catalog_json),
    ]
    app.add_exception_handler(HTTPException, _refused_by_framework)
    return app


async def _flush_now_and_then(handlers: FeatureHandlers, threads: ThreadPoolExecutor) -> None:
    while True:
        await asyncio.sleep(FLUSH_EVERY_S)
        await asyncio.get_running_loop().run_in_executor(threads, handlers.flush)


async def _refused_by_framework(request: Request, error: Exception) -> Response:
    """The reply to a path that does not exist, or to the wrong method."""
    assert isinstance(error, HTTPException)
    told = f"{request.method} {request.url.path[:120]}: {error.detail}"
    return Response(
        error_body("FeastError", told), error.status_code, headers=error.headers, media_type="application/json"
    )
