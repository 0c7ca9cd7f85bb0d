"""Columns of requests as the declarations want them: what JSON cannot say is said in words, and is put right here."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reference_platform.errors import ContentError
from reference_platform.features.definition_set import DefinitionSet, UnknownFeatureError
from reference_platform.features.definitions import FeatureView, FeatureViewProjection
from reference_platform.features.services import Part
from reference_platform.features.types import FeatureType, Int32, Int64
from reference_platform.live.coercion import coerced
from reference_platform.live.refusals import RefusedError

READINGS_MAX = 256


@dataclass(frozen=True, slots=True)
class Reading:
    """What a list of features needs of a request: the types of join keys and request data, and whose each answer is."""

    columns: Mapping[str, FeatureType]
    views: Mapping[str, str]

    def entities(self, given: Mapping[str, list[Any]]) -> Mapping[str, list[Any]]:
        """The columns that are needed, typed; all as they came when one is missing, so that the store can say which.

        What does not fit stays as it is: the store refuses it, or does not care because the caller may not see why.
        """
        if not self.columns.keys() <= given.keys():
            return {name: _typed(values, self.columns.get(name), name) for name, values in given.items()}
        return {name: _typed(given[name], kind, name) for name, kind in self.columns.items()}


_NOTHING = Reading({}, {})


class Readings:
    """The newest readings by what was asked; forgotten when the definitions change. Bounded."""

    def __init__(self) -> None:
        self._definitions: DefinitionSet | None = None
        self._held: OrderedDict[tuple[object, bool], Reading] = OrderedDict()

    def reading(self, definitions: DefinitionSet, asked: str | tuple[str, ...], full_names: bool) -> Reading:
        """What `asked` needs; nothing when it does not exist: the store says so, as it knows who may hear what."""
        if definitions is not self._definitions:
            self._held.clear()
            self._definitions = definitions
        held = self._held.get((asked, full_names))
        if held is None:
            try:
                held = _reading(definitions.parts(asked), full_names)
            except (UnknownFeatureError, ContentError):
                return _NOTHING
            self._held[asked, full_names] = held
            if len(self._held) > READINGS_MAX:
                self._held.popitem(last=False)
        return held


def typed_rows(
    views: Sequence[FeatureView], columns: Mapping[str, list[Any]], *, transform: bool
) -> dict[str, list[Any]]:
    """Rows for `views`, with every declared column of its type. Raises RefusedError.

    The columns that a view's own code will read are left as they came.
    """
    kinds: dict[str, FeatureType] = {}
    for view in views:
        if not (transform and view.transformation is not None):
            kinds |= {field.name: field.dtype for field in view.schema}
        kinds |= dict(zip(view.join_keys, view.key_types, strict=True))
    return {name: coerced(values, kinds[name], name) if name in kinds else values for name, values in columns.items()}


def _reading(parts: Sequence[Part], full_names: bool) -> Reading:
    keys: dict[str, FeatureType] = {}
    requests: dict[str, FeatureType] = {}
    views: dict[str, str] = {}
    for part in parts:
        stored = (part,) if isinstance(part, FeatureViewProjection) else part.projections
        for projection in stored:
            kinds = projection.view.key_types
            # Keys compare by value: a number too large for its column is a key that is not there.
            keys |= {
                name: Int64 if kind is Int32 else kind for name, kind in zip(projection.join_keys, kinds, strict=True)
            }
        if isinstance(part, FeatureViewProjection):
            names, view = part.features, part.view.name
        else:
            requests |= {field.name: field.dtype for field in part.request_fields}
            names, view = part.feature_names, part.name
        views |= {f"{part.name}__{name}" if full_names else name: view for name in names}
    return Reading({**keys, **requests}, views)


def _typed(values: list[Any], kind: FeatureType | None, name: str) -> list[Any]:
    try:
        return values if kind is None else coerced(values, kind, name)
    except RefusedError:
        return values
