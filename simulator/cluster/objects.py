"""The cluster's nouns: node, template, pod, deployment, cluster event."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from reference_platform.spec import DeploymentSpec, NodeSpec

Phase = Literal["Pending", "ContainerCreating", "Loading", "Ready", "CrashLoopBackOff", "Terminating"]
PLATFORM_SINCE_S = -180 * 86400.0
"""When what the platform runs at t=0 was deployed."""
LOG_LINES_MAX = 400
CLUSTER_EVENTS_MAX = 600
ADDRESS_FIRST, ADDRESS_LAST = 2, 254
"""A node's pods share a network of 256 addresses; the first two and the last are the network's own."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a revision of a deployment runs. `model_version` is 0 when the deployment serves no model, and `release` is
    empty when its program has only ever had one."""

    revision: int
    model_version: int
    memory_limit_bytes: int
    node_pool: str
    restarted_at_s: float
    created_at_s: float
    by: str
    cause: str
    release: str = ""
    set_revision: int = 0
    """The revision as which its replica set was made, 0 for this one: going back renumbers the old set."""
    set_created_at_s: float | None = None
    """When its replica set was made, where that was not at `created_at_s`."""

    @property
    def set_number(self) -> int:
        return self.set_revision or self.revision

    @property
    def set_since_s(self) -> float:
        return self.created_at_s if self.set_created_at_s is None else self.set_created_at_s

    def runs_the_same(self, other: Template) -> bool:
        """Whether pods of either are alike to the last field, so that one replica set keeps both."""
        return all(getattr(self, name) == getattr(other, name) for name in POD_FIELDS)


POD_FIELDS = ("model_version", "memory_limit_bytes", "node_pool", "release", "restarted_at_s")


@dataclass(frozen=True, slots=True)
class Footprint:
    """What running a template takes."""

    host_memory_bytes: int
    gpu_memory_bytes: int
    load_s: float


@dataclass(frozen=True, slots=True)
class LastState:
    reason: str
    exit_code: int
    started_s: float
    finished_s: float


@dataclass(slots=True)
class Node:
    spec: NodeSpec
    cordoned: bool = False
    clock_ahead_s: float = 0.0
    """How far its clock is ahead of the true time; programs on it stamp what they write with that clock."""
    address_last: int = ADDRESS_FIRST - 1
    """The last number of the newest address that a pod got here."""

    @property
    def allocatable_bytes(self) -> int:
        return self.spec.memory - self.spec.system_memory

    def next_address(self, taken: Collection[int]) -> int:
        """The last number of a pod's address: the next one in turn that no pod of the node has.
        Source: CNI plugins documentation, host-local IPAM, which hands addresses out in turn."""
        count = ADDRESS_LAST - ADDRESS_FIRST + 1
        turns = (ADDRESS_FIRST + (self.address_last + 1 - ADDRESS_FIRST + at) % count for at in range(count))
        self.address_last = next(number for number in turns if number not in taken)
        return self.address_last


@dataclass(slots=True)
class Pod:
    """One pod. `wake_s` is when its phase changes next; `path_index` is its row in the request path, -1 when none."""

    name: str
    deployment: str
    template: Template
    footprint: Footprint
    created_s: float
    phase: Phase = "Pending"
    node: str = ""
    address: int = 0
    """The last number of its address in its node's network; 0 before it has a node."""
    wake_s: float = float("inf")
    started_s: float = 0.0
    ready_s: float = 0.0
    restarts: int = 0
    crashes_in_row: int = 0
    last: LastState | None = None
    path_index: int = -1
    message: str = ""
    logs: deque[tuple[float, str, str]] = field(default_factory=lambda: deque(maxlen=LOG_LINES_MAX))
    previous_logs: tuple[tuple[float, str, str], ...] = ()

    def loading_ratio(self, now_s: float) -> float:
        """Share of the model's memory that is in place: 0 before the process starts, 1 when ready."""
        if self.phase == "Ready" or (self.phase == "Terminating" and self.ready_s != 0):
            return 1.0
        if self.phase != "Loading":
            return 0.0
        if self.footprint.load_s <= 0:
            return 1.0
        return min(1.0, max(0.0, (now_s - self.started_s) / self.footprint.load_s))


@dataclass(slots=True)
class Deployment:
    spec: DeploymentSpec
    replicas: int
    history: list[Template]
    pod_serial: int = 0
    deleted: bool = False

    @property
    def template(self) -> Template:
        return self.history[-1]

    @property
    def revisions(self) -> list[Template]:
        """What `kubectl rollout history` knows, oldest first: a set that was gone back to has its last number only."""
        newest = {template.set_number: template for template in self.history}
        return sorted(newest.values(), key=lambda template: template.revision)

    @property
    def created_at_s(self) -> float:
        return self.history[0].set_since_s


@dataclass(frozen=True, slots=True)
class ClusterEvent:
    t_s: float
    type: Literal["Normal", "Warning"]
    reason: str
    object: str
    component: str
    message: str
    repeated_until_s: float = 0.0
    """The kubelet says it again at each of its syncs before this time."""
