"""The same seed and commands give the same log, whoever drives and however finely."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simulator.image.builder import ensure_image
from simulator.session.runfile import Entered, read_run
from simulator.session.session import Session
from tests.unit.simulator.session.nights import (
    NIGHT,
    OOM,
    QUIET,
    joined,
    opening,
    to_end,
    type_by_clock,
    writer_for,
)
from tui.recorded import finish, repeat, replayed

ROOT = Path(__file__).parents[4]
FIXES = (
    (61.0, "kubectl describe pod recommendation"),
    (80.0, "kubectl rollout undo deployment/recommendation"),
    (95.5, "kubectl delete pod recommendation"),
    (300.0, "kubectl rollout restart deployment/fraud-detection"),
)


class FakeWall:
    """A wall clock on which every look costs a random moment, so that budgets run out at random events."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._now_s = 0.0

    def __call__(self) -> float:
        self._now_s += float(self._rng.exponential(0.02))
        return self._now_s


def shown(session: Session) -> dict[str, object]:
    """What the digest does not cover: outputs as printed, what became of every request, log lines, metrics."""
    plant = session.simulation.plant
    series = plant.store.select("shop_responses_total")
    samples = [item.window(session.joined_s, session.now_s) for item in series]
    return {
        "outputs": [(output.text, output.exit) for output in session.simulation.incident.outputs],
        "requests": [plant.plane.totals.outcomes.tolist(), plant.plane.totals.latency.tolist()],
        "log": [f"{line.t_s!r} {line.source} {line.text}" for line in plant.book.lines],
        "metrics": [(sample.times_s.tolist(), sample.values.tolist()) for sample in samples],
    }


def pump(session: Session, lines: list[str], seed: int) -> None:
    """Play as the screen does: small steps that may be cut short, lines typed at odd instants, then small steps on."""
    rng = np.random.default_rng(seed)
    tick = 0
    typed_at = set(rng.integers(5, 400, size=4 * len(lines)).tolist())
    while session.ended is None:
        step_s = float(rng.choice([1e-7, 0.1, 1 / 3, 0.125 * 10, 7.5]) * (1.0 + rng.random()))
        session.advance(session.now_s + step_s, wall_budget_s=float(rng.choice([0.0, 0.01, 0.1])))
        tick += 1
        if tick in typed_at and lines:
            session.submit(lines.pop(0))
            if lines and rng.random() < 0.3:
                session.submit(lines.pop(0))


def played_from_elsewhere(hash_seed: str, folder: Path, seed: int = 1) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tui", "play", QUIET, "--player", "panic", "--seed", str(seed), "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return str(json.loads(done.stdout)["digest"])


def test_hash_seed_process_and_folder_do_not_show_in_the_log(tmp_path: Path) -> None:
    digests = {played_from_elsewhere(hash_seed, tmp_path / hash_seed) for hash_seed in ("0", "1")}
    assert len(digests) == 1


def test_another_seed_is_another_night() -> None:
    one, other = (to_end(joined(opening(seed=seed))) for seed in (1, 2))
    assert one != other


def test_the_same_seed_and_commands_give_the_same_log_twice_in_one_process() -> None:
    digests = []
    for _ in range(2):
        session = joined()
        type_by_clock(session)
        digests.append(to_end(session))
    assert digests[0] == digests[1]


def test_commands_show_in_the_digest() -> None:
    session = joined()
    type_by_clock(session, NIGHT[:-1])
    other = joined()
    type_by_clock(other)
    assert to_end(session) != to_end(other)


@pytest.mark.parametrize(
    ("scenario", "seed"),
    [
        (QUIET, 1),
        (OOM, 4),
        pytest.param(QUIET, 2, marks=pytest.mark.sweep),
        pytest.param(QUIET, 3, marks=pytest.mark.sweep),
    ],
)
def test_screen_replay_and_headless_give_one_digest(scenario: str, seed: int, tmp_path: Path) -> None:
    """The pump's steps, the run file's replay and typing the same lines at the same instants headless."""
    of = opening(scenario)
    session = joined(of, wall_clock=FakeWall(seed))
    session.attach(writer_for(of, tmp_path / "run.jsonl"))
    pump(session, [line for _, line in (NIGHT if scenario == QUIET else FIXES)], seed)
    finish(session, 0.0)
    run = read_run(tmp_path / "run.jsonl")
    assert run.footer is not None
    assert len(run.commands) == len(NIGHT if scenario == QUIET else FIXES)

    again = replayed(run.path, ensure_image(), lambda *_: None)
    assert again.simulation.log.digest() == run.footer["digest"]
    assert shown(again) == shown(session)

    headless = joined(of)
    for entered in run.commands:
        headless.advance(entered.t_us / 1e6)
        headless.submit(entered.line)
    assert to_end(headless) == run.footer["digest"]
    assert shown(headless) == shown(session)


def stops_after_every_event() -> Callable[[], float]:
    """A wall clock that uses up any budget at the first look."""
    reading = iter(range(10**9))
    return lambda: float(next(reading))


def test_a_command_entered_between_two_events_of_one_instant_comes_after_both(tmp_path: Path) -> None:
    """The pump may stop after the first of several events that are due together; replay cannot know that."""
    of = opening()
    session = joined(of, wall_clock=stops_after_every_event())
    session.attach(writer_for(of, tmp_path / "run.jsonl"))
    session.submit("kubectl rollout restart deployment/gateway")
    goal_s = session.now_s + 240.0
    while session.now_s < goal_s:
        session.advance(goal_s, wall_budget_s=0.5)
        session.submit("clock")
    digest = to_end(session)
    finish(session, 0.0)
    run = read_run(tmp_path / "run.jsonl")
    assert len(run.commands) > 10
    again = repeat(run, ensure_image(), lambda *_: None, afresh=True)
    assert to_end(again) == digest


def test_a_run_that_was_given_up_repeats(tmp_path: Path) -> None:
    of = opening()
    session = joined(of)
    session.attach(writer_for(of, tmp_path / "run.jsonl"))
    type_by_clock(session, NIGHT[:3])
    session.quit()
    finish(session, 0.0)
    again = replayed(tmp_path / "run.jsonl", ensure_image(), lambda *_: None)
    assert again.ended == "quit"


def test_text_that_is_not_unicode_is_entered_as_it_can_be_kept(tmp_path: Path) -> None:
    of = opening()
    session = joined(of)
    session.attach(writer_for(of, tmp_path / "run.jsonl"))
    session.submit("note caf\udce9")
    digest = to_end(session)
    finish(session, 0.0)
    assert read_run(tmp_path / "run.jsonl").commands[0].line == "note caf?"
    assert replayed(tmp_path / "run.jsonl", ensure_image(), lambda *_: None).simulation.log.digest() == digest


def test_reading_the_view_and_completing_change_nothing() -> None:
    watched, unwatched = joined(), joined()
    for session in (watched, unwatched):
        for after_s, line in NIGHT:
            session.advance(session.joined_s + after_s)
            if session is watched:
                session.view()
                session.complete("kubectl get ")
            session.submit(line)
    assert to_end(watched) == to_end(unwatched)


def test_commands_past_the_end_are_not_carried_out() -> None:
    session, other = joined(), joined()
    digest = to_end(session)
    assert session.submit("ack").exit == 1
    other.replay((Entered("ack", round(other.joined_s * 1e6) + 10**12),))
    assert to_end(other) == digest == session.simulation.log.digest()
