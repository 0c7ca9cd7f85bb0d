"""Let a script play a session to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from simulator.drill.spec import Step
from simulator.session.session import Session

THINK_S = 6.0
"""Simulated pause before each command: reading the last output and typing."""


def play(session: Session, steps: Iterable[Step], on_progress: Callable[[float], None] = lambda _: None) -> None:
    """Type every step, then let the drill run out. `on_progress` is told the share of the drill that has passed."""
    drill_s = session.simulation.drill.drill_s
    for step in steps:
        if session.ended is not None:
            break
        if step.line:
            session.advance(session.now_s + THINK_S)
            if session.ended is None:
                session.submit(step.line)
        else:
            session.advance(session.now_s + step.wait_s)
        on_progress(min(1.0, (session.now_s - session.joined_s) / drill_s))
    while session.ended is None:
        session.advance(session.now_s + 60.0)
        on_progress(min(1.0, (session.now_s - session.joined_s) / drill_s))
