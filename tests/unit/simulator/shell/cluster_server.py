"""The API objects of a desk behind a server of the Kubernetes API, so that a real kubectl can be asked about them."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simulator.shell.calendar import MONDAY
from simulator.shell.context import Operator
from simulator.shell.tools.kubectl import daemons
from simulator.shell.tools.kubectl.about import KINDS
from simulator.shell.tools.kubectl.kinds import GROUPS, SPELLINGS
from simulator.shell.tools.kubectl.objects import API, stamp
from simulator.shell.tools.kubectl.printing import CLUSTER_WIDE
from simulator.shell.tools.kubectl.read import LISTINGS

Json = dict[str, Any]
_STAMP = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z"')
LEASES = "coordination.k8s.io/v1"


class ClusterServer:
    """Answers GET from the listings of `kubectl get`. Times are moved so that now is now: kubectl has its own clock."""

    def __init__(self, op: Operator) -> None:
        self._op = op
        self.shift = datetime.now(UTC) - (MONDAY + timedelta(seconds=op.drill.calendar_offset_s + op.now_s))

    def answer(self, path: str, query: dict[str, str]) -> Json | None:
        """The document at a path; None when there is none."""
        parts = path.strip("/").split("/")
        if path == "/version":
            return {"major": "1", "minor": "32", "gitVersion": "v1.32.3"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        if path == "/apis":
            names = sorted({*API.values(), "autoscaling/v2", LEASES})
            versions = [{"groupVersion": name, "version": name.partition("/")[2]} for name in names]
            groups = [
                {"name": item["groupVersion"].partition("/")[0], "versions": [item], "preferredVersion": item}
                for item in versions
            ]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        core = parts[0] == "api"
        group, rest = ("v1", parts[2:]) if core else ("/".join(parts[1:3]), parts[3:])
        return self._resources(group) if not rest else self._objects(group, rest, query)

    def _resources(self, group: str) -> Json:
        known = {kind: API.get(KINDS[kind], "v1") for kind in SPELLINGS if kind in KINDS}
        known |= {"horizontalpodautoscalers": "autoscaling/v2", "leases": LEASES, "limitranges": "v1"}
        found = [
            {"name": kind, "singularName": kind[:-1], "namespaced": kind not in CLUSTER_WIDE, "verbs": ["get", "list"],
             "kind": {"leases": "Lease", "limitranges": "LimitRange"}.get(kind, KINDS.get(kind, ""))}
            for kind, where in known.items() if where == group and "." not in GROUPS.get(kind, "").partition(".")[0]
        ]  # fmt: skip
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": found}

    def _objects(self, group: str, rest: list[str], query: dict[str, str]) -> Json | None:
        space = ""
        if len(rest) > 2 and rest[0] == "namespaces":
            space, rest = rest[1], rest[2:]
        found = self._of(rest[0])
        found = [item for item in found if not space or item["metadata"].get("namespace", space) == space]
        for key, path in (("labelSelector", "metadata.labels"), ("fieldSelector", "")):
            for part in filter(None, query.get(key, "").split(",")):
                name, value = re.split("!?=+", part)
                found = [item for item in found if (_field(item, path, name) == value) != ("!=" in part)]
        if len(rest) > 1:
            return next((item for item in found if item["metadata"]["name"] == rest[1]), None)
        kind = {"leases": "Lease", "limitranges": "LimitRange"}.get(rest[0]) or KINDS[rest[0]]
        return {"kind": f"{kind}List", "apiVersion": group, "metadata": {"resourceVersion": "1"}, "items": found}

    def _of(self, kind: str) -> list[Json]:
        if kind == "leases":
            beat = stamp(self._op, self._op.now_s - self._op.now_s % 10.0)[:-1] + ".000000Z"
            return [
                {"apiVersion": LEASES, "kind": "Lease", "metadata": {"name": name, "namespace": "kube-node-lease"},
                 "spec": {"holderIdentity": name, "renewTime": beat}}
                for name in self._op.plant.cluster.nodes
            ]  # fmt: skip
        rows = [*(LISTINGS[kind](self._op).rows if kind in LISTINGS else ()),
                *(daemons.pods(self._op) if kind == "pods" else ())]  # fmt: skip
        found = [row.document for row in rows]
        if kind == "events":
            return found
        return sorted(found, key=lambda item: (item["metadata"].get("namespace", ""), item["metadata"]["name"]))

    def moved(self, text: str) -> str:
        """JSON with its times moved to kubectl's own clock."""

        def later(found: re.Match[str]) -> str:
            at = datetime.fromisoformat(f"{found[1]}Z") + self.shift + timedelta(seconds=0.5)
            return f'"{at:%Y-%m-%dT%H:%M:%S}{found[2] or ""}Z"'

        return _STAMP.sub(later, text)


def _field(item: Json, path: str, name: str) -> str:
    value: Any = item
    for key in [*filter(None, path.split(".")), *([name] if path else name.split("."))]:
        value = value.get(key, {}) if isinstance(value, dict) else {}
    return str(value) if value else ""


@contextmanager
def serving(op: Operator) -> Iterator[str]:
    """The address of a server of the desk's objects, while it runs."""
    cluster = ClusterServer(op)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            document = cluster.answer(url.path, dict(parse_qsl(url.query)))
            missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
            body = cluster.moved(json.dumps(document or missing)).encode()
            self.send_response(200 if document else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def real_kubectl(address: str, home: Path, *words: str) -> str:
    """What the installed kubectl prints of the server's objects."""
    typed = ["kubectl", "-s", address, "--cache-dir", str(home), "-n", "shop", *words]
    path = {"HOME": str(home), "TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    ran = subprocess.run(typed, capture_output=True, text=True, env=path, check=False, timeout=60)
    return (ran.stdout + ran.stderr).rstrip("\n")
