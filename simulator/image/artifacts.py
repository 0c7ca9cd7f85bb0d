"""The parts that a platform is made of, what code decides each, and a key that names its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reference_platform.models.card import ModelCard
from reference_platform.models.catalogue import CARDS
from reference_platform.models.training import TRAINER
from simulator.image.import_graph import Sources
from simulator.image.plan import BuildPlan
from simulator.world.catalogue import side_of

HISTORY = "history"
REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One part. `entries` are the modules whose import graph decides it, `inputs` the parts that it is made from."""

    name: str
    entries: tuple[str, ...]
    inputs: tuple[str, ...] = ()


def rows_of(model: str) -> str:
    """The artifact with a model's training rows."""
    return f"rows/{model}"


def weights_of(model: str) -> str:
    """The artifact with the trained versions of a model."""
    return f"weights/{model}"


def artifacts(cards: Iterable[ModelCard]) -> tuple[Artifact, ...]:
    """All parts of a platform with these models; inputs come before what is made from them."""
    found = [Artifact(HISTORY, ("simulator.image.history",))]
    for card in cards:
        described = f"{card.package}.card"
        examples = side_of(card.name).examples.__module__
        rows = Artifact(rows_of(card.name), (described, examples, "simulator.image.history"), (HISTORY,))
        trainer = f"{card.package}.{TRAINER}"
        fitted = (described, trainer, "simulator.image.fitting")
        found += [rows, Artifact(weights_of(card.name), fitted, (rows.name,))]
    made_of = tuple(item.name for item in found)
    return (*found, Artifact(REGISTRY, ("simulator.image.assembly",), made_of))


def code_of(sources: Sources | None = None, cards: Iterable[ModelCard] = tuple(CARDS.values())) -> dict[str, str]:
    """Digest of the code that decides each artifact, by name."""
    read = sources or Sources()
    return {item.name: read.digest(item.entries) for item in artifacts(cards)}


def keys_of(
    plan: str, versions: Mapping[str, str], code: Mapping[str, str], cards: Iterable[ModelCard] = tuple(CARDS.values())
) -> dict[str, str]:
    """16 hex digits for each artifact: the same for the same plan, libraries, code and inputs.

    An artifact whose code is not known is left out, and with it whatever is made from it.
    """
    keys: dict[str, str] = {}
    for item in artifacts(cards):
        if item.name in code and all(name in keys for name in item.inputs):
            parts = (plan, sorted(versions.items()), code[item.name], [keys[name] for name in item.inputs])
            keys[item.name] = hashlib.sha256(repr((item.name, *parts)).encode()).hexdigest()[:16]
    return keys


def platform_key(plan: BuildPlan, versions: Mapping[str, str]) -> str:
    """The key of a whole platform made by the code that runs."""
    return keys_of(plan.to_json(), versions, code_of())[REGISTRY]
