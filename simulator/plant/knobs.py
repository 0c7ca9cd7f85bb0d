"""Everything about a running platform that can be changed, for faults and responders alike: `turn(plant, knob)`.

A knob is data: what is set, and how. Nobody sets anything by another way, so whatever follows from a change always
follows: endpoints, clients of the store, members of the pipeline, events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from reference_platform.serving.connections import Fsync
    from reference_platform.shop.ingest import Replayed
    from reference_platform.shop.materializer import JobLine
    from reference_platform.shop.producers import ProducerRelease
    from reference_platform.spec import DeploymentSpec
    from simulator.cluster.objects import Template
    from simulator.plant.plant import Plant
    from simulator.traffic.arrivals import Surge

Result = TypeVar("Result")
Made_co = TypeVar("Made_co", covariant=True)


class Knob(Protocol[Made_co]):
    """One change, not yet made."""

    def apply(self, plant: Plant) -> Made_co:
        """Make it, now. Only `turn` calls this."""
        ...


@dataclass(frozen=True, slots=True)
class Turned(Generic[Result]):
    """What came of a knob: what it answers, and the events that followed at once, as source, kind and data."""

    result: Result
    events: tuple[tuple[str, str, Mapping[str, object]], ...]


def turn(plant: Plant, knob: Knob[Result]) -> Turned[Result]:
    """Change something, and let everything that hangs on it follow. The only way to do so."""
    following: list[tuple[str, str, Mapping[str, object]]] = []
    plant.following = following
    try:
        result = knob.apply(plant)
        plant.sync()
    finally:
        plant.following = None
    return Turned(result, tuple(following))


# -- workloads and machines -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deploy:
    """Add a deployment or job."""

    spec: DeploymentSpec
    by: str
    cause: str

    def apply(self, plant: Plant) -> None:
        plant.cluster.add_deployment(self.spec, plant.now_s, self.by, self.cause)
        data = {"deployment": self.spec.name, "revision": 1, "by": self.by, "message": self.cause}
        plant.emit("cluster", "deploy", data)


@dataclass(frozen=True, slots=True)
class RollOut:
    """Roll out a new revision of a deployment with these fields of its template changed."""

    deployment: str
    by: str
    cause: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, plant: Plant) -> Template:
        template = plant.cluster.apply_template(self.deployment, plant.now_s, self.by, self.cause, **self.changes)
        _announce(plant, self.deployment, template)
        return template


@dataclass(frozen=True, slots=True)
class RollBack:
    """Return to an earlier revision, the one before when none is named; None when there is none."""

    deployment: str
    by: str
    to_revision: int | None = None

    def apply(self, plant: Plant) -> Template | None:
        template = plant.cluster.undo(self.deployment, plant.now_s, self.by, self.to_revision)
        if template is not None:
            _announce(plant, self.deployment, template)
        return template


def _announce(plant: Plant, deployment: str, template: Template) -> None:
    data = {"deployment": deployment, "revision": template.revision, "by": template.by, "message": template.cause}
    if template.model_version:
        data["version"] = template.model_version
    plant.emit("cluster", "deploy", data)


@dataclass(frozen=True, slots=True)
class Scale:
    """Ask for so many replicas of these deployments."""

    deployments: Sequence[str]
    replicas: int

    def apply(self, plant: Plant) -> None:
        for name in self.deployments:
            plant.cluster.scale(name, self.replicas, plant.now_s)


@dataclass(frozen=True, slots=True)
class DeletePods:
    """Delete these pods; their deployments replace them."""

    pods: Sequence[str]

    def apply(self, plant: Plant) -> None:
        for name in self.pods:
            plant.cluster.delete_pod(name, plant.now_s)


@dataclass(frozen=True, slots=True)
class DeleteDeployments:
    """Delete these deployments or jobs with their pods."""

    deployments: Sequence[str]

    def apply(self, plant: Plant) -> None:
        for name in self.deployments:
            plant.cluster.delete_deployment(name, plant.now_s)


@dataclass(frozen=True, slots=True)
class Cordon:
    """Let no new pod onto a node, or let them again."""

    node: str
    wanted: bool

    def apply(self, plant: Plant) -> None:
        plant.cluster.cordon(self.node, self.wanted)


@dataclass(frozen=True, slots=True)
class Drain:
    """Cordon a node and evict its pods; their names."""

    node: str

    def apply(self, plant: Plant) -> list[str]:
        return plant.cluster.drain(self.node, plant.now_s)


@dataclass(frozen=True, slots=True)
class SetClock:
    """Set how far a machine's clock is ahead of the true time, in seconds; by how much it was."""

    node: str
    ahead_s: float

    def apply(self, plant: Plant) -> float:
        node = plant.cluster.nodes[self.node]
        was_s, node.clock_ahead_s = node.clock_ahead_s, self.ahead_s
        return was_s


