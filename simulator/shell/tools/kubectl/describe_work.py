"""Deployments, replica sets, stateful sets, daemon sets and jobs as `kubectl describe` prints them.

Source: k8s.io/kubectl, pkg/describe.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.shell.tools.kubectl.describe_pod import Json, controller, describe_template
from simulator.shell.tools.kubectl.layout import NONE, Page, rfc1123, selector_text

REVISION = "deployment.kubernetes.io/revision"


def _pods_status(pods: Sequence[Json]) -> str:
    phases = [pod["status"]["phase"] for pod in pods]
    counts = [phases.count(phase) for phase in ("Running", "Pending", "Succeeded", "Failed")]
    return "{} Running / {} Waiting / {} Succeeded / {} Failed".format(*counts)


def _head(page: Page, document: Json) -> None:
    metadata = document["metadata"]
    page.pairs(0, [("Name", metadata["name"]), ("Namespace", metadata["namespace"])])


def describe_deployment(page: Page, document: Json, sets: Sequence[Json]) -> None:
    """A deployment; `sets` are the replica sets that it made."""
    metadata, spec, status = document["metadata"], document["spec"], document["status"]
    _head(page, document)
    page.put(0, "CreationTimestamp:", rfc1123(metadata["creationTimestamp"]))
    page.labels("Labels", metadata.get("labels"))
    page.annotations(metadata.get("annotations"))
    page.put(0, "Selector:", selector_text(spec["selector"]["matchLabels"]))
    counts = [("desired", spec["replicas"]), ("updated", status["updatedReplicas"]), ("total", status["replicas"]),
              ("available", status["availableReplicas"]),
              ("unavailable", status.get("unavailableReplicas", 0))]  # fmt: skip
    page.put(0, "Replicas:", " | ".join(f"{count} {what}" for what, count in counts))
    page.put(0, "StrategyType:", spec["strategy"]["type"])
    page.put(0, "MinReadySeconds:", "0")
    rolling = spec["strategy"]["rollingUpdate"]
    page.put(
        0,
        "RollingUpdateStrategy:",
        f"{rolling['maxUnavailable']} max unavailable, {rolling['maxSurge']} max surge",
    )
    describe_template(page, spec["template"])
    page.put(0, "Conditions:")
    page.put(1, "Type", "Status", "Reason")
    page.put(1, "----", "------", "------")
    for condition in status["conditions"]:
        page.put(1, f"{condition['type']} ", condition["status"], condition["reason"])
    revision = metadata["annotations"][REVISION]
    new = [item for item in sets if item["metadata"]["annotations"][REVISION] == revision]
    page.put(0, "OldReplicaSets:", _created([item for item in sets if item not in new]))
    page.put(0, "NewReplicaSet:", _created(new))


def _created(sets: Sequence[Json]) -> str:
    shown = [
        f"{item['metadata']['name']} ({item['status']['replicas']}/{item['spec']['replicas']} replicas created)"
        for item in sets
    ]
    return ", ".join(shown) or NONE


def describe_replica_set(page: Page, document: Json, pods: Sequence[Json]) -> None:
    """A replica set and how its pods are."""
    metadata, spec = document["metadata"], document["spec"]
    _head(page, document)
    page.put(0, "Selector:", selector_text(spec["selector"]["matchLabels"]))
    page.labels("Labels", metadata.get("labels"))
    page.annotations(metadata.get("annotations"))
    controller(page, metadata)
    page.put(0, "Replicas:", f"{document['status']['replicas']} current / {spec['replicas']} desired")
    page.put(0, "Pods Status:", _pods_status(pods))
    describe_template(page, spec["template"])


def describe_stateful_set(page: Page, document: Json, pods: Sequence[Json]) -> None:
    """A stateful set and how its pods are."""
    metadata, spec = document["metadata"], document["spec"]
    _head(page, document)
    page.put(0, "CreationTimestamp:", rfc1123(metadata["creationTimestamp"]))
    page.put(0, "Selector:", selector_text(spec["selector"]["matchLabels"]))
    page.labels("Labels", metadata.get("labels"))
    page.annotations(metadata.get("annotations"))
    page.put(0, "Replicas:", f"{spec['replicas']} desired | {document['status']['replicas']} total")
    page.put(0, "Update Strategy:", spec["updateStrategy"]["type"])
    page.put(1, "Partition:", str(spec["updateStrategy"]["rollingUpdate"]["partition"]))
    page.put(0, "Pods Status:", _pods_status(pods))
    describe_template(page, spec["template"])
    page.put(0, "Volume Claims:", NONE)


def describe_daemon_set(page: Page, document: Json, pods: Sequence[Json]) -> None:
    """A daemon set and how its pods are."""
    metadata, spec, status = document["metadata"], document["spec"], document["status"]
    _head(page, document)
    page.put(0, "Selector:", selector_text(spec["selector"]["matchLabels"]))
    page.put(0, "Node-Selector:", NONE)
    page.labels("Labels", metadata.get("labels"))
    page.annotations(metadata.get("annotations"))
    page.put(0, "Desired Number of Nodes Scheduled:", str(status["desiredNumberScheduled"]))
    page.put(0, "Current Number of Nodes Scheduled:", str(status["currentNumberScheduled"]))
    page.put(0, "Number of Nodes Scheduled with Up-to-date Pods:", str(status["updatedNumberScheduled"]))
    page.put(0, "Number of Nodes Scheduled with Available Pods:", str(status["numberAvailable"]))
    page.put(0, "Number of Nodes Misscheduled:", str(status["numberMisscheduled"]))
    page.put(0, "Pods Status:", _pods_status(pods))
    describe_template(page, spec["template"])


def describe_job(page: Page, document: Json) -> None:
    """A job."""
    metadata, spec, status = document["metadata"], document["spec"], document["status"]
    _head(page, document)
    page.put(0, "Selector:", selector_text(spec["selector"]["matchLabels"]))
    page.labels("Labels", metadata.get("labels"))
    page.annotations(metadata.get("annotations"))
    page.put(0, "Parallelism:", str(spec["parallelism"]))
    page.put(0, "Completions:", str(spec["completions"]))
    page.put(0, "Completion Mode:", spec["completionMode"])
    page.put(0, "Suspend:", str(spec["suspend"]).lower())
    page.put(0, "Backoff Limit:", str(spec["backoffLimit"]))
    page.put(0, "Start Time:", rfc1123(status["startTime"]))
    page.put(0, "Pods Statuses:", f"{status['active']} Active ({status['ready']} Ready) / 0 Succeeded / 0 Failed")
    describe_template(page, spec["template"])
