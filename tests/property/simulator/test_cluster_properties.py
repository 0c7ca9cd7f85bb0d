"""Whatever responders and faults do to a cluster in whatever order, its books balance."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.unit.simulator.cluster.small_cluster import GIB, HUGE, deployment_spec, small_cluster

NAMES = ["ranker", "fraud", "gateway", "store", "job"]
names = st.sampled_from(NAMES)
nodes = st.sampled_from(["gpu-1", "gpu-2", "gpu-3", "large-1", "cpu-1"])
TICKS_AT_ONE_INSTANT_MAX = 20
RESTING_S = 10_000.0


class Operations(RuleBasedStateMachine):
    """Random commands with random pauses; the invariants hold after each."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = small_cluster()
        self.now_s = 0.0
        self.seen = {id(pod): pod for pod in self.cluster.pods.values()}
        self.sizes = {name: d.replicas for name, d in self.cluster.deployments.items()}

    def _live(self, name: str) -> bool:
        deployment = self.cluster.deployments.get(name)
        return deployment is not None and not deployment.deleted

    @rule(name=names, replicas=st.integers(0, 8))
    def scale(self, name: str, replicas: int) -> None:
        if self._live(name):
            self.cluster.scale(name, replicas, self.now_s)

    @rule(name=names, limit_gib=st.integers(1, 12))
    def set_limit(self, name: str, limit_gib: int) -> None:
        if self._live(name):
            self.cluster.apply_template(name, self.now_s, "me", "limit", memory_limit_bytes=limit_gib * GIB)

    @rule(version=st.integers(1, HUGE), pool=st.sampled_from(["gpu", "large"]))
    def deploy_version(self, version: int, pool: str) -> None:
        self.cluster.apply_template("ranker", self.now_s, "me", "version", model_version=version, node_pool=pool)

    @rule(name=names, to_revision=st.one_of(st.none(), st.integers(1, 5)))
    def undo(self, name: str, to_revision: int | None) -> None:
        if self._live(name):
            self.cluster.undo(name, self.now_s, "me", to_revision)

    @rule(index=st.integers(0, 30))
    def delete_pod(self, index: int) -> None:
        if self.cluster.pods:
            self.cluster.delete_pod(sorted(self.cluster.pods)[index % len(self.cluster.pods)], self.now_s)

    @rule()
    def delete_job(self) -> None:
        if self._live("job"):
            self.cluster.delete_deployment("job", self.now_s)

    @rule(replicas=st.integers(0, 5))
    def add_job(self, replicas: int) -> None:
        if not self._live("job"):
            self.cluster.add_deployment(deployment_spec("job", replicas=replicas), self.now_s, "me", "new")

    @rule(node=nodes, cordoned=st.booleans())
    def cordon(self, node: str, cordoned: bool) -> None:
        self.cluster.cordon(node, cordoned)

    @rule(node=nodes)
    def drain(self, node: str) -> None:
        self.cluster.drain(node, self.now_s)
        assert all(pod.phase == "Terminating" for pod in self.cluster.pods.values() if pod.node == node)

    @rule(pause_s=st.one_of(st.sampled_from([0.5, 4.0, 6.0, 20.0]), st.floats(0.0, 400.0)))
    def wait(self, pause_s: float) -> None:
        until_s = self.now_s + pause_s
        while (due_s := max(self.now_s, self.cluster.next_wake_s())) <= until_s:
            self.now_s = due_s
            self._rest()
            self._check_books()
        self.now_s = until_s

    def _rest(self) -> None:
        """Tick until nothing is due at this instant."""
        for _ in range(TICKS_AT_ONE_INSTANT_MAX):
            self.cluster.tick(self.now_s)
            if self.cluster.next_wake_s() > self.now_s:
                return
        raise AssertionError("the cluster never rests")

    def _check_books(self) -> None:
        cluster = self.cluster
        for node in cluster.nodes.values():
            assert 0 <= cluster.free_bytes(node) <= node.allocatable_bytes, "a node is over-committed"
        for pod in cluster.pods.values():
            self.seen[id(pod)] = pod
            assert pod.node or pod.phase in ("Pending", "Terminating")
            assert pod.phase != "Pending" or not pod.node
            if pod.node:
                assert cluster.nodes[pod.node].spec.pool == pod.template.node_pool
            assert (pod.phase == "Ready") == (pod.wake_s == float("inf"))

    @invariant()
    def books_balance(self) -> None:
        self._check_books()

    @invariant()
    def a_pod_that_left_was_reported(self) -> None:
        """The request path learns of every pod's end from `killed`."""
        gone = {id(pod) for pod in self.cluster.killed}
        here = {id(pod) for pod in self.cluster.pods.values()}
        assert set(self.seen) <= gone | here

    @invariant()
    def names_are_unique_and_pods_filed_under_them(self) -> None:
        assert all(name == pod.name for name, pod in self.cluster.pods.items())

    @invariant()
    def there_are_as_many_pods_as_asked_for(self) -> None:
        for name, deployment in self.cluster.deployments.items():
            alive = sum(pod.phase != "Terminating" for pod in self.cluster.pods_of(name))
            wanted = 0 if deployment.deleted else deployment.replicas
            waiting = deployment.spec.kind == "StatefulSet" and alive < len(self.cluster.pods_of(name))
            assert alive == wanted or (waiting and alive < wanted)

    @invariant()
    def a_second_tick_at_one_instant_changes_nothing(self) -> None:
        self._rest()
        before = ([asdict(pod) for pod in self.cluster.pods.values()], list(self.cluster.events))
        self.cluster.tick(self.now_s)
        assert before == ([asdict(pod) for pod in self.cluster.pods.values()], list(self.cluster.events))

    def teardown(self) -> None:
        """Given time, only what cannot run does not run."""
        self.wait(RESTING_S)
        for pod in self.cluster.pods.values():
            assert pod.phase in ("Ready", "Pending", "CrashLoopBackOff", "Loading")
            if pod.phase in ("CrashLoopBackOff", "Loading"):
                assert pod.crashes_in_row > 0
            if pod.phase == "Pending":
                room = [
                    node
                    for node in self.cluster.nodes.values()
                    if node.spec.pool == pod.template.node_pool
                    and not node.cordoned
                    and self.cluster.free_bytes(node) >= pod.template.memory_limit_bytes
                ]
                assert not room


TestOperations = Operations.TestCase
TestOperations.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


class ManyOperations(Operations):
    """The same, longer."""


TestManyOperations = pytest.mark.sweep(ManyOperations.TestCase)
TestManyOperations.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
