"""Addresses in turn, the share of a model that is loaded, and how much of the past a pod remembers."""

from __future__ import annotations

import pytest

from reference_platform.spec import NodeSpec
from simulator.cluster.objects import Footprint, Node, Pod, Template


def _node() -> Node:
    spec = NodeSpec.model_validate({"name": "cpu-1", "pool": "cpu", "cpu_cores": 8, "memory": "32Gi"})
    return Node(spec)


def _pod(load_s: float = 40.0) -> Pod:
    template = Template(1, 3, 1 << 30, "gpu", 0.0, 0.0, "ci", "roll-out")
    return Pod("web-1", "web", template, Footprint(1 << 30, 0, load_s), created_s=5.0)


def test_addresses_are_handed_out_in_turn_from_two_to_two_hundred_and_fifty_four() -> None:
    node = _node()
    assert [node.next_address(()) for _ in range(3)] == [2, 3, 4]
    assert node.next_address({5, 6}) == 7
    for wanted in range(8, 255):
        assert node.next_address(()) == wanted
    assert node.next_address(()) == 2, "after the last comes the first"
    assert node.next_address({3, 4}) == 5
    node.address_last = 254
    assert node.next_address({2}) == 3


def test_an_address_is_looked_for_once_around() -> None:
    node = _node()
    node.address_last = 100
    assert node.next_address(set(range(2, 255)) - {100}) == 100
    with pytest.raises(StopIteration):
        node.next_address(set(range(2, 255)))


def test_a_new_node_has_the_true_time_and_a_new_pod_nothing() -> None:
    assert _node().clock_ahead_s == 0.0
    pod = _pod()
    assert (pod.address, pod.started_s, pod.ready_s, pod.path_index, pod.restarts) == (0, 0.0, 0.0, -1, 0)


@pytest.mark.parametrize(
    ("phase", "ready_s", "now_s", "ratio"),
    [
        ("Pending", 0.0, 30.0, 0.0),
        ("ContainerCreating", 0.0, 30.0, 0.0),
        ("CrashLoopBackOff", 70.0, 80.0, 0.0),
        ("Loading", 0.0, 5.0, 0.0),
        ("Loading", 0.0, 10.0, 0.0),
        ("Loading", 0.0, 20.0, 0.25),
        ("Loading", 0.0, 50.0, 1.0),
        ("Loading", 0.0, 90.0, 1.0),
        ("Ready", 50.0, 50.0, 1.0),
        ("Terminating", 50.0, 60.0, 1.0),
        ("Terminating", 1.0, 60.0, 1.0),
        ("Terminating", 0.0, 60.0, 0.0),
    ],
)
def test_the_share_of_the_model_that_is_in_place(phase: str, ready_s: float, now_s: float, ratio: float) -> None:
    """Forty seconds to load, begun at 10."""
    pod = _pod()
    pod.phase, pod.started_s, pod.ready_s = phase, 10.0, ready_s  # type: ignore[assignment]
    assert pod.loading_ratio(now_s) == ratio


@pytest.mark.parametrize(("load_s", "ratio"), [(0.0, 1.0), (0.5, 0.5), (1.0, 0.25)])
def test_what_loads_in_no_time_is_there_at_once(load_s: float, ratio: float) -> None:
    pod = _pod(load_s)
    pod.phase, pod.started_s = "Loading", 10.0
    assert pod.loading_ratio(10.25) == ratio


def test_a_pod_remembers_its_last_four_hundred_lines() -> None:
    pod = _pod()
    for k in range(401):
        pod.logs.append((float(k), "INFO", "line"))
    assert (len(pod.logs), pod.logs[0][0]) == (400, 1.0)
