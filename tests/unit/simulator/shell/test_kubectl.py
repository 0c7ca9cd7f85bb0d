"""kubectl shows the cluster's state in Kubernetes' terms, and its changes take effect and are recorded."""

from __future__ import annotations

import json
from functools import cache

import pytest
import yaml

from simulator.cluster.objects import Pod
from simulator.shell.run import Ran
from tests.unit.simulator.shell.desk import LEAK, QUIET, Desk

OOM = "oom-after-model-update"
SOON_S = 1_500.0
MOVE = '{"spec":{"template":{"spec":{"nodeSelector":{"pool":"%s"}}}}}'


@cache
def crashing() -> Desk:
    """The responder has just joined: two pods of the new version are killed again and again. Reads only."""
    return Desk(OOM, 99_999.0)


@cache
def leaking() -> Desk:
    """Every connection of the online store is taken. Reads only."""
    return Desk(LEAK, 99_999.0)


@pytest.fixture
def desk() -> Desk:
    """A desk to change things at, five minutes after the job was deployed."""
    return Desk(LEAK, SOON_S)


def typed(desk: Desk, line: str) -> Ran:
    """Type a line that has to work, and let the simulation notice."""
    ran = desk.type(line)
    assert ran.exit == 0, ran.text
    desk.simulation.drive.arm()
    return ran


def rows(ran: Ran) -> dict[str, list[str]]:
    """Cells of a table by the first cell."""
    return {line.split()[0]: line.split() for line in ran.text.split("\n")[1:] if line.strip()}


# -- reading ----------------------------------------


def test_a_loading_pod_is_running_but_not_ready() -> None:
    desk = Desk(OOM, 99_999.0)

    def pods_loading() -> list[Pod]:
        return [pod for pod in desk.op.plant.cluster.pods.values() if pod.phase == "Loading"]

    desk.simulation.advance(desk.simulation.now_s + 600.0, lambda: not pods_loading())
    loading = pods_loading()
    shown = rows(desk.type("kubectl get pods"))
    assert loading
    for pod in loading:
        assert shown[pod.name][1:3] == ["0/1", "Running"]
        assert int(shown[pod.name][3]) == pod.restarts


def test_a_list_is_about_what_is_odd_in_it_and_a_filter_about_what_it_asks_for() -> None:
    assert crashing().type("kubectl get pods").subjects == ("recommendation",)
    assert crashing().type("kubectl get pods -l app=gateway").subjects == ("gateway",)
    assert leaking().type("kubectl get pods").subjects == ()


def test_a_killed_container_shows_its_reason_for_ten_seconds_and_then_backs_off() -> None:
    desk = Desk(OOM, 99_999.0)
    pods = desk.op.plant.cluster.pods.values()
    seen: list[tuple[float, str]] = []
    for _ in range(90):
        desk.wait(2.0)
        shown = rows(desk.type("kubectl get pods -l app=recommendation"))
        seen += [
            (desk.op.now_s - pod.last.finished_s, shown[pod.name][2])
            for pod in pods
            if pod.phase == "CrashLoopBackOff" and pod.last is not None
        ]
    assert {status for ago_s, status in seen if ago_s < 10.0} == {"OOMKilled"}
    assert {status for ago_s, status in seen if ago_s >= 10.0} == {"CrashLoopBackOff"}


def test_describe_pod_names_the_last_state_limit_and_model() -> None:
    text = crashing().type("kubectl describe pod recommendation-wd8").text
    for part in ("Reason:       OOMKilled", "Exit Code:    137", "memory:  6Gi", "models:/recommendation/4", "BackOff"):
        assert part in text


def test_describe_node_adds_up_what_is_promised_and_says_what_was_killed_there() -> None:
    ran = crashing().type("kubectl describe node gpu-1")
    assert "memory             17Gi (94%)  17Gi (94%)" in ran.text
    assert "Memory cgroup out of memory" in ran.text
    assert {"gpu-1", "gpu-pool", "recommendation"} == set(ran.subjects)


