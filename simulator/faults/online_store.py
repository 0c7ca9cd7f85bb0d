"""Faults of the online feature store."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from reference_platform.spec import DeploymentSpec
from simulator.faults.base import Fault

if TYPE_CHECKING:
    from simulator.plant.plant import Plant


class ConnectionLeak(Fault):
    """A newly deployed job opens cursors on the online store and never closes them."""

    component: ClassVar[str] = "online-store"
    mechanism: ClassVar[str] = "connection_exhaustion"
    also_right: ClassVar[tuple[tuple[str, str], ...]] = (
        ("loyalty-export", "connection_exhaustion"),
        ("loyalty-export", "bad_deploy"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "online_store_connections_in_use rises for hours with nothing else wrong",
        "online_store_wait_seconds and read time rise once serving runs short of connections",
        "every route answers 504; retries triple the load; the site shows defaults",
    )
    cured_by: ClassVar[tuple[str, ...]] = ("kubectl scale deployment JOB --replicas=0", "kubectl delete job JOB")

    job: str = "loyalty-export"
    leaks_per_min: float = Field(default=0.8, gt=0, le=60)

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
        plant.deploy(spec, by="release-bot", cause=f"{self.job} 1.4.0: nightly export of loyalty points")
        plant.pool.add_client(self.job, self.leaks_per_min / 60.0, plant.now_s)

    def active(self, plant: Plant) -> bool:
        return plant.client_running(self.job) or plant.pool.held().get(self.job, 0) > 0


class SlowStore(Fault):
    """The store was told to sync its log to disk at every write; each read waits behind the writes."""

    component: ClassVar[str] = "online-store"
    mechanism: ClassVar[str] = "slow_dependency"
    also_right: ClassVar[tuple[tuple[str, str], ...]] = (("online-store", "config_error"),)
    shows: ClassVar[tuple[str, ...]] = (
        "online_store_read_seconds jumps and stays; connections are as ever",
        "requests wait for features, go past their deadline and answer 504; the site shows defaults",
    )
    cured_by: ClassVar[tuple[str, ...]] = (
        "store config set appendfsync everysec",
        "kubectl rollout restart statefulset/online-store",
    )

    sync_ms: float = Field(default=120.0, gt=0, le=5000)
    """Mean time that a read spends behind syncs on this disk."""

    def begin(self, plant: Plant) -> None:
        plant.pool.set_fsync("always", self.sync_ms / 1000.0)
        plant.sync()

    def active(self, plant: Plant) -> bool:
        return plant.pool.fsync == "always"
