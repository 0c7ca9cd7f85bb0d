"""Requests simulated per second, beside the naive one-process-per-request model of the same system.

Both get the same arrivals in one process, turn about; medians of the rounds and their ratio are printed. The compiled
path is so much faster that each of its turns repeats the same work several times, from the start, to be measurable.
"""

from __future__ import annotations

import statistics
import sys
import time

from bench.report import smoke_wanted
from reference_platform.serving import records as rec
from simulator.traffic import kernel
from tests.oracle.compiled import US, Floats, Ints, arrivals, inputs_of, path_of
from tests.oracle.request_path import Oracle, Route, System

ROUNDS = 5
DURATION_S, DRAIN_S = 40.0, 5.0
REPEATS = 10
RATIO_MIN = 20.0
"""Below this, 72 simulated hours would take longer than anybody waits."""


def _system(pods: int, cache_ttl_s: float) -> System:
    route = Route(0.5, pods, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 48, 200.0)
    return System((route, route, route), 96, 0.004, cache_ttl_s=cache_ttl_s, attempts_max=3, entities=5000)


SYSTEMS = {
    "healthy, features cached": _system(3, 60.0),
    "healthy, nothing cached": _system(3, 0.0),
    "overloaded, with retries": _system(1, 60.0),
}

Arrived = tuple[Floats, Ints, Ints]


def _naive_rate(system: System, arrived: Arrived, seed: int) -> float:
    times, routes, entities = (column.tolist() for column in arrived)
    oracle = Oracle(system, seed)
    begin = time.perf_counter()
    oracle.run(times, routes, entities, DURATION_S + DRAIN_S)
    return len(times) / (time.perf_counter() - begin)


def _compiled_rate(system: System, arrived: Arrived, seed: int) -> float:
    inputs, n = inputs_of(*arrived), len(arrived[0])
    paths = [path_of(system, seed + repeat) for repeat in range(REPEATS)]
    begin = time.perf_counter()
    for path in paths:
        done = False
        while not done:
            done = kernel.advance(path.core, path.drive, inputs, int((DURATION_S + DRAIN_S) * US))
            path.totals.add(path.core.answers[: path.core.counts[rec.ANSWERS]])
            path.core.counts[rec.ANSWERS] = 0
    return REPEATS * n / (time.perf_counter() - begin)


def main() -> int:
    """Print both rates and the ratio; 1 when a ratio falls short."""
    rounds = 2 if smoke_wanted() else ROUNDS
    kept = True
    print(f"{'requests simulated per second':<40}{'naive SimPy':>14}{'compiled':>14}{'ratio':>9}")
    for name, system in SYSTEMS.items():
        arrived = arrivals(system, DURATION_S, 1)
        _compiled_rate(system, arrived, 0)
        pairs = [(_naive_rate(system, arrived, turn), _compiled_rate(system, arrived, turn)) for turn in range(rounds)]
        naive, compiled = (statistics.median(rates) for rates in zip(*pairs, strict=True))
        good = compiled / naive >= RATIO_MIN
        kept = kept and good
        word = "ok" if good else "FELL SHORT"
        print(f"{name:<40}{naive:14,.0f}{compiled:14,.0f}{compiled / naive:8.0f}x  at least {RATIO_MIN:g}x  {word}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