def test_repeated_events_are_counted_and_expire_after_an_hour() -> None:
    ran = crashing().type("kubectl get events --field-selector type=Warning,reason=OOMKilling")
    assert "node/gpu-1" in ran.text
    assert "(x" in crashing().type("kubectl events --types=Warning").text
    assert ran.subjects == ("recommendation",)
    assert leaking().type("kubectl get events").text == "No resources found in shop namespace."


def test_previous_logs_are_those_of_the_container_that_died() -> None:
    ran = crashing().type("kubectl logs deployment/recommendation -p --tail 8")
    assert "loading weights 11Gi host" in ran.text
    assert ran.looked == ("logs", "logs_previous")


def test_previous_logs_of_a_pod_that_never_died_are_refused() -> None:
    ran = crashing().type("kubectl logs deployment/gateway -p")
    assert ran.exit == 1
    assert "previous terminated container" in ran.text


def test_a_leaking_job_says_how_many_cursors_it_has_open() -> None:
    held = leaking().op.plant.pool.held()["loyalty-export"]
    ran = leaking().type("kubectl logs job/loyalty-export")
    assert f"{held} cursors open on online-store" in ran.text
    assert "loyalty-export" in ran.subjects


def test_logs_of_what_models_depend_on_count_as_a_look_upstream() -> None:
    assert leaking().type("kubectl logs deployment/materializer").looked == ("logs", "upstream")
    assert leaking().type("kubectl logs online-store-0").looked == ("logs", "upstream")
    assert leaking().type("kubectl logs deployment/gateway").looked == ("logs",)


def test_jobs_and_deploys_name_the_job_that_was_deployed() -> None:
    for line in ("kubectl get jobs", "kubectl describe job loyalty-export", "deploys --since 24h", "git log --oneline"):
        ran = leaking().type(line)
        assert "loyalty-export" in ran.text
        assert "changes" in ran.looked
        assert ran.subjects == ("loyalty-export",)


def test_the_deploy_history_reaches_back_to_promotions_and_begins_with_the_newest() -> None:
    text = crashing().type("deploys --since 60d").text.split("\n")
    assert "recommendation v4" in text[1]
    assert any("fraud-detection v2 became champion" in line for line in text)
    assert "initial" not in "".join(text)


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("kubectl -n shop get po", "kubectl get pods"),
        ("k get pod -n shop", "kubectl get pods"),
        ("kubectl get -o wide pods", "kubectl get pods -o wide"),
        ("kubectl get deploy/gateway", "kubectl get deployments gateway"),
        ("kubectl get deploy gateway fallback", "kubectl get deployment/gateway deployment/fallback"),
        ("kubectl describe po/online-store-0", "kubectl describe pod online-store-0"),
        ("kubectl rollout history deploy/gateway", "kubectl rollout history deployment gateway"),
        ("kubectl logs --tail 3 deploy gateway", "kubectl logs deployment/gateway --tail=3"),
        ("kubectl get pods -l app=gateway,pool!=gpu", "kubectl get pods -l 'app in (gateway)'"),
    ],
)
def test_a_command_may_be_spelled_as_people_spell_it(line: str, same: str) -> None:
    assert typed(leaking(), line).text == typed(leaking(), same).text


def test_machine_readable_output_holds_the_same_rows() -> None:
    wanted = [line.split()[0] for line in typed(leaking(), "kubectl get pods --no-headers").text.split("\n")]
    document = json.loads(typed(leaking(), "kubectl get pods -o json").text)
    assert [item["metadata"]["name"] for item in document["items"]] == wanted
    assert yaml.safe_load(typed(leaking(), "kubectl get pods -o yaml").text) == document
    assert typed(leaking(), "kubectl get pods -o name").text == "\n".join(f"pod/{name}" for name in wanted)


def test_an_unknown_name_is_refused_in_kubectl_words_with_the_nearest() -> None:
    text = leaking().type("kubectl get deployment gatway").text
    assert 'Error from server (NotFound): deployments.apps "gatway" not found' in text
    assert 'did you mean "gateway"?' in text


