"""What every drill of the library promises before anybody plays it."""

from __future__ import annotations

import json

import pytest

from scenarios.compile import to_drill
from scenarios.library import entries
from scenarios.lint import LINES_MAX, lint
from scenarios.loader import load_scenario
from simulator.drill.spec import DrillSpec
from simulator.faults.registry import FAULTS
from simulator.shell.run import understand

SCENARIOS = [entry.scenario_id for entry in entries()]
SEEDS = range(1, 21)


def _drill(scenario: str, seed: int = 1) -> DrillSpec:
    return to_drill(load_scenario(scenario), seed)


def test_the_library_has_the_first_four_drills() -> None:
    expected = {"gateway-504-at-3am", "oom-after-model-update", "stale-predictions-three-days", "healthy-night"}
    assert expected <= set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_drill_is_clean_and_short(scenario: str) -> None:
    loaded = load_scenario(scenario)
    assert lint(scenario) == []
    assert loaded.source_text.count("\n") <= LINES_MAX == 80
    assert loaded.source_text.startswith("schema: 1\n")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_drill_offers_hints_people_runbooks_and_an_expert(scenario: str) -> None:
    drill = _drill(scenario)
    assert len(drill.hints) >= 3
    assert len({*drill.hints}) == len(drill.hints)
    assert len(drill.people) >= 2
    assert drill.runbooks
    assert len([step for step in drill.expert if step.line]) >= 10


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_brief_gives_nothing_away(scenario: str) -> None:
    """Neither the cause nor the component at fault is named before the clock starts."""
    drill = _drill(scenario)
    for fault in drill.faults:
        known = FAULTS[fault.fault_id]
        for word in (known.mechanism, known.mechanism.replace("_", " "), fault.fault_id):
            assert word not in drill.brief.lower()
            assert word not in drill.title.lower()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_line_of_the_expert_is_a_command(scenario: str) -> None:
    for step in _drill(scenario).expert:
        if step.line:
            typed = understand(step.line)
            assert typed.problem is None, step.line
            assert typed.command is not None


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_expert_has_time_to_finish(scenario: str) -> None:
    from simulator.players.play import THINK_S

    drill = _drill(scenario)
    took_s = 0.0
    for step in drill.expert:
        took_s += step.wait_s if not step.line else THINK_S + understand(step.line).takes_s
    assert took_s < drill.drill_s


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_seeds_draw_other_instants_within_the_drill(scenario: str) -> None:
    for seed in SEEDS:
        drill = _drill(scenario, seed)
        for fault in drill.faults:
            assert 0.0 <= fault.at_s < drill.joins_by_s
            FAULTS[fault.fault_id].model_validate(dict(fault.params))
        assert _drill(scenario, seed) == drill


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_drill_survives_its_run_file(scenario: str) -> None:

    drill = _drill(scenario)
    assert DrillSpec.from_json(json.loads(json.dumps(drill.to_json()))) == drill
