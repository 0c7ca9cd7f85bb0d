"""The promises about content: experts are strong, sleepers, panickers and cheats are not, whatever the seed."""

from __future__ import annotations

import os

import pytest

from simulator.drill.spec import Step
from simulator.players.scripts import CHEATS
from tests.content.night import open_night, play_copies, scripts_of

FAULTED = ("gateway-504-at-3am", "oom-after-model-update", "stale-predictions-three-days", "clicks-put-aside")
SEEDS = tuple(range(1, int(os.environ.get("PAGERDRILL_SWEEP_SEEDS", "20")) + 1))
FAST_SEEDS = (1,)
FAST = ("gateway-504-at-3am",)
"""The night that passes soonest. The experts of all others are in the goldens, everybody else in the sweep."""
SEEDS_MOST = {"clicks-put-aside": 6}
"""Nights of drills that are swept less, so that the whole sweep stays within a coffee."""
NIGHTS = [(name, seed) for name in FAULTED for seed in SEEDS if seed <= SEEDS_MOST.get(name, max(SEEDS))]


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


@pytest.mark.parametrize("scenario", FAST)
@pytest.mark.parametrize("seed", FAST_SEEDS)
def test_expert_is_strong_and_everybody_else_is_not(scenario: str, seed: int) -> None:
    """One seed of what the sweep shows for twenty."""
    _check_faulted(scenario, seed)


@pytest.mark.parametrize("seed", FAST_SEEDS)
def test_on_a_healthy_night_only_the_calm_are_strong(seed: int) -> None:
    """One seed of what the sweep shows for twenty."""
    _check_healthy(seed)


@pytest.mark.sweep
@pytest.mark.parametrize(("scenario", "seed"), NIGHTS)
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
@pytest.mark.parametrize("scenario", [*FAULTED, "healthy-night"])
def test_leaving_out_a_good_step_never_scores_higher(scenario: str) -> None:
    """Every command of the expert's script is dropped in turn."""
    session = open_night(scenario, 1)
    script = session.simulation.drill.expert
    variants = {f"without {i}: {script[i].line}": (*script[:i], *script[i + 1 :]) for i in _good_steps(script)}
    played = play_copies(session, {"whole": script, **variants})
    whole = played.pop("whole")
    better = {name: result["score"] for name, result in played.items() if result["score"] > whole["score"]}
    assert not better, (whole["score"], better)


def _instead_of_rollback(script: tuple[Step, ...], *lines: str) -> tuple[Step, ...]:
    at = next(index for index, step in enumerate(script) if step.line.startswith("kubectl rollout undo"))
    return (*script[:at], *(Step(line, 0.0) for line in lines), Step("", 120.0), *script[at + 1 :])


RAISE_LIMIT = "kubectl set resources deployment/recommendation --limits=memory=14Gi"
MOVE_POOL = (
    "kubectl patch deployment recommendation -p"
    ' \'{"spec":{"template":{"spec":{"nodeSelector":{"pool":"gpu-large"}}}}}\''
)


@pytest.mark.sweep
def test_two_different_fixes_of_the_oom_are_both_accepted() -> None:
    """Rolling back is one; more memory on a larger node is another; more memory on a full node is none."""
    session = open_night("oom-after-model-update", 1)
    script = session.simulation.drill.expert
    played = play_copies(
        session,
        {
            "move": _instead_of_rollback(script, RAISE_LIMIT, MOVE_POOL),
            "earlier version": _instead_of_rollback(
                script, "kubectl set env deployment/recommendation MODEL_VERSION=3"
            ),
            "limit only": _instead_of_rollback(script, RAISE_LIMIT),
        },
    )
    assert played["move"]["verdict"] in ("strong", "lean"), played["move"]
    assert played["earlier version"]["verdict"] in ("strong", "lean"), played["earlier version"]
    assert played["limit only"]["verdict"] == "no", played["limit only"]


@pytest.mark.sweep
def test_restarting_model_pods_does_not_help_an_exhausted_store() -> None:
    """The harm of a restart of every model is no smaller than that of doing nothing."""
    session = open_night("gateway-504-at-3am", 1)
    restarts = tuple(
        Step(f"kubectl rollout restart deployment/{model.name}", 0.0)
        for model in session.simulation.drill.platform.models
    )
    played = play_copies(session, {"idle": (), "restart": restarts})
    assert played["restart"]["ttm_s"] is None
    assert played["restart"]["harm_eur"] >= 0.95 * played["idle"]["harm_eur"]
