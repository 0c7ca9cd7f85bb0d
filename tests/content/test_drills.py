"""The promises about content: experts are strong, sleepers, panickers and cheats are not, whatever the seed."""

from __future__ import annotations

import pytest

from simulator.players.scripts import CHEATS
from simulator.session.drill import Step
from tests.content.night import open_night, play_copies, scripts_of

FAULTED = ("gateway-504-at-3am", "oom-after-model-update", "stale-predictions-three-days")
SEEDS = tuple(range(1, 21))
FAST_SEEDS = (1,)


def _check_faulted(scenario: str, seed: int) -> None:
    session = open_night(scenario, seed)
    played = play_copies(session, scripts_of(session, ("expert", "idle", "panic", *CHEATS)))
    expert = played.pop("expert")
    assert expert["verdict"] == "strong", (scenario, seed, expert)
    assert expert["failed_commands"] == []
    for name, result in played.items():
        assert result["verdict"] == "no", (scenario, seed, name, result)
        assert result["score"] < expert["score"], (scenario, seed, name)


def _check_healthy(seed: int) -> None:
    session = open_night("healthy-night", seed)
    played = play_copies(session, scripts_of(session, ("expert", "idle", "panic")))
    assert played["expert"]["verdict"] == "strong", (seed, played["expert"])
    assert played["expert"]["failed_commands"] == []
    assert played["idle"]["verdict"] == "no", (seed, played["idle"])
    assert played["panic"]["verdict"] == "no", (seed, played["panic"])


@pytest.mark.parametrize("scenario", FAULTED)
@pytest.mark.parametrize("seed", FAST_SEEDS)
def test_expert_is_strong_and_everybody_else_is_not(scenario: str, seed: int) -> None:
    """One seed of what the sweep shows for twenty."""
    _check_faulted(scenario, seed)


@pytest.mark.parametrize("seed", FAST_SEEDS)
def test_on_a_healthy_night_only_the_calm_are_strong(seed: int) -> None:
    """One seed of what the sweep shows for twenty."""
    _check_healthy(seed)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scenario", FAULTED)
def test_sweep_of_the_faulted_drills(scenario: str, seed: int) -> None:
    """Experts strong; idle, panic and every cheat No Hire."""
    _check_faulted(scenario, seed)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", SEEDS)
def test_sweep_of_the_healthy_night(seed: int) -> None:
    """Expert strong; idle and panic No Hire."""
    _check_healthy(seed)


def _good_steps(script: tuple[Step, ...]) -> list[int]:
    return [index for index, step in enumerate(script) if step.line]


@pytest.mark.sweep
@pytest.mark.parametrize("scenario", (*FAULTED, "healthy-night"))
def test_leaving_out_a_good_step_never_scores_higher(scenario: str) -> None:
    """Every command of the expert's script is dropped in turn."""
    session = open_night(scenario, 1)
    script = session.simulation.drill.expert
    variants = {f"without {i}: {script[i].line}": (*script[:i], *script[i + 1 :]) for i in _good_steps(script)}
    played = play_copies(session, {"whole": script, **variants})
    whole = played.pop("whole")
    better = {name: result["score"] for name, result in played.items() if result["score"] > whole["score"]}
    assert not better, (whole["score"], better)
