"""Online reads: one compiled plan for each thing that is asked for, by each kind of caller."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reference_platform.errors import CommandError
from reference_platform.features.code_references import MissingCode
from reference_platform.features.definition_set import DefinitionSet, FeatureRequest, asked_by_name
from reference_platform.features.governance.access import Grants
from reference_platform.features.governance.audit import Read
from reference_platform.features.governance.redaction import Redaction
from reference_platform.features.governance.scope import Scope, Scopes
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.online_store.compiler import compile_plan
from reference_platform.features.online_store.plan import OnDemandSelection, ReadPlan
from reference_platform.features.services import FeatureService, Part
from reference_platform.features.skew.vector_shape import VectorShape

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
    """A plan. It holds as long as what is visible stays the same; a grant that ends makes it another."""

    plan: ReadPlan
    read: Read
    """What it touches, for the audit."""
    shape: VectorShape | None
    """What a logged vector of it looks like; None when vectors are not logged. Personal data never are."""
    unread: frozenset[str]
    """Join keys of what the caller may not see: they may be sent, and are passed over."""
    denied: int
    """How many features were left out because the caller may not see them."""


class Reader:
    """Compiles reads over one set of declarations and grants, and keeps the newest plans."""

    def __init__(self, definitions: DefinitionSet, grants: Grants) -> None:
        self._definitions = definitions
        self._scopes = Scopes(definitions, grants)
        self._redaction = Redaction(definitions)
        self._plans: OrderedDict[tuple[object, ...], CompiledRead] = OrderedDict()

    def scope(self, caller: Caller, now_us: int) -> Scope:
        """What the caller may see."""
        return self._scopes.of(caller.role, caller.purpose, now_us)

    def touched(self, features: FeatureRequest, parts: Sequence[Part]) -> Read:
        """What a read of `parts` touches, for the audit; personal features by their class."""
        service = features if isinstance(features, str) else getattr(features, "name", "")
        return Read(service, tuple(self._redaction.reference(name) for part in parts for name in references_of(part)))

    def compiled(self, features: FeatureRequest, full_feature_names: bool, caller: Caller, now_us: int) -> CompiledRead:
        """The plan for `features`. Raises UnknownFeatureError, ContentError or CommandError."""
        scope = self.scope(caller, now_us)
        if isinstance(features, FeatureService):
            if features.name not in self._definitions.services:
                return self._compile(features, full_feature_names, scope)
            features = features.name
        # By what is visible, not by who asks: callers that are told apart by nothing share their plans.
        key = (features if isinstance(features, str) else tuple(features), full_feature_names, scope.visible)
        held = self._plans.get(key)
        if held is None:
            held = self._plans[key] = self._compile(features, full_feature_names, scope)
            if len(self._plans) > PLANS_MAX:
                self._plans.popitem(last=False)
        return held

    def _compile(self, features: FeatureRequest, full_feature_names: bool, scope: Scope) -> CompiledRead:
        parts = scope.parts(features)
        check_code(parts)
        asked = asked_by_name(features)
        picked = [
            OnDemandSelection(part, asked[part.name])
            if isinstance(part, OnDemandFeatureView) and part.name in asked
            else part
            for part in parts
        ]
        plan = compile_plan(picked, full_feature_names=full_feature_names, visible=scope.visible)
        named = features if isinstance(features, FeatureService) else None
        if isinstance(features, str):
            named = self._definitions.services[features]
        touched = self.touched(features, parts)
        logged = named is not None and named.logging and not any(map(_is_personal, parts))
        shape = VectorShape.of_plan(plan, service=touched.service) if logged else None
        unread: frozenset[str] = frozenset()
        if named is not None and named.name in self._definitions.services:
            unread = _join_keys(self._definitions.services[named.name].features).difference(
                plan.join_keys, (field.name for field in plan.request_fields)
            )
        return CompiledRead(plan, touched, shape, unread, scope.denied(features))


def check_code(parts: Sequence[Part]) -> None:
    """Raise CommandError for an on-demand view whose code this process does not have."""
    for part in parts:
        if isinstance(part, OnDemandFeatureView) and isinstance(part.function, MissingCode):
            raise part.function.error(part.name)


def references_of(part: Part) -> list[str]:
    """The features of one part, as `view:feature` of the declared view."""
    if isinstance(part, OnDemandFeatureView):
        return [f"{part.name}:{name}" for name in part.feature_names]
    return [f"{part.view.name}:{name}" for name in part.features]


def _join_keys(parts: Sequence[Part]) -> frozenset[str]:
    stored = [p for part in parts for p in (part.projections if isinstance(part, OnDemandFeatureView) else (part,))]
    return frozenset(key for projection in stored for key in projection.join_keys)


def _is_personal(part: Part) -> bool:
    if isinstance(part, OnDemandFeatureView):
        return any(field.pii for field in part.schema) or any(map(_is_personal, part.projections))
    return any(part.view.field(name).pii for name in part.features)


def entity_columns(rows: EntityRows, unread: frozenset[str] = frozenset()) -> Mapping[str, Sequence[Any]]:
    """Columns of `rows` but `unread`. Raises CommandError when its rows do not name the same columns."""
    columns = rows if isinstance(rows, Mapping) else _columns(rows)
    return {name: column for name, column in columns.items() if name not in unread} if unread else columns


def _columns(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Sequence[Any]]:
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
