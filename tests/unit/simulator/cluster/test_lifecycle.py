"""A pod's life by Kubernetes' timing: back-off, memory, what the log keeps."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simulator.cluster.cluster import TERMINATE_S, Cluster
from simulator.cluster.lifecycle import backoff_s, crash, gpu_memory_bytes, memory_bytes
from tests.unit.simulator.cluster.small_cluster import GIB, HUGE, LOAD_S, STARTUP_S, only, settle, small_cluster


def _lone_ranker() -> Cluster:
    cluster = small_cluster()
    cluster.scale("ranker", 1, 0.0)
    settle(cluster, 0.0, 100.0)
    return cluster


def test_back_off_doubles_from_ten_seconds_to_five_minutes() -> None:
    """The first restart is at once. Source: Kubernetes documentation, "Pod Lifecycle"."""
    assert [backoff_s(n) for n in range(1, 10)] == [0, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_model_above_its_limit_is_killed_again_and_again_with_growing_pauses() -> None:
    cluster = _lone_ranker()
    cluster.apply_template("ranker", 100.0, "me", "bigger", model_version=HUGE)
    settle(cluster, 100.0, 1400.0)
    pod = only(cluster.pods_of("ranker"))
    assert pod.phase in ("CrashLoopBackOff", "Loading")
    assert pod.last is not None
    assert (pod.last.reason, pod.last.exit_code) == ("OOMKilled", 137)
    kills = [event.t_s for event in cluster.events if event.reason == "OOMKilling"]
    loading_s = LOAD_S * 6 / 11
    pauses = [after - before - loading_s for before, after in pairwise(kills)]
    assert pauses == pytest.approx([0, 10, 20, 40, 80, 160, 300, 300, 300][: len(pauses)], abs=1e-6)
    assert len(pauses) >= 7
    assert pod.restarts == pod.crashes_in_row - (pod.phase == "CrashLoopBackOff")


def test_ten_minutes_of_running_forgive_earlier_crashes() -> None:
    cluster = _lone_ranker()
    pod = only(cluster.pods_of("ranker"))
    for _ in range(4):
        crash(pod, 200.0, "Error", 1)
    assert pod.wake_s == 240.0
    settle(cluster, 240.0, 300.0)
    assert pod.phase == "Ready"
    ready_s = pod.ready_s
    crash(pod, ready_s + 599.0, "Error", 1)
    assert pod.crashes_in_row == 5
    settle(cluster, pod.wake_s, pod.wake_s + 100.0)
    crash(pod, pod.ready_s + 600.0, "Error", 1)
    assert pod.crashes_in_row == 1
    assert pod.wake_s == pod.last.finished_s if pod.last else False


def test_the_log_of_the_killed_process_is_the_previous_log() -> None:
    cluster = _lone_ranker()
    pod = only(cluster.pods_of("ranker"))
    pod.logs.append((150.0, "INFO", "last words"))
    crash(pod, 160.0, "Error", 1)
    assert [text for _, _, text in pod.previous_logs][-1] == "last words"
    assert not pod.logs


def test_memory_grows_while_loading_and_stays_until_the_process_is_gone() -> None:
    cluster = _lone_ranker()
    old = only(cluster.pods_of("ranker"))
    cluster.delete_pod(old.name, 100.0)
    assert gpu_memory_bytes(old, 100.0 + TERMINATE_S / 2) == 5 * GIB
    new = only([pod for pod in cluster.pods_of("ranker") if pod is not old])
    settle(cluster, 100.0, 100.0 + STARTUP_S)
    seen = [memory_bytes(new, 100.0 + STARTUP_S + share * LOAD_S) for share in (0.0, 0.25, 0.5, 1.0)]
    assert seen == sorted(seen)
    assert seen[-1] == 4 * GIB
    settle(cluster, 100.0 + STARTUP_S, 200.0)
    assert memory_bytes(new, 200.0) == 4 * GIB
    assert old.name not in cluster.pods


def test_a_full_gpu_kills_the_process_that_comes_last() -> None:
    """The container's own limit is generous; the device is not."""
    cluster = small_cluster()
    cluster.apply_template(
        "ranker", 0.0, "me", "too big for the device", model_version=HUGE, memory_limit_bytes=12 * GIB
    )
    settle(cluster, 0.0, 300.0)
    crashed = [pod for pod in cluster.pods_of("ranker") if pod.last is not None]
    assert crashed
    for pod in crashed:
        assert pod.last is not None
        assert (pod.last.reason, pod.last.exit_code) == ("Error", 1)
        text = " ".join(line for _, _, line in (*pod.previous_logs, *pod.logs))
        assert "torch.OutOfMemoryError: CUDA out of memory" in text
