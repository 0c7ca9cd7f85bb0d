"""`curl`: one request by hand, down the path that everybody's take."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reference_platform.errors import CommandError, nearest
from reference_platform.models.card import Decisions
from reference_platform.models.catalogue import card_of
from reference_platform.roles import FALLBACK, GATEWAY, REGISTRY, STORE
from reference_platform.serving import records as rec
from simulator.cluster.objects import Pod
from simulator.incident.tags import Tag
from simulator.plant.by_hand import Reply
from simulator.shell.context import Effect, Operator
from simulator.shell.network import host_of, role_of, service_address
from simulator.shell.registry import Arguments, command
from simulator.world.requests import Requests

FALLBACK_S = 0.004
HEALTH_S = 0.003
_REASONS = {
    200: "OK",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_BODIES = {
    rec.GATEWAY_DOWN: "no healthy upstream",
    rec.NO_REPLICA: "no healthy upstream",
    rec.OVERLOADED: "upstream connect error or disconnect/reset before headers. reset reason: overflow",
    rec.ATTEMPTS_FULL: "upstream connect error or disconnect/reset before headers. reset reason: overflow",
    rec.CIRCUIT_OPEN: "upstream connect error or disconnect/reset before headers. reset reason: overflow",
    rec.QUEUE_FULL: '{"error":"Exceeds maximum queue size"}',
    rec.STORE_TIMEOUT: '{"error":"feature read failed: no connection to online-store:6379 in time"}',
    rec.REPLICA_LOST: "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    rec.DEADLINE_PASSED: "upstream request timeout",
    rec.BATCH_FAILED: '{"error":"torch.OutOfMemoryError: CUDA out of memory in forward pass"}',
}
"""What the gateway or the model server sends when no model answered. Source: the local replies of Envoy 1.30."""
_URL = re.compile(r"(?:(https?)://)?([^/:?#\s]+)(?::(\d{1,5}))?(/[^?#\s]*)?(?:[?#]\S*)?")
_CUSTOMER = re.compile(r'"?customer(?:_id)?"?\s*[:=]\s*"?(\d{1,9})')
_WRITE_OUT = re.compile(r"%\{(\w{1,40})\}")
FLAGS = {
    "-s": "silent",
    "-S": "show-error",
    "-i": "include",
    "-v": "verbose",
    "-k": "insecure",
    "-L": "location",
    "-f": "fail",
    "-I": "head",
}
OUTSIDE = {
    "alertmanager": "alerts, or silence NAME",
    "grafana": "dash",
    "kube-state-metrics": "metrics kube_deployment_status_replicas_ready",
    "prometheus": "metrics EXPR, such as metrics 'sum by (route) (rate(gateway_requests_total[5m]))'",
}
"""What watches the platform is not on its network; each has a command of its own here."""
HEALTH = ("/health", "/healthz", "/ready", "/livez", "/readyz", "/v2/health/ready")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back from one request."""

    code: int
    took_s: float
    headers: tuple[str, ...]
    body: str


def _options(parser: Arguments) -> None:
    parser.add_argument("url")
    for short, name in FLAGS.items():
        parser.add_argument(short, f"--{name}", action="store_true", dest=name.replace("-", "_"))
    parser.add_argument("-X", "--request", default="")
    parser.add_argument("-d", "--data", default="")
    parser.add_argument("-H", "--header", action="append")
    parser.add_argument("-m", "--max-time", type=_seconds)
    parser.add_argument("-o", "--output")
    parser.add_argument("-w", "--write-out", default="")
    parser.add_argument("--retry", type=int)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 1e6:
        raise ValueError(text)
    return value


def _urls(op: Operator) -> Iterable[str]:
    routes = [model.name for model in op.plant.spec.models]
    return [f"http://{front}/v1/{route}" for role in (GATEWAY, FALLBACK)
            for front in op.plant.spec.of_role(role) for route in routes]  # fmt: skip


def _send(op: Operator, args: argparse.Namespace) -> None:
    """The request goes out when the line is entered, so that it meets what everybody meets then."""
    host, path = _where(op, args.url)
    route = _route(op, path)
    if role_of(op, host) == GATEWAY and route and op.plant.up(host) and not (args.head or args.retry):
        op.requests.send(route, _customer(args))


