"""Copies of a running drill beside playing it again: how long they take, how large they are, what opens from a file."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.report import Measured, conclude, smoke_wanted
from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.image.builder import ensure_image
from simulator.session.prefixes import Prefixes
from simulator.session.session import Session
from simulator.session.simulation import Simulation
from simulator.traffic.warm import warm_up

AGE_S = 900.0
ROUNDS = 9
SHORT, LONG = ("gateway-504-at-3am", "oom-after-model-update"), "stale-predictions-three-days"


def _timed(work: Callable[[], object], rounds: int = 1) -> float:
    """Median seconds."""
    took = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


def _opened(scenario: str, prefixes: Prefixes) -> Session:
    drill = to_drill(load_scenario(scenario), 1)
    session = Session.open(
        drill, ensure_image(), 1, player="bench", mode="practice", wall_clock=time.monotonic, prefixes=prefixes
    )
    assert session is not None
    return session


def _measured(scenario: str, folder: Path) -> list[Measured]:
    """Fork a drill that has been played for 15 minutes; prints what playing it again would take."""
    prefixes = Prefixes(folder)
    first_s = _timed(lambda: _opened(scenario, prefixes))
    again_s = _timed(lambda: _opened(scenario, prefixes), 3)
    session = _opened(scenario, prefixes)
    played_s = first_s + _timed(lambda: session.advance(session.joined_s + AGE_S))
    snapshot = session.simulation.snapshot()
    freeze_s = _timed(session.simulation.snapshot, ROUNDS)
    forks: list[Simulation] = []  # kept, so that no round pays for what the one before leaves behind
    thaw_s = _timed(lambda: forks.append(Simulation.restore(snapshot)), ROUNDS)
    fork_s = freeze_s + thaw_s
    print(
        f"{scenario}, 15 minutes old: played again {played_s:.2f} s, forked {fork_s:.3f} s, {played_s / fork_s:,.0f}x;"
        f" opened {first_s:.2f} s, from its file {again_s:.2f} s, {first_s / again_s:,.0f}x"
    )
    return [
        Measured(f"{scenario}: snapshot", 1e3 * freeze_s, 50.0, "ms"),
        Measured(f"{scenario}: restore", 1e3 * thaw_s, 50.0, "ms"),
        Measured(f"{scenario}: size", snapshot.nbytes / 1e6, 64.0, "MB"),
        Measured(f"{scenario}: opened again", again_s, 3.0, "s"),
    ]


def main() -> int:
    """Print times, sizes and ratios."""
    ensure_image()
    warm_up()
    drills = SHORT if smoke_wanted() else (*SHORT, LONG)
    with tempfile.TemporaryDirectory() as folder:
        return conclude([figure for scenario in drills for figure in _measured(scenario, Path(folder))])


if __name__ == "__main__":
    sys.exit(main())
