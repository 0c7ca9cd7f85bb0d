"""Faults of the feature pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from simulator.faults.base import Fault

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
        age_s = plant.online.freshness(self.view, plant.now_s)
        return job.status(plant.now_s).detail == "waiting for lock" or age_s > job.view.freshness_sla_s