@command(
    "curl",
    "curl [-sivI] [-X POST] [-d DATA] [-o FILE] [-w FORMAT] [--max-time S] URL",
    takes_s=2.0,
    configure=_options,
    complete=_urls,
    aliases=["http"],
    begin=_send,
    looked=("metrics", "fallback", "pods"),
    sight="request",
)
def curl(op: Operator, args: argparse.Namespace) -> Effect:
    """One request to the gateway, the fallback, or a pod's or service's /health."""
    if args.retry is not None:
        fix = f"ask again yourself: watch curl {args.url}"
        raise CommandError("curl: --retry is not simulated", why="each line is one request", fix=fix)
    host, path = _where(op, args.url)
    pod = op.plant.cluster.pods.get(host)
    if path.rstrip("/") in HEALTH:
        return _health(op, args, host, pod)
    if pod is not None or role_of(op, host) not in (GATEWAY, FALLBACK):
        return _foreign(op, host, path)
    route = _route(op, path)
    if route is None:
        routes = [model.name for model in op.plant.spec.models]
        asked = path.removeprefix("/v1/").strip("/")
        raise CommandError(
            f"404 Not Found: {path[:80]}", fix=f"{nearest(asked, routes)}  such as http://{host}/v1/{routes[0]}"
        )
    return (_fallback if role_of(op, host) == FALLBACK else _gateway)(op, args, host, route)


def _where(op: Operator, text: str) -> tuple[str, str]:
    """Host and path of a URL."""
    url = _URL.fullmatch(text)
    if url is not None and url[2].lower().partition(".")[0] in OUTSIDE:
        fix = OUTSIDE[url[2].lower().partition(".")[0]]
        raise CommandError(f"curl: (6) Could not resolve host: {url[2][:80]}", why="it runs elsewhere", fix=fix)
    if url is None:
        raise CommandError(
            "curl: (3) URL rejected: Malformed input to a URL function", fix="such as http://gateway/v1/recommendation"
        )
    return host_of(op, url[2], "curl: (6) Could not resolve host"), url[4] or "/"


def _route(op: Operator, path: str) -> str | None:
    name = path.removeprefix("/v1/").strip("/")
    return name if path.startswith("/v1/") and name in op.plant.plane.routes else None


def _customer(args: argparse.Namespace) -> int | None:
    """Whom the request is about: what its data or its query says."""
    named = _CUSTOMER.search(args.data) or _CUSTOMER.search(args.url.partition("?")[2])
    return int(named[1]) if named else None


def _refused(host: str, port: int, looked: tuple[Tag, ...], subjects: tuple[str, ...]) -> Effect:
    text = f"curl: (7) Failed to connect to {host} port {port} after 2 ms: Could not connect to server"
    return Effect(text, 7, looked, subjects)


def _printed(
    args: argparse.Namespace,
    host: str,
    path: str,
    answer: _Answer,
    looked: tuple[Tag, ...],
    subjects: tuple[str, ...],
) -> Effect:
    """What curl shows of an answer: the body, and as much more as its options ask for."""
    if args.max_time is not None and answer.took_s > args.max_time:
        waited_ms = args.max_time * 1000
        text = f"curl: (28) Operation timed out after {waited_ms:.0f} milliseconds with 0 bytes received"
        return Effect(text, 28, looked, subjects)
    method = args.request.upper() or ("HEAD" if args.head else "POST" if args.data else "GET")
    lines = [f"> {method} {path} HTTP/1.1", f"> Host: {host}", ">"] if args.verbose else []
    mark = "< " if args.verbose else ""
    if args.verbose or args.include or args.head:
        head = [f"HTTP/1.1 {answer.code} {_REASONS[answer.code]}", *answer.headers, ""]
        lines += [f"{mark}{line}".rstrip() for line in head]
    failed = args.fail and answer.code >= 400
    if failed:
        lines.append(f"curl: (22) The requested URL returned error: {answer.code}")
    elif not args.output and not args.head:
        lines.append(answer.body)
    if args.write_out:
        lines.append(_written(args.write_out, answer))
    return Effect("\n".join(lines), 22 if failed else 0, looked, subjects)


def _written(form: str, answer: _Answer) -> str:
    """The format of -w filled in; a variable that curl knows and this one has not is empty."""
    known: Mapping[str, str] = {
        "http_code": f"{answer.code:03d}",
        "response_code": f"{answer.code:03d}",
        "time_total": f"{answer.took_s:.6f}",
        "time_starttransfer": f"{answer.took_s:.6f}",
        "size_download": str(len(answer.body.encode())),
        "http_version": "1.1",
    }
    text = _WRITE_OUT.sub(lambda found: known.get(found[1], ""), form)
    return text.replace("\\n", "\n").replace("\\t", "\t").rstrip("\n")


