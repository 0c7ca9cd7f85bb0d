"""Online reads: one compiled plan for each thing that is asked for, by each kind of caller."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reference_platform.errors import CommandError
from reference_platform.features.definition_set import DefinitionSet, FeatureRequest
from reference_platform.features.governance.access import FOREVER_US, Grants
from reference_platform.features.governance.scope import Scope
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.online_store.plan import ReadPlan
from reference_platform.features.services import FeatureService

PLANS_MAX = 256
EntityRows = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]
"""Columns by join key, or one mapping per row."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who reads, and what for. Both empty: nobody in particular, who sees no personal data."""

    role: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class CompiledRead:
    """A plan, for as long as it holds. `service` is empty for a plain list of features."""

    plan: ReadPlan
    service: str
    logged: bool
    references: tuple[str, ...]
    """What is read, as `view:feature`."""
    denied: int
    """How many features were left out because the caller may not see them."""
    valid_until_us: int


class Reader:
    """Compiles reads over one set of declarations and grants, and keeps the newest plans."""

    def __init__(self, definitions: DefinitionSet, grants: Grants) -> None:
        self._definitions = definitions
        self._grants = grants
        self._plans: OrderedDict[tuple[object, ...], CompiledRead] = OrderedDict()

    def scope(self, caller: Caller, now_us: int) -> Scope:
        """What the caller may see."""
        return Scope(self._definitions, self._grants.visible(caller.role, caller.purpose, now_us))

    def compiled(self, features: FeatureRequest, full_feature_names: bool, caller: Caller, now_us: int) -> CompiledRead:
        """The plan for `features`. Raises UnknownFeatureError, ContentError or CommandError."""
        if isinstance(features, FeatureService):
            if features.name not in self._definitions.services:
                return self._compile(features, full_feature_names, caller, now_us)
            features = features.name
        key = (features if isinstance(features, str) else tuple(features), full_feature_names, caller)
        held = self._plans.get(key)
        if held is None or now_us >= held.valid_until_us:
            held = self._compile(features, full_feature_names, caller, now_us)
            self._plans[key] = held
            self._plans.move_to_end(key)
            if len(self._plans) > PLANS_MAX:
                self._plans.popitem(last=False)
        return held

    def _compile(self, features: FeatureRequest, full_feature_names: bool, caller: Caller, now_us: int) -> CompiledRead:
        scope = self.scope(caller, now_us)
        parts = scope.parts(features)
        plan = ReadPlan.compile(parts, full_feature_names=full_feature_names, visible=scope.visible)
        named = features if isinstance(features, FeatureService) else None
        if isinstance(features, str):
            named = self._definitions.services[features]
        references = tuple(
            f"{part.name}:{name}"
            for part in parts
            for name in (part.feature_names if isinstance(part, OnDemandFeatureView) else part.features)
        )
        return CompiledRead(
            plan,
            named.name if named else "",
            named.logging if named else False,
            references,
            scope.denied(features),
            min(FOREVER_US, scope.visible.valid_until_us),
        )


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
