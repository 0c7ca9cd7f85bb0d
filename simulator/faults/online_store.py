"""Faults of the online feature store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from reference_platform.spec import DeploymentSpec
from simulator.faults.base import EVERY_MODEL, Fault, Pair
from simulator.plant.knobs import AddClient, Deploy, SetFsync, turn

if TYPE_CHECKING:
    from simulator.plant.plant import Plant


class ConnectionLeak(Fault):
    """A newly deployed job opens cursors on the online store and never closes them."""

    component: ClassVar[str] = "online-store"
    mechanism: ClassVar[str] = "connection_exhaustion"
    also_right: ClassVar[tuple[Pair, ...]] = (
        ("loyalty-export", "connection_exhaustion"),
        ("loyalty-export", "bad_deploy"),
    )
    neighbours: ClassVar[tuple[str, ...]] = (
        "gateway",
        EVERY_MODEL,
        "materializer",
        "offline-store",
    )
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("online-store", "bad_deploy"),
        ("online-store", "slow_dependency"),
        ("loyalty-export", "slow_dependency"),
        ("loyalty-export", "config_error"),
        ("online-store", "capacity_shortage"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "online_store_connections_in_use rises for hours with nothing else wrong",
        "online_store_wait_seconds and read time rise once serving runs short of connections",
        "every route answers 504; retries triple the load; the site shows defaults",
    )
    cured_by: ClassVar[tuple[str, ...]] = (
        "kubectl scale deployment JOB --replicas=0",
        "kubectl delete job JOB",
        'kubectl patch job JOB -p \'{"spec":{"suspend":true}}\'',
    )

    job: str = "loyalty-export"
    leaks_per_min: float = Field(default=0.8, gt=0, le=60)

    def stands_for(self) -> Mapping[str, str]:
        return {"loyalty-export": self.job}

    def begin(self, plant: Plant) -> None:
        document = {
            "name": self.job,
            "component": self.job,
            "replicas": 1,
            "node_pool": "cpu",
            "cpu": 1.0,
            "memory_limit": "2Gi",
            "memory_use": "500Mi",
            "startup": "4s",
            "kind": "Job",
        }
        spec = DeploymentSpec.model_validate(document)
        turn(plant, Deploy(spec, "release-bot", f"{self.job} 1.4.0: nightly export of loyalty points"))
        turn(plant, AddClient(self.job, self.leaks_per_min / 60.0))

    def active(self, plant: Plant) -> bool:
        """While the job is wanted or runs, or the store still holds connections for it."""
        held = plant.cluster.deployments[self.job]
        wanted = held.replicas > 0 and not held.deleted
        return wanted or plant.client_running(self.job) or plant.pool.held().get(self.job, 0) > 0


class SlowStore(Fault):
    """The store was told to sync its log to disk at every write; each read waits behind the writes."""

    component: ClassVar[str] = "online-store"
    mechanism: ClassVar[str] = "slow_dependency"
    also_right: ClassVar[tuple[Pair, ...]] = (("online-store", "config_error"),)
    neighbours: ClassVar[tuple[str, ...]] = (
        "gateway",
        EVERY_MODEL,
        "cpu-1",
        "cpu-2",
    )
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("online-store", "bad_deploy"),
        ("online-store", "capacity_shortage"),
        ("gateway", "config_error"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "online_store_read_seconds jumps and stays; connections are as ever",
        "requests wait for features, go past their deadline and answer 504; the site shows defaults",
    )
    cured_by: ClassVar[tuple[str, ...]] = (
        "store config set appendfsync everysec",
        "store config set appendfsync no",
        "kubectl rollout restart statefulset/online-store",
    )

    sync_ms: float = Field(default=120.0, gt=0, le=5000)
    """Mean time that a read spends behind syncs on this disk."""

    def begin(self, plant: Plant) -> None:
        turn(plant, SetFsync("always", self.sync_ms / 1000.0))

    def active(self, plant: Plant) -> bool:
        return plant.pool.fsync == "always"
