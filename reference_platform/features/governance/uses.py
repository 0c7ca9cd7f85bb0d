"""Which registered model versions read which features.

A version says so in its tag `feature_refs`: references `view:feature`, separated by commas; `view:*` stands for every
feature of a view. Names hold neither commas nor colons, so the text needs no quoting. Versions without it are read
from `feast.feature_refs`, which another store's MLflow integration writes, and from `features`, a list of views.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reference_platform.errors import ContentError
from reference_platform.features.definition_set import DefinitionSet
from reference_platform.features.definitions import FeatureView, FeatureViewProjection
from reference_platform.features.governance.edits import references
from reference_platform.features.naming import parse_reference
from reference_platform.features.on_demand import OnDemandFeatureView
from reference_platform.registry.port import ModelRegistry

FEATURE_REFS_TAG = "feature_refs"
FEATURE_SERVICE_TAG = "feature_service"
VIEWS_TAG = "features"
PEER_REFS_TAG = "feast.feature_refs"
PEER_SERVICE_TAG = "feast.feature_service"
TAG_CHARACTERS_MAX = 8000
"""Fits the tags of a run and of a model version. Source: MLflow 3, mlflow/utils/validation.py, MAX_TAG_VAL_LENGTH."""
PROTECTED = ("champion", "challenger")
"""Aliases under which a version answers requests, or is about to."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """One alias of one version, and what it reads. `alias` is empty for a version that no alias points at."""

    model: str
    version: int
    alias: str
    features: tuple[str, ...]
    service: str = ""

    @property
    def protected(self) -> bool:
        """Whether breaking it breaks an answer to somebody."""
        return self.alias in PROTECTED

    def __str__(self) -> str:
        return f"{self.model} v{self.version}" + (f" ({self.alias})" if self.alias else "")


def feature_refs(references: Iterable[str]) -> str:
    """The value of `FEATURE_REFS_TAG` for `references`.

    Raises ContentError for what is no reference and for more than a tag can hold: then name whole views with `view:*`.
    """
    named = list(dict.fromkeys(references))
    for reference in named:
        if not reference.endswith(":*"):
            parse_reference(reference)
    text = ",".join(named)
    if len(text) > TAG_CHARACTERS_MAX:
        raise ContentError(
            f"{len(named):,} references take {len(text):,} characters, and a tag holds {TAG_CHARACTERS_MAX:,}",
            fix='write "view:*" for views that are read whole',
        )
    return text


def used_features(tags: Mapping[str, str]) -> tuple[str, ...]:
    """The references in the tags of a model version; empty when it says nothing."""
    if text := tags.get(FEATURE_REFS_TAG) or tags.get(PEER_REFS_TAG, ""):
        return tuple(_listed(text))
    return tuple(f"{view}:*" for view in _listed(tags.get(VIEWS_TAG, "")))


def model_uses(registry: ModelRegistry) -> tuple[ModelUse, ...]:
    """What every version that says so reads, one entry for each of its aliases; sorted by model, version and alias."""
    found: list[ModelUse] = []
    for name in registry.names():
        aliases: dict[int, list[str]] = {}
        for alias, number in registry.aliases(name).items():
            aliases.setdefault(number, []).append(alias)
        for version in registry.versions(name):
            features = used_features(version.tags)
            service = version.tags.get(FEATURE_SERVICE_TAG) or version.tags.get(PEER_SERVICE_TAG, "")
            if features or service:
                pointing = sorted(aliases.get(version.version, [""]))
                found += [ModelUse(name, version.version, alias, features, service) for alias in pointing]
    return tuple(found)


def resolved_uses(uses: Iterable[ModelUse], definitions: DefinitionSet) -> list[tuple[ModelUse, frozenset[str]]]:
    """Each use with the declared references behind what it reads, whatever a service calls their views."""
    aliases = _aliases(definitions)
    views: list[FeatureView | OnDemandFeatureView] = [*definitions.views.values(), *definitions.on_demand.values()]
    # Nearly every name is a declared reference that can mean nothing else.
    plain = frozenset(name for view in views if view.name not in aliases for name in references(view))
    return [(use, _resolved(use.features, plain, aliases, definitions)) for use in uses]


def _aliases(definitions: DefinitionSet) -> dict[str, set[str]]:
    """The declared views behind each other name that a service or an on-demand view gives one."""
    parts = [part for service in definitions.services.values() for part in service.features]
    parts += [part for view in definitions.on_demand.values() for part in view.projections]
    found: dict[str, set[str]] = {}
    for part in parts:
        if isinstance(part, FeatureViewProjection) and part.name != part.view.name:
            found.setdefault(part.name, set()).add(part.view.name)
    return found


def _resolved(
    names: Sequence[str], plain: frozenset[str], aliases: Mapping[str, set[str]], definitions: DefinitionSet
) -> frozenset[str]:
    """The declared references behind what a model version says it reads, under whatever name."""
    simple = plain.intersection(names)
    if len(simple) == len(names):
        return simple
    found = set(simple)
    for name in names:
        if name in plain:
            continue
        called, _, feature = name.partition(":")
        called = called.partition("@v")[0]
        for view in {called, *aliases.get(called, ())}:
            if feature in ("", "*"):
                declared = definitions.views.get(view) or definitions.on_demand.get(view)
                found.update(references(declared) if declared else ())
            else:
                found.add(f"{view}:{feature}")
    return frozenset(found)


def _listed(text: str) -> list[str]:
    if text.startswith("["):
        try:
            return [item for item in json.loads(text) if isinstance(item, str)]
        except ValueError:
            return []
    return [part.strip() for part in text.split(",") if part.strip()]
