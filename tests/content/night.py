"""Nights of the library for tests: opened once, played by many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scenarios import night
from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.drill.spec import Step
from simulator.image.builder import ensure_image
from simulator.players.scripts import RESPONDERS
from simulator.session.session import Session


def open_night(scenario: str, seed: int) -> Session:
    """A session at the moment of joining."""
    return night.open_night(to_drill(load_scenario(scenario), seed), ensure_image(), seed)


def play_copies(session: Session, scripts: Mapping[str, Sequence[Step]]) -> dict[str, dict[str, Any]]:
    """The outcome of each script, played on a copy of `session`: verdict, score, times, digest, findings."""
    return night.play_copies(session, scripts)


def scripts_of(session: Session, names: Sequence[str]) -> dict[str, tuple[Step, ...]]:
    """The shipped responders by name."""
    return {name: RESPONDERS[name](session.simulation.drill) for name in names}
