"""The feature server: a store over HTTP, on the paths and in the bytes that feature-store clients already speak.

POST /get-online-features, /push, /write-to-online-store, /materialize, /materialize-incremental; GET /health, /metrics,
/catalog, /catalog.json. Roles and purposes come in the headers X-Role and X-Purpose.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from reference_platform.errors import PagerDrillError
from reference_platform.features.definition_set import DefinitionSet, FeatureRequest
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.features.times import NEVER_US, instant
from reference_platform.features.writes import PushMode
from reference_platform.live.endpoint import BODY_BYTES_MAX, LOG, Call, Endpoint, Reply
from reference_platform.live.measures import Measures, ViewAge
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

WRITERS_MAX = 4
RUNNERS_MAX = 2


class Served(Protocol):
    """What the server needs of a feature store."""

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


class Catalogue(Protocol):
    """What there is, as one caller may see it."""

    def to_html(self) -> str: ...

    def to_json(self) -> Any: ...


@runtime_checkable
class Catalogued(Protocol):
    """A store that can show its catalogue."""

    def catalogue(self, *, role: str = "", purpose: str = "") -> Catalogue: ...


class FeatureHandlers:
    """What each path does. Reads run on the event loop, everything else in threads."""

    def __init__(self, store: Served) -> None:
        self._store = store
        self._readings = Readings()
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

    def _ages(self) -> list[ViewAge]:
        now_us, online = self._store.now_us(), self._store.online
        done_us = {
            view.name: online.watermark_us(view.name) for view in self._store.definitions.views.values() if view.online
        }
        return [ViewAge(view, (now_us - us) / 1e6) for view, us in done_us.items() if us != NEVER_US]


def create_app(
    store: Served,
    *,
    body_bytes_max: int = BODY_BYTES_MAX,
    reads_may_block: bool = False,
) -> FastAPI:
    """The server's application. `reads_may_block`: answer reads in threads too, for a store across a network."""
    handlers = FeatureHandlers(store)
    threads = ThreadPoolExecutor(WRITERS_MAX, thread_name_prefix="feature-writer")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        handlers.runs.close()
        threads.shutdown(wait=True, cancel_futures=True)

    def post(path: str, handler: Callable[[Call], Reply], *, blocks: bool) -> Route:
        return _route(path, "POST", handler, handlers.measures, threads if blocks else None, body_bytes_max)

    def get(path: str, handler: Callable[[Call], Reply]) -> Route:
        return _route(path, "GET", handler, handlers.measures, threads, 0)

    app = FastAPI(title="Feature server", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes += [
        post("/get-online-features", handlers.online_features, blocks=reads_may_block),
        post("/push", handlers.push, blocks=True),
        post("/write-to-online-store", handlers.write, blocks=True),
        post("/materialize", handlers.materialize, blocks=True),
        post("/materialize-incremental", handlers.materialize_incremental, blocks=True),
        get("/health", handlers.health),
        get("/metrics", handlers.metrics),
    ]
    if isinstance(store, Catalogued):
        app.router.routes += [
            get("/catalog", lambda call: _catalog_page(_catalogue(store, call))),
            get("/catalog.json", lambda call: Reply(body=_catalogue(store, call).to_json())),
        ]
    app.add_exception_handler(HTTPException, _refused_by_framework)
    return app


def _catalogue(store: Catalogued, call: Call) -> Catalogue:
    return store.catalogue(role=call.header(b"x-role"), purpose=call.header(b"x-purpose"))


def _catalog_page(catalogue: Catalogue) -> Reply:
    # The page is made of names and descriptions that many hands wrote: nothing in it may run.
    policy = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    return Reply(body=catalogue.to_html().encode(), content_type=b"text/html; charset=utf-8", headers=(policy,))


def _route(
    path: str,
    method: str,
    handler: Callable[[Call], Reply],
    measures: Measures,
    threads: ThreadPoolExecutor | None,
    body_bytes_max: int,
) -> Route:
    endpoint = Endpoint(path, handler, measures, threads, method == "POST", body_bytes_max)
    return Route(path, endpoint, methods=[method])


async def _refused_by_framework(request: Request, error: Exception) -> Response:
    """The reply to a path that does not exist, or to the wrong method."""
    assert isinstance(error, HTTPException)
    told = f"{request.method} {request.url.path[:120]}: {error.detail}"
    return Response(
        error_body("FeastError", told), error.status_code, headers=error.headers, media_type="application/json"
    )
