"""The compiled path and a process-per-request model agree on every statistic.

Both get the same arrivals; service times, back-offs and jitter are drawn independently. Tolerances are about
four standard errors of runs of this size: 2 % of throughput, 8 % of mean and median latency, 12 % of p99, 2 points of shares.
"""

from __future__ import annotations

import numpy as np
import pytest

from simulator.traffic import layout as lay
from tests.oracle.compiled import arrivals, run
from tests.oracle.request_path import Oracle, Route, System

LIGHT = Route(0.5, 3, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 48, 60.0)
SMALL = Route(0.3, 2, 8, 0.002, 0.005, 0.005, 0.0015, 0.08, 64, 40.0)
BUSY = Route(0.5, 2, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 48, 200.0)
SWAMPED = Route(0.5, 1, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 48, 220.0)
ENDLESS = Route(0.4, 1, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 2048, 160.0)

SYSTEMS = {
    "light": System((LIGHT, SMALL), 64, 0.004),
    "cached": System((LIGHT, SMALL), 64, 0.004, cache_ttl_s=20.0, entities=120),
    "busy": System((BUSY, SMALL), 64, 0.004),
    "store is the bottleneck": System((LIGHT, SMALL), 4, 0.032),
    "store overloaded": System((LIGHT, SMALL), 3, 0.036, acquire_timeout_s=1.0),
    "store overloaded, retries": System((LIGHT, SMALL), 3, 0.036, acquire_timeout_s=1.0, attempts_max=3),
    "gpu overloaded, load is shed": System((SWAMPED, SMALL), 64, 0.004),
    "gpu overloaded, load is shed, retries": System((SWAMPED, SMALL), 64, 0.004, attempts_max=3),
    "gpu overloaded, queue without end": System((ENDLESS, SMALL), 64, 0.004),
}
DURATION_S = 120.0


@pytest.mark.parametrize("name", SYSTEMS)
def test_compiled_path_equals_one_process_per_request(name: str) -> None:
    """Throughput, mean, median and p99 latency, 504 share and fallback share."""
    system = SYSTEMS[name]
    times, routes, entities = arrivals(system, DURATION_S, 11)
    tallies = Oracle(system, 3).run(times.tolist(), routes.tolist(), entities.tolist(), DURATION_S + 10.0)
    path = run(system, times, routes, entities, DURATION_S + 10.0, 5)
    for row, tally in enumerate(tallies):
        counters = path.counters[row]
        total = int((routes == row).sum())
        assert int(counters[[lay.C_SERVED, lay.C_FALLBACK, lay.C_ERROR]].sum()) == total
        assert tally.served + tally.fallback == total
        assert counters[lay.C_SERVED] == pytest.approx(tally.served, rel=0.02, abs=0.02 * total)
        assert counters[lay.C_FALLBACK] / total == pytest.approx(tally.fallback / total, abs=0.02)
        attempts = max(1, tally.attempts)
        assert counters[lay.C_ATTEMPTS] == pytest.approx(attempts, rel=0.03)
        assert counters[lay.C_504] / attempts == pytest.approx(tally.timeouts_504 / attempts, abs=0.025)
        seen = np.array(tally.latencies_s)
        for q, tolerance in ((0.5, 0.08), (0.99, 0.12)):
            ours = lay.latency_quantile_s(path.latency[row], q)
            assert ours == pytest.approx(float(np.quantile(seen, q)), rel=tolerance, abs=0.003), (row, q)
        assert _mean_s(path.latency[row]) == pytest.approx(float(seen.mean()), rel=0.08, abs=0.003)


def _mean_s(histogram: np.ndarray) -> float:
    """Mean of a latency histogram, each bin at its geometric middle."""
    middles = lay.LATENCY_BIN_MIN_S * lay.LATENCY_BIN_GROWTH ** (np.arange(lay.LATENCY_BINS) + 0.5)
    return float((histogram * middles).sum() / histogram.sum())
