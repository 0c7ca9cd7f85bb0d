"""One night of a drill, opened once and played by many.

The hours before the page are simulated once. Each responder then plays a forked copy, so that all meet the same state
to the bit and the 72 hours of a slow burn are paid for once. Playing in processes beside this one needs `os.fork`.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reference_platform.errors import InternalError
from rubrics.loader import incident_rubric
from rubrics.scoring import score
from simulator.drill.spec import DrillSpec, Step
from simulator.image.image import Image
from simulator.players.play import play
from simulator.session.session import Session
from simulator.session.simulation import Simulation

Outcome = dict[str, Any]
"""What came of one play or of the healthy twin, as JSON values."""
Told = Callable[[float], None]
"""Called with the seconds of the night that have passed."""


def open_night(drill: DrillSpec, image: Image, seed: int, told: Told = lambda _: None) -> Session:
    """A session at the moment of joining."""

    def going(now_s: float) -> bool:
        told(now_s)
        return True

    # No budget of wall time is ever given, so nothing reads this clock.
    session = Session.open(drill, image, seed, player="script", mode="practice", wall_clock=lambda: 0.0, going=going)
    assert session is not None, "nothing stopped it"
    return session


def opened(session: Session) -> Outcome:
    """What is known once the responder has joined: when, why, and every event line up to then."""
    events = session.simulation.log.events
    joined = next(event for event in reversed(events) if event.kind == "session.joined")
    return {
        "joined_s": session.joined_s,
        "joined_by": joined.data["reason"],
        "faults_s": [event.t_s for event in events if event.kind == "truth.fault"],
        "lines": [event.line() for event in events],
    }


def play_out(session: Session, steps: Sequence[Step]) -> Outcome:
    """Play the script here to the drill's end and score it. `lines` are the events since the call."""
    log = session.simulation.log
    known = len(log)
    play(session, steps)
    card = score(log.events, incident_rubric())
    state = next((event.data for event in reversed(log.events) if event.kind == "truth.state"), {})
    return {
        "verdict": card.verdict,
        "score": card.score,
        "harm_eur": card.harm_eur,
        "tta_s": card.times.tta_s,
        "ttd_s": card.times.ttd_s,
        "ttm_s": card.times.ttm_s,
        "ttr_s": card.times.ttr_s,
        "digest": log.digest(),
        "critical_missed": list(card.critical_missed),
        "red_flags": [flag.title for flag in card.red_flags],
        "findings": {
            item.criterion: [item.verdict, item.points, item.points_max, item.because] for item in card.findings
        },
        "failed_commands": [output.line for output in session.simulation.incident.outputs if output.exit != 0],
        "cured": bool(state.get("cleared")) and bool(state.get("good")),
        "lines": [event.line() for event in log.since(known)],
    }


def healthy_twin(drill: DrillSpec, image: Image, seed: int, until_s: float) -> Outcome:
    """The same night with nothing broken and nobody on shift: what paged, breached or was complained about by then."""
    from dataclasses import replace

    simulation = Simulation(replace(drill, faults=(), joins_by_s=until_s + 1.0), image, seed)
    simulation.drive.run(until_s, lambda: True)
    loud: list[list[Any]] = []
    for event in simulation.log.events:
        if event.kind == "page.sent":
            loud.append([event.t_s, f"page {event.data['name']}"])
        elif event.kind == "comms" and event.src == "people":
            loud.append([event.t_s, f"complaint by {event.data['author']}"])
        elif event.kind == "slo" and not event.data["good"]:
            routes = event.data["routes"]
            assert isinstance(routes, Mapping), "the report writes one entry per route"
            bad = ", ".join(name for name, route in routes.items() if not route["good"])  # type: ignore[index,call-overload]
            loud.append([event.t_s, f"SLO breached: {bad}"])
    return {"loud": loud, "until_s": until_s}


def play_copies(session: Session, scripts: Mapping[str, Sequence[Step]]) -> dict[str, Outcome]:
    """The outcome of each script, played one after another on forks of `session`."""
    return {name: play_out(session.fork(), steps) for name, steps in scripts.items()}


def fork_into(writer: int, work: Callable[[], Outcome]) -> int:
    """Do `work` in a forked copy of this process, which writes what comes of it to `writer`. Its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        try:
            body = json.dumps(work())
        except BaseException:  # noqa: BLE001  the copy must never return into its parent's code
            body = json.dumps(failure())
        with os.fdopen(writer, "w") as stream:
            stream.write(body)
        code = 0
    finally:
        os._exit(code)


def failure(what: str = "") -> Outcome:
    """The outcome of something that failed: `what`, or the traceback of the exception being handled."""
    return {"failed": what or traceback.format_exc().strip()}


def outcome_of(body: bytes, what: str) -> Outcome:
    """What a copy wrote. Raises InternalError when it failed or wrote nothing."""
    found: Outcome = json.loads(body) if body else failure("its process ended without a result")
    if "failed" in found:
        raise InternalError(f"{what} failed", why=str(found["failed"]))
    return found
