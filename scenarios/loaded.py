"""A scenario that has been read and checked, with the texts it came from."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue, RootModel

from scenarios.schema import Scenario


class RawDocument(RootModel[dict[str, JsonValue]]):
    """A document as written, before it means anything."""


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A checked scenario with the texts it came from."""

    scenario: Scenario
    platform: dict[str, JsonValue]
    """The platform document as written, before the overlay."""
    source_text: str
    source_name: str
