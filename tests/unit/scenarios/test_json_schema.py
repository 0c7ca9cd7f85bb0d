"""The JSON Schema accepts what the loader accepts, and refuses what the loader refuses for its structure."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reference_platform.documents import load_document
from reference_platform.errors import ContentError
from scenarios.json_schema import scenario_schema
from scenarios.library import entries
from scenarios.loaded import RawDocument
from scenarios.loader import load_scenario_text
from tests.content.mutants import mutant
from tests.content.short_drill import TEXT

SCENARIOS = [entry.scenario_id for entry in entries()]
VALIDATOR = Draft202012Validator(scenario_schema())


class _Gone:
    """Its name is part of a test's, and every worker must call the test the same."""

    def __repr__(self) -> str:
        return "gone"


GONE = _Gone()
Path = tuple[str | int, ...]

WRONG: list[tuple[Path, Any]] = [
    (("schema",), GONE), (("schema",), 2), (("schema",), "1"), (("schema",), True), (("schema",), None),
    (("id",), GONE), (("id",), ""), (("id",), "Short"), (("id",), "a--b"), (("id",), "a_b"), (("id",), 7),
    (("title",), GONE), (("title",), ""), (("title",), ["x"]), (("titel",), "x"), (("level",), "expert"),
    (("family",), "Big Data"), (("platform",), ""), (("platform",), 1), (("brief",), GONE), (("brief",), {}),
    (("clock",), GONE), (("clock",), "Tue 10:00"), (("clock", "starts"), GONE), (("clock", "starts"), "Tue 24:00"),
    (("clock", "starts"), "Tuesday 10:00"), (("clock", "starts"), "Tue 9:00"), (("clock", "drill"), 540),
    (("clock", "drill"), "0s"), (("clock", "drill"), "9 minutes"), (("clock", "drill"), GONE),
    (("clock", "joins"), "page"), (("clock", "joins_by"), "0.0h"), (("clock", "joins_by"), "-1h"),
    (("clock", "ends"), "1h"),
    (("faults",), {}), (("faults", 0), "online_store.slow"), (("faults", 0, "fault"), GONE),
    (("faults", 0, "fault"), "online_store.slwo"), (("faults", 0, "at"), GONE), (("faults", 0, "at"), "soon"),
    (("faults", 0, "at"), "joined 10m"), (("faults", 0, "at"), "5..10m"), (("faults", 0, "with"), []),
    (("faults", 0, "with", "sync_ms"), "fast"), (("faults", 0, "with", "sync_ms"), 0),
    (("faults", 0, "with", "sync_ms"), 5001), (("faults", 0, "with", "sync"), 1),
    (("faults", 0, "cause"), "online-store"),
    (("faults", 0, "accepted"), ["Store:slow"]), (("faults", 0, "near"), "online-store:slow"),
    (("words",), {"components": {"A b": "x"}}), (("words",), {"mechanisms": {"x-y": "x"}}),
    (("words",), {"faults": {}}),
    (("people",), "Dana"), (("people", 0, "name"), GONE), (("people", 0, "role"), ""), (("people", 0, "review_at"), 78),
    (("people", 0, "mail"), "x"), (("hints",), ["a", "b", "c", "d", "e"]), (("hints",), [""]), (("hints",), "a"),
    (("runbooks",), ["x"]), (("runbooks", "gateway"), ""), (("judged",), [1]), (("expert",), "ack"),
    (("expert", 0), ""),
    (("expert", 0), "  "), (("expert", 0), 7), (("expert", 0), {"wait": 90}), (("expert", 0), {"wait": "90"}),
    (("expert", 0), {"waits": "90s"}), (("expert", 0), {}), (("expert", 0), {"command": "ack"}),
    (("wrong_turns",), [{"name": "x"}]), (("wrong_turns",), [{"name": "x", "steps": []}]), (("other_fixes",), ["ack"]),
    (("overlay",), []), (("overlay", "nodez"), []), (("overlay", "traffic", "requests_per_s"), "many"),
    (("overlay", "traffic", "requests_per_s"), 0), (("overlay", "traffic", "requests_per_s"), "1s..2s"),
    (("overlay", "slo"), {"availability": 1.5}), (("overlay", "gateway"), {"retry": {"attempts_max": 2.5}}),
    (("overlay", "gateway"), {"retry": {"attempts_max": "1.5..2.5"}}),
    (("overlay", "gateway"), {"retry": {"backoff": 1}}),
    (("overlay", "deployments"), [{"replicas": 2}]), (("overlay", "deployments"), {"gateway": {}}),
    (("overlay", "deployments"), [{"name": "gateway", "memory_limit": "2 Gi"}]),
    (("overlay", "deployments"), [{"name": "gateway", "replica": 2}]),
    (("overlay", "deployments"), [{"name": "gateway", "kind": "DaemonSet"}]),
    (("overlay", "alerts"), [{"name": "SiteOnDefaults", "severity": "P4"}]), (("overlay", "scrape"), {"active": "15"}),
]  # fmt: skip

