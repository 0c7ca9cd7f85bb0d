"""`kubectl describe` prints API objects as kubectl does: its layout, its order of fields, its events."""

from __future__ import annotations

import pytest

from simulator.shell.tools.kubectl.describe_node import amount
from simulator.shell.tools.kubectl.layout import Page, rfc1123, tabbed
from tests.unit.simulator.shell.test_kubectl import crashing, leaking

SERVICE = """\
Name:                     gateway
Namespace:                shop
Labels:                   app=gateway
Annotations:              <none>
Selector:                 app=gateway
Type:                     ClusterIP
IP Family Policy:         SingleStack
IP Families:              IPv4
IP:                       10.96.124.160
IPs:                      10.96.124.160
Port:                     <unset>  80/TCP
TargetPort:               8080/TCP
Endpoints:                10.244.4.2:8080,10.244.5.2:8080
Session Affinity:         None
Internal Traffic Policy:  Cluster
Events:                   <none>"""
NAMESPACE = """\
Name:         shop
Labels:       kubernetes.io/metadata.name=shop
Annotations:  <none>
Status:       Active

No resource quota.

No LimitRange resource."""


def lines_of(line: str) -> list[str]:
    return crashing().type(line).text.split("\n")


def test_a_service_and_a_namespace_are_described_to_the_letter() -> None:
    assert crashing().type("kubectl describe svc gateway").text == SERVICE
    assert crashing().type("kubectl describe ns shop").text == NAMESPACE


def test_a_deployment_has_its_sets_its_conditions_and_the_events_of_its_own() -> None:
    lines = lines_of("kubectl describe deploy recommendation")
    assert lines[:2] == ["Name:                   recommendation", "Namespace:              shop"]
    assert "Replicas:               3 desired | 2 updated | 3 total | 1 available | 2 unavailable" in lines
    at = lines.index("Conditions:")
    assert lines[at : at + 9] == [
        "Conditions:",
        "  Type           Status  Reason",
        "  ----           ------  ------",
        "  Available      True    MinimumReplicasAvailable",
        "  Progressing    True    ReplicaSetUpdated",
        "OldReplicaSets:  recommendation-llgrc4dqv (1/1 replicas created)",
        "NewReplicaSet:   recommendation-wd8qvgchh (2/3 replicas created)",
        "Events:",
        "  Type    Reason             Age    From                   Message",
    ]
    scaled = [line.split("  ")[-1] for line in lines if "ScalingReplicaSet" in line]
    assert scaled == [
        "Scaled down replica set recommendation-llgrc4dqv from 3 to 1",
        "Scaled up replica set recommendation-wd8qvgchh from 0 to 2",
    ]


def test_a_pod_has_its_fields_in_the_order_of_kubectl() -> None:
    text = crashing().type("kubectl describe pod online-store-0").text
    names = [line.partition(":")[0] for line in text.split("\n") if line[:1].strip()]
    assert names == ["Name", "Namespace", "Priority", "Service Account", "Node", "Start Time", "Labels", "Annotations",
                     "Status", "IP", "IPs", "Controlled By", "Containers", "Conditions", "Volumes", "QoS Class",
                     "Node-Selectors", "Tolerations", "Events"]  # fmt: skip
    assert "Start Time:       Tue, 24 Feb 2026 18:20:00 +0000\n" in text
    assert "    Limits:\n      cpu:     4\n      memory:  12Gi\n    Requests:\n      cpu:        4\n" in text
    assert "  PodScheduled                True \n" in text


def test_a_container_that_was_killed_has_its_last_state_below_the_present_one() -> None:
    desk = crashing()
    pod = next(pod for pod in desk.op.plant.cluster.pods.values() if pod.restarts)
    text = desk.type(f"kubectl describe pod {pod.name}").text
    assert "    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\n" in text
    assert f"    Restart Count:  {pod.restarts}\n" in text


@pytest.mark.parametrize(
    ("kind", "count"),
    [("pods", 22), ("nodes", 6), ("deploy", 10), ("svc", 11), ("rs", 11), ("sts", 1), ("ns", 4), ("ep", 11),
     ("endpointslices", 11)],
)  # fmt: skip
def test_without_a_name_all_of_the_kind_are_described(kind: str, count: int) -> None:
    ran = crashing().type(f"kubectl describe {kind}")
    assert sum(line.startswith("Name:") for line in ran.text.split("\n")) == count
    assert len(ran.text.split("\n\n\n")) == count


@pytest.mark.parametrize("kind", ["job", "cm", "hpa", "pvc", "ds"])
def test_of_a_kind_that_has_none_there_is_nothing_to_describe(kind: str) -> None:
    assert crashing().type(f"kubectl describe {kind}").text == "No resources found in shop namespace."


def test_a_job_and_daemon_sets_of_another_namespace_are_described() -> None:
    job = leaking().type("kubectl describe job").text.split("\n")
    assert "Pods Statuses:    1 Active (1 Ready) / 0 Succeeded / 0 Failed" in job
    assert "Completion Mode:  NonIndexed" in job
    sets = crashing().type("kubectl describe ds dcgm-exporter -n monitoring")
    assert "Desired Number of Nodes Scheduled:               4" in sets.text


def test_the_beginning_of_a_name_stands_for_all_that_begin_so_and_a_whole_name_for_itself() -> None:
    names = [line.split()[1] for line in lines_of("kubectl describe pods gateway") if line.startswith("Name:")]
    assert len(names) == 2
    assert all(name.startswith("gateway-") for name in names)
    assert lines_of("kubectl describe deploy gateway")[0].split() == ["Name:", "gateway"]
    missing = crashing().type("kubectl describe pod nosuch")
    assert (missing.exit, missing.text.split("\n")[0]) == (1, 'Error from server (NotFound): pods "nosuch" not found')
    assert crashing().type("kubectl describe secrets").exit == 1


def test_a_node_lists_the_pods_of_every_namespace() -> None:
    lines = lines_of("kubectl describe node cpu-1")
    assert "Non-terminated Pods:          (8 in total)" in lines
    assert sum(line.startswith("  kube-system ") for line in lines) == 1
    assert "Roles:              cpu" in lines


def test_events_can_be_left_out() -> None:
    assert "Events" not in crashing().type("kubectl describe deploy gateway --show-events=false").text


def test_cells_are_aligned_with_their_neighbours_only() -> None:
    assert tabbed(["a\tb", "ccc\td", "alone", "x\ty\tz", "xx\t\tz"]) == "a    b\nccc  d\nalone\nx   y  z\nxx     z"


def test_a_long_annotation_begins_on_its_own_line() -> None:
    fits, long = Page(), Page()
    fits.annotations({"k": "v" * 137})
    long.annotations({"k": "v" * 139, "b": "1"})
    assert fits.text() == f"Annotations:  k: {'v' * 137}"
    assert long.text() == f"Annotations:  b: 1\n              k:\n                {'v' * 138}..."


def test_times_and_amounts_are_read_as_the_api_server_writes_them() -> None:
    assert rfc1123("2026-03-02T02:20:00Z") == "Mon, 02 Mar 2026 02:20:00 +0000"
    assert [amount(text) for text in ("500m", "4", "1Ki", "2Mi", "3Gi")] == [0.5, 4.0, 1024.0, 2097152.0, 3221225472.0]
