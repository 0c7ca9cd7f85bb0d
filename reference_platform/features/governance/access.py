"""Who may read personal data: grants by role and purpose, each with an end.

A field with `pii` is visible only under an unexpired grant for exactly that role and purpose; every other field is
visible to all. What is invisible is absent: it is left out when the read plan is compiled, so no later step can forget
to mask it. Nobody is told what a grant would show: see `scope`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from reference_platform.documents import load_document, read_text
from reference_platform.errors import ContentError, PagerDrillError, nearest
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import FeatureView
from reference_platform.features.definitions import Field as FeatureField
from reference_platform.features.naming import parse_reference
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.times import instant, instant_us

FOREVER_US = (1 << 63) - 1
"""After every instant."""
WORD_CHARACTERS_MAX = 120
GRANTS_MAX = 10_000


class Named(Protocol):
    """A feature view or an on-demand feature view."""

    @property
    def name(self) -> str:
        """The name it is declared under, whatever a service calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """`role` may read, for `purpose` and before `expires_us`, every field of the classes `pii` and each of `features`.

    `features` are references `view:feature`. Raises ContentError for a grant of nothing, to nobody or for nothing.
    """

    role: str
    purpose: str
    expires_us: int
    granted_by: str
    reason: str
    pii: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what in ("role", "purpose", "granted_by", "reason"):
            if not getattr(self, what).strip():
                raise ContentError(f"a grant without a {what}", fix=f'give it one: {what}="..."')
        if not self.pii and not self.features:
            raise ContentError(f"the grant to {self.role} grants nothing", fix='pii=["email"] or features=["view:x"]')
        if "" in self.pii:
            raise ContentError(f"the grant to {self.role} names an empty class", fix="remove it")
        for reference in self.features:
            if parse_reference(reference).version is not None:
                raise ContentError(f'a grant of "{reference}" names a version', fix="grants hold for all versions")


@dataclass(frozen=True, slots=True)
class Visibility:
    """What one role may see for one purpose: called with a view and a field. Hashable, so plans can be kept by it.

    From `valid_until_us` on it must not be used any more: ask the grants again, and compile the plan again.
    """

    classes: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    valid_until_us: int = FOREVER_US
    everything: bool = False

    def __call__(self, view: Named, field: FeatureField) -> bool:
        if not field.pii or self.everything or field.pii in self.classes:
            return True
        return f"{view.name}:{field.name}" in self.features


NO_PERSONAL_DATA = Visibility()
"""What everybody may see."""
EVERYTHING = Visibility(everything=True)
"""For the operator of the store, who declared the fields; never for a request from outside."""


