"""Every form of kubectl that is typed on call prints what Kubernetes prints, and its objects are Kubernetes'."""

from __future__ import annotations

import json
from functools import cache

import kubernetes_validate
import pytest

from simulator.shell.calendar import human_duration
from simulator.shell.tools.kubectl.logs import share_of_line
from simulator.shell.tools.kubectl.paths import find, render
from tests.unit.simulator.shell.desk import Desk
from tests.unit.simulator.shell.test_kubectl import OOM, rows

SCHEMA = "1.32"
KINDS = ["pods", "deploy", "rs", "sts", "svc", "ep", "endpointslices", "nodes", "ns", "events", "jobs", "ds"]


@cache
def night() -> Desk:
    """Two pods of the new version have been killed for four minutes. Reads only."""
    desk = Desk(OOM, 99_999.0)
    desk.wait(240.0)
    return desk


NO_INGRESS = "No resources found in shop namespace."
EXACT = (
    ("kubectl get ingress", NO_INGRESS),
    ("kubectl get pvc", NO_INGRESS),
    ("kubectl get pdb", NO_INGRESS),
    ("kubectl get ds", NO_INGRESS),
    ("kubectl get cronjobs", NO_INGRESS),
    ("kubectl get quota", NO_INGRESS),
    ("kubectl get all -n default", "No resources found in default namespace."),
    ("kubectl get pods -l '!app'", NO_INGRESS),
    ("kubectl get pod online-store-0 -o name", "pod/online-store-0"),
    ("kubectl get deploy gateway -o name", "deployment.apps/gateway"),
    ("kubectl get nodes -o jsonpath='{.items[*].metadata.name}'", "cpu-1 cpu-2 gpu-1 gpu-2 gpu-3 gpu-large-1"),
    ("kubectl get pod online-store-0 -o jsonpath='{.status.qosClass}'", "Guaranteed"),
    (
        "kubectl get sts -o custom-columns=NAME:.metadata.name,NO:.spec.nothing",
        "NAME           NO\nonline-store   <none>",
    ),
    ("kubectl get deploy gateway --no-headers -L app", "gateway   2/2   2   2   180d   gateway"),
    ("kubectl get pod,svc -l app=nothing", NO_INGRESS),
    ("kubectl set env deploy/gateway --list", "# deployments/gateway, container gateway"),
    ("kubectl auth can-i delete pods", "yes"),
    ("kubectl config use-context shop-prod", 'Switched to context "shop-prod".'),
    ("kubectl exec online-store-0 -- hostname", "online-store-0"),
    ("kubectl events --for pod/online-store-0", "No events found in shop namespace."),
)


@pytest.mark.parametrize(("line", "text"), EXACT)
def test_a_form_prints_what_kubernetes_prints(line: str, text: str) -> None:
    ran = night().type(line)
    assert (ran.exit, ran.text) == (0, text)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("kubectl get pods -o go-template=x", "-o jsonpath="),
        ("kubectl get pods -o jsonpath='{.items[}'", "error parsing jsonpath"),
        ("kubectl get pods --sort-by=.spec.nothing", "couldn't find any field with path"),
        ("kubectl get --raw /metrics", "metrics EXPR"),
        ("kubectl get crd", "cannot list resource"),
        ("kubectl --context prod get pods", 'context "prod" does not exist'),
        ("kubectl delete pod online-store-0 --dry-run=maybe", "Invalid dry-run value (maybe)"),
        ("kubectl delete pod nosuch --dry-run=client", 'pods "nosuch" not found'),
        ("kubectl patch deploy gateway --type=json -p '{}'", "a JSON patch is a list of operations"),
        ("kubectl patch deploy gateway --type=xml -p '{}'", "--type must be one of [json merge strategic]"),
        ("kubectl wait deploy gateway --for=x", "unrecognized condition"),
        ("kubectl wait pods --for=delete", "no name was specified"),
        ("kubectl gte pods", 'did you mean "kubectl get"?'),
        ("kubectl argo rollouts get x", 'unknown command "argo" for "kubectl"'),
        ("kubectl exec online-store-0 -- sh", "shells in pods are closed"),
        ("kubectl cp a b", "closed to on-call"),
        ("kubectl auth can-i create pods", "no"),
        ("kubectl logs online-store-0 other", "container other is not valid for pod online-store-0"),
        ("kubectl logs online-store-0 --since-time=noon", "RFC3339"),
    ],
)
def test_what_is_closed_or_wrong_says_what_to_do(line: str, part: str) -> None:
    ran = night().type(line)
    assert ran.exit == (127 if line == "kubectl gte pods" else 1)
    assert part in ran.text


@pytest.mark.parametrize("kind", KINDS)
def test_objects_are_kubernetes_objects(kind: str) -> None:
    everything = json.loads(night().type(f"kubectl get {kind} -A -o json").text)
    for document in everything["items"]:
        kubernetes_validate.validate(document, SCHEMA, strict=True)
    identities = [item["metadata"]["uid"] for item in everything["items"]]
    assert len(set(identities)) == len(identities)


def test_one_object_is_itself_and_several_are_a_list() -> None:
    assert json.loads(night().type("kubectl get deploy gateway -o json").text)["kind"] == "Deployment"
    listed = json.loads(night().type("kubectl get deploy gateway fallback -o json").text)
    assert (listed["kind"], [item["metadata"]["name"] for item in listed["items"]]) == ("List", ["gateway", "fallback"])


