"""A pod, and the template of pods, as `kubectl describe` prints them.

Source: k8s.io/kubectl, pkg/describe, describePod, describeContainers and DescribePodTemplate.
"""

from __future__ import annotations

from typing import Any

from simulator.shell.tools.kubectl.layout import NONE, Page, rfc1123

Json = dict[str, Any]


def describe_pod(page: Page, document: Json) -> None:
    """All of a pod but its events."""
    metadata, spec, status = document["metadata"], document["spec"], document["status"]
    page.pairs(0, [("Name", metadata["name"]), ("Namespace", metadata["namespace"])])
    if "priority" in spec:
        page.put(0, "Priority:", str(spec["priority"]))
    page.put(0, "Service Account:", spec.get("serviceAccountName", "default"))
    page.put(0, "Node:", f"{spec['nodeName']}/{status.get('hostIP', '')}" if "nodeName" in spec else NONE)
    if "startTime" in status:
        page.put(0, "Start Time:", rfc1123(status["startTime"]))
    page.labels("Labels", metadata.get("labels"))
    page.annotations(metadata.get("annotations"))
    if "deletionTimestamp" in metadata:
        page.put(0, "Status:", f"Terminating (lasts {metadata['lasts']})")
        page.put(0, "Termination Grace Period:", f"{metadata['deletionGracePeriodSeconds']}s")
    else:
        page.put(0, "Status:", status["phase"])
    page.put(0, "IP:", status.get("podIP", ""))
    addresses = [entry["ip"] for entry in status.get("podIPs", ())]
    if addresses:
        page.put(0, "IPs:")
        page.pairs(1, [("IP", address) for address in addresses])
    else:
        page.put(0, "IPs:", NONE)
    controller(page, metadata)
    found = {entry["name"]: entry for entry in status.get("containerStatuses", ())}
    describe_containers(page, spec, found)
    page.put(0, "Conditions:")
    page.put(1, "Type", "Status")
    for condition in status["conditions"]:
        page.put(1, f"{condition['type']} ", f"{condition['status']} ")
    _volumes(page, spec, "")
    if "qosClass" in status:
        page.put(0, "QoS Class:", status["qosClass"])
    page.labels("Node-Selectors", spec.get("nodeSelector"))
    page.several("Tolerations", [_toleration(item) for item in spec.get("tolerations", ())])


def controller(page: Page, metadata: Json) -> None:
    for owner in metadata.get("ownerReferences", ()):
        if owner.get("controller"):
            page.put(0, "Controlled By:", f"{owner['kind']}/{owner['name']}")


def describe_containers(page: Page, spec: Json, found: dict[str, Json], *, template: bool = False) -> None:
    """The containers of a pod with what became of them, or those of a template."""
    page.put(0, "  Containers:" if template else "Containers:")
    for container in spec["containers"]:
        page.put(1, f"{' ' if template else ''}{container['name']}:")
        status = found.get(container["name"])
        if status is not None:
            page.put(2, "Container ID:", status.get("containerID", ""))
        page.put(2, "Image:", container["image"])
        if status is not None:
            page.put(2, "Image ID:", status["imageID"])
        ports = [f"{port['containerPort']}/{port['protocol']}" for port in container.get("ports", ())]
        page.put(2, "Port:", ", ".join(ports) or NONE)
        page.put(2, "Host Port:", ", ".join("0/TCP" for _ in ports) or NONE)
        if status is not None:
            _container_state(page, status)
        for title, kind in (("Limits", "limits"), ("Requests", "requests")):
            amounts = sorted(container.get("resources", {}).get(kind, {}).items())
            if amounts:
                page.put(2, f"{title}:")
                page.pairs(3, amounts)
        if "readinessProbe" in container:
            page.put(2, "Readiness:", _probe(container["readinessProbe"]))
        page.put(2, *(["Environment:"] if container.get("env") else ["Environment:", NONE]))
        page.pairs(3, [(item["name"], item["value"]) for item in container.get("env", ())])
        mounts = sorted(container.get("volumeMounts", ()), key=lambda mount: str(mount["mountPath"]))
        page.put(2, *(["Mounts:"] if mounts else ["Mounts:", NONE]))
        for mount in mounts:
            page.put(3, f"{mount['mountPath']} from {mount['name']} ({'ro' if mount.get('readOnly') else 'rw'})")


def _container_state(page: Page, status: Json) -> None:
    _state(page, "State", status["state"])
    if "terminated" in status.get("lastState", {}):
        _state(page, "Last State", status["lastState"])
    page.put(2, "Ready:", str(status["ready"]))
    page.put(2, "Restart Count:", str(status["restartCount"]))


def _state(page: Page, title: str, state: Json) -> None:
    if "running" in state:
        page.put(2, f"{title}:", "Running")
        page.put(3, "Started:", rfc1123(state["running"]["startedAt"]))
    elif "terminated" in state:
        ended = state["terminated"]
        page.put(2, f"{title}:", "Terminated")
        times = [(name, rfc1123(ended[key])) for name, key in (("Started", "startedAt"), ("Finished", "finishedAt"))]
        page.pairs(3, [("Reason", ended["reason"]), ("Exit Code", str(ended["exitCode"])), *times])
    else:
        page.put(2, f"{title}:", "Waiting")
        page.put(3, "Reason:", state["waiting"]["reason"])


def _probe(probe: Json) -> str:
    got = probe["httpGet"]
    where = f"http-get {got['scheme'].lower()}://:{got['port']}{got['path']}"
    times = f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe['timeoutSeconds']}s"
    counts = f"#success={probe['successThreshold']} #failure={probe['failureThreshold']}"
    return f"{where} {times} period={probe['periodSeconds']}s {counts}"


def _volumes(page: Page, spec: Json, space: str) -> None:
    if not spec.get("volumes"):
        page.put(0, f"{space}Volumes:", NONE)
        return
    page.put(0, f"{space}Volumes:")
    for volume in spec["volumes"]:
        page.put(1, f"{' ' if space else ''}{volume['name']}:")
        page.put(2, "Type:", "Projected (a volume that contains injected data from multiple sources)")
        for source in volume["projected"]["sources"]:
            if "serviceAccountToken" in source:
                seconds = source["serviceAccountToken"]["expirationSeconds"]
                page.put(2, "TokenExpirationSeconds:", str(seconds))
            elif "configMap" in source:
                page.put(2, "ConfigMapName:", source["configMap"]["name"])
                page.put(2, "ConfigMapOptional:", "<nil>")
            else:
                page.put(2, "DownwardAPI:", "true")


def _toleration(item: Json) -> str:
    text = str(item["key"]) + (f":{item['effect']}" if "effect" in item else "")
    text += f" op={item['operator']}" if item.get("operator") == "Exists" else f"={item.get('value', '')}"
    return text + (f" for {item['tolerationSeconds']}s" if "tolerationSeconds" in item else "")


def describe_template(page: Page, template: Json) -> None:
    """The template of a workload's pods."""
    page.put(0, "Pod Template:")
    metadata, spec = template.get("metadata", {}), template["spec"]
    page.labels("  Labels", metadata.get("labels"))
    if metadata.get("annotations"):
        page.labels("  Annotations", metadata["annotations"])
    if spec.get("serviceAccountName"):
        page.put(1, "Service Account:", spec["serviceAccountName"])
    describe_containers(page, spec, {}, template=True)
    _volumes(page, spec, "  ")
    page.labels("  Node-Selectors", spec.get("nodeSelector"))
    page.several("  Tolerations", [_toleration(item) for item in spec.get("tolerations", ())])
