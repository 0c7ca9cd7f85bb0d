"""One pod without a cluster around it: what it takes, when it is ready, and what a crash leaves."""

from __future__ import annotations

import pytest

from simulator.cluster.lifecycle import crash, exceeds_limit, gpu_memory_bytes, memory_bytes, start_container
from simulator.cluster.objects import Footprint, Phase, Pod, Template

MIB = 1 << 20


def _pod(need_mib: int = 1000, limit_mib: int = 2000, version: int = 1) -> Pod:
    template = Template(1, version, limit_mib * MIB, "gpu", 0.0, 0.0, "ci", "roll-out")
    return Pod("web-1", "web", template, Footprint(need_mib * MIB, 800 * MIB, 40.0), created_s=0.0)


def _loading(version: int) -> Pod:
    pod = _pod(version=version)
    start_container(pod, 10.0)
    return pod


def test_a_model_server_grows_from_six_hundred_mebibytes_and_other_programs_take_all_at_once() -> None:
    assert [memory_bytes(_loading(1), 10.0 + s) // MIB for s in (0.0, 10.0, 40.0)] == [600, 700, 1000]
    assert [memory_bytes(_loading(0), 10.0 + s) // MIB for s in (0.0, 10.0, 40.0)] == [1000, 1000, 1000]
    assert [gpu_memory_bytes(_loading(1), 10.0 + s) // MIB for s in (0.0, 10.0, 40.0)] == [0, 200, 800]


@pytest.mark.parametrize("phase", ["Pending", "ContainerCreating", "CrashLoopBackOff"])
def test_what_does_not_run_takes_no_memory(phase: Phase) -> None:
    pod = _pod(version=0)
    pod.phase = phase
    assert (memory_bytes(pod, 50.0), gpu_memory_bytes(pod, 50.0)) == (0, 0)


@pytest.mark.parametrize(
    ("need_mib", "limit_mib", "wake_s", "too_much"),
    [(1000, 2000, 50.0, False), (1000, 1000, 50.0, False), (1000, 500, 30.0, True), (0, 500, 50.0, False)],
)
def test_a_process_lives_until_it_is_loaded_or_meets_its_limit(
    need_mib: int, limit_mib: int, wake_s: float, too_much: bool
) -> None:
    pod = _pod(need_mib, limit_mib)
    pod.ready_s = 5.0
    start_container(pod, 10.0)
    assert (pod.phase, pod.started_s, pod.ready_s, pod.wake_s) == ("Loading", 10.0, 0.0, wake_s)
    assert exceeds_limit(pod) is too_much


def test_one_byte_above_the_limit_is_too_much() -> None:
    pod = _pod()
    pod.footprint = Footprint(2000 * MIB + 1, 0, 40.0)
    assert exceeds_limit(pod)


def test_a_start_says_which_model_it_loads() -> None:
    assert [text for _, _, text in _loading(3).logs] == [
        "starting model server, MODEL_URI=models:/web/3",
        "loading weights 1000Mi host, GPU 800Mi",
    ]
    assert [*_loading(0).logs] == [(10.0, "INFO", "process started")]


@pytest.mark.parametrize(("ready_s", "in_row"), [(100.0, 1), (100.5, 5), (0.0, 5), (0.5, 1)])
def test_a_crash_after_ten_ready_minutes_is_the_first(ready_s: float, in_row: int) -> None:
    """It dies at 700; zero means that it was never ready."""
    pod = _pod()
    start_container(pod, 50.0)
    pod.ready_s, pod.crashes_in_row = ready_s, 4
    crash(pod, 700.0, "Error", 1)
    assert (pod.crashes_in_row, pod.ready_s, pod.phase) == (in_row, 0.0, "CrashLoopBackOff")
    assert pod.wake_s == {1: 700.0, 5: 780.0}[in_row]
    assert pod.last is not None
    assert (pod.last.started_s, pod.last.finished_s) == (50.0, 700.0)
    assert (len(pod.previous_logs), len(pod.logs)) == (2, 0)
