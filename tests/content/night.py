"""Play one night with many responders: the hours before the page are simulated once, then each responder gets a copy.

The copy is a forked process, so every player meets the same state to the bit and the 72 hours of a slow burn are paid
for once per seed instead of once per player.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rubrics.loader import incident_rubric
from rubrics.scoring import score
from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.image.builder import ensure_image
from simulator.players.play import play
from simulator.players.scripts import RESPONDERS
from simulator.session.drill import Step
from simulator.session.session import Session


def open_night(scenario: str, seed: int) -> Session:
    """A session at the moment of joining."""
    drill = to_drill(load_scenario(scenario), seed)
    session = Session.open(drill, ensure_image(), seed, player="test", mode="practice", wall_clock=time.monotonic)
    assert session is not None
    return session


def play_copies(session: Session, scripts: Mapping[str, Sequence[Step]]) -> dict[str, dict[str, Any]]:
    """The outcome of each script, played on a copy of `session`: verdict, score, times, digest, findings."""
    return {name: _in_copy(session, steps) for name, steps in scripts.items()}


def scripts_of(session: Session, names: Sequence[str]) -> dict[str, tuple[Step, ...]]:
    """The shipped responders by name."""
    return {name: RESPONDERS[name](session.simulation.drill) for name in names}


def _in_copy(session: Session, steps: Sequence[Step]) -> dict[str, Any]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "w") as stream:
                json.dump(outcome(session, steps), stream)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as stream:
        body = stream.read()
    assert os.waitpid(pid, 0)[1] == 0, "the player's process failed; see its traceback above"
    result: dict[str, Any] = json.loads(body)
    return result


def outcome(session: Session, steps: Sequence[Step]) -> dict[str, Any]:
    """Play to the end here and score."""
    play(session, steps)
    card = score(session.simulation.log.events, incident_rubric())
    return {
        "verdict": card.verdict,
        "score": card.score,
        "harm": card.harm_eur,
        "tta_s": card.times.tta_s,
        "ttd_s": card.times.ttd_s,
        "ttm_s": card.times.ttm_s,
        "ttr_s": card.times.ttr_s,
        "digest": session.simulation.log.digest(),
        "critical_missed": list(card.critical_missed),
        "red_flags": [flag.title for flag in card.red_flags],
        "findings": {f.criterion: [f.verdict, f.points, f.points_max, f.because] for f in card.findings},
        "failed_commands": [o.line for o in session.simulation.incident.outputs if o.exit != 0],
    }
