"""A real model with real features behind HTTP decides as the judge and `curl` do, and its night can be replayed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from reference_platform.live.clock import system_now_us
from reference_platform.live.model_app import Model, model_app
from reference_platform.live.model_server import LiveServing
from reference_platform.models.catalogue import card_of, schema_of
from reference_platform.serving.answer import Servable, answer
from simulator.image.builder import ensure_image
from tests.oracle.compiled import core_of, path_of
from tests.oracle.request_path import Route, System

ROUTE = "recommendation"
SYSTEM = System((Route(2.0, 2, 8, 0.002, 0.0, 0.0, 0.0, queue_max=64),), 8, 0.0, cache_ttl_s=60.0, entities=100)
CONTEXT = [0.5, -0.25]


@pytest.fixture(scope="module")
def model() -> Model:
    image = ensure_image()
    features = image.features()
    version = card_of(ROUTE).aliases["champion"]
    servable = Servable(image.model(ROUTE, version), schema_of(ROUTE, version))
    return Model(servable, {view.name: view for view in features.views}, features.online, lambda: 0.0)


@pytest.fixture
async def client(model: Model) -> AsyncIterator[tuple[httpx.AsyncClient, LiveServing]]:
    with ThreadPoolExecutor(4) as threads:
        serving = LiveServing(core_of(SYSTEM, 256), model.read, model.run_batch, threads, system_now_us)
        transport = httpx.ASGITransport(model_app(serving, model))
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
            yield client, serving
        await serving.close()


Client = tuple[httpx.AsyncClient, LiveServing]


async def test_answers_over_http_are_those_of_the_one_predict_path(client: Client, model: Model) -> None:
    """Forty customers at once, some of them twice: whatever the batches were, each gets its own."""
    http, serving = client
    customers = [*range(30), *range(10)]
    replies = await asyncio.gather(
        *(http.post(f"/v1/{ROUTE}", json={"customer": who, "context": CONTEXT}) for who in customers)
    )
    context = np.tile(np.array(CONTEXT, np.float32), (len(customers), 1))
    expected = answer(model.servable, model.views, model.store, {"customer": np.array(customers)}, context, 0.0)
    for reply, decision in zip(replies, expected.decisions, strict=True):
        assert reply.status_code == 200
        assert reply.json()["categories"] == decision.tolist()
        assert reply.headers["x-model-version"] == "1"
    assert {reply.headers["x-replica"] for reply in replies} == {"0", "1"}
    trace = serving.trace()
    path = path_of(SYSTEM, 1, attempts=256, recorded=trace.carried_out, trace_rows=len(trace.effects) + 10)
    path.advance(trace.inputs, float(trace.effects_us[-1] + 10_000_000) / 1e6)
    assert path.drive.trace[: len(trace.effects)].tobytes() == trace.effects.tobytes()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"[]", "not an object"),
        (b'{"context": [0, 0]}', "customer is not a whole number from 0 on"),
        (b'{"customer": -1, "context": [0, 0]}', "customer is not a whole number"),
        (b'{"customer": true, "context": [0, 0]}', "customer is not a whole number"),
        (b'{"customer": 1, "context": [0]}', "context is not a list of 2 numbers"),
        (b'{"customer": 1, "context": [0, "x"]}', "context is not a list of 2 numbers"),
        (b'{"customer": 100, "context": [0, 0]}', "entity 100 is not one of 100"),
    ],
)
async def test_a_bad_request_is_told_what_to_send(client: Client, body: bytes, said: str) -> None:
    reply = await client[0].post(f"/v1/{ROUTE}", content=body)
    assert reply.status_code == 400
    assert said in reply.json()["error"]


async def test_too_much_and_too_late_are_refused(client: Client) -> None:
    http, serving = client
    assert (await http.get("/health")).json() == {"status": "ok", "model": ROUTE}
    assert (await http.post(f"/v1/{ROUTE}", content=b" " * 65_537)).status_code == 413
    await serving.close()
    reply = await http.post(f"/v1/{ROUTE}", json={"customer": 1, "context": CONTEXT})
    assert (reply.status_code, reply.json()) == (503, {"error": "the server is shutting down"})


async def test_missing_features_are_missing_values_to_the_model(model: Model) -> None:
    """A read that failed is no reason for a failed answer."""
    decisions = model.run_batch([None, model.read(3)], [CONTEXT, CONTEXT])
    nobody = answer(model.servable, model.views, model.store, {"customer": np.array([10**6])},
                    np.array([CONTEXT], np.float32), 0.0)  # fmt: skip
    assert np.asarray(decisions[0]).tolist() == nobody.decisions[0].tolist()
