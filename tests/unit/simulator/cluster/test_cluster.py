"""Scheduling, roll-outs, roll-backs, drains and scaling as a responder meets them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.cluster.cluster import SCHEDULE_RETRY_S, Cluster
from simulator.cluster.objects import ADDRESS_FIRST, ADDRESS_LAST, PLATFORM_SINCE_S
from tests.unit.simulator.cluster.small_cluster import (
    GIB,
    HUGE,
    LOAD_S,
    STARTUP_S,
    deployment_spec,
    only,
    settle,
    small_cluster,
)


def _phases(cluster: Cluster, deployment: str) -> list[str]:
    return sorted(pod.phase for pod in cluster.pods_of(deployment))


def test_a_new_cluster_is_ready_and_at_rest() -> None:
    cluster = small_cluster()
    assert {pod.phase for pod in cluster.pods.values()} == {"Ready"}
    assert cluster.next_wake_s() == float("inf")
    assert not cluster.events


def test_a_deployments_pods_are_spread_over_nodes() -> None:
    assert sorted(pod.node for pod in small_cluster().pods_of("ranker")) == ["gpu-1", "gpu-2", "gpu-3"]


def test_a_pod_without_room_is_pending_says_why_and_runs_once_there_is_room() -> None:
    cluster = small_cluster()
    cluster.scale("ranker", 8, 0.0)
    settle(cluster, 0.0, 200.0)
    pending = [pod for pod in cluster.pods_of("ranker") if pod.phase == "Pending"]
    assert len(pending) == 1
    assert only(pending).message == (
        "0/5 nodes are available: 3 Insufficient memory, 2 node(s) didn't match Pod's node affinity/selector."
    )
    assert len([event for event in cluster.events if event.reason == "FailedScheduling"]) == 1
    cluster.scale("fraud", 1, 200.0)
    settle(cluster, 200.0, 200.0 + 2 * SCHEDULE_RETRY_S + STARTUP_S + LOAD_S)
    assert len(cluster.ready_pods("ranker")) == 8


def test_cordoned_nodes_are_named_in_the_message() -> None:
    cluster = small_cluster()
    for node in ("gpu-1", "gpu-2", "gpu-3"):
        cluster.cordon(node, cordoned=True)
    cluster.scale("ranker", 4, 0.0)
    pod = only([pod for pod in cluster.pods_of("ranker") if pod.phase == "Pending"])
    assert "3 node(s) were unschedulable" in pod.message
    assert "Insufficient" not in pod.message


def test_a_cordon_keeps_what_runs_and_refuses_what_comes() -> None:
    cluster = small_cluster()
    cluster.cordon("gpu-1", cordoned=True)
    cluster.tick(0.0)
    assert {pod.phase for pod in cluster.pods.values()} == {"Ready"}
    cluster.scale("ranker", 5, 0.0)
    assert sum(pod.node == "gpu-1" for pod in cluster.pods_of("ranker")) == 1


def test_a_drain_moves_pods_elsewhere() -> None:
    cluster = small_cluster()
    names = cluster.drain("gpu-1", 0.0)
    assert names
    settle(cluster, 0.0, 100.0)
    assert not [pod for pod in cluster.pods.values() if pod.node == "gpu-1"]
    assert len(cluster.ready_pods("ranker")) == 3
    assert len(cluster.ready_pods("fraud")) == 2
    assert not set(names) & set(cluster.pods)


@settings(max_examples=40, deadline=None)
@given(replicas=st.integers(1, 7), unavailable=st.integers(1, 4), again_s=st.floats(0.0, 90.0))
def test_a_roll_out_never_takes_more_than_allowed_away(replicas: int, unavailable: int, again_s: float) -> None:
    """Also when a second revision comes before the first is through."""
    cluster = small_cluster()
    spec = deployment_spec("job", node_pool="large", replicas=replicas, max_unavailable=unavailable)
    cluster.add_deployment(spec, 0.0, "me", "new")
    settle(cluster, 0.0, 200.0)
    assert len(cluster.ready_pods("job")) == replicas
    cluster.apply_template("job", 200.0, "me", "limit", memory_limit_bytes=5 * GIB)
    now_s, second = 200.0, False
    while cluster.next_wake_s() < float("inf") or not second:
        due_s = max(now_s, cluster.next_wake_s())
        if not second and due_s >= 200.0 + again_s:
            now_s, second = 200.0 + again_s, True
            cluster.apply_template("job", now_s, "me", "again", memory_limit_bytes=4 * GIB)
        else:
            now_s = due_s
            cluster.tick(now_s)
        assert len(cluster.ready_pods("job")) >= replicas - unavailable
        assert now_s < 2000.0
    assert {pod.template.memory_limit_bytes for pod in cluster.pods_of("job")} == {4 * GIB}
    assert len(cluster.ready_pods("job")) == replicas


def test_a_roll_out_that_cannot_start_stops_half_way() -> None:
    """A bad version takes one replica, and waits."""
    cluster = small_cluster()
    cluster.apply_template("ranker", 0.0, "me", "bad", model_version=HUGE)
    settle(cluster, 0.0, 600.0)
    assert len([pod for pod in cluster.ready_pods("ranker") if pod.template.model_version == 3]) == 2
    assert len(cluster.pods_of("ranker")) == 3


def test_undo_returns_to_the_revision_before() -> None:
    cluster = small_cluster()
    cluster.apply_template("ranker", 0.0, "me", "bad", model_version=HUGE)
    settle(cluster, 0.0, 300.0)
    kept = {pod.name for pod in cluster.ready_pods("ranker")}
    template = cluster.undo("ranker", 300.0, "me")
    assert template is not None
    assert len(kept) == 2
    assert kept == {pod.name for pod in cluster.ready_pods("ranker")}, "its healthy pods go on as they are"
    assert [each.revision for each in cluster.deployments["ranker"].revisions] == [2, 3], "revision 1 became 3"
    assert (template.revision, template.model_version, template.memory_limit_bytes) == (3, 3, 6 * GIB)
    assert template.cause == "rollback to revision 1"
    settle(cluster, 300.0, 500.0)
    assert _phases(cluster, "ranker") == ["Ready"] * 3
    assert {pod.template.revision for pod in cluster.pods_of("ranker")} == {3}
    assert len({pod.name.rpartition("-")[0] for pod in cluster.pods_of("ranker")}) == 1, "one replica set"
    assert cluster.deployments["ranker"].created_at_s == PLATFORM_SINCE_S


def test_undo_to_a_revision_takes_all_of_it() -> None:
    cluster = small_cluster()
    cluster.apply_template("ranker", 0.0, "me", "move", node_pool="large", memory_limit_bytes=12 * GIB)
    cluster.apply_template("ranker", 1.0, "me", "bad", model_version=HUGE)
    template = cluster.undo("ranker", 2.0, "me", to_revision=1)
    assert template is not None
    assert (template.node_pool, template.model_version, template.memory_limit_bytes) == ("gpu", 3, 6 * GIB)


@pytest.mark.parametrize("revision", [None, 1, 7])
def test_undo_without_such_a_revision_changes_nothing(revision: int | None) -> None:
    cluster = small_cluster()
    assert cluster.undo("ranker", 0.0, "me", to_revision=revision) is None
    assert len(cluster.deployments["ranker"].history) == 1
    assert _phases(cluster, "ranker") == ["Ready"] * 3


def test_scaling_to_zero_and_back() -> None:
    cluster = small_cluster()
    cluster.scale("ranker", 0, 0.0)
    settle(cluster, 0.0, 10.0)
    assert cluster.pods_of("ranker") == []
    cluster.scale("ranker", 3, 10.0)
    settle(cluster, 10.0, 10.0 + STARTUP_S + LOAD_S)
    assert _phases(cluster, "ranker") == ["Ready"] * 3


def test_scaling_down_takes_what_is_not_ready_first() -> None:
    cluster = small_cluster()
    before = {pod.name for pod in cluster.ready_pods("ranker")}
    cluster.scale("ranker", 5, 0.0)
    settle(cluster, 0.0, 10.0)
    cluster.scale("ranker", 3, 10.0)
    assert {pod.name for pod in cluster.ready_pods("ranker")} == before


def test_a_stateful_pod_comes_back_under_its_name_after_the_old_one_is_gone() -> None:
    cluster = small_cluster()
    cluster.delete_pod("store-0", 0.0)
    assert [pod.phase for pod in cluster.pods_of("store")] == ["Terminating"]
    settle(cluster, 0.0, 60.0)
    assert [(pod.name, pod.phase) for pod in cluster.pods_of("store")] == [("store-0", "Ready")]


def test_a_deployment_made_again_at_once_shares_no_pod_name() -> None:
    """The old pod is still on its way out and must be reported gone."""
    cluster = small_cluster()
    cluster.add_deployment(deployment_spec("job", replicas=1, node_pool="large"), 0.0, "me", "one")
    old = only(cluster.pods_of("job"))
    cluster.delete_deployment("job", 1.0)
    cluster.add_deployment(deployment_spec("job", replicas=1, node_pool="large"), 1.0, "me", "two")
    assert len(cluster.pods_of("job")) == 2
    settle(cluster, 1.0, 60.0)
    assert old in cluster.killed
    assert _phases(cluster, "job") == ["Ready"]


def test_neighbours_of_a_loading_model_are_slower() -> None:
    cluster = small_cluster()
    cluster.scale("ranker", 4, 0.0)
    settle(cluster, 0.0, STARTUP_S + 1.0)
    loading = only([pod for pod in cluster.pods_of("ranker") if pod.phase == "Loading"])
    near = [pod for pod in cluster.pods.values() if pod.phase == "Ready" and pod.node == loading.node]
    far = [pod for pod in cluster.ready_pods("ranker") if pod.node != loading.node]
    assert {cluster.slowdown(pod) for pod in near} == {1.8}
    assert {cluster.slowdown(pod) for pod in far} == {1.0}


def test_pods_of_a_node_never_share_an_address_and_keep_it() -> None:
    cluster = small_cluster()
    node = cluster.nodes["gpu-1"]
    first = node.next_address(())
    taken = {first}
    for _ in range(ADDRESS_LAST - ADDRESS_FIRST):
        number = node.next_address(taken)
        assert ADDRESS_FIRST <= number <= ADDRESS_LAST
        assert number not in taken
        taken.add(number)
    assert node.next_address(taken - {first}) == first


def test_an_address_is_not_given_again_at_once() -> None:
    cluster = small_cluster()
    before = {pod.name: (pod.node, pod.address) for pod in cluster.pods.values()}
    assert len(set(before.values())) == len(before)
    gone = next(pod for pod in cluster.pods_of("ranker"))
    cluster.delete_pod(gone.name, 0.0)
    settle(cluster, 0.0, 200.0)
    after = {pod.name: (pod.node, pod.address) for pod in cluster.pods.values() if pod.node}
    assert len(set(after.values())) == len(after)
    assert all(after[name] == held for name, held in before.items() if name in after)
    assert before[gone.name] not in after.values()