def test_kinds_are_named_when_several_are_listed() -> None:
    lines = night().type("kubectl get all").text.split("\n")
    heads = {line.split("/")[0] for line in lines if "/" in line.partition(" ")[0]}
    assert heads == {"pod", "service", "deployment.apps", "replicaset.apps", "statefulset.apps"}


def test_no_two_pods_of_the_pod_networkshare_of_line_an_address() -> None:
    addresses = [cells[-4] for cells in rows(night().type("kubectl get pods -o wide")).values()]
    assert len(set(addresses)) == len(addresses)


def test_a_container_that_dies_of_memory_leaves_back_off_on_its_pod_and_the_kill_on_its_node() -> None:
    pod = next(pod for pod in night().op.plant.cluster.pods.values() if pod.restarts)
    text = night().type(f"kubectl events --for pod/{pod.name}").text
    assert {"Scheduled", "Pulled", "Created", "Started", "Unhealthy", "BackOff"} <= set(text.split())
    assert "OOMKilling" not in text
    assert "OOMKilling" in night().type(f"kubectl events --for node/{pod.node}").text
    counted = next(line for line in text.split("\n") if "BackOff" in line)
    assert "(x" in counted, "said again at each sync"
    assert "Scaled up replica set" in night().type("kubectl events --for deploy/recommendation").text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (64, "64s"),
        (119, "119s"),
        (120, "2m"),
        (304, "5m4s"),
        (600, "10m"),
        (9000, "150m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (11_100, "3h5m"),
        (28_800, "8h"),
        (36_000, "10h"),
        (172_799, "47h"),
        (172_800, "2d"),
        (198_000, "2d7h"),
        (8 * 86_400 - 1, "7d23h"),
        (8 * 86_400, "8d"),
        (777_600, "9d"),
        (750 * 86_400, "2y20d"),
        (3000 * 86_400, "8y"),
    ],
)
def test_ages_are_written_as_kubernetes_writes_them(seconds: int, text: str) -> None:
    assert human_duration(seconds) == text


def test_paths_read_keys_items_filters_and_ranges() -> None:
    document = {"items": [{"n": "a", "x": {"k/y": 1}}, {"n": "b", "x": {}}]}
    assert find(document, ".items[*].n") == ["a", "b"]
    assert find(document, ".items[-1].n") == ["b"]
    assert find(document, ".items[7].n") == []
    assert find(document, '.items[?(@.n=="b")].n') == ["b"]
    assert find(document, '.items[?(@.n!="b")].n') == ["a"]
    assert find(document, ".items[0].x.k/y") == [1]
    assert render('{range .items[*]}{.n}{"\\t"}{.x}{"\\n"}{end}', document) == 'a\t{"k/y":1}\nb\t{}\n'
    assert render("{.items[*].n}!", document) == "a b!"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("delete pod online-store-0 --dry-run=client", 'pod "online-store-0" deleted (dry run)'),
        ("delete deploy gateway --dry-run=server", 'deployment.apps "gateway" deleted (server dry run)'),
        ("scale deploy gateway --replicas=4 --dry-run", "deployment.apps/gateway scaled (dry run)"),
        ("rollout undo deploy/recommendation --dry-run", "deployment.apps/recommendation rolled back (dry run)"),
        ("rollout restart deploy/gateway --dry-run=client", "deployment.apps/gateway restarted (dry run)"),
        ("set env deploy/recommendation MODEL_VERSION=1 --dry-run=client",
         "deployment.apps/recommendation env updated (dry run)"),
        ("cordon gpu-1 --dry-run=client", "node/gpu-1 cordoned (dry run)"),
        ("patch deploy gateway -p '{\"spec\":{\"replicas\":4}}' --dry-run=client",
         "deployment.apps/gateway patched (dry run)"),
        ("drain gpu-large-1 --ignore-daemonsets --dry-run=server",
         "node/gpu-large-1 cordoned (server dry run)\nnode/gpu-large-1 drained (server dry run)"),
    ],
)  # fmt: skip
def test_a_dry_run_says_what_would_be_done_and_does_nothing(line: str, text: str) -> None:
    before = len(night().events("changed"))
    pods = set(night().op.plant.cluster.pods)
    assert night().type(f"kubectl {line}").text == text
    assert len(night().events("changed")) == before
    assert set(night().op.plant.cluster.pods) == pods
    assert not any(node.cordoned for node in night().op.plant.cluster.nodes.values())


def test_use_is_shown_for_every_namespace() -> None:
    lines = night().type("kubectl top pods -A --no-headers").text.split("\n")
    assert {line.split()[0] for line in lines} == {"kube-system", "monitoring", "shop"}
    assert [line.split()[:2] for line in lines] == sorted(line.split()[:2] for line in lines)
    assert "Available Commands:" in night().type("kubectl top").text


def test_replicasshare_of_line_what_their_service_counted_together() -> None:
    assert [share_of_line("504 UT (x733, 200: x5)", place, 2) for place in (0, 1)] == [
        "504 UT (x367, 200: x3)",
        "504 UT (x366, 200: x2)",
    ]
    assert [share_of_line("late (x1)", place, 2) for place in (0, 1)] == ["late (x1)", ""]
    assert share_of_line("ready", 1, 2) == "ready"
