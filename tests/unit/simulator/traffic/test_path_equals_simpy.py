"""The compiled path and a process-per-request model agree on every statistic.

Both get the same arrivals; service times, back-offs and jitter are drawn independently. The compiled path runs with 30
seeds, which tells how far a statistic strays by chance; the naive run is one more draw and has to lie within four
standard deviations (t with 29 degrees of freedom: one false alarm in 2,500 figures; seeds are fixed, so it does not
flicker). The test also demands that chance alone is small, so that agreement means something.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from simulator.traffic import layout as lay
from tests.oracle.compiled import Outcome, arrivals, run
from tests.oracle.request_path import Oracle, Route, System, Tally

LIGHT = Route(0.5, 3, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 48, 60.0)
SMALL = Route(0.3, 2, 8, 0.002, 0.005, 0.005, 0.0015, 0.08, 64, 40.0)
BUSY = Route(0.5, 2, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 48, 200.0)
SWAMPED = Route(0.5, 1, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 48, 220.0)
ENDLESS = Route(0.4, 1, 8, 0.005, 0.012, 0.014, 0.006, 0.08, 2048, 160.0)

SYSTEMS = {
    "light": System((LIGHT, SMALL), 64, 0.004),
    "light, retries": System((LIGHT, SMALL), 64, 0.004, attempts_max=3),
    "cached": System((LIGHT, SMALL), 64, 0.004, cache_ttl_s=20.0, entities=120),
    "busy": System((BUSY, SMALL), 64, 0.004),
    "store is the bottleneck": System((LIGHT, SMALL), 4, 0.032),
    "store overloaded": System((LIGHT, SMALL), 3, 0.036, acquire_timeout_s=1.0),
    "store overloaded, retries": System((LIGHT, SMALL), 3, 0.036, acquire_timeout_s=1.0, attempts_max=3),
    "store exhausted": System((LIGHT, SMALL), 1, 0.1, acquire_timeout_s=0.2, attempts_max=2),
    "gpu overloaded, load is shed": System((SWAMPED, SMALL), 64, 0.004),
    "gpu overloaded, load is shed, retries": System((SWAMPED, SMALL), 64, 0.004, attempts_max=3),
    "gpu overloaded, queue without end": System((ENDLESS, SMALL), 64, 0.004),
    "gateway full": System((SWAMPED, SMALL), 64, 0.004, attempts_max=2, in_flight_max=30),
    "pod lost": System((BUSY, SMALL), 64, 0.004, cache_ttl_s=20.0, attempts_max=3, entities=300, lost_pod_at_s=20.0),
}
DURATION_S = 45.0
DRAIN_S = 10.0
SEEDS = 30
DEVIATIONS_MAX = 4.0
CHANCE_RATIO_MAX = {"p99_s": 0.05}
CHANCE_RATIO_DEFAULT = 0.03
CHANCE_SHARE_MAX = 0.015
LATENCY_FLOOR_S = 2e-4
SHARE_FLOOR = 1e-3
"""Differences below the floors are of no account."""


@pytest.mark.parametrize("name", SYSTEMS)
def test_compiled_path_equals_one_process_per_request(name: str) -> None:
    """Throughput, attempts, latency mean, median and p99, 504 share and fallback share, for each route."""
    system = SYSTEMS[name]
    times, routes, entities = arrivals(system, DURATION_S, 11)
    end_s = DURATION_S + DRAIN_S
    outcomes = [run(system, times, routes, entities, end_s, seed) for seed in range(SEEDS)]
    tallies = Oracle(system, 3).run(times.tolist(), routes.tolist(), entities.tolist(), end_s)
    for row, tally in enumerate(tallies):
        total = int((routes == row).sum())
        assert tally.served + tally.fallback == total
        runs = [_compiled(outcome, row, total) for outcome in outcomes]
        for what, naive in _naive(tally, total).items():
            _assert_agree(f"{name}, route {row}, {what}", what, naive, np.array([one[what] for one in runs]))


def _assert_agree(label: str, what: str, naive: float, runs: np.ndarray) -> None:
    mean, chance = float(runs.mean()), float(runs.std(ddof=1))
    floor = LATENCY_FLOOR_S if what.endswith("_s") else SHARE_FLOOR
    allowed = max(floor, DEVIATIONS_MAX * chance * math.sqrt(1.0 + 1.0 / SEEDS))
    print(f"{label:<60} naive {naive:9.5f}   compiled {mean:9.5f} +- {chance:.5f}")
    if what.endswith("_s"):
        assert chance <= CHANCE_RATIO_MAX.get(what, CHANCE_RATIO_DEFAULT) * mean, f"{label}: too noisy to prove a thing"
    else:
        assert chance <= CHANCE_SHARE_MAX, f"{label}: too noisy to prove a thing"
    assert abs(naive - mean) <= allowed, f"{label}: naive {naive:.5f}, compiled {mean:.5f} +- {chance:.5f}"


def _naive(tally: Tally, total: int) -> Mapping[str, float]:
    return {
        **_times(np.array(tally.visits_s)),
        "attempt_mean_s": float(np.mean(tally.attempts_s)),
        "attempts_per_request": tally.attempts / total,
        "served_share": tally.served / total,
        "fallback_share": tally.fallback / total,
        "share_504": tally.timeouts_504 / tally.attempts,
    }


def _compiled(outcome: Outcome, row: int, total: int) -> Mapping[str, float]:
    counters, histogram = outcome.path.counters[row], outcome.path.latency[row]
    assert counters[[lay.C_SERVED, lay.C_FALLBACK, lay.C_ERROR]].sum() == total
    assert outcome.path.scalars[lay.S_OVERFLOW] == 0
    middles = lay.LATENCY_BIN_MIN_S * lay.LATENCY_BIN_GROWTH ** (np.arange(lay.LATENCY_BINS) + 0.5)
    return {
        **_times(outcome.visits_s[row]),
        "attempt_mean_s": float((histogram * middles).sum() / histogram.sum()),
        "attempts_per_request": counters[lay.C_ATTEMPTS] / total,
        "served_share": counters[lay.C_SERVED] / total,
        "fallback_share": counters[lay.C_FALLBACK] / total,
        "share_504": counters[lay.C_504] / counters[lay.C_ATTEMPTS],
    }


def _times(visits_s: np.ndarray) -> dict[str, float]:
    return {
        "mean_s": float(visits_s.mean()),
        "p50_s": float(np.quantile(visits_s, 0.5)),
        "p99_s": float(np.quantile(visits_s, 0.99)),
    }
