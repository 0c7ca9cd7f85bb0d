"""Names of causes that a scenario gives itself: every word must be one that a responder could type in this drill."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pydantic import JsonValue

from reference_platform.documents import locate
from reference_platform.errors import ContentError, nearest
from scenarios.ranges import Path
from scenarios.schema import Scenario


def check_causes(scenario: Scenario, platform: JsonValue, brought: Collection[str], text: str, source: str) -> None:
    """Raises ContentError at the first cause with a word nobody knows.

    `platform` is the document with the overlay on it, `brought` are components that the faults themselves add.
    """
    from simulator.incident.vocabulary import ALWAYS, MECHANISMS

    components = {*ALWAYS, *brought, *scenario.words.components, *_named(platform)}
    mechanisms = {*MECHANISMS, *scenario.words.mechanisms}
    for path, (component, mechanism) in _causes(scenario):
        for kind, word, known in (("component", component, components), ("mechanism", mechanism, mechanisms)):
            if word not in known:
                fix = f'{nearest(word, known)}   or say what it means under "words: {{{kind}s: ...}}"'
                raise ContentError(f'no {kind} "{word}"', where=locate(text, source, path), fix=fix)


def _causes(scenario: Scenario) -> Iterator[tuple[Path, tuple[str, str]]]:
    for index, fault in enumerate(scenario.faults):
        if fault.cause is not None:
            yield ("faults", index, "cause"), fault.cause
        for key, causes in (("accepted", fault.accepted), ("near", fault.near)):
            for at, cause in enumerate(causes):
                yield ("faults", index, key, at), cause


def _named(platform: JsonValue) -> Iterator[str]:
    """Models, workloads with their components, and machines."""
    assert isinstance(platform, Mapping), "a platform document is a mapping"
    for key in ("models", "deployments", "nodes"):
        items = platform.get(key, [])
        assert isinstance(items, list), "a checked platform lists its things"
        for item in items:
            assert isinstance(item, Mapping), "a checked platform lists its things"
            yield str(item["name"])
            if "component" in item:
                yield str(item["component"])
