"""Requests simulated per second, beside the naive one-process-per-request model of the same system.

Both run the same arrivals in one process, turn about, five rounds; medians and their ratio are printed.
"""

from __future__ import annotations

import statistics
import sys
import time

from simulator.traffic import kernel
from tests.oracle.compiled import arrivals, path_of, room_for
from tests.oracle.request_path import Oracle, Route, System

ROUNDS = 5
NAIVE_S, COMPILED_S = 20.0, 1200.0
RATIO_MIN = 20.0


def main() -> int:
    """Print both rates and the ratio; 1 when the ratio is below what makes 72 simulated hours affordable."""
    route = Route(0.5, 3, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 48, 200.0)
    system = System((route, route, route), 96, 0.004, cache_ttl_s=60.0, attempts_max=3, entities=5000)
    naive_rates, compiled_rates = [], []
    small, large = arrivals(system, NAIVE_S, 1), arrivals(system, COMPILED_S, 1)
    out = room_for(len(large[0]))
    kernel.advance(path_of(system, 1), *large, out, 1.0)
    for seed in range(ROUNDS):
        begin = time.perf_counter()
        Oracle(system, seed).run(small[0].tolist(), small[1].tolist(), small[2].tolist(), NAIVE_S + 5.0)
        naive_rates.append(len(small[0]) / (time.perf_counter() - begin))
        path = path_of(system, seed)
        begin = time.perf_counter()
        kernel.advance(path, *large, out, COMPILED_S + 5.0)
        compiled_rates.append(len(large[0]) / (time.perf_counter() - begin))
    naive, compiled = statistics.median(naive_rates), statistics.median(compiled_rates)
    print(f"naive SimPy model, one process per request   {naive:12,.0f} requests/s")
    print(f"compiled request path                        {compiled:12,.0f} requests/s")
    print(f"ratio                                        {compiled / naive:12,.0f} x   at least {RATIO_MIN:g} x")
    return 0 if compiled / naive >= RATIO_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
