"""Short drills for tests of sessions: opened quickly, typed by the clock, written to run files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.image.builder import ensure_image
from simulator.session.runfile import RunWriter
from simulator.session.session import Session
from tui.opening import Opening
from tui.recorded import header_of, open_session

QUIET = "healthy-night"
OOM = "oom-after-model-update"

NIGHT: tuple[tuple[float, str], ...] = (
    (4.2, "ack"),
    (30.0, "kubectl get pods"),
    (41.7183, "kubectl rollout restart deployment/recommendation"),
    (75.3, "hyp add traffic seasonal_dip fewer payments than usual"),
    (75.9, "clock"),
    (130.000001, "metrics sum(rate(shop_responses_total[5m]))"),
    (180.25, "no such command"),
    (244.4, "kubectl scale deployment search-ranking --replicas=3"),
    (420.0, "alerts add StoreWaits online_store_wait_seconds>1 --for 5m --severity P3 --component online-store"),
    (421.0, 'note "äöü 😀" | done'),
)
"""Instants after joining and what is typed then: reads, mutations, mistakes and a rule of the responder's own."""


def opening(scenario: str = QUIET, seed: int = 1, mode: str = "practice") -> Opening:
    """A drill of the library, ready to open."""
    return Opening(to_drill(load_scenario(scenario), seed), seed, "test", mode)


def joined(of: Opening | None = None, *, wall_clock: Callable[[], float] | None = None) -> Session:
    """A session at the instant of joining; `wall_clock` replaces the one that budgets are kept by."""
    session = open_session(of or opening(), ensure_image(), on_progress=lambda *_: None, afresh=True)
    if wall_clock is not None:
        session._wall_clock = wall_clock
    return session


def writer_for(of: Opening, path: Path) -> RunWriter:
    """A new run file of that opening."""
    return RunWriter.create(path, header_of(of, ensure_image()))


def type_by_clock(session: Session, steps: Sequence[tuple[float, str]] = NIGHT) -> None:
    """Type every step at its instant, at the earliest when the one before is done."""
    for after_s, line in steps:
        session.advance(session.joined_s + after_s)
        session.submit(line)


def to_end(session: Session) -> str:
    """Let the drill run out; the digest of its log."""
    session.advance(float("inf"))
    session.pass_rest()
    return session.simulation.log.digest()


def finished_run(path: Path, steps: Sequence[tuple[float, str]] = NIGHT) -> Path:
    """A run file of a whole night."""
    from tui.recorded import finish

    of = opening()
    session = joined(of)
    session.attach(writer_for(of, path))
    type_by_clock(session, steps)
    to_end(session)
    finish(session, 1.0)
    return path


def records(path: Path) -> list[dict[str, Any]]:
    """The lines of a run file as objects."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rewrite(path: Path, changed: Sequence[Mapping[str, Any]]) -> Path:
    """Write objects back as the lines of a run file."""
    body = "".join(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in changed)
    path.write_text(body, encoding="utf-8")
    return path
