"""DrillSpec: a scenario as plain data, ready to run. Everything random in it has been drawn from the seed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter

from reference_platform.spec import PlatformSpec

Joins = Literal["first_page", "complaint"]
SPAN_MAX_S = 90 * 86400.0
"""No time of a drill is longer; whoever writes or reads one holds it to this."""

Pair = tuple[str, str]
"""A cause by name: component, mechanism."""


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault that begins at `at_s`; `params` are validated against the fault's own model when it begins.

    `cause` is what the scenario calls it, None for the fault's own name; `accepted` and `near` are names that count
    as right, or nearly, besides those the fault brings.
    """

    fault_id: str
    at_s: float
    params: Mapping[str, object]
    after_join: bool = False
    """`at_s` counts from the responder's joining instead of the simulation's first second."""
    cause: Pair | None = None
    accepted: tuple[Pair, ...] = ()
    near: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on the other side of the chat. `knows` is what they answer when asked."""

    name: str
    role: str
    knows: str
    review_at_s: float | None
    """When this person compares click-through with the week before, and complains if it fell; None when they do not."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a scripted player: type `line`, or let `wait_s` pass when `line` is empty."""

    line: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class DrillSpec:
    scenario_id: str
    title: str
    level: str
    family: str
    brief: str
    judged: tuple[str, ...]
    platform: PlatformSpec
    calendar_offset_s: float
    """Seconds from Monday 00:00 to t=0."""
    drill_s: float
    joins: Joins
    joins_by_s: float
    faults: tuple[PlannedFault, ...]
    people: tuple[Person, ...]
    hints: tuple[str, ...]
    runbooks: Mapping[str, str]
    expert: tuple[Step, ...]
    source_text: str
    source_name: str
    components: Mapping[str, str] = field(default_factory=dict)
    """Names of this drill's own that a cause may have, each with what it means."""
    mechanisms: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Everything needed to run the drill again, as JSON values."""
        body = asdict(self)
        body["platform"] = self.platform.model_dump(mode="json")
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> DrillSpec:
        """Inverse of `to_json`. Raises TypeError or ValueError on anything else, and whatever the types."""
        return _shape().validate_json(json.dumps(body), strict=True)


@cache
def _shape() -> TypeAdapter[DrillSpec]:
    return TypeAdapter(DrillSpec)
