"""PlatformSpec: the whole platform as one validated document.

A scenario names a platform file and lays a small overlay over it; the result must validate here. Nothing in the
platform is configured anywhere else.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reference_platform.durations import Duration, Size
from reference_platform.monitoring.dashboards.document import DashboardSpec
from reference_platform.roles import ROLES, Role

Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
Severity = Literal["P1", "P2", "P3"]
SHARES_TOLERANCE = 1e-6


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeSpec(_Document):
    """A machine of the cluster."""

    name: str
    pool: str
    cpu_cores: float = Field(gt=0)
    memory: Size
    system_memory: Size = 2 << 30
    """Kept for the kubelet and the system; pods cannot use it."""
    gpu_name: str = ""
    gpu_memory: Size = 0


class BatchSpec(_Document):
    """Dynamic batching: a batch starts when `max_size` requests wait or the oldest has waited `max_delay`."""

    max_size: int = Field(gt=0, le=1024)
    max_delay: Duration
    queue_max: int = Field(gt=0, le=2048)
    """A request that finds this many waiting is refused at once (503); those accepted still meet the deadline."""


class GpuCurveSpec(_Document):
    """Seconds to run a batch of n: max(launch, base + per_item * n), times log-normal jitter."""

    launch: Duration
    base: Duration
    per_item: Duration
    jitter_sigma: float = Field(ge=0, le=1)


class ArmSpec(_Document):
    """A share of a route's visitors and the deployment that answers them. A visitor stays in an arm while shares do."""

    name: str = Field(min_length=1)
    deployment: str = Field(min_length=1)
    share: Ratio


class ModelSpec(_Document):
    """A model in production and how it is served. What is true of it wherever it runs stands on its card."""

    name: str
    route_share: Ratio
    """Share of the shop's requests that this model's route receives."""
    deadline: Duration
    """The gateway answers 504 when the model has not answered by then."""
    latency_slo: Duration
    batch: BatchSpec
    gpu: GpuCurveSpec
    arms: tuple[ArmSpec, ...] = ()
    """Canary and A/B test: which deployment answers whom. None: one of the model's own name answers everybody."""
    shadow: str = ""
    """A deployment that is shown every request and whose answers nobody gets."""
    balancer: Literal["round_robin", "least_requests", "two_choices"] = "round_robin"
    """How an arm's replicas share its requests."""

    @model_validator(mode="after")
    def _arms_cover_everybody(self) -> ModelSpec:
        if self.arms and abs(sum(arm.share for arm in self.arms) - 1.0) > SHARES_TOLERANCE:
            raise ValueError(f"shares of the arms add up to {sum(arm.share for arm in self.arms):g}, not 1")
        if len({arm.name for arm in self.arms}) < len(self.arms):
            raise ValueError("two arms have one name")
        if len({*(arm.deployment for arm in self.arms), self.shadow}) <= len(self.arms):
            raise ValueError("two arms, or an arm and the shadow, have one deployment")
        return self

    def routed(self) -> tuple[ArmSpec, ...]:
        """The arms, whether the document names them or not."""
        return self.arms or (ArmSpec(name="stable", deployment=self.name, share=1.0),)

    def deployments(self) -> tuple[str, ...]:
        """Everything that serves it, the shadow last."""
        return (*(arm.deployment for arm in self.routed()), *([self.shadow] if self.shadow else []))


class DeploymentSpec(_Document):
    """A Kubernetes deployment. `model` is set for model servers, whose memory need comes from the registry.

    `role` says what it is for, whatever its name: left out, it is the role whose word is its `component`, if any.
    """

    name: str
    component: str = Field(min_length=1)
    role: Role | None = None
    replicas: int = Field(ge=0, le=50)
    node_pool: str
    cpu: float = Field(gt=0)
    memory_limit: Size
    memory_use: Size = 0
    """Working set when no model decides it."""
    model: str = ""
    model_alias: str = "champion"
    max_unavailable: int = Field(default=1, ge=1)
    startup: Duration
    """Image pull and process start, before any model is loaded."""
    release: str = ""
    """Version of the program, for those that are released again and again."""
    kind: Literal["Deployment", "StatefulSet", "Job"] = "Deployment"

    @model_validator(mode="before")
    @classmethod
    def _role_of_component(cls, written: Any) -> Any:
        if not isinstance(written, dict) or written.get("role") is not None or written.get("component") not in ROLES:
            return written
        return {**written, "role": written["component"]}

    @model_validator(mode="after")
    def _one_word(self) -> Self:
        if self.role is not None and self.component != self.role:
            raise ValueError(f"role {self.role} goes with component {self.role}, not {self.component}")
        return self


class RetrySpec(_Document):
    """What the shop's front end does when the gateway answers 504 or 503."""

    attempts_max: int = Field(ge=1, le=6)
    backoff: Duration
    """Mean of the exponential pause before another attempt."""


class BreakerSpec(_Document):
    """After so many failures in a row an arm gets no requests for a while."""

    failures: int = Field(ge=1)
    open: Duration


class GatewaySpec(_Document):
    retry: RetrySpec
    in_flight_max: int = Field(gt=0, le=32768)
    breaker: BreakerSpec | None = None


class OnlineStoreSpec(_Document):
    """The online feature store: a pool of connections shared by every client."""

    connections_max: int = Field(gt=0, le=4096)
    serving_connections: int = Field(gt=0, le=4096)
    """Connections the model servers hold in their pools when nothing else wants them."""
    read: Duration
    """Mean of one multi-get; exponential."""
    acquire_timeout: Duration
    cache_ttl: Duration
    """Model servers keep a customer's features this long."""


class TrafficSpec(_Document):
    requests_per_s: float = Field(gt=0, le=5000)
    """Mean over the week, all routes together."""


class AlertSpec(_Document):
    name: str
    expr: str
    hold: Duration
    severity: Severity
    component: str = Field(min_length=1)
    summary: str
    runbook: str = ""


class SloSpec(_Document):
    availability: Ratio
    """Share of requests answered by the model itself, not by defaults."""


class ScrapeSpec(_Document):
    """How often metrics are read: `active` from shortly before the responder joins, `quiet` before."""

    active: Duration
    quiet: Duration


class PlatformSpec(_Document):
    """Everything the platform is made of."""

    name: str
    description: str
    nodes: list[NodeSpec]
    models: list[ModelSpec]
    deployments: list[DeploymentSpec]
    gateway: GatewaySpec
    online_store: OnlineStoreSpec
    traffic: TrafficSpec
    slo: SloSpec
    alerts: list[AlertSpec]
    scrape: ScrapeSpec
    dashboards: tuple[DashboardSpec, ...] = ()
    """Beside those that come with every platform; one of the same name takes its place."""

    def of_role(self, role: Role) -> tuple[str, ...]:
        """Names of the deployments of that role, in their order here."""
        return tuple(item.name for item in self.deployments if item.role == role)

    def name_of(self, role: Role) -> str:
        """What the platform calls that part: its first deployment, or the word of the role where it has none."""
        return next(iter(self.of_role(role)), role)

    def model(self, name: str) -> ModelSpec:
        """The model called `name`. Raises StopIteration when there is none."""
        return next(model for model in self.models if model.name == name)
