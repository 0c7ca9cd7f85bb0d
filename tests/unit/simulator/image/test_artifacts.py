"""Editing one thing makes again what depends on it, and nothing else."""

from __future__ import annotations

import pytest

from reference_platform.models.catalogue import CARDS
from simulator.image.artifacts import HISTORY, REGISTRY, artifacts, code_of, keys_of, rows_of, weights_of
from simulator.image.import_graph import Sources
from simulator.image.plan import BuildPlan

PLAN, VERSIONS = BuildPlan().to_json(), {"numpy": "2"}
NAMES = tuple(item.name for item in artifacts(CARDS.values()))
ROWS, WEIGHTS = {rows_of(model) for model in CARDS}, {weights_of(model) for model in CARDS}
RANKING = "search-ranking"
MODELS, WORLD = "reference_platform.models.search_ranking", "simulator.world.search_ranking"


@pytest.fixture(scope="module")
def code() -> dict[str, str]:
    return code_of()


def edited(module: str) -> dict[str, str]:
    """The digests after one more line in that module."""
    return code_of(Sources(edits={module: f"{Sources().text(module)}\nANOTHER_LIMIT = 7\n"}))


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    assert one.keys() == other.keys() == set(NAMES)
    return {name for name in one if one[name] != other[name]}


@pytest.mark.parametrize(
    ("module", "decides"),
    [
        (f"{MODELS}.trainer", {weights_of(RANKING)}),
        (f"{WORLD}.examples", {rows_of(RANKING)}),
        (f"{MODELS}.card", {rows_of(RANKING), weights_of(RANKING)}),
        (f"{WORLD}.value", set()),
        ("simulator.world.customers", {HISTORY, REGISTRY} | ROWS | WEIGHTS),
        ("reference_platform.arithmetic", set(NAMES)),
        ("reference_platform.registry.snapshot", {REGISTRY}),
        ("simulator.plant.quality", set()),
    ],
)
def test_an_edit_changes_the_code_of_what_it_decides(code: dict[str, str], module: str, decides: set[str]) -> None:
    assert differing(code, edited(module)) == decides


@pytest.mark.parametrize(
    ("module", "made_again"),
    [
        (f"{MODELS}.trainer", {weights_of(RANKING), REGISTRY}),
        (f"{WORLD}.examples", {rows_of(RANKING), weights_of(RANKING), REGISTRY}),
        ("simulator.image.history", set(NAMES)),
    ],
)
def test_what_is_made_from_a_part_is_made_again_with_it(
    code: dict[str, str], module: str, made_again: set[str]
) -> None:
    before, after = keys_of(PLAN, VERSIONS, code), keys_of(PLAN, VERSIONS, edited(module))
    assert differing(before, after) == made_again


def test_plan_and_libraries_are_in_every_key(code: dict[str, str]) -> None:
    keys = keys_of(PLAN, VERSIONS, code)
    assert len(set(keys.values())) == len(NAMES)
    assert differing(keys, keys_of(BuildPlan(seed=1).to_json(), VERSIONS, code)) == set(NAMES)
    assert differing(keys, keys_of(PLAN, {"numpy": "2.1"}, code)) == set(NAMES)


def test_what_is_made_from_unknown_code_has_no_key(code: dict[str, str]) -> None:
    known = {name: digest for name, digest in code.items() if name != rows_of(RANKING)}
    keys = keys_of(PLAN, VERSIONS, known)
    assert set(NAMES) - set(keys) == {rows_of(RANKING), weights_of(RANKING), REGISTRY}
    assert keys_of(PLAN, VERSIONS, {}) == {}