def test_another_namespace_is_empty_or_has_its_own_and_nothing_of_it_can_be_changed() -> None:
    for namespace in ("staging", "default"):
        ran = leaking().type(f"kubectl get pods -n {namespace}")
        assert (ran.text, ran.exit, ran.looked) == (f"No resources found in {namespace} namespace.", 0, ())
        assert "NotFound" in leaking().type(f"kubectl scale deploy/gateway --replicas=1 -n {namespace}").text
    daemons = rows(leaking().type("kubectl get pods -n kube-system"))
    assert {name[:11] for name in daemons} == {"kube-proxy-"}
    assert "Forbidden" in leaking().type("kubectl delete pod x -n kube-system").text


@pytest.mark.parametrize(
    "verb", ["exec -it x -- sh", "apply -f x.yaml", "edit deploy/x", "explain pods", "set image x"]
)
def test_what_is_closed_says_what_to_use_instead(verb: str) -> None:
    ran = leaking().type(f"kubectl {verb}")
    assert ran.exit == 1
    assert "\n" in ran.text


# -- changing ----------------------------------------


def changes(desk: Desk) -> list[object]:
    return [(data["action"], data["components"]) for data in desk.events("changed")]


@pytest.mark.parametrize(
    "line",
    [
        "kubectl scale deployment loyalty-export --replicas=0",
        "kubectl scale --replicas=0 job/loyalty-export",
        "kubectl delete job loyalty-export",
        'kubectl patch job loyalty-export -p \'{"spec":{"suspend":true}}\'',
    ],
)
def test_a_job_is_stopped_in_any_of_the_usual_ways(desk: Desk, line: str) -> None:
    typed(desk, line)
    assert changes(desk) == [("stop_job", ["loyalty-export"])]
    desk.wait(30.0)
    assert desk.op.plant.pool.held()["loyalty-export"] == 0
    assert not desk.op.plant.client_running("loyalty-export")


def test_scaling_a_deployment_to_zero_is_called_that(desk: Desk) -> None:
    typed(desk, "kubectl scale deployment/gateway --replicas=0")
    assert changes(desk) == [("scale_to_zero", ["gateway"])]


def test_scaling_to_the_same_number_changes_nothing(desk: Desk) -> None:
    typed(desk, "kubectl scale deployment/gateway --replicas=2")
    assert changes(desk) == []


def test_a_deleted_stateful_pod_comes_back_under_its_name_after_it_is_gone(desk: Desk) -> None:
    typed(desk, "kubectl delete pod online-store-0")
    assert rows(desk.type("kubectl get pods -l app=online-store"))["online-store-0"][2] == "Terminating"
    desk.wait(5.0)
    assert rows(desk.type("kubectl get pods -l app=online-store"))["online-store-0"][2] == "ContainerCreating"
    desk.wait(30.0)
    assert rows(desk.type("kubectl get pods -l app=online-store"))["online-store-0"][1] == "1/1"


def test_stateful_pods_are_numbered_from_zero(desk: Desk) -> None:
    typed(desk, "kubectl scale sts online-store --replicas=2")
    assert list(rows(desk.type("kubectl get pods -l app=online-store"))) == ["online-store-0", "online-store-1"]


def test_several_names_are_one_change_of_all_their_components(desk: Desk) -> None:
    pods = [desk.op.plant.cluster.pods_of(name)[0].name for name in ("gateway", "fallback")]
    typed(desk, f"kubectl delete pod {pods[0]} {pods[1]} {pods[0]}")
    assert changes(desk) == [("delete_pod", ["gateway", "fallback"])]


def test_a_name_that_is_wrong_leaves_the_right_ones_alone(desk: Desk) -> None:
    pod = desk.op.plant.cluster.pods_of("gateway")[0]
    assert desk.type(f"kubectl delete pod {pod.name} nosuch").exit == 1
    assert changes(desk) == []
    assert pod.phase == "Ready"


def test_a_restart_replaces_every_pod(desk: Desk) -> None:
    before = {pod.name for pod in desk.op.plant.cluster.pods_of("fallback")}
    typed(desk, "kubectl rollout restart deployment/fallback")
    assert "Waiting" in typed(desk, "kubectl rollout status deployment/fallback").text
    desk.wait(60.0)
    assert "successfully rolled out" in typed(desk, "kubectl rollout status deployment/fallback").text
    assert not before & {pod.name for pod in desk.op.plant.cluster.pods_of("fallback")}
    assert changes(desk) == [("restart", ["fallback"])]


