"""What to read for a set of features: compiled once, then used for every request.

A feature that the reader may not see is not in the plan, so no later mistake can serve it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reference_platform.errors import CommandError, nearest
from reference_platform.features.columns import Column
from reference_platform.features.definitions import FeatureView, FeatureViewProjection, Field
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.features.online_store.inputs import KeyColumn, as_list, checked_column, checked_keys
from reference_platform.features.online_store.port import OnlineStore, ViewAnswer, ViewRead
from reference_platform.features.online_store.response import (
    ComputedSection,
    OnlineResponse,
    ResponseShape,
    Section,
    Selection,
    StoredSection,
)
from reference_platform.features.types import FeatureType


@dataclass(frozen=True, slots=True)
class OnDemandSelection:
    """Some of the features that an on-demand view computes."""

    view: OnDemandFeatureView
    features: tuple[str, ...]


PlanPart = FeatureViewProjection | OnDemandFeatureView | OnDemandSelection
Visible = Callable[[Any, Field], bool]
"""Whether the reader may see this field of this view, stored or on demand."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One view read by certain columns of the request; `served` are the features to answer with, in slot order."""

    view: FeatureView
    join_keys: tuple[str, ...]
    needed: tuple[int, ...]
    hidden: tuple[int, ...]
    served: Selection | None


@dataclass(frozen=True, slots=True)
class Computation:
    """One call of an on-demand function: stored inputs as (name, lookup, position), and which outputs to serve."""

    view: OnDemandFeatureView
    stored: tuple[tuple[str, int, Selection], ...]
    request: tuple[str, ...]
    served: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """Immutable; may be shared by threads."""

    join_keys: tuple[str, ...]
    """Columns that a request must bring to say which rows it wants."""
    request_fields: tuple[Field, ...]
    """Columns that a request must bring for on-demand features."""
    names: tuple[str, ...]
    """Names of the features served, in order."""
    lookups: tuple[Lookup, ...]
    computations: tuple[Computation, ...]
    shape: ResponseShape
    key_types: tuple[FeatureType, ...]
    ignored: frozenset[str]
    """Columns that only hidden features would need: accepted, not looked at."""

    @property
    def kinds(self) -> tuple[FeatureType, ...]:
        """Types of `names`."""
        return self.shape.kinds

    def needs(self, view: FeatureView | str) -> tuple[str, ...]:
        """Stored features of `view` that this plan reads, for serving or for computing."""
        name = view if isinstance(view, str) else view.name
        found: dict[str, None] = {}
        for lookup in self.lookups:
            if lookup.view.name == name:
                found |= dict.fromkeys(lookup.view.feature_names[position] for position in lookup.needed)
        return tuple(found)

    def read(self, store: OnlineStore, entities: Mapping[str, Sequence[Any]], now_us: int) -> OnlineResponse:
        """The features of the rows that `entities` names by column: join keys and request values, equally long.

        A null key is NOT_FOUND for its row only. Raises CommandError for missing, unknown, unequal or ill-typed
        columns, and when an on-demand function fails.
        """
        keys, rows = self._keys(entities)
        answers = store.read(
            [ViewRead(each.view, tuple([keys[name] for name in each.join_keys]), rows, True) for each in self.lookups]
        )
        sections: list[Section] = []
        for number, lookup in enumerate(self.lookups):
            if lookup.hidden:
                answers[number] = answers[number].without(lookup.hidden)
            if lookup.served is not None:
                sections.append(StoredSection(answers[number], lookup.served, lookup.view.ttl_us, now_us))
        inputs: dict[str, Any] = dict(keys)
        if self.computations:
            inputs |= {field.name: checked_column(entities[field.name], field) for field in self.request_fields}
            sections += [self._computed(each, answers, inputs, rows, now_us) for each in self.computations]
        return OnlineResponse(self.shape, rows, inputs, sections)

    def _keys(self, entities: Mapping[str, Sequence[Any]]) -> tuple[dict[str, KeyColumn], int]:
        keys: dict[str, KeyColumn] = {}
        rows = -1
        for name, kind in zip(self.join_keys, self.key_types, strict=True):
            if name not in entities:
                raise self._absent(name, entities, "join key")
            keys[name] = column = checked_keys(entities[name], kind, name)
            if len(column) != rows >= 0:
                raise _unequal(name, len(column), self.join_keys[0], rows)
            rows = len(column)
        if len(entities) == len(keys) and not self.request_fields:
            return keys, rows if self.join_keys else 1
        return keys, self._check_others(entities, rows)

    def _check_others(self, entities: Mapping[str, Sequence[Any]], rows: int) -> int:
        known = [*self.join_keys, *(field.name for field in self.request_fields)]
        for field in self.request_fields:
            if field.name not in entities:
                raise self._absent(field.name, entities, "request value")
        first = known[0] if known else ""
        for name in entities:
            if name in self.ignored:
                continue
            if name not in known:
                raise CommandError(f'"{str(name)[:60]}" is no column of this request', fix=nearest(str(name), known))
            length = len(entities[name]) if hasattr(entities[name], "__len__") else len(as_list(entities[name], name))
            if length != rows >= 0:
                raise _unequal(name, length, first, rows)
            rows = length
        return rows if known else 1

    def _absent(self, name: str, entities: Mapping[str, Sequence[Any]], what: str) -> CommandError:
        known = {*self.join_keys, *(field.name for field in self.request_fields)}
        close = difflib.get_close_matches(name, [str(each) for each in entities if each not in known], n=1)
        why = f'it has "{close[0][:60]}", which may be it' if close else ""
        return CommandError(f'the request has no {what} "{name}"', why=why, fix=f'send "{name}": [...]')

    def _computed(
        self, each: Computation, answers: Sequence[ViewAnswer], inputs: Mapping[str, Any], rows: int, now_us: int
    ) -> ComputedSection:
        columns: dict[str, Column] = {}
        for name, lookup, selection in each.stored:
            ttl_us = self.lookups[lookup].view.ttl_us
            columns[name] = StoredSection(answers[lookup], selection, ttl_us, now_us).column(0)
        columns |= {name: inputs[name] for name in each.request}
        from reference_platform.errors import PagerDrillError
        from reference_platform.features.transformations import run_on_demand

        try:
            made = run_on_demand(each.view, columns, rows)
        except PagerDrillError:
            raise
        except Exception as error:  # noqa: BLE001  (the author's code may raise anything; values stay out of the message)
            raise CommandError(
                f"on-demand view {each.view.name} failed: {type(error).__name__}", fix="mend its function"
            ) from None
        return ComputedSection(tuple([made[position] for position in each.served]), rows)


def _unequal(name: str, length: int, first: str, rows: int) -> CommandError:
    return CommandError(
        f'column "{name}" has {length} values and "{first}" has {rows}', fix="send one value per row in every column"
    )
