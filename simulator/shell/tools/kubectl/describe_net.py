"""Services, endpoints, endpoint slices and namespaces as `kubectl describe` prints them.

Source: k8s.io/kubectl, pkg/describe.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.shell.tools.kubectl.describe_pod import Json
from simulator.shell.tools.kubectl.layout import NONE, Page, selector_text

ENDPOINTS_MAX = 3


def _head(page: Page, document: Json, *, namespaced: bool = True) -> None:
    metadata = document["metadata"]
    page.put(0, "Name:", metadata["name"])
    if namespaced:
        page.put(0, "Namespace:", metadata["namespace"])
    page.labels("Labels", metadata.get("labels"))
    page.annotations(metadata.get("annotations"))


def describe_service(page: Page, document: Json, slices: Sequence[Json]) -> None:
    """A service, and the ready endpoints of its slices."""
    spec = document["spec"]
    _head(page, document)
    page.put(0, "Selector:", selector_text(spec["selector"]))
    page.put(0, "Type:", spec["type"])
    page.put(0, "IP Family Policy:", spec["ipFamilyPolicy"])
    page.put(0, "IP Families:", ",".join(spec["ipFamilies"]))
    page.put(0, "IP:", spec["clusterIP"])
    page.put(0, "IPs:", ",".join(spec["clusterIPs"]))
    for port in spec["ports"]:
        page.put(0, "Port:", port.get("name") or "<unset>", f"{port['port']}/{port['protocol']}")
        page.put(0, "TargetPort:", f"{port['targetPort']}/{port['protocol']}")
        found = [
            f"{address}:{port['targetPort']}"
            for item in slices
            for entry in item["endpoints"]
            if entry["conditions"]["ready"]
            for address in entry["addresses"]
        ]
        more = f" + {len(found) - ENDPOINTS_MAX} more..." if len(found) > ENDPOINTS_MAX else ""
        page.put(0, "Endpoints:", ",".join(found[:ENDPOINTS_MAX]) + more)
    page.put(0, "Session Affinity:", spec["sessionAffinity"])
    page.put(0, "Internal Traffic Policy:", spec["internalTrafficPolicy"])


def _ports(page: Page, level: int, ports: Sequence[Json]) -> None:
    page.put(level, "Ports:")
    page.put(level + 1, "Name", "Port", "Protocol")
    page.put(level + 1, "----", "----", "--------")
    for port in ports:
        page.put(level + 1, port.get("name") or "<unset>", str(port["port"]), port["protocol"])


def describe_endpoints(page: Page, document: Json) -> None:
    """Endpoints: addresses that are ready, and those that are not."""
    _head(page, document)
    page.put(0, "Subsets:")
    for subset in document.get("subsets", ()):
        for title, key in (("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")):
            page.put(1, f"{title}:", ",".join(entry["ip"] for entry in subset.get(key, ())) or NONE)
        _ports(page, 1, subset["ports"])
        page.put(0, "")


def describe_slice(page: Page, document: Json) -> None:
    """An endpoint slice."""
    _head(page, document)
    page.put(0, "AddressType:", document["addressType"])
    _ports(page, 0, document["ports"])
    if not document["endpoints"]:
        page.put(0, "Endpoints:", NONE)
        return
    page.put(0, "Endpoints:")
    for entry in document["endpoints"]:
        page.put(1, "- Addresses:", ",".join(entry["addresses"]))
        page.put(2, "Conditions:")
        page.put(3, "Ready:", str(entry["conditions"]["ready"]).lower())
        target = entry["targetRef"]
        page.put(2, "Hostname:", "<unset>")
        page.put(2, "TargetRef:", f"{target['kind']}/{target['name']}")
        page.put(2, "NodeName:", entry["nodeName"])
        page.put(2, "Zone:", "<unset>")


def describe_namespace(page: Page, document: Json) -> None:
    """A namespace: here none has a quota or limits."""
    _head(page, document, namespaced=False)
    page.put(0, "Status:", document["status"]["phase"])
    for line in ("", "No resource quota.", "", "No LimitRange resource."):
        page.put(0, line)
