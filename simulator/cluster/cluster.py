"""The cluster: scheduler, deployment controller and kubelets, told the time, no SimPy.

`tick(now_s)` does everything that is due; `next_wake_s()` says when something is due next. What a responder or a fault
does to the cluster is a method here, and every consequence (Pending, OOMKilled, a stuck roll-out) follows from state.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Literal

from reference_platform.durations import format_gib
from reference_platform.spec import DeploymentSpec, PlatformSpec
from simulator.cluster.lifecycle import crash, exceeds_limit, gpu_memory_bytes, start_container, unschedulable
from simulator.cluster.naming import pod_name, scaling_texts
from simulator.cluster.objects import (
    CLUSTER_EVENTS_MAX,
    PLATFORM_SINCE_S,
    POD_FIELDS,
    ClusterEvent,
    Deployment,
    Footprint,
    Node,
    Pod,
    Template,
)

SCHEDULE_RETRY_S = 5.0
TERMINATE_S = 4.0
BOOTED_S = -9 * 86400.0
"""When the pods that run at t=0 were made."""
LOAD_SLOWDOWN = 0.8
"""Added to a GPU neighbour's batch time by each model that is loading on the same device.
Source: reports of latency of served models rising while another loads (triton-inference-server/server#5940)."""
GPU_PRESSURE_FAIL_RATIO = 0.3
"""Share of batches that fail to allocate their workspace while the device is over-committed (no isolation between
processes that share a GPU by time-slicing; NVIDIA GPU operator documentation)."""


PULLED = "Container image already present on machine"
UNHEALTHY = "Readiness probe failed: HTTP probe failed with statuscode: 503"
Kind = Literal["Normal", "Warning"]


class Cluster:
    """Kubernetes as far as a responder can tell. `versions`: the model version that a deployment begins with.
    `footprint(model, version)` prices a model server."""

    def __init__(
        self, spec: PlatformSpec, versions: Mapping[str, int], footprint: Callable[[str, int], Footprint]
    ) -> None:
        self.nodes = {node.name: Node(node) for node in spec.nodes}
        self.deployments: dict[str, Deployment] = {}
        self.pods: dict[str, Pod] = {}
        self.events: deque[ClusterEvent] = deque(maxlen=CLUSTER_EVENTS_MAX)
        self.fresh_events: list[ClusterEvent] = []
        self.killed: list[Pod] = []
        self._footprint = footprint
        self._component = {d.name: d.component for d in spec.deployments}
        for item in spec.deployments:
            version = versions.get(item.name, 0)
            limit, pool = item.memory_limit, item.node_pool
            first = Template(
                1, version, limit, pool, 0.0, 0.0, "platform", "initial", item.release, 0, PLATFORM_SINCE_S
            )
            self.deployments[item.name] = Deployment(item, item.replicas, [first])
        self._boot()

    def _boot(self) -> None:
        """The platform has been up for a long time when a simulation begins."""
        for deployment in self.deployments.values():
            for _ in range(deployment.replicas):
                pod = self._new_pod(deployment, BOOTED_S)
                assert self._place(pod), f"platform does not fit its own nodes: {pod.name}"
                pod.started_s = pod.created_s
                pod.ready_s = pod.created_s + 60.0
                pod.phase = "Ready"
                pod.wake_s = float("inf")
        self.events.clear()
        self.fresh_events.clear()

    # -- reading ----------------------------------------

    def component_of(self, deployment: str) -> str:
        return self._component.get(deployment, deployment)

    def pods_of(self, deployment: str) -> list[Pod]:
        return [pod for pod in self.pods.values() if pod.deployment == deployment]

    def ready_pods(self, deployment: str) -> list[Pod]:
        return [pod for pod in self.pods_of(deployment) if pod.phase == "Ready"]

    def free_bytes(self, node: Node) -> int:
        used = sum(p.template.memory_limit_bytes for p in self.pods.values() if p.node == node.spec.name)
        return node.allocatable_bytes - used

    def room_for(self, name: str, template: Template) -> int:
        """How many pods of the template deployment `name` could keep running beside everything else that runs.

        None when the container's limit is below what the model needs. A cordoned node has room for those that are
        ready on it, and no more.
        """
        model = self.deployments[name].spec.model
        need = self._footprint(model, template.model_version) if model else None
        if need is not None and need.host_memory_bytes > template.memory_limit_bytes:
            return 0
        others = [pod for pod in self.pods.values() if pod.deployment != name]
        room = 0
        for node in self.nodes.values():
            if node.spec.pool != template.node_pool:
                continue
            beside = [pod for pod in others if pod.node == node.spec.name]
            free = node.allocatable_bytes - sum(pod.template.memory_limit_bytes for pod in beside)
            fit = free // template.memory_limit_bytes
            if need is not None and need.gpu_memory_bytes:
                free_gpu = node.spec.gpu_memory - sum(pod.footprint.gpu_memory_bytes for pod in beside)
                fit = min(fit, free_gpu // need.gpu_memory_bytes)
            if node.cordoned:
                running = [p for p in self.ready_pods(name) if p.node == node.spec.name and p.template is template]
                fit = min(fit, len(running))
            room += max(0, fit)
        return room

    def gpu_used_bytes(self, node: str, now_s: float) -> int:
        return sum(gpu_memory_bytes(pod, now_s) for pod in self.pods.values() if pod.node == node)

    def slowdown(self, pod: Pod) -> float:
        """Factor on the pod's GPU time from models loading on the same device."""
        loading = sum(
            1
            for other in self.pods.values()
            if other.node == pod.node and other.phase == "Loading" and other.footprint.gpu_memory_bytes > 0
        )
        return 1.0 + LOAD_SLOWDOWN * loading

    def fail_ratio(self, pod: Pod, now_s: float) -> float:
        """Share of the pod's batches that die of CUDA OOM."""
        total = self.nodes[pod.node].spec.gpu_memory
        return GPU_PRESSURE_FAIL_RATIO if total and self.gpu_used_bytes(pod.node, now_s) > total else 0.0

    def next_wake_s(self) -> float:
        return min((pod.wake_s for pod in self.pods.values()), default=float("inf"))

    # -- time ----------------------------------------

    def tick(self, now_s: float) -> None:
        """Do what is due by `now_s`."""
        for pod in [pod for pod in self.pods.values() if pod.wake_s <= now_s]:
            self._step(pod, now_s)
        for deployment in list(self.deployments.values()):
            before = self._set_sizes(deployment)
            self._reconcile(deployment, now_s)
            self._scaled(deployment, now_s, before)

    def _step(self, pod: Pod, now_s: float) -> None:
        if pod.phase == "Pending":
            self._schedule(pod, now_s)
        elif pod.phase == "ContainerCreating" or pod.phase == "CrashLoopBackOff":
            if pod.phase == "CrashLoopBackOff":
                pod.restarts += 1
            start_container(pod, now_s)
            self._quiet(now_s, "Normal", "Pulled", f"pod/{pod.name}", pod.deployment, PULLED)
            self._quiet(
                now_s, "Normal", "Created", f"pod/{pod.name}", pod.deployment, f"Created container: {pod.deployment}"
            )
            self._note(now_s, "Normal", "Started", pod, f"Started container {pod.deployment}")
            if pod.template.model_version:
                self._quiet(now_s, "Warning", "Unhealthy", f"pod/{pod.name}", pod.deployment, UNHEALTHY, pod.wake_s)
        elif pod.phase == "Loading":
            self._loaded(pod, now_s)
        elif pod.phase == "Terminating":
            self.killed.append(pod)
            del self.pods[pod.name]

    def _loaded(self, pod: Pod, now_s: float) -> None:
        if exceeds_limit(pod):
            self._crash(pod, now_s, "OOMKilled", 137)
            return
        gpu_total = self.nodes[pod.node].spec.gpu_memory
        if pod.footprint.gpu_memory_bytes and self.gpu_used_bytes(pod.node, now_s) > gpu_total:
            free = gpu_total - self.gpu_used_bytes(pod.node, now_s) + gpu_memory_bytes(pod, now_s)
            text = (
                f"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {_gib(pod.footprint.gpu_memory_bytes)}."
                f" GPU 0 has a total capacity of {_gib(gpu_total)} of which {_gib(max(0, free))} is free."
            )
            pod.logs.append((now_s, "ERROR", text))
            self._crash(pod, now_s, "Error", 1)
            return
        pod.phase = "Ready"
        pod.ready_s = now_s
        pod.wake_s = float("inf")
        serving = "; accepting requests with a cold feature cache" if pod.template.model_version else ""
        pod.logs.append((now_s, "INFO", f"ready{serving}"))
        if pod.template.model_version:
            self._note(
                now_s, "Normal", "Ready", pod, f"Readiness probe passed, model version {pod.template.model_version}"
            )

    def _crash(self, pod: Pod, now_s: float, reason: str, code: int) -> None:
        crash(pod, now_s, reason, code)
        self.killed.append(pod)
        if reason == "OOMKilled":
            limit = format_gib(pod.template.memory_limit_bytes)
            text = f"Memory cgroup out of memory: killed process (model server), limit {limit}"
            self._quiet(now_s, "Warning", "OOMKilling", f"node/{pod.node}", pod.deployment, text)
            self.fresh_events.append(self.events[-1])
        text = f"Back-off restarting failed container {pod.deployment} in pod {pod.name}"
        self._note(now_s, "Warning", "BackOff", pod, text, pod.wake_s)

    # -- scheduling ----------------------------------------

    def _schedule(self, pod: Pod, now_s: float) -> None:
        if self._place(pod):
            startup_s = self.deployments[pod.deployment].spec.startup
            pod.phase = "ContainerCreating"
            pod.wake_s = now_s + startup_s
            self._note(now_s, "Normal", "Scheduled", pod, f"Successfully assigned shop/{pod.name} to {pod.node}")
            return
        pod.wake_s = now_s + SCHEDULE_RETRY_S
        message = unschedulable(list(self.nodes.values()), pod)
        if message != pod.message:
            pod.message = message
            self._note(now_s, "Warning", "FailedScheduling", pod, message)

    def _place(self, pod: Pod) -> bool:
        candidates = [
            node
            for node in self.nodes.values()
            if node.spec.pool == pod.template.node_pool
            and not node.cordoned
            and self.free_bytes(node) >= pod.template.memory_limit_bytes
        ]
        if not candidates:
            return False
        same = {
            n.spec.name: sum(p.node == n.spec.name and p.deployment == pod.deployment for p in self.pods.values())
            for n in candidates
        }
        best = min(candidates, key=lambda n: (same[n.spec.name], -self.free_bytes(n), n.spec.name))
        pod.node = best.spec.name
        pod.address = best.next_address({p.address for p in self.pods.values() if p.node == pod.node})
        return True

    # -- deployment controller ----------------------------------------

    def _reconcile(self, deployment: Deployment, now_s: float) -> None:
        alive = [p for p in self.pods_of(deployment.spec.name) if p.phase != "Terminating"]
        if deployment.deleted:
            for pod in alive:
                self._terminate(pod, now_s)
            return
        current = deployment.template
        old = [p for p in alive if p.template is not current]
        for pod in [p for p in old if p.phase != "Ready"]:
            self._terminate(pod, now_s)
            alive.remove(pod)
            old.remove(pod)
        spare = sum(p.phase == "Ready" for p in alive) - max(0, deployment.replicas - deployment.spec.max_unavailable)
        for pod in old[: max(0, spare)]:
            self._terminate(pod, now_s)
            alive.remove(pod)
        for pod in sorted(alive, key=lambda p: (p.phase == "Ready", -p.created_s))[
            : max(0, len(alive) - deployment.replicas)
        ]:
            self._terminate(pod, now_s)
            alive.remove(pod)
        if deployment.spec.kind == "StatefulSet" and len(self.pods_of(deployment.spec.name)) > len(alive):
            return  # a stateful pod keeps its name, so the old one has to be gone first
        for _ in range(deployment.replicas - len(alive)):
            pod = self._new_pod(deployment, now_s)
            self._schedule(pod, now_s)

    def _new_pod(self, deployment: Deployment, now_s: float) -> Pod:
        template, spec = deployment.template, deployment.spec
        name = self._free_name(deployment)
        footprint = (
            self._footprint(spec.model, template.model_version) if spec.model else Footprint(spec.memory_use, 0, 0.0)
        )
        pod = Pod(name, spec.name, template, footprint, created_s=now_s, wake_s=now_s)
        self.pods[name] = pod
        return pod

    def _free_name(self, deployment: Deployment) -> str:
        """A name no pod has, also when a deployment of the same name is deleted and made again."""
        if deployment.spec.kind == "StatefulSet":
            names = (f"{deployment.spec.name}-{at}" for at in count())
            return next(name for name in names if name not in self.pods)
        while True:
            deployment.pod_serial += 1
            name = pod_name(deployment, deployment.template.set_number, deployment.pod_serial)
            if name not in self.pods:
                return name

    def _terminate(self, pod: Pod, now_s: float) -> None:
        if pod.phase == "Terminating":
            return
        running = pod.phase in ("Ready", "Loading")
        pod.phase = "Terminating"
        pod.wake_s = now_s + (TERMINATE_S if running else 0.5)
        self._note(now_s, "Normal", "Killing", pod, f"Stopping container {pod.deployment}")

    def _note(self, now_s: float, kind: Kind, reason: str, pod: Pod, message: str, until_s: float = 0.0) -> None:
        """An event that the plant passes on."""
        self._quiet(now_s, kind, reason, f"pod/{pod.name}", pod.deployment, message, until_s)
        self.fresh_events.append(self.events[-1])

    def _quiet(
        self, now_s: float, kind: Kind, reason: str, about: str, owner: str, message: str, until_s: float = 0.0
    ) -> None:
        """An event that only the API server keeps."""
        self.events.append(ClusterEvent(now_s, kind, reason, about, self.component_of(owner), message, until_s))

    def _scaled(self, deployment: Deployment, now_s: float, before: Mapping[int, int]) -> None:
        """Say which replica sets of a deployment keep other numbers of pods than `before`."""
        name = deployment.spec.name
        if deployment.spec.kind == "Deployment":
            for text in scaling_texts(name, before, self._set_sizes(deployment)):
                self._quiet(now_s, "Normal", "ScalingReplicaSet", f"deployment/{name}", name, text)

    def _set_sizes(self, deployment: Deployment) -> dict[int, int]:
        """Pods that each replica set keeps, by its number."""
        alive = [pod for pod in self.pods_of(deployment.spec.name) if pod.phase != "Terminating"]
        return dict(Counter(pod.template.set_number for pod in alive))

    # -- operations (responder, faults and pipelines use the same) ----------------------------------------

    def apply_template(self, name: str, now_s: float, by: str, cause: str, **changes: object) -> Template:
        """Roll out a new revision of deployment `name` with some fields changed.

        A template that an earlier revision had brings back that revision's replica set, and the pods it still has.
        Source: Kubernetes documentation, "Deployments": a replica set is found by the template of its pods.
        """
        deployment = self.deployments[name]
        wanted = replace(
            deployment.template,
            revision=deployment.template.revision + 1,
            created_at_s=now_s,
            by=by,
            cause=cause,
            set_revision=0,
            set_created_at_s=None,
            **changes,  # type: ignore[arg-type]
        )
        earlier = [old for old in deployment.revisions[:-1] if old.runs_the_same(wanted)]
        if earlier:
            wanted = replace(wanted, set_revision=earlier[-1].set_number, set_created_at_s=earlier[-1].set_since_s)
        for pod in self.pods_of(name):
            if earlier and pod.template is earlier[-1]:
                pod.template = wanted
        deployment.history.append(wanted)
        self.tick(now_s)
        return wanted

    def undo(self, name: str, now_s: float, by: str, to_revision: int | None = None) -> Template | None:
        """Roll back to `to_revision`, or to the one before the current. None when there is no such revision."""
        earlier = [t for t in self.deployments[name].revisions[:-1] if to_revision is None or t.revision == to_revision]
        if not earlier:
            return None
        goal = earlier[-1]
        changes = {field: getattr(goal, field) for field in POD_FIELDS}
        return self.apply_template(name, now_s, by, f"rollback to revision {goal.revision}", **changes)

    def scale(self, name: str, replicas: int, now_s: float) -> None:
        self.deployments[name].replicas = replicas
        self.tick(now_s)

    def delete_pod(self, name: str, now_s: float) -> None:
        self._terminate(self.pods[name], now_s)
        self.tick(now_s)

    def delete_deployment(self, name: str, now_s: float) -> None:
        self.deployments[name].deleted = True
        self.deployments[name].replicas = 0
        self.tick(now_s)

    def add_deployment(self, spec: DeploymentSpec, now_s: float, by: str, cause: str) -> None:
        """Deploy something new, such as a job."""
        self._component[spec.name] = spec.component
        first = Template(1, 0, spec.memory_limit, spec.node_pool, now_s, now_s, by, cause, spec.release)
        self.deployments[spec.name] = Deployment(spec, spec.replicas, [first])
        self.tick(now_s)

    def cordon(self, node: str, cordoned: bool) -> None:
        self.nodes[node].cordoned = cordoned

    def drain(self, node: str, now_s: float) -> list[str]:
        """Cordon the node and evict its pods. Returns their names."""
        self.nodes[node].cordoned = True
        names = [pod.name for pod in self.pods.values() if pod.node == node and pod.phase != "Terminating"]
        for name in names:
            self._terminate(self.pods[name], now_s)
        self.tick(now_s)
        return names


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 30):.2f} GiB"
