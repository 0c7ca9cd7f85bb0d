"""`curl`: one request by hand, answered the way a shopper's would be."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reference_platform.arithmetic import exp_of, log_of
from reference_platform.errors import CommandError, nearest
from reference_platform.models.catalogue import card_of, schema_of
from reference_platform.models.schema import assemble
from reference_platform.monitoring.series import Matcher
from reference_platform.shop.serving import read_features
from simulator.cluster.objects import Pod
from simulator.shell.context import Effect, Operator
from simulator.shell.network import host_of, service_address
from simulator.shell.registry import Arguments, command
from simulator.world.catalogue import default_decisions, draw_requests
from simulator.world.requests import Requests

RECENT_S = 150.0
Z_99 = 2.326
"""Standard normal quantile of 0.99: latency is taken as log-normal between its median and its p99."""
SPREAD_MAX = 1.5
FALLBACK_S = 0.004
USUAL_S = 0.05
"""Of an answer before any other was measured."""
_REASONS = {
    200: "OK",
    404: "Not Found",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_URL = re.compile(r"(?:(https?)://)?([^/:?#\s]+)(?::(\d{1,5}))?(/[^?#\s]*)?(?:[?#]\S*)?")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back from one request."""

    code: int
    took_s: float
    headers: tuple[str, ...]
    body: str


