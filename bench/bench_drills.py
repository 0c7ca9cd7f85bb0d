"""Whole drills, headless, after imports: a 30-minute drill at 600 requests/s, and 72 hours of a slow burn."""

from __future__ import annotations

import dataclasses
import resource
import statistics
import sys
import time

from bench.report import Measured, conclude, smoke_wanted
from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.image.builder import ensure_image
from simulator.players.play import play
from simulator.players.scripts import RESPONDERS
from simulator.session.session import Session
from simulator.traffic.warm import warm_up
from simulator.world.rhythm import rhythm_ratio

BUSY_REQUESTS_PER_S = 600.0
BUSY_S = 1800.0
ROUNDS = 3


def _run(scenario: str, busy: bool) -> tuple[float, int]:
    """Seconds of wall time and requests of one expert run."""
    drill = to_drill(load_scenario(scenario), 1)
    if busy:
        ratio = float(rhythm_ratio(drill.calendar_offset_s + BUSY_S))
        traffic = drill.platform.traffic.model_copy(update={"requests_per_s": BUSY_REQUESTS_PER_S / ratio})
        platform = drill.platform.model_copy(update={"traffic": traffic})
        drill = dataclasses.replace(drill, platform=platform, drill_s=BUSY_S)
    begin = time.perf_counter()
    session = Session.open(drill, ensure_image(), 1, player="bench", mode="practice", wall_clock=time.monotonic)
    assert session is not None
    play(session, RESPONDERS["expert"](drill))
    return time.perf_counter() - begin, session.simulation.plant.plane.requests


def _median(scenario: str, busy: bool, rounds: int) -> float:
    """Seconds of wall time; prints the rate on the way."""
    runs = [_run(scenario, busy) for _ in range(rounds)]
    seconds, requests = statistics.median(took for took, _ in runs), runs[0][1]
    print(f"{scenario}: {requests:,} requests with the hours before, {requests / seconds:,.0f}/s")
    return seconds


def main() -> int:
    """Print times, rates and the memory peak of this process, which does nothing else."""
    smoke = smoke_wanted()
    rounds = 1 if smoke else ROUNDS
    ensure_image()
    warm_up()
    _run("oom-after-model-update", True)  # records the healthy week of this platform, once; that is not the drill
    busy_s = _median("oom-after-model-update", True, rounds)
    figures = [Measured("30-minute drill at 600 requests/s, headless", busy_s, 15.0, "s")]
    if not smoke:
        stale_s = _median("stale-predictions-three-days", False, rounds)
        figures.append(Measured("stale-predictions-three-days, 72 h, headless", stale_s, 60.0, "s"))
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return conclude([*figures, Measured("peak memory", peak_gb, 1.5, "GB")])


if __name__ == "__main__":
    sys.exit(main())