# -- the fronts ---------------------------------------------------------------------------------------------------


def _fallback(op: Operator, args: argparse.Namespace, host: str, route: str) -> Effect:
    looked: tuple[Tag, ...] = ("fallback",)
    subjects = (FALLBACK,)
    if not op.plant.up(host):
        return _refused(host, 80, looked, subjects)
    request = op.requests.draw(route, _customer(args))
    body = _body(route, request, op.requests.default(request), "default", 0)
    answer = _Answer(200, FALLBACK_S, ("content-type: application/json", "x-served-by: defaults"), body)
    return _printed(args, host, f"/v1/{route}", answer, looked, subjects)


def _gateway(op: Operator, args: argparse.Namespace, host: str, route: str) -> Effect:
    looked: tuple[Tag, ...] = ("metrics",)
    subjects = (GATEWAY, route)
    if args.head and op.plant.up(host):
        answer = _Answer(405, HEALTH_S, ("allow: GET, POST", "server: envoy"), "")
        return _printed(args, host, f"/v1/{route}", answer, (), ())
    replied = op.requests.reply()
    if replied is None:
        if op.plant.up(host):
            raise CommandError("curl needs a line of its own: its request goes out when it is entered", fix="curl URL")
        return _refused(host, 80, looked, (GATEWAY,))
    request, reply = replied
    if reply is None:
        text = "curl: (52) Empty reply from server"
        return Effect(text, 52, looked, subjects)
    return _printed(args, host, f"/v1/{route}", _of_gateway(route, request, reply), looked, subjects)


def _of_gateway(route: str, request: Requests, reply: Reply) -> _Answer:
    """What the gateway passes on. It names the server that it asked, also when that one failed."""
    served_by = (f"x-served-by: {reply.replica}",) if reply.replica else ()
    if reply.decision is None:
        headers = ("content-type: text/plain", "server: envoy", *served_by)
        return _Answer(reply.status, reply.took_s, headers, _BODIES[reply.cause])
    headers = ("content-type: application/json", *served_by, f"x-model-version: {reply.version}",
               f"x-envoy-upstream-service-time: {reply.took_s * 1000:.0f}")  # fmt: skip
    return _Answer(reply.status, reply.took_s, headers, _body(route, request, reply.decision, "model", reply.version))


def _body(route: str, request: Requests, chosen: Decisions, source: str, version: int) -> str:
    answer: dict[str, object] = {"customer": int(request.customer[0])}
    answer |= card_of(route).answer({name: values[0] for name, values in request.asked.items()}, chosen)
    answer["source"] = source
    if version:
        answer["model_version"] = version
    return json.dumps(answer)


# -- health and everything else -----------------------------------------------------------------------------------


def _health(op: Operator, args: argparse.Namespace, host: str, pod: Pod | None) -> Effect:
    deployment = pod.deployment if pod is not None else host
    looked: tuple[Tag, ...] = ("pods", "fallback") if role_of(op, deployment) == FALLBACK else ("pods",)
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
    answer = _Answer(200 if ready else 503, HEALTH_S, ("content-type: application/json",), body)
    return _printed(args, host, "/health", answer, looked, subjects)


def _foreign(op: Operator, host: str, path: str) -> Effect:
    """Something that answers no shopper: only /health is of use there."""
    pod = op.plant.cluster.pods.get(host)
    deployment = pod.deployment if pod is not None else host
    if role_of(op, deployment) == REGISTRY and op.plant.up(deployment):
        what = f"{host}{path[:80]} is not simulated"
        raise CommandError(what, fix="the registry answers `mlflow models`, `mlflow runs NAME`, `mlflow compare`")
    if role_of(op, deployment) == STORE:
        return Effect("curl: (52) Empty reply from server (redis does not speak HTTP; try `store ping`)", 52)
    if (pod is not None and pod.phase != "Ready") or not op.plant.up(deployment):
        return _refused(host, 8080, ("pods",), (op.plant.cluster.component_of(deployment),))
    raise CommandError(
        f"404 Not Found: http://{host}{path[:80]} ({service_address(host)})",
        fix=f"http://{host}/health, or ask the gateway: http://gateway/v1/{op.plant.spec.models[0].name}",
    )
