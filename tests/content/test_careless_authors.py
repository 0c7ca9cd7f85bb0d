"""No file that lint calls clean ends in a bug of ours: whatever was changed, it is refused or plays to its end."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from scenarios.compile import to_drill
from scenarios.fleet import NightRequest, Task, run_here
from scenarios.lint import lint
from scenarios.loader import load_scenario
from simulator.image.builder import ensure_image
from simulator.players.scripts import panic
from tests.content.mutants import mutant, shipped_document

SCENARIOS = (
    "gateway-504-at-3am",
    "oom-after-model-update",
    "stale-predictions-three-days",
    "clicks-put-aside",
    "healthy-night",
)
CHUNK = 25


def _check(seeds: range, folder: Path) -> tuple[int, int]:
    """How many of the mutants lint refused, and how many it called clean."""
    told: dict[int, str] = {}
    nights: list[NightRequest] = []
    for seed in seeds:
        changed, text = mutant(SCENARIOS[seed % len(SCENARIOS)], seed)
        path = folder / f"{seed}.yaml"
        path.write_text(text, encoding="utf-8")
        if not lint(str(path)):
            drill = to_drill(load_scenario(str(path)), seed)
            told[len(nights)] = f"{path.name}: {changed}"
            nights.append(NightRequest(drill, seed, (Task("expert", drill.expert), Task("panic", panic(drill)))))
    for message in run_here(nights, ensure_image(), 1):
        assert message.outcome is None or "failed" not in message.outcome, (told[message.night], message.outcome)
    return len(seeds) - len(nights), len(nights)


def test_a_changed_drill_is_refused_or_plays_to_its_end(tmp_path: Path) -> None:
    """Both happen: the proof would be empty if lint refused everything, or nothing."""
    refused, clean = _check(range(15), tmp_path)
    assert refused >= 5
    assert clean >= 2


@pytest.mark.sweep
@pytest.mark.parametrize("begin", range(100, 400, CHUNK))
def test_many_changed_drills_are_refused_or_play_to_their_end(tmp_path: Path, begin: int) -> None:
    _check(range(begin, begin + CHUNK), tmp_path)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_unchanged_small_drill_is_clean(tmp_path: Path, scenario: str) -> None:
    """So that what is refused is refused for its change."""
    path = tmp_path / "same.yaml"
    document = shipped_document(scenario)
    path.write_text(yaml.dump(document, sort_keys=False, width=10_000, default_flow_style=None), encoding="utf-8")
    assert [str(problem) for problem in lint(str(path))] == []