def _options(parser: Arguments) -> None:
    parser.add_argument("url")
    for flag in ("-s", "-S", "-i", "-v", "-k", "-L", "-f", "-I", "-sS", "-si", "-sv", "-is", "-vs", "-ks"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("-X", "--request")
    parser.add_argument("-d", "--data", default="")
    parser.add_argument("-H", "--header", action="append")
    parser.add_argument("-m", "--max-time")
    parser.add_argument("-o", "--output")
    parser.add_argument("-w", "--write-out")


def _urls(op: Operator) -> Iterable[str]:
    routes = [model.name for model in op.plant.spec.models]
    return [f"http://{front}/v1/{route}" for front in ("gateway", "fallback") for route in routes]


@command(
    "curl", "curl [-X POST] [-d DATA] URL", takes_s=2.0, configure=_options, complete=_urls, aliases=["http", "wget"]
)
def curl(op: Operator, args: argparse.Namespace) -> Effect:
    """One request to the gateway, the fallback, or a pod's or service's /health."""
    url = _URL.fullmatch(args.url)
    if url is None:
        raise CommandError(
            "curl: (3) URL rejected: Malformed input to a URL function", fix="such as http://gateway/v1/recommendation"
        )
    host, path = host_of(op, url[2], "curl: (6) Could not resolve host"), url[4] or "/"
    pod = op.plant.cluster.pods.get(host)
    if path.rstrip("/") in ("/health", "/healthz", "/ready", "/livez", "/readyz", "/v2/health/ready"):
        return _health(op, host, pod)
    if pod is not None or host not in ("gateway", "fallback"):
        return _foreign(op, host, path)
    route = path.removeprefix("/v1/").strip("/")
    routes = [model.name for model in op.plant.spec.models]
    if not path.startswith("/v1/") or route not in routes:
        raise CommandError(
            f"404 Not Found: {path[:80]}", fix=f"{nearest(route, routes)}  such as http://{host}/v1/{routes[0]}"
        )
    return _fallback(op, route, args.data) if host == "fallback" else _gateway(op, route, args.data)


def _refused(host: str, port: int, looked: tuple[str, ...], subjects: tuple[str, ...]) -> Effect:
    text = f"curl: (7) Failed to connect to {host} port {port} after 2 ms: Could not connect to server"
    return Effect(text, 7, looked, subjects)


def _printed(method: str, host: str, path: str, answer: _Answer) -> str:
    lines = [f"> {method} {path} HTTP/1.1", f"> Host: {host}", ">", f"< HTTP/1.1 {answer.code} {_REASONS[answer.code]}"]
    lines += [f"< {header}" for header in answer.headers]
    return "\n".join([*lines, "<", answer.body, f"time_total: {answer.took_s:.3f}s"])


# -- the fronts ---------------------------------------------------------------------------------------------------


def _fallback(op: Operator, route: str, data: str) -> Effect:
    looked, subjects = ("fallback",), ("fallback",)
    if not op.plant.up("fallback"):
        return _refused("fallback", 80, looked, subjects)
    requests = _request(op, route, data)
    chosen = default_decisions(op.plant.world, requests)
    body = _body(route, requests, chosen[0], "default", 0)
    took_s = FALLBACK_S * (1.0 + 0.3 * float(op.plant.streams.get("shell/curl").random()))
    answer = _Answer(200, took_s, ("content-type: application/json", "x-served-by: defaults"), body)
    return Effect(_printed("POST", "fallback", f"/v1/{route}", answer), looked=looked, subjects=subjects)


def _gateway(op: Operator, route: str, data: str) -> Effect:
    looked, subjects = ("metrics",), ("gateway", route)
    if not op.plant.up("gateway"):
        return _refused("gateway", 80, looked, ("gateway",))
    code, took_s = _outcome(op, route)
    headers: tuple[str, ...] = ("content-type: text/plain", "server: envoy")
    if code == 200:
        requests = _request(op, route, data)
        version = op.plant.serving_versions()[route]
        chosen = _predict(op, route, version, requests)
        ready = op.plant.cluster.ready_pods(route)
        served_by = ready[int(op.plant.streams.get("shell/curl").integers(len(ready)))].name if ready else route
        headers = ("content-type: application/json", f"x-served-by: {served_by}", f"x-model-version: {version}",
                   f"x-envoy-upstream-service-time: {took_s * 1000:.0f}")  # fmt: skip
        body = _body(route, requests, chosen, "model", version)
    else:
        body = {504: "upstream request timeout", 503: "no healthy upstream", 500: "upstream failed"}[code]
    text = _printed("POST", "gateway", f"/v1/{route}", _Answer(code, took_s, headers, body))
    return Effect(text, looked=looked, subjects=subjects)


def _outcome(op: Operator, route: str) -> tuple[int, float]:
    """Status and duration, drawn from what the gateway answered in the last minutes."""
    rng = op.plant.streams.get("shell/curl")
    deadline_s = op.plant.spec.model(route).deadline
    lot, noise = float(rng.random()), float(rng.standard_normal())
    grown = {code: _growth(op, route, code) for code in (200, 504, 503, 500)}
    total = sum(grown.values())
    if total <= 0:
        return (200, USUAL_S) if op.plant.up(route) else (503, 0.002)
    code = 200
    for candidate in (504, 503, 500):
        if lot < grown[candidate] / total:
            code = candidate
            break
        lot -= grown[candidate] / total
    if code == 504:
        return code, deadline_s + 0.001
    if code == 503:
        return code, 0.002
    median_s, p99_s = _answer_s(op, route, code)
    spread = min(SPREAD_MAX, float(log_of(max(1.0, p99_s / median_s))) / Z_99)
    return code, min(deadline_s, median_s * float(exp_of(spread * noise)))


def _growth(op: Operator, route: str, code: int) -> float:
    matchers = [Matcher("route", "=", route), Matcher("code", "=", str(code))]
    for series in op.plant.store.select("gateway_requests_total", matchers):
        values = series.window(op.now_s - RECENT_S, op.now_s).values
        return float(values[-1] - values[0]) if len(values) > 1 else 0.0
    return 0.0


def _answer_s(op: Operator, route: str, code: int) -> tuple[float, float]:
    """Median and 99th percentile of answers of this kind.

    A failed forward pass takes as long as one that succeeds, so both kinds are those of the answers that came.
    """
    assert code in (200, 500), "rejections and timeouts have times of their own"
    return op.plant.metrics.answers_s.get(route, (USUAL_S, USUAL_S))


# -- what is asked and answered -----------------------------------------------------------------------------------


def _request(op: Operator, route: str, data: str) -> Requests:
    """The request of the customer named in the data, or of anybody."""
    rng = op.plant.streams.get("shell/curl")
    count = len(op.plant.world.customer_weights)
    named = re.search(r'"?customer(?:_id)?"?\s*[:=]\s*"?(\d{1,9})', data)
    customer = int(named[1]) % count if named else int(rng.integers(count))
    return draw_requests(op.plant.world, route, np.array([customer]), np.array([op.now_s]), rng)


def _predict(op: Operator, route: str, version: int, requests: Requests) -> np.ndarray:
    """What the serving version makes of the features that the online store holds."""
    model, schema = op.plant.image.model(route, version), schema_of(route, version)
    views = {view.name: view for view in op.plant.views}
    asked = [(views[part.view], requests.entities[part.entity]) for part in schema.views]
    rows = read_features(op.plant.online, asked, op.now_s)
    values = {view.name: found.values for (view, _), found in zip(asked, rows, strict=True)}
    scores = model.predict(assemble(schema, values, requests.context))
    return np.asarray(card_of(route).decide(scores, requests.context)[0])


def _body(route: str, requests: Requests, chosen: np.ndarray, source: str, version: int) -> str:
    answer: dict[str, object] = {"customer": int(requests.customer[0])}
    answer |= card_of(route).answer({name: values[0] for name, values in requests.asked.items()}, chosen)
    answer["source"] = source
    if version:
        answer["model_version"] = version
    return json.dumps(answer)


# -- health and everything else -----------------------------------------------------------------------------------


def _health(op: Operator, host: str, pod: Pod | None) -> Effect:
    deployment = pod.deployment if pod is not None else host
    looked = ("pods", *(("fallback",) if deployment == "fallback" else ()))
    subjects = (op.plant.cluster.component_of(deployment),)
    if pod is None:
        pods = op.plant.cluster.pods_of(deployment)
        pod = next((item for item in pods if item.phase == "Ready"), next(iter(pods), None))
        if pod is not None and pod.phase != "Ready":
            pod = None
    if pod is None or pod.phase not in ("Ready", "Loading", "Terminating"):
        return _refused(host, 8080, looked, subjects)
    ready = pod.phase == "Ready"
    body = json.dumps({"status": "ok" if ready else pod.phase.lower(), "pod": pod.name})
    answer = _Answer(200 if ready else 503, 0.003, ("content-type: application/json",), body)
    return Effect(_printed("GET", host, "/health", answer), looked=looked, subjects=subjects)


def _foreign(op: Operator, host: str, path: str) -> Effect:
    """Something that answers no shopper: only /health is of use there."""
    pod = op.plant.cluster.pods.get(host)
    deployment = pod.deployment if pod is not None else host
    if deployment == "online-store":
        return Effect("curl: (52) Empty reply from server (redis does not speak HTTP; try `store ping`)", 52)
    if (pod is not None and pod.phase != "Ready") or not op.plant.up(deployment):
        return _refused(host, 8080, ("pods",), (op.plant.cluster.component_of(deployment),))
    raise CommandError(
        f"404 Not Found: http://{host}{path[:80]} ({service_address(host)})",
        fix=f"http://{host}/health, or ask the gateway: http://gateway/v1/{op.plant.spec.models[0].name}",
    )
