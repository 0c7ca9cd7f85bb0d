"""Faults that arrive with a roll-out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from simulator.faults.base import Fault

if TYPE_CHECKING:
    from simulator.plant.plant import Plant


class ModelUpdate(Fault):
    """A new model version is rolled out whose memory need nobody compared with its pods and GPUs."""

    component: ClassVar[str] = "recommendation"
    mechanism: ClassVar[str] = "memory_exceeded"
    also_right: ClassVar[tuple[tuple[str, str], ...]] = (("recommendation", "bad_deploy"),)
    shows: ClassVar[tuple[str, ...]] = (
        "new pods: OOMKilled, exit code 137, CrashLoopBackOff with growing pauses",
        "serving capacity of the model falls; p99 and 504s rise at peak traffic",
        "neighbours on the same GPU slow down while the version loads again and again",
    )
    cured_by: ClassVar[tuple[str, ...]] = (
        "kubectl rollout undo deployment/MODEL",
        "kubectl set resources deployment/MODEL --limits=memory=14Gi and a node pool with room for it",
    )

    deployment: str = "recommendation"
    version: int = Field(default=4, gt=0)

    def begin(self, plant: Plant) -> None:
        cause = f"{self.deployment} v{self.version}: offline top-3 hit rate up, approved by evaluation"
        plant.roll_out(self.deployment, by="release-bot", cause=cause, model_version=self.version)

    def active(self, plant: Plant) -> bool:
        held = plant.cluster.deployments[self.deployment]
        ready = plant.cluster.ready_pods(self.deployment)
        wanted = held.spec.replicas
        return sum(pod.template.revision == held.template.revision for pod in ready) < wanted
