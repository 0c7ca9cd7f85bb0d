"""Instants, names and texts to the last digit: what a responder sees and a log keeps."""

from __future__ import annotations

import pytest

from simulator.cluster.naming import pod_name
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


def test_pods_of_the_beginning_are_nine_days_old_and_were_ready_after_a_minute() -> None:
    cluster = small_cluster()
    for pod in cluster.pods.values():
        assert (pod.created_s, pod.started_s, pod.ready_s) == (-777_600.0, -777_600.0, -777_540.0)
    for deployment in cluster.deployments.values():
        template = deployment.template
        assert (template.revision, template.restarted_at_s, template.created_at_s) == (1, 0.0, 0.0)
        assert (template.by, template.cause) == ("platform", "initial")
    assert [cluster.deployments[name].template.model_version for name in ("ranker", "fraud", "gateway")] == [3, 1, 0]


def test_a_model_that_the_registry_does_not_name_has_no_version() -> None:
    from simulator.cluster.cluster import Cluster
    from tests.unit.simulator.cluster.small_cluster import footprint, small_spec

    cluster = Cluster(small_spec(), {"ranker": 3}, footprint)
    assert cluster.deployments["fraud"].template.model_version == 0


def test_names_of_pods_come_from_deployment_revision_and_number_alone() -> None:
    deployment = small_cluster().deployments["ranker"]
    assert pod_name(deployment, 1, 1) == "ranker-b2b8m5gqf-l6dm2"
    assert pod_name(deployment, 2, 7) == "ranker-gck5tq4m6-qzp46"
    assert deployment.pod_serial == 3


def test_a_running_process_takes_four_seconds_to_end_and_one_that_never_ran_half_a_second() -> None:
    cluster = small_cluster()
    old = cluster.ready_pods("ranker")[0]
    cluster.delete_pod(old.name, 10.0)
    assert (old.phase, old.wake_s) == ("Terminating", 14.0)
    fresh = only([pod for pod in cluster.pods_of("ranker") if pod.phase == "ContainerCreating"])
    assert fresh.wake_s == 10.0 + STARTUP_S
    cluster.delete_pod(fresh.name, 11.0)
    assert (fresh.phase, fresh.wake_s) == ("Terminating", 11.5)
    cluster.delete_pod(fresh.name, 11.2)
    assert fresh.wake_s == 11.5, "a second deletion changes nothing"
    cluster.tick(11.5)
    assert fresh.name not in cluster.pods
    cluster.tick(13.99)
    assert old.name in cluster.pods
    cluster.tick(14.0)
    assert old.name not in cluster.pods
    assert cluster.killed == [fresh, old]


def test_a_process_that_loads_takes_four_seconds_to_end_too() -> None:
    cluster = small_cluster()
    cluster.scale("ranker", 4, 0.0)
    settle(cluster, 0.0, STARTUP_S)
    loading = only([pod for pod in cluster.pods_of("ranker") if pod.phase == "Loading"])
    assert loading.wake_s == STARTUP_S + LOAD_S
    cluster.delete_pod(loading.name, 7.0)
    assert loading.wake_s == 11.0


def test_a_pod_without_room_is_tried_again_every_five_seconds() -> None:
    cluster = small_cluster()
    cluster.scale("ranker", 8, 100.0)
    pending = only([pod for pod in cluster.pods_of("ranker") if pod.phase == "Pending"])
    assert pending.wake_s == 105.0
    cluster.tick(105.0)
    assert pending.wake_s == 110.0


def test_a_program_without_a_model_is_ready_as_soon_as_it_has_started() -> None:
    cluster = small_cluster()
    cluster.add_deployment(deployment_spec("job", replicas=1, node_pool="large"), 50.0, "me", "new")
    template = cluster.deployments["job"].template
    assert (template.revision, template.model_version, template.created_at_s, template.restarted_at_s) == (
        1,
        0,
        50.0,
        50.0,
    )
    pod = only(cluster.pods_of("job"))
    assert (pod.footprint.gpu_memory_bytes, pod.footprint.load_s) == (0, 0.0)
    settle(cluster, 50.0, 50.0 + STARTUP_S)
    assert (pod.phase, pod.ready_s, pod.wake_s) == ("Ready", 56.0, float("inf"))
    assert [line for _, _, line in pod.logs] == ["process started", "ready"]
    assert not [event for event in cluster.events if event.reason == "Ready"], "no probe of a model passed"


