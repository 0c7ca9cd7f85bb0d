"""One model behind HTTP: the live serving core with real features and a real model.

POST /v1/ROUTE with {"ENTITY": 7, "context": [...]}; GET /health. Refusals are JSON: {"error": what and why}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
from fastapi import FastAPI, Request
from fastapi.responses import Response

from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.live.model_server import LiveServing, Served
from reference_platform.models.catalogue import card_of
from reference_platform.serving import records as rec
from reference_platform.serving.answer import Servable, decided, features_of
from reference_platform.shop.serving import ServedRows

BODY_BYTES_MAX = 65_536
REASONS = {
    rec.GATEWAY_DOWN: "shutting down",
    rec.NO_REPLICA: "no healthy upstream",
    rec.OVERLOADED: "too many requests in flight",
    rec.QUEUE_FULL: "batch queue is full",
    rec.STORE_TIMEOUT: "no connection to the online store in time",
    rec.DEADLINE_PASSED: "not answered before the deadline",
    rec.BATCH_FAILED: "the model failed",
    rec.REPLICA_LOST: "the model server ended",
    rec.CIRCUIT_OPEN: "circuit breaker is open",
    rec.ATTEMPTS_FULL: "no room for more requests",
}


@dataclass(frozen=True, slots=True)
class Model:
    """What a server of one version works with. `now_s` is the time by which features have ages."""

    servable: Servable
    views: Mapping[str, FeatureView]
    store: OnlineStore
    now_s: Callable[[], float]

    def read(self, entity: int) -> Mapping[str, ServedRows]:
        """The features of one entity."""
        keys = {part.entity: np.array([entity]) for part in self.servable.schema.views}
        return features_of(self.servable, self.views, self.store, keys, self.now_s())

    def run_batch(
        self, features: Sequence[Mapping[str, ServedRows] | None], asked: Sequence[Sequence[float]]
    ) -> Sequence[object]:
        """One decision per request. Without features (None) the model sees missing values."""
        reads = {
            part.view: _together([None if each is None else each[part.view] for each in features], len(part.columns))
            for part in self.servable.schema.views
        }
        context = np.asarray(asked, dtype=np.float32).reshape(len(features), -1)
        return list(decided(self.servable, reads, context).decisions)


def _together(rows: Sequence[ServedRows | None], width: int) -> ServedRows:
    """Rows of several reads one below the other."""
    values = [np.full((1, width), np.nan, np.float32) if row is None else row.values for row in rows]
    found = [row for row in rows if row is not None]
    none = np.zeros(0, np.int64)
    return ServedRows(
        np.concatenate(values),
        np.concatenate([none, *(row.event_us for row in found)]),
        np.concatenate([none.astype(np.int8), *(row.status for row in found)]),
    )


def model_app(serving: LiveServing, model: Model) -> FastAPI:
    """The HTTP application of one model. Whoever makes it closes `serving`."""
    app = FastAPI(title=model.servable.schema.model, docs_url=None, redoc_url=None, openapi_url=None)
    schema = model.servable.schema
    entity_names = sorted({part.entity for part in schema.views})
    assert len(entity_names) == 1, "this server looks features up by one key"
    entity_name, width = entity_names[0], len(schema.context)

    @app.get("/health")
    async def health() -> Response:
        return _json(200, {"status": "ok", "model": schema.model})

    @app.post(f"/v1/{schema.model}")
    async def predict(request: Request) -> Response:
        body = await request.body()
        if len(body) > BODY_BYTES_MAX:
            return _json(413, {"error": f"a body of {len(body)} bytes; at most {BODY_BYTES_MAX}"})
        try:
            entity, context = _asked(body, entity_name, width)
            served = await serving.ask(entity, context)
        except ValueError as error:
            return _json(400, {"error": str(error)})
        except RuntimeError as error:
            return _json(503, {"error": str(error)})
        return _reply(schema.model, entity, served)

    return app


def _asked(body: bytes, entity_name: str, width: int) -> tuple[int, list[float]]:
    """Entity and context of a request. Raises ValueError that says what is wrong and what to send."""
    form = f'send {{"{entity_name}": 7, "context": [{width} numbers]}}'
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}; {form}") from None
    if not isinstance(said, dict):
        raise ValueError(f"not an object; {form}")
    entity, context = said.get(entity_name), said.get("context")
    if type(entity) is not int or not 0 <= entity < 2**31:
        raise ValueError(f"{entity_name} is not a whole number from 0 on; {form}")
    numbers = isinstance(context, list) and all(type(each) in (int, float) for each in context)
    if not isinstance(context, list) or not numbers or len(context) != width:
        raise ValueError(f"context is not a list of {width} numbers; {form}")
    return entity, [float(each) for each in context]


def _reply(model: str, entity: int, served: Served) -> Response:
    row = served.row
    headers = {"x-replica": str(row.replica), "x-model-version": str(row.version)} if row.replica >= 0 else {}
    if served.answer is None:
        return _json(int(row.status), {"error": REASONS[int(row.cause)]}, headers)
    return _json(200, {"entity": entity, **card_of(model).answer({}, served.answer), "source": "model"}, headers)


def _json(status: int, content: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, headers, "application/json")