RIGHT: list[tuple[Path, Any]] = [
    (("overlay",), GONE), (("overlay",), {}), (("overlay", "traffic", "requests_per_s"), "20..30"),
    (("overlay", "traffic", "requests_per_s"), "20.5..30"),
    (("overlay", "gateway"), {"retry": {"attempts_max": "1..2"}}),
    (("overlay", "gateway"), {"retry": {"backoff": "100ms..1s"}}),
    (("overlay", "deployments"), [{"name": "gateway", "memory_limit": "2Gi..3GiB", "replicas": "1..2"}]),
    (("overlay", "slo"), {"availability": 1}), (("clock", "joins"), GONE), (("clock", "joins_by"), "1h30m"),
    (("faults",), []), (("faults", 0, "at"), "joined + 2m"), (("faults", 0, "at"), "joined+1m..2m"),
    (("faults", 0, "with"), GONE),
    (("faults", 0, "with", "sync_ms"), "700..900"), (("faults", 0, "cause"), "online-store:config_error"),
    (("faults", 0, "cause"), None), (("people", 0, "review_at"), "8m"), (("people", 0, "review_at"), None),
    (("people", 0, "knows"), ""), (("words",), {"components": {"disk-1": "x"}, "mechanisms": {"slow_disk": "y"}}),
    (("expert", 0), {"wait": "90s"}), (("expert", 0), {"wait": "0s"}), (("hints",), GONE), (("judged",), ["pods"]),
    (("wrong_turns",), [{"name": "x", "steps": ["slo", {"wait": "1m"}]}]), (("title",), "Кто-то 在线 🐌"),
]  # fmt: skip


def _changed(path: Path, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(load_document(TEXT, RawDocument, "d.yaml").root)
    holder: Any = document
    for step in path[:-1]:
        holder = holder[step]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return document


def _loads(document: dict[str, Any]) -> bool:
    try:
        load_scenario_text(json.dumps(document, ensure_ascii=False), "d.yaml")
    except ContentError:
        return False
    return True


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(scenario_schema())
    json.dumps(scenario_schema(), allow_nan=False)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_shipped_drill_fits(scenario: str) -> None:
    path = next(entry.path for entry in entries() if entry.scenario_id == scenario)
    document = load_document(path.read_text(encoding="utf-8"), RawDocument, str(path)).root
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


def test_there_are_sixty_wrong_documents_and_more() -> None:
    assert len(WRONG) >= 60


@pytest.mark.parametrize(("path", "value"), WRONG, ids=lambda item: str(item)[:40])
def test_what_the_loader_refuses_for_its_structure_the_schema_refuses(path: Path, value: Any) -> None:
    document = _changed(path, value)
    assert not _loads(document)
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize(("path", "value"), RIGHT, ids=lambda item: str(item)[:40])
def test_what_the_loader_accepts_the_schema_accepts(path: Path, value: Any) -> None:
    document = _changed(path, value)
    assert _loads(document)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize("begin", range(0, 200, 50))
def test_the_schema_never_refuses_what_the_loader_accepts(begin: int) -> None:
    """Drills changed at random: whatever loads must fit."""
    loaded = 0
    for seed in range(begin, begin + 50):
        changed, text = mutant(SCENARIOS[seed % len(SCENARIOS)], seed)
        document = yaml.safe_load(text)
        if _loads(document):
            loaded += 1
            assert VALIDATOR.is_valid(document), changed
    assert 10 <= loaded <= 45


@pytest.mark.parametrize(
    "change",
    [
        (("overlay", "traffic", "requests_per_s"), "30..20"),
        (("overlay", "nodes"), [{"name": "gpu-9", "pool": "gpu"}]),
        (("platform",), "nowhere"),
        (("faults", 0, "cause"), "nobody:slow_dependency"),
    ],
)
def test_what_is_beyond_a_schema_is_left_to_the_loader(change: tuple[Path, Any]) -> None:
    """As the module says; should one of these become expressible, the list there is to be shortened."""
    document = _changed(*change)
    assert VALIDATOR.is_valid(document)
    assert not _loads(document)