class Grants:
    """An immutable list of grants. Without a role, or for a purpose never granted, no personal data is seen."""

    def __init__(self, grants: Iterable[Grant] = ()) -> None:
        self._grants = tuple(grants)
        if len(self._grants) > GRANTS_MAX:
            raise ContentError(f"more than {GRANTS_MAX:,} grants", fix="grant classes instead of single features")
        by_caller: dict[tuple[str, str], list[Grant]] = {}
        for grant in self._grants:
            by_caller.setdefault((grant.role, grant.purpose), []).append(grant)
        self._steps = {caller: _Steps(found) for caller, found in by_caller.items()}

    @classmethod
    def from_yaml(cls, path: Path) -> Grants:
        """The grants of a YAML file with the one key `grants`. Raises ContentError with `path:line:column`."""
        return cls.from_text(read_text(path), str(path))

    @classmethod
    def from_text(cls, text: str, source: str) -> Grants:
        """The grants in `text`; `source` is its name in errors. Raises ContentError with `source:line:column`."""
        document = load_document(text, _GrantsDocument, source)
        return cls(entry.grant() for entry in document.grants)

    def __iter__(self) -> Iterator[Grant]:
        return iter(self._grants)

    def __len__(self) -> int:
        return len(self._grants)

    def visible(self, role: str, purpose: str, now_us: int) -> Visibility:
        """What `role` may see for `purpose` at `now_us`. A grant ends at its `expires_us`, not after it."""
        steps = self._steps.get((role, purpose))
        return steps.at(now_us) if steps is not None else NO_PERSONAL_DATA

    def expiring(self, from_us: int, to_us: int) -> tuple[Grant, ...]:
        """Grants that end in [from_us, to_us), soonest first."""
        found = [grant for grant in self._grants if from_us <= grant.expires_us < to_us]
        return tuple(sorted(found, key=lambda grant: (grant.expires_us, grant.role, grant.purpose)))

    def check(self, definitions: DefinitionSet) -> None:
        """Raise ContentError for a grant of something that is not declared: it would protect nothing."""
        views: list[FeatureView | OnDemandFeatureView] = [*definitions.views.values(), *definitions.on_demand.values()]
        fields = {f"{view.name}:{field.name}": field for view in views for field in view.schema}
        classes = {field.pii for field in fields.values() if field.pii}
        for grant in self._grants:
            where = f"grant to {grant.role} for {grant.purpose}"
            for name in grant.pii:
                if name not in classes:
                    raise ContentError(f'no field has pii "{name}"', where=where, fix=nearest(name, classes))
            for name in grant.features:
                if name not in fields:
                    raise ContentError(f'no such feature: "{name}"', where=where, fix=nearest(name, fields))


class _Steps:
    """What one caller may see, as a function of time that changes only when a grant ends."""

    def __init__(self, grants: list[Grant]) -> None:
        self._ends_us = sorted({grant.expires_us for grant in grants})
        self._visible = [_visibility(grants, end_us) for end_us in self._ends_us]

    def at(self, now_us: int) -> Visibility:
        index = bisect_right(self._ends_us, now_us)
        return self._visible[index] if index < len(self._visible) else NO_PERSONAL_DATA


def _visibility(grants: list[Grant], end_us: int) -> Visibility:
    """What holds just before `end_us`, the first end among the grants that still hold."""
    live = [grant for grant in grants if grant.expires_us >= end_us]
    return Visibility(
        frozenset(name for grant in live for name in grant.pii),
        frozenset(name for grant in live for name in grant.features),
        end_us,
    )


def _instant_text(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not an instant; write 2026-12-31T00:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("an instant without a zone; write 2026-12-31T00:00:00Z")
    return text


def _reference_text(text: str) -> str:
    try:
        parse_reference(text)
    except PagerDrillError as error:
        raise ValueError(error.what) from None
    return text


Word = Annotated[str, Field(min_length=1, max_length=WORD_CHARACTERS_MAX, pattern=r"\S")]


class _GrantEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Word
    purpose: Word
    expires: Annotated[str, AfterValidator(_instant_text)]
    granted_by: Word
    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]
    pii: tuple[Word, ...] = ()
    features: tuple[Annotated[str, AfterValidator(_reference_text)], ...] = ()

    @model_validator(mode="after")
    def _grants_something(self) -> _GrantEntry:
        if not self.pii and not self.features:
            raise ValueError("grants nothing; add pii: [email] or features: [view:feature]")
        return self

    def grant(self) -> Grant:
        return Grant(
            role=self.role,
            purpose=self.purpose,
            expires_us=instant_us(datetime.fromisoformat(self.expires)),
            granted_by=self.granted_by,
            reason=self.reason,
            pii=self.pii,
            features=self.features,
        )


class _GrantsDocument(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    grants: Annotated[tuple[_GrantEntry, ...], Field(max_length=GRANTS_MAX)]


def describe(grant: Grant) -> str:
    """One line for people: who may read what, why, until when, by whose word."""
    what = ", ".join([*(f"class {name}" for name in grant.pii), *grant.features])
    until = instant(grant.expires_us).isoformat() if grant.expires_us < FOREVER_US else "for ever"
    return f"{grant.role} for {grant.purpose}: {what}; until {until}; by {grant.granted_by}: {grant.reason}"