def test_a_model_server_says_what_it_loads_and_that_its_cache_is_cold() -> None:
    cluster = small_cluster()
    cluster.scale("ranker", 4, 0.0)
    settle(cluster, 0.0, 100.0)
    pod = max(cluster.ready_pods("ranker"), key=lambda pod: pod.created_s)
    assert list(pod.logs) == [
        (6.0, "INFO", "starting model server, MODEL_URI=models:/ranker/3"),
        (6.0, "INFO", "loading weights 4Gi host, GPU 5Gi"),
        (26.0, "INFO", "ready; accepting requests with a cold feature cache"),
    ]
    told = [(event.t_s, event.type, event.reason, event.message) for event in cluster.events]
    assert told == [
        (0.0, "Normal", "Scheduled", f"Successfully assigned shop/{pod.name} to gpu-3"),
        (0.0, "Normal", "ScalingReplicaSet", f"Scaled up replica set {pod.name[:-6]} from 3 to 4"),
        (6.0, "Normal", "Pulled", "Container image already present on machine"),
        (6.0, "Normal", "Created", "Created container: ranker"),
        (6.0, "Normal", "Started", "Started container ranker"),
        (6.0, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
        (26.0, "Normal", "Ready", "Readiness probe passed, model version 3"),
    ]


def test_a_kill_for_memory_is_a_warning_with_its_limit() -> None:
    cluster = small_cluster()
    cluster.apply_template("ranker", 0.0, "me", "bigger", model_version=HUGE)
    settle(cluster, 0.0, 60.0)
    warnings = [event for event in cluster.events if event.type == "Warning"]
    assert {event.reason for event in warnings} == {"OOMKilling", "BackOff", "Unhealthy"}
    first = next(event for event in warnings if event.reason == "OOMKilling")
    assert first.message == "Memory cgroup out of memory: killed process (model server), limit 6Gi"
    assert (first.component, first.object.partition("/")[0]) == ("ranker", "node")
    assert all(
        event.type == "Normal" for event in cluster.events if event.reason in ("Scheduled", "Started", "Killing")
    )


def test_a_new_pod_goes_where_fewest_of_its_kind_are_then_where_most_is_free_then_by_name() -> None:
    cluster = small_cluster()
    cluster.scale("fraud", 3, 0.0)
    assert sorted(pod.node for pod in cluster.pods_of("fraud")) == ["gpu-1", "gpu-2", "gpu-3"]
    roomy = small_cluster()
    roomy.scale("ranker", 4, 0.0)
    assert sorted(pod.node for pod in roomy.pods_of("ranker")) == ["gpu-1", "gpu-2", "gpu-3", "gpu-3"]
    even = small_cluster()
    even.scale("fraud", 3, 0.0)
    even.scale("ranker", 4, 0.0)
    assert sorted(pod.node for pod in even.pods_of("ranker")) == ["gpu-1", "gpu-1", "gpu-2", "gpu-3"]


def test_fewest_of_its_kind_counts_more_than_room_and_other_pods_do_not_count() -> None:
    cluster = small_cluster()
    moved = only([pod for pod in cluster.pods_of("ranker") if pod.node == "gpu-1"])
    moved.node = "gpu-3"
    cluster.scale("fraud", 3, 0.0)
    assert sorted(pod.node for pod in cluster.pods_of("fraud")) == ["gpu-1", "gpu-2", "gpu-3"]


def test_scaling_down_takes_the_youngest_first() -> None:
    cluster = small_cluster()
    old = {pod.name for pod in cluster.ready_pods("ranker")}
    cluster.scale("ranker", 5, 0.0)
    settle(cluster, 0.0, 100.0)
    cluster.scale("ranker", 3, 100.0)
    assert {pod.name for pod in cluster.ready_pods("ranker")} == old


def test_a_deleted_deployment_wants_nothing_and_a_drained_node_takes_nothing() -> None:
    cluster = small_cluster()
    cluster.delete_deployment("fraud", 0.0)
    assert (cluster.deployments["fraud"].deleted, cluster.deployments["fraud"].replicas) == (True, 0)
    assert {pod.phase for pod in cluster.pods_of("fraud")} == {"Terminating"}
    cluster.drain("gpu-1", 0.0)
    assert cluster.nodes["gpu-1"].cordoned
    settle(cluster, 0.0, 100.0)
    assert not cluster.pods_of("fraud")


def test_undo_goes_back_one_revision_and_not_to_the_first() -> None:
    cluster = small_cluster()
    cluster.apply_template("ranker", 0.0, "me", "limit", memory_limit_bytes=5 * GIB)
    cluster.apply_template("ranker", 100.0, "me", "limit", memory_limit_bytes=4 * GIB)
    template = cluster.undo("ranker", 200.0, "me")
    assert template is not None
    assert (template.revision, template.memory_limit_bytes, template.restarted_at_s) == (4, 5 * GIB, 0.0)
    assert template.cause == "rollback to revision 2"


@pytest.mark.parametrize(("replicas", "unavailable", "stay"), [(3, 1, 2), (3, 2, 1), (3, 5, 0), (1, 1, 0)])
def test_a_roll_out_takes_away_at_once_what_it_may(replicas: int, unavailable: int, stay: int) -> None:
    cluster = small_cluster()
    spec = deployment_spec("job", node_pool="large", replicas=replicas, max_unavailable=unavailable)
    cluster.add_deployment(spec, 0.0, "me", "new")
    settle(cluster, 0.0, 50.0)
    cluster.apply_template("job", 50.0, "me", "again")
    assert len(cluster.ready_pods("job")) == stay
    assert sum(pod.phase == "ContainerCreating" for pod in cluster.pods_of("job")) == replicas - stay