# -- the online store -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetConnectionsMax:
    """How many connections the store accepts."""

    connections_max: int

    def apply(self, plant: Plant) -> None:
        plant.pool.set_connections_max(self.connections_max, plant.now_s)


@dataclass(frozen=True, slots=True)
class SetFsync:
    """How often the store syncs its log to disk; `sync_s` is what a read then waits behind syncs, None as before."""

    mode: Fsync
    sync_s: float | None = None

    def apply(self, plant: Plant) -> None:
        plant.pool.set_fsync(self.mode, self.sync_s)


@dataclass(frozen=True, slots=True)
class AddClient:
    """A client of the store that opens so many connections a second and closes none."""

    client: str
    leaks_per_s: float

    def apply(self, plant: Plant) -> None:
        plant.pool.add_client(self.client, self.leaks_per_s, plant.now_s)


@dataclass(frozen=True, slots=True)
class DropClient:
    """Close every connection of a client; how many those were."""

    client: str

    def apply(self, plant: Plant) -> int:
        return plant.pool.drop_client(self.client, plant.now_s)


# -- models, releases and traffic -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetAlias:
    """Point an alias of a registered model at a version."""

    model: str
    alias: str
    version: int

    def apply(self, plant: Plant) -> None:
        plant.registry.set_alias(self.model, self.alias, self.version)


@dataclass(frozen=True, slots=True)
class PublishRelease:
    """Make another release of a producer known, which pods may then run."""

    producer: str
    release: ProducerRelease

    def apply(self, plant: Plant) -> None:
        plant.releases.publish(self.producer, self.release)


@dataclass(frozen=True, slots=True)
class AddSurge:
    """More visitors for a while."""

    surge: Surge

    def apply(self, plant: Plant) -> None:
        plant.arrivals.add_surge(self.surge)


# -- features ---------------------------------------------------------------------------------------------------------


def _logged(plant: Plant, lines: Sequence[JobLine]) -> Sequence[JobLine]:
    plant.log_lines(lines)
    return lines


@dataclass(frozen=True, slots=True)
class StallJob:
    """The job of a view lives on and gets nowhere."""

    view: str

    def apply(self, plant: Plant) -> Sequence[JobLine]:
        return _logged(plant, plant.materializer.job(self.view).stall(plant.now_s))


@dataclass(frozen=True, slots=True)
class RestartJob:
    """End the run of a view's job and start another."""

    view: str

    def apply(self, plant: Plant) -> Sequence[JobLine]:
        return _logged(plant, plant.materializer.job(self.view).restart(plant.now_s))


@dataclass(frozen=True, slots=True)
class Backfill:
    """Copy what a view's history has after `since_s` once more."""

    view: str
    since_s: float

    def apply(self, plant: Plant) -> Sequence[JobLine]:
        return _logged(plant, plant.materializer.job(self.view).backfill(self.since_s, plant.now_s))


@dataclass(frozen=True, slots=True)
class UnlockJob:
    """Remove the lock of a view's job."""

    view: str

    def apply(self, plant: Plant) -> None:
        plant.materializer.job(self.view).unlock(plant.now_s)


@dataclass(frozen=True, slots=True)
class LosePartition:
    """The process that reads a partition of a source lets go of it and nobody notices."""

    source: str
    partition: int

    def apply(self, plant: Plant) -> None:
        plant.ingest.feed(self.source).consumer.lose(self.partition)


@dataclass(frozen=True, slots=True)
class Rebalance:
    """Deal the partitions of a source out anew."""

    source: str

    def apply(self, plant: Plant) -> None:
        plant.ingest.feed(self.source).consumer.rebalance()


@dataclass(frozen=True, slots=True)
class SetDedup:
    """Switch the removal of repeated events of a source."""

    source: str
    on: bool

    def apply(self, plant: Plant) -> None:
        plant.ingest.feed(self.source).consumer.dedup = self.on


@dataclass(frozen=True, slots=True)
class ReplayEvents:
    """Compute the features of a source anew from the last savepoint before `since_s`. Raises CommandError."""

    source: str
    since_s: float

    def apply(self, plant: Plant) -> Replayed:
        return plant.ingest.replay(self.source, self.since_s, plant.senders(self.source), plant.now_s)
