"""Faults that arrive with a release of a producer: it sends other names, units, times, gaps or repeats than before."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from reference_platform.features.types import SCALARS
from reference_platform.shop.producers import ProducerRelease
from reference_platform.shop.topics import CONTRACTS, PAYMENTS
from simulator.faults.base import Fault, Pair
from simulator.plant.knobs import PublishRelease, RollOut, turn

if TYPE_CHECKING:
    from simulator.plant.plant import Plant

Source = Literal["clicks", "payments"]
BAD_RELEASE = "2.4.0"
UNDO = "kubectl rollout undo deployment/PRODUCER"
DAMAGE_LASTS_S = 86400.0
"""The longest window in which a wrong amount still outweighs the right ones."""


class ProducerFault(Fault):
    """A release of a producer is rolled out. Everything else follows from what it sends.

    `component` and the other names are those of the default source.
    """

    neighbours: ClassVar[tuple[str, ...]] = ("feature-pipeline", "materializer", "offline-store")
    also_safe: ClassVar[tuple[str, ...]] = ("feature-pipeline", "materializer")

    source: Source = "payments"

    @property
    def producer(self) -> str:
        """Name of the deployment."""
        return CONTRACTS[self.source].producer

    def stands_for(self) -> Mapping[str, str]:
        return {self.component: self.producer}

    @abstractmethod
    def release(self) -> ProducerRelease:
        """What is rolled out."""

    @abstractmethod
    def cause(self) -> str:
        """What the change log says."""

    def begin(self, plant: Plant) -> None:
        release = self.release()
        turn(plant, PublishRelease(self.producer, release))
        cause = f"{self.producer} {release.version}: {self.cause()}"
        turn(plant, RollOut(self.producer, "release-bot", cause, {"release": release.version}))

    def active(self, plant: Plant) -> bool:
        return self.sent_by_release(plant)

    def sent_by_release(self, plant: Plant) -> bool:
        """Whether the release is wanted, any process of it still runs, or nobody is wanted who sends instead of it."""
        held = plant.cluster.deployments[self.producer]
        if held.deleted or not held.replicas:
            return True
        templates = [held.template, *(pod.template for pod in plant.cluster.ready_pods(self.producer))]
        return any(template.release == self.release().version for template in templates)


class SchemaMismatch(ProducerFault):
    """A release of a producer renames or retypes a field of its records; the consumer puts all of them aside."""

    component: ClassVar[str] = "payments-producer"
    mechanism: ClassVar[str] = "schema_mismatch"
    also_right: ClassVar[tuple[Pair, ...]] = (
        ("payments-producer", "bad_deploy"),
        ("feature-pipeline", "schema_mismatch"),
    )
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("payments-producer", "config_error"),
        ("feature-pipeline", "bad_deploy"),
        ("payments-producer", "data_drift"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        'ingest_dead_letters_total{reason="schema"} grows as fast as events come; none is accepted any more',
        "ingest_event_age_seconds of the source grows, while feature_age_seconds stays low: the job itself runs",
        "counts of the last hour fall to zero for everybody",
    )
    cured_by: ClassVar[tuple[str, ...]] = (UNDO, f"{UNDO}; features replay SOURCE --since 4h")

    column: str = "amount_eur"
    renamed_to: str = "amount"
    retyped_to: str = ""
    """Name of a type such as Float64; empty keeps the type."""

    @model_validator(mode="after")
    def _changes_something(self) -> SchemaMismatch:
        names = CONTRACTS[self.source].names
        if self.column not in names:
            raise ValueError(f"{self.source} has no column {self.column!r}; it has {', '.join(names)}")
        if self.retyped_to and self.retyped_to not in SCALARS:
            raise ValueError(f"{self.retyped_to!r} is no type; types are {', '.join(SCALARS)}")
        kept_type = self.retyped_to in ("", CONTRACTS[self.source].column(self.column).dtype.name)
        if self.renamed_to in ("", self.column) and kept_type:
            raise ValueError("give another name or another type")
        return self

    def release(self) -> ProducerRelease:
        renamed = {self.column: self.renamed_to} if self.renamed_to else {}
        retyped = {self.column: SCALARS[self.retyped_to]} if self.retyped_to else {}
        return ProducerRelease(BAD_RELEASE, renamed=renamed, retyped=retyped)

    def cause(self) -> str:
        return "tidier event schema"


class UnitChange(ProducerFault):
    """A release sends amounts in cents under the name and type of euros. Every record passes every check."""

    component: ClassVar[str] = "payments-producer"
    mechanism: ClassVar[str] = "unit_change"
    also_right: ClassVar[tuple[Pair, ...]] = (
        ("payments-producer", "schema_mismatch"),
        ("payments-producer", "bad_deploy"),
        ("feature-pipeline", "unit_change"),
    )
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("payments-producer", "data_drift"),
        ("payments-producer", "config_error"),
        ("feature-pipeline", "schema_mismatch"),
        ("fraud-detection", "feature_skew"),
        ("fraud-detection", "data_drift"),
        ("fraud-detection", "unit_change"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        'ingest_value_mean{column="amount_eur"} jumps by the factor; nothing is put aside',
        "amounts and spike ratios of card_velocity and merchant_risk jump; fraud decisions follow",
        "a day after a roll-back the sums still hold what was taken in",
    )
    cured_by: ClassVar[tuple[str, ...]] = (f"{UNDO}; features replay SOURCE --since 4h",)

    factor: float = Field(default=100.0, gt=0)

    @model_validator(mode="after")
    def _has_amounts(self) -> UnitChange:
        if self.source != PAYMENTS.source:
            raise ValueError(f"{self.source} carry no unit; only payments do")
        if self.factor == 1.0:
            raise ValueError("a factor of 1 changes nothing")
        return self

    def release(self) -> ProducerRelease:
        return ProducerRelease(BAD_RELEASE, factors={"amount_eur": self.factor})

    def cause(self) -> str:
        return "integer minor units from the payment provider"

    def active(self, plant: Plant) -> bool:
        """Until no process sends the wrong unit and the sums of the day hold none of it."""
        taken_in = plant.ingest.releases_since(self.source, plant.now_s - DAMAGE_LASTS_S)
        return self.sent_by_release(plant) or self.release().version in taken_in


class TimezoneShift(ProducerFault):
    """A release stamps local wall-clock time and calls it UTC, so event times are whole hours off."""

    component: ClassVar[str] = "clicks-producer"
    mechanism: ClassVar[str] = "wrong_event_time"
    also_right: ClassVar[tuple[Pair, ...]] = (
        ("clicks-producer", "bad_deploy"),
        ("feature-pipeline", "wrong_event_time"),
    )
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("clicks-producer", "clock_skew"),
        ("clicks-producer", "config_error"),
        ("feature-pipeline", "clock_skew"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "ingest_event_delay_seconds jumps to whole hours, negative for zones east of Greenwich",
        'ingest_dead_letters_total grows with reason "future" or "late"',
        "counts of the last hour fall to zero for everybody",
    )
    cured_by: ClassVar[tuple[str, ...]] = (UNDO, f"{UNDO}; features replay SOURCE --since 4h")

    source: Source = "clicks"
    hours: int = Field(default=2, ge=-12, le=14)

    @model_validator(mode="after")
    def _shifts(self) -> TimezoneShift:
        if self.hours == 0:
            raise ValueError("0 hours changes nothing")
        return self

    def release(self) -> ProducerRelease:
        return ProducerRelease(BAD_RELEASE, utc_offset_s=self.hours * 3600.0)

    def cause(self) -> str:
        return "new base image, event time from the system clock"


class NullFlood(ProducerFault):
    """A release no longer fills a field of most records. Missing is allowed, so nothing complains."""

    component: ClassVar[str] = "payments-producer"
    mechanism: ClassVar[str] = "missing_values"
    also_right: ClassVar[tuple[Pair, ...]] = (
        ("payments-producer", "bad_deploy"),
        ("feature-pipeline", "missing_values"),
    )
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("payments-producer", "schema_mismatch"),
        ("payments-producer", "config_error"),
        ("payments-producer", "data_drift"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "ingest_null_ratio of the column rises from 0; events are accepted as before",
        "features over that column fade within their window; a required column puts the records aside",
    )
    cured_by: ClassVar[tuple[str, ...]] = (UNDO, f"{UNDO}; features replay SOURCE --since 4h")

    column: str = "new_device"
    ratio: float = Field(default=0.9, gt=0, le=1)

    @model_validator(mode="after")
    def _column_is_sent(self) -> NullFlood:
        names = CONTRACTS[self.source].names
        if self.column not in names:
            raise ValueError(f"{self.source} has no column {self.column!r}; it has {', '.join(names)}")
        return self

    def release(self) -> ProducerRelease:
        return ProducerRelease(BAD_RELEASE, null_ratios={self.column: self.ratio})

    def cause(self) -> str:
        return "consent banner: optional fields only when agreed"


class DuplicateDelivery(ProducerFault):
    """A release sends records again whose acknowledgement it did not wait for; every copy counts."""

    component: ClassVar[str] = "payments-producer"
    mechanism: ClassVar[str] = "duplicate_events"
    also_right: ClassVar[tuple[Pair, ...]] = (
        ("payments-producer", "bad_deploy"),
        ("feature-pipeline", "duplicate_events"),
    )
    nearly_right: ClassVar[tuple[Pair, ...]] = (
        ("payments-producer", "retry_storm"),
        ("payments-producer", "config_error"),
        ("feature-pipeline", "config_error"),
    )
    shows: ClassVar[tuple[str, ...]] = (
        "ingest_events_total grows faster than the shop sells; ingest_late_events_total grows with it",
        "counts and amounts of the last hour are too high; more honest payments are declined",
    )
    cured_by: ClassVar[tuple[str, ...]] = (
        UNDO,
        "features consumer dedup SOURCE on",
        f"{UNDO}; features replay SOURCE --since 4h",
    )

    ratio: float = Field(default=0.8, gt=0, le=1)

    def release(self) -> ProducerRelease:
        return ProducerRelease(BAD_RELEASE, repeats_ratio=self.ratio)

    def cause(self) -> str:
        return "acks=1 and retries, half the latency"

    def active(self, plant: Plant) -> bool:
        return self.sent_by_release(plant) and not plant.ingest.feed(self.source).consumer.dedup
