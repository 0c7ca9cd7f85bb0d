"""Faults that arrive with a roll-out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from simulator.faults.base import MOVE, Fault, Pair
from simulator.plant.knobs import RollOut, turn

if TYPE_CHECKING:
    from simulator.cluster.objects import Template
    from simulator.plant.plant import Plant


class ModelUpdate(Fault):
    """A new model version is rolled out whose memory need nobody compared with its pods and GPUs."""

    component: ClassVar[str] = "recommendation"
    mechanism: ClassVar[str] = "memory_exceeded"
    also_right: ClassVar[tuple[Pair, ...]] = (
        ("recommendation", "bad_deploy"),
        ("recommendation", "config_error"),
    )
    neighbours: ClassVar[tuple[str, ...]] = ("gpu-pool", "mlflow", "gateway")
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("recommendation", "crash_loop"),
        ("gpu-pool", "crash_loop"),
        ("gpu-pool", "config_error"),
        ("gpu-pool", "bad_deploy"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "new pods: OOMKilled, exit code 137, CrashLoopBackOff with growing pauses",
        "serving capacity of the model falls; p99 and 504s rise at peak traffic",
        "neighbours on the same GPU slow down while the version loads again and again",
    )
    cured_by: ClassVar[tuple[str, ...]] = (
        "kubectl rollout undo deployment/MODEL",
        "kubectl set env deployment/MODEL MODEL_VERSION=3",
        f"kubectl set resources deployment/MODEL --limits=memory=14Gi; {MOVE}",
    )

    deployment: str = "recommendation"
    version: int = Field(default=4, gt=0)

    def stands_for(self) -> Mapping[str, str]:
        return {self.component: self.deployment}

    def begin(self, plant: Plant) -> None:
        cause = f"{self.deployment} v{self.version}: offline top-3 hit rate up, approved by evaluation"
        turn(plant, RollOut(self.deployment, "release-bot", cause, {"model_version": self.version}))

    def active(self, plant: Plant) -> bool:
        """While the version is wanted, or still has pods, in a place that it does not fit.

        Pods that are asked for but cannot run count, pods of a healthy version that are only starting do not. No
        replica at all wants the version as much as three do.
        """
        held = plant.cluster.deployments[self.deployment]
        pods = [pod.template for pod in plant.cluster.pods_of(self.deployment) if pod.phase != "Terminating"]
        wanted = [] if held.deleted else [held.template]
        return any(self._misfit(plant, template) for template in dict.fromkeys((*wanted, *pods)))

    def _misfit(self, plant: Plant, template: Template) -> bool:
        if template.model_version != self.version:
            return False
        held = plant.cluster.deployments[self.deployment]
        return plant.cluster.room_for(self.deployment, template) < (held.replicas or held.spec.replicas)
