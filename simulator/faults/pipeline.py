"""Faults of the feature pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from reference_platform.shop.topics import CONTRACTS, PARTITIONS
from simulator.faults.base import Fault
from simulator.faults.producers import Source

if TYPE_CHECKING:
    from simulator.plant.plant import Plant


class MaterializerStalls(Fault):
    """A run of a materialisation job dies holding its lock; every later run waits for it and reports RUNNING."""

    component: ClassVar[str] = "materializer"
    mechanism: ClassVar[str] = "stalled_job"
    shows: ClassVar[tuple[str, ...]] = (
        "feature_age_seconds of the view grows without end; nothing fails",
        "recommendations follow what customers wanted days ago; click-through falls",
    )
    cured_by: ClassVar[tuple[str, ...]] = ("features unlock VIEW", "features materialize VIEW --backfill 72h")

    view: str = "customer_activity"

    def begin(self, plant: Plant) -> None:
        plant.log_lines(plant.materializer.job(self.view).stall(plant.now_s))

    def active(self, plant: Plant) -> bool:
        job = plant.materializer.job(self.view)
        late = job.age_s(plant.now_s) > job.view.freshness_sla_s
        return late or job.status(plant.now_s).detail == "waiting for lock"


class DroppedPartition(Fault):
    """The consumer group loses the assignment of one partition: nobody reads an eighth of the customers."""

    component: ClassVar[str] = "feature-pipeline"
    mechanism: ClassVar[str] = "partition_unassigned"
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
        plant.ingest.feed(self.source).consumer.lose(self.partition)

    def active(self, plant: Plant) -> bool:
        return self.partition in plant.ingest.feed(self.source).consumer.unowned()


class ClockSkew(Fault):
    """The clock of a producer's machine is minutes off, so part of the events carry times that never were."""

    component: ClassVar[str] = "clicks-producer"
    mechanism: ClassVar[str] = "clock_skew"
    also_right: ClassVar[tuple[tuple[str, str], ...]] = (
        ("payments-producer", "clock_skew"),
        ("cpu-1", "clock_skew"),
        ("cpu-2", "clock_skew"),
        ("clicks-producer", "wrong_event_time"),
        ("payments-producer", "wrong_event_time"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "ingest_event_delay_seconds moves away from zero",
        "a clock behind: ingest_late_events_total grows, beyond the allowed lateness records are put aside",
        "a clock ahead: events wait in the consumer, beyond its tolerance they are put aside",
    )
    cured_by: ClassVar[tuple[str, ...]] = ("chronyc makestep NODE", "kubectl drain NODE")

    source: Source = "clicks"
    minutes: float = Field(default=-12.0, ge=-600, le=600)

    @model_validator(mode="after")
    def _is_off(self) -> ClockSkew:
        if self.minutes == 0.0:
            raise ValueError("0 minutes changes nothing")
        return self

    def begin(self, plant: Plant) -> None:
        pods = plant.cluster.ready_pods(CONTRACTS[self.source].producer)
        assert pods, "a producer runs when its machine's clock goes wrong"
        plant.cluster.nodes[pods[0].node].clock_ahead_s = self.minutes * 60.0

    def active(self, plant: Plant) -> bool:
        """While any producer stamps events with a wrong clock."""
        return any(sender.clock_ahead_s for source in CONTRACTS for sender in plant.senders(source))
