"""Faults of the feature pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from reference_platform.shop.topics import CONTRACTS, PARTITIONS
from simulator.faults.base import Fault, Pair
from simulator.faults.producers import Source
from simulator.plant.knobs import LosePartition, SetClock, StallJob, turn

if TYPE_CHECKING:
    from simulator.plant.plant import Plant


class MaterializerStalls(Fault):
    """A run of a materialisation job dies holding its lock; every later run waits for it and reports RUNNING."""

    component: ClassVar[str] = "materializer"
    mechanism: ClassVar[str] = "stalled_job"
    neighbours: ClassVar[tuple[str, ...]] = ("feature-pipeline", "online-store", "offline-store")
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("materializer", "crash_loop"),
        ("materializer", "slow_dependency"),
        ("materializer", "bad_deploy"),
        ("materializer", "config_error"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "feature_age_seconds of the view grows without end; nothing fails",
        "recommendations follow what customers wanted days ago; click-through falls",
    )
    cured_by: ClassVar[tuple[str, ...]] = (
        "features unlock VIEW",
        "features unlock VIEW; features materialize VIEW --backfill 72h",
    )

    view: str = "customer_activity"

    def begin(self, plant: Plant) -> None:
        turn(plant, StallJob(self.view))

    def active(self, plant: Plant) -> bool:
        """While a run that is gone holds the lock, or what the job left undone is not made up for."""
        job = plant.materializer.job(self.view)
        status = job.status(plant.now_s)
        held = status.lock is not None and status.lock.owner != status.run
        return held or job.age_s(plant.now_s) > job.view.freshness_sla_s


class DroppedPartition(Fault):
    """The consumer group loses the assignment of one partition: nobody reads an eighth of the customers."""

    component: ClassVar[str] = "feature-pipeline"
    mechanism: ClassVar[str] = "partition_unassigned"
    neighbours: ClassVar[tuple[str, ...]] = ("clicks-producer", "payments-producer", "materializer", "network")
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("feature-pipeline", "stalled_job"),
        ("feature-pipeline", "config_error"),
        ("feature-pipeline", "network_partition"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "ingest_lag_records of one partition grows without end, the others stay at zero",
        "the customers of that partition get features of before; every view and job looks fresh",
    )
    cured_by: ClassVar[tuple[str, ...]] = (
        "features consumer rebalance SOURCE",
        "kubectl rollout restart deployment/feature-pipeline",
    )

    source: Source = "clicks"
    partition: int = Field(default=3, ge=0, lt=PARTITIONS)

    def begin(self, plant: Plant) -> None:
        turn(plant, LosePartition(self.source, self.partition))

    def active(self, plant: Plant) -> bool:
        """Until a member owns the partition and has read what waited there."""
        consumer = plant.ingest.feed(self.source).consumer
        return self.partition in consumer.unowned() or int(consumer.lag()[self.partition]) > 0


class ClockSkew(Fault):
    """The clock of a producer's machine is minutes off, so part of the events carry times that never were."""

    component: ClassVar[str] = "clicks-producer"
    mechanism: ClassVar[str] = "clock_skew"
    also_right: ClassVar[tuple[Pair, ...]] = (("clicks-producer", "wrong_event_time"),)
    neighbours: ClassVar[tuple[str, ...]] = ("feature-pipeline", "network")
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("clicks-producer", "node_failure"),
        ("clicks-producer", "config_error"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "ingest_event_delay_seconds moves away from zero",
        "a clock behind: ingest_late_events_total grows, beyond the allowed lateness records are put aside",
        "a clock ahead: events wait in the consumer, beyond its tolerance they are put aside",
    )
    cured_by: ClassVar[tuple[str, ...]] = ("chronyc makestep NODE", "kubectl drain NODE --ignore-daemonsets")

    source: Source = "clicks"
    minutes: float = Field(default=-12.0, ge=-600, le=600)

    @model_validator(mode="after")
    def _is_off(self) -> ClockSkew:
        if self.minutes == 0.0:
            raise ValueError("0 minutes changes nothing")
        return self

    @property
    def producer(self) -> str:
        """Name of the deployment whose machine it is."""
        return CONTRACTS[self.source].producer

    def stands_for(self) -> Mapping[str, str]:
        return {self.component: self.producer}

    def accepted_in(self, plant: Plant) -> tuple[Pair, ...]:
        """The machine by its own name, and everything on it that stamps events with its clock."""
        node = self._machine(plant)
        senders = [contract.producer for contract in CONTRACTS.values()]
        on_it = [name for name in senders if any(pod.node == node for pod in plant.cluster.ready_pods(name))]
        shared = [(name, mechanism) for name in on_it for _, mechanism in self.accepted()]
        return tuple(dict.fromkeys((*self.accepted(), (node, self.mechanism), *shared)))

    def _machine(self, plant: Plant) -> str:
        pods = plant.cluster.ready_pods(self.producer)
        assert pods, "a producer runs when its machine's clock goes wrong"
        return pods[0].node

    def begin(self, plant: Plant) -> None:
        turn(plant, SetClock(self._machine(plant), self.minutes * 60.0))

    def active(self, plant: Plant) -> bool:
        """While a producer runs, or may be started, on a machine with a wrong clock."""
        cluster = plant.cluster
        pools = {cluster.deployments[contract.producer].template.node_pool for contract in CONTRACTS.values()}
        hosts = {pod.node for contract in CONTRACTS.values() for pod in cluster.ready_pods(contract.producer)}
        return any(
            node.clock_ahead_s and (name in hosts or (node.spec.pool in pools and not node.cordoned))
            for name, node in cluster.nodes.items()
        )
