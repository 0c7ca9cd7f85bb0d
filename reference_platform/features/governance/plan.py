"""What applying declarations would do: every edit, whom it hits, and whether it is refused.

A breaking edit is refused while a version that answers requests reads a feature it touches, directly or through
on-demand views; so is one that uncovers personal data. An override lets it pass and is written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reference_platform.errors import CommandError
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.governance.audit import AuditTrail
from reference_platform.features.governance.edits import Action, Edit, edits, references
from reference_platform.features.governance.redaction import Redaction
from reference_platform.features.governance.uses import ModelUse, resolved_uses

LINES_MAX = 200
"""Of the text for people; the plan itself is complete."""
NAMED_MAX = 5
_SIGNS: Mapping[Action, str] = {"added": "+", "changed": "~", "removed": "-"}


@dataclass(frozen=True, slots=True)
class Impact:
    """What one breaking edit reaches. `features` includes what on-demand views compute from those it touches."""

    edit: Edit
    features: tuple[str, ...]
    services: tuple[str, ...]
    models: tuple[ModelUse, ...]
    owners: tuple[str, ...]

    @property
    def refused(self) -> bool:
        """Whether it takes an override."""
        return self.edit.uncovers or any(use.protected for use in self.models)


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """Every edit in order, and the reach of the breaking ones. `override` is the reason given for going ahead."""

    edits: tuple[Edit, ...]
    impacts: tuple[Impact, ...]
    override: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not self.edits

    @property
    def breaking(self) -> tuple[Edit, ...]:
        """Edits after which a reader may get something else."""
        return tuple(impact.edit for impact in self.impacts)

    @property
    def refused(self) -> tuple[Impact, ...]:
        """What stands against applying it, whether or not there is an override."""
        return tuple(impact for impact in self.impacts if impact.refused)

    @property
    def allowed(self) -> bool:
        """Whether it may be applied."""
        return not self.refused or bool(self.override.strip())

    @property
    def models(self) -> tuple[ModelUse, ...]:
        """Every use that a breaking edit hits, once."""
        found = {_use_order(use): use for impact in self.impacts for use in impact.models}
        return tuple(found[key] for key in sorted(found))

    @property
    def services(self) -> tuple[str, ...]:
        """Every service that a breaking edit hits, sorted."""
        return tuple(sorted({name for impact in self.impacts for name in impact.services}))

    @property
    def owners(self) -> tuple[str, ...]:
        """Whom to talk to, sorted."""
        return tuple(sorted({name for impact in self.impacts for name in impact.owners}))

    def count(self, action: Action) -> int:
        """Number of edits of one kind."""
        return sum(edit.action == action for edit in self.edits)

    def require_allowed(self) -> None:
        """Raise CommandError, naming what is hit, when it may not be applied."""
        if self.allowed:
            return
        first = self.refused[0]
        more = len(self.refused) - 1
        hit = [str(use) for use in first.models if use.protected]
        why = f"read by {', '.join(hit[:NAMED_MAX])}" if hit else "nobody would need a grant any more"
        raise CommandError(
            f"refused: {first.edit} ({first.edit.why})",
            why=why + (f"; {more} more edit{'s' if more > 1 else ''} refused" if more else ""),
            fix='agree with the owners, then give the reason: override="..."',
        )

    def record_override(self, trail: AuditTrail, redaction: Redaction, *, at_us: int, role: str = "") -> None:
        """Write the override to the audit, if one was needed; hidden features are named by their class."""
        if self.refused and self.override.strip():
            about = [redaction.reference(name) for impact in self.refused for name in impact.features]
            about += [str(use) for use in self.models if use.protected]
            trail.note(at_us=at_us, kind="override", text=redaction.text(self.override), role=role,
                       about=dict.fromkeys(about))  # fmt: skip

    def to_text(self) -> str:
        """For people: a headline with counts, every edit, and below each breaking one whom it hits."""
        if self.empty:
            return "Nothing would change."
        reach = {id(impact.edit): impact for impact in self.impacts}
        counts = ", ".join(f"{self.count(action)} {action}" for action in _SIGNS)
        edited = "1 edit" if len(self.edits) == 1 else f"{len(self.edits):,} edits"
        lines = [f"{edited}: {counts}; {len(self.impacts)} breaking, {len(self.refused)} refused"]
        for edit in self.edits:
            impact = reach.get(id(edit))
            lines.append(f"  {_SIGNS[edit.action]} {edit}" + (f"  BREAKING: {edit.why}" if impact else ""))
            if impact:
                lines += _reach_lines(impact)
        if len(lines) > LINES_MAX:
            lines = [*lines[:LINES_MAX], f"  ... and {len(lines) - LINES_MAX:,} more lines"]
        if self.impacts:
            versions = len({(use.model, use.version) for use in self.models})
            owners = ", ".join(self.owners) or "none declared"
            lines.append(f"Hit: {len(self.services)} services, {versions} model versions; owners: {owners}")
        if self.refused:
            lines.append(f"Override: {self.override}" if self.allowed else 'Refused. To go ahead: override="reason"')
        return "\n".join(lines)


def plan(
    before: DefinitionSet, after: DefinitionSet, users: Iterable[ModelUse] = (), *, override: str = ""
) -> FeaturePlan:  # fmt: skip
    """What going from `before` to `after` does to the readers `users` (see `uses.model_uses`). Changes nothing."""
    found = edits(before, after)
    reach = _Reach(before, users)
    return FeaturePlan(found, tuple(reach.impact(edit) for edit in found if edit.breaking), override)


class _Reach:
    """Who reads what in the declarations before the edit."""

    def __init__(self, before: DefinitionSet, users: Iterable[ModelUse]) -> None:
        self._services = {name: frozenset(references(service)) for name, service in before.services.items()}
        self._owners = {name: service.owner for name, service in before.services.items()}
        self._computed: dict[str, list[str]] = {}
        for view in before.on_demand.values():
            self._owners[view.name] = view.owner
            for part in view.projections:
                for name in part.features:
                    self._computed.setdefault(f"{part.view.name}:{name}", []).extend(references(view))
        self._users = resolved_uses(users, before)

    def impact(self, edit: Edit) -> Impact:
        touched = dict.fromkeys(edit.features)
        for name in edit.features:
            touched.update(dict.fromkeys(self._computed.get(name, ())))
        affected = frozenset(touched)
        services: tuple[str, ...]
        if edit.kind == "service":
            services = (edit.name,)
            whole = self._services[edit.name]
            models = [
                use
                for use, features in self._users
                if use.service == edit.name or (not use.service and features and features <= whole)
            ]
        else:
            services = tuple(sorted(name for name, offered in self._services.items() if offered & affected))
            models = [use for use, features in self._users if features & affected or use.service in services]
        views = {name.partition(":")[0] for name in affected}
        owners = {edit.owner, *(self._owners.get(name, "") for name in (*services, *views))} - {""}
        return Impact(edit, tuple(touched), services, tuple(sorted(models, key=_use_order)), tuple(sorted(owners)))


def _reach_lines(impact: Impact) -> list[str]:
    lines = []
    if impact.services:
        lines.append(f"      services: {_some(impact.services)}")
    if impact.models:
        lines.append(f"      models: {_some([str(use) for use in impact.models])}")
    if impact.refused:
        lines.append("      refused" + (": uncovers personal data" if impact.edit.uncovers else ""))
    return lines


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2 * NAMED_MAX} more" if len(names) > 2 * NAMED_MAX else ""
    return ", ".join(names[: 2 * NAMED_MAX]) + more


_ALIAS_ORDER = {"champion": 0, "challenger": 1, "canary": 2}


def _use_order(use: ModelUse) -> tuple[int, str, int, str]:
    return _ALIAS_ORDER.get(use.alias, 4 if not use.alias else 3), use.model, use.version, use.alias
