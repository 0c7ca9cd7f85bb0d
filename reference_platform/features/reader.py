"""Online reads: one compiled plan for each thing that is asked for, and what a read leaves behind."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reference_platform.errors import CommandError
from reference_platform.features.definition_set import DefinitionSet, FeatureRequest
from reference_platform.features.definitions import FeatureView, Field
from reference_platform.features.online_store.plan import ReadPlan
from reference_platform.features.online_store.port import OnlineStore
from reference_platform.features.online_store.response import OnlineResponse
from reference_platform.features.services import FeatureService

PLANS_MAX = 256
EntityRows = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]
"""Columns by join key, or one mapping per row."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who reads, and what for. Both empty: nobody in particular."""

    role: str = ""
    purpose: str = ""


class Sight(Protocol):
    """What a caller may see."""

    valid_until_us: int

    def __call__(self, view: FeatureView, field: Field) -> bool: ...


@dataclass(frozen=True, slots=True)
class CompiledRead:
    """A plan, for as long as it holds. `service` is empty for a plain list of features."""

    plan: ReadPlan
    service: str
    logged: bool
    valid_until_us: int


class PlanCache:
    """The newest plans by what was asked, full names and caller. Bounded; emptied when definitions change."""

    def __init__(self) -> None:
        self._plans: OrderedDict[tuple[object, ...], CompiledRead] = OrderedDict()

    def clear(self) -> None:
        """Forget every plan."""
        self._plans.clear()

    def get(self, key: tuple[object, ...], now_us: int) -> CompiledRead | None:
        """The plan for `key`, unless it no longer holds."""
        held = self._plans.get(key)
        if held is None or now_us >= held.valid_until_us:
            return None
        return held

    def put(self, key: tuple[object, ...], compiled: CompiledRead) -> None:
        """Keep a plan; the oldest goes when there are too many."""
        self._plans[key] = compiled
        if len(self._plans) > PLANS_MAX:
            self._plans.popitem(last=False)


def plan_key(features: FeatureRequest, full_feature_names: bool, caller: Caller) -> tuple[object, ...]:
    """What tells two reads apart."""
    asked = features if isinstance(features, str) else features.name if isinstance(features, FeatureService) else None
    return (asked if asked is not None else tuple(features), full_feature_names, caller)  # type: ignore[arg-type]


def compile_read(
    definitions: DefinitionSet, features: FeatureRequest, full_feature_names: bool, sight: Sight | None
) -> CompiledRead:
    """The plan for `features`. Raises UnknownFeatureError, ContentError or CommandError."""
    service = definitions.service(features) if isinstance(features, str) else features
    parts = definitions.parts(features)
    plan = ReadPlan.compile(parts, full_feature_names=full_feature_names, visible=sight)
    named = service if isinstance(service, FeatureService) else None
    valid_until_us = sight.valid_until_us if sight is not None else 1 << 62
    return CompiledRead(plan, named.name if named else "", named.logging if named else False, valid_until_us)


def entity_columns(rows: EntityRows) -> Mapping[str, Sequence[Any]]:
    """Columns of `rows`. Raises CommandError when its rows do not name the same columns."""
    if isinstance(rows, Mapping):
        return rows
    if not rows:
        return {}
    names = rows[0].keys()
    for index, row in enumerate(rows):
        if row.keys() != names:
            raise CommandError(
                f"row {index} of the entities does not have the columns of row 0",
                why=", ".join(map(str, names))[:200],
                fix="give every row the same join keys",
            )
    return {name: [row[name] for row in rows] for name in names}


def read(compiled: CompiledRead, store: OnlineStore, entities: EntityRows, now_us: int) -> OnlineResponse:
    """One read of the online store."""
    return compiled.plan.read(store, entity_columns(entities), now_us)