def test_undo_returns_to_the_revision_before(desk: Desk) -> None:
    typed(desk, "kubectl set env deployment/recommendation MODEL_VERSION=2")
    typed(desk, "kubectl rollout undo deployment/recommendation")
    assert desk.op.plant.cluster.deployments["recommendation"].template.model_version == 3
    assert [action for action, _ in changes(desk)] == ["set_env", "rollback"]  # type: ignore[misc]
    assert "3         rollback to revision 1" in typed(desk, "kubectl rollout history deploy/recommendation").text


@pytest.mark.parametrize("flags", ["", "--to-revision=9"])
def test_undo_without_such_a_revision_is_refused(flags: str) -> None:
    assert leaking().type(f"kubectl rollout undo deployment/gateway {flags}").exit == 1
    assert changes(leaking()) == []


def test_more_memory_on_a_larger_pool_lets_the_new_version_run() -> None:
    desk = Desk(OOM, 99_999.0)
    typed(desk, "kubectl set resources deployment/recommendation --limits=memory=14Gi")
    typed(desk, f"kubectl patch deploy recommendation -p '{MOVE % 'gpu-large'}'")
    assert changes(desk) == [("set_limit", ["recommendation"]), ("move_pool", ["recommendation"])]
    desk.wait(240.0)
    ready = desk.op.plant.cluster.ready_pods("recommendation")
    assert {(pod.node, pod.template.model_version) for pod in ready} == {("gpu-large-1", 4)}
    assert len(ready) == 3


def test_a_patch_that_changes_nothing_is_no_change(desk: Desk) -> None:
    ran = typed(
        desk, 'kubectl patch deploy gateway -p \'{"spec":{"template":{"spec":{"nodeSelector":{"pool":"cpu"}}}}}\''
    )
    assert ran.text == "deployment.apps/gateway patched (no change)"
    assert changes(desk) == []


@pytest.mark.parametrize(
    "line",
    [
        "kubectl set env deploy/recommendation MODEL_VERSION=77",
        "kubectl set env deploy/gateway MODEL_VERSION=3",
        "kubectl set resources deploy/gateway --limits=memory=lots",
        "kubectl set resources job/loyalty-export --limits=memory=1Gi",
        'kubectl patch deploy gateway -p \'{"spec":{"paused":true}}\'',
        "kubectl patch deploy gateway -p nonsense",
        "kubectl rollout restart job/loyalty-export",
        "kubectl delete node gpu-1",
        "kubectl delete pod",
    ],
)
def test_a_change_that_cannot_be_is_refused(line: str) -> None:
    ran = leaking().type(line)
    assert ran.exit == 1
    assert "\n" in ran.text
    assert changes(leaking()) == []


def test_a_drain_that_stops_at_daemon_sets_leaves_the_node_cordoned(desk: Desk) -> None:
    ran = desk.type("kubectl drain gpu-1")
    assert (ran.exit, ran.text.split("\n")[0]) == (1, "node/gpu-1 cordoned")
    assert "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): kube-system/kube-proxy-" in (
        ran.text
    )
    assert changes(desk) == [("cordon", ["gpu-1"])]
    assert desk.op.plant.cluster.nodes["gpu-1"].cordoned


def test_a_drained_node_is_empty_and_takes_no_pods_until_uncordoned(desk: Desk) -> None:
    typed(desk, "kubectl drain cpu-2 --ignore-daemonsets")
    desk.wait(60.0)
    assert "Ready,SchedulingDisabled" in typed(desk, "kubectl get node cpu-2").text
    assert not [pod for pod in desk.op.plant.cluster.pods.values() if pod.node == "cpu-2"]
    typed(desk, "kubectl uncordon cpu-2")
    assert changes(desk) == [("drain", ["cpu-2"]), ("uncordon", ["cpu-2"])]
    assert "already uncordoned" in typed(desk, "kubectl uncordon cpu-2").text


def test_a_healthy_night_has_nothing_odd_to_show() -> None:
    desk = Desk(QUIET, SOON_S)
    for line in ("kubectl get pods", "kubectl get nodes", "kubectl top pods", "kubectl top nodes", "nvidia-smi"):
        assert typed(desk, line).subjects == ()
