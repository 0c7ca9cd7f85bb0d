"""The compiled path and a process-per-request model agree on every statistic.

Both get the same arrivals; service times, back-offs and jitter are drawn independently, by 30 runs of the compiled path
and 4 of the naive model. Their means may differ by four standard errors of that difference (one false alarm in 2,500
figures; seeds are fixed, so nothing flickers) and never by more than 6 % of a mean or median latency, 10 % of a p99 or
two points of a share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from reference_platform.serving import records as rec
from reference_platform.serving.served_log import LATENCY_BIN_GROWTH, LATENCY_BIN_MIN_S, LATENCY_BINS
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
    "store is the bottleneck": System((LIGHT, SMALL), 4, 0.03),
    "store overloaded": System((LIGHT, SMALL), 3, 0.036, acquire_timeout_s=1.0),
    "store overloaded, retries": System((LIGHT, SMALL), 3, 0.036, acquire_timeout_s=1.0, attempts_max=3),
    "store exhausted": System((LIGHT, SMALL), 1, 0.1, acquire_timeout_s=0.2, attempts_max=2),
    "gpu overloaded, load is shed": System((SWAMPED, SMALL), 64, 0.004),
    "gpu overloaded, load is shed, retries": System((SWAMPED, SMALL), 64, 0.004, attempts_max=3),
    "gpu overloaded, queue without end": System((ENDLESS, SMALL), 64, 0.004),
    "gateway full": System((SWAMPED, SMALL), 64, 0.004, attempts_max=2, in_flight_max=30),
    "pod lost": System((BUSY, SMALL), 64, 0.004, cache_ttl_s=20.0, attempts_max=3, entities=300, lost_pod_at_s=20.0),
}
SLOWEST = {"store overloaded, retries": pytest.mark.sweep, "gpu overloaded, queue without end": pytest.mark.sweep}
"""Those in which the naive model holds most processes at once; each is like another one but for its load."""
DURATION_S, DRAIN_S = 60.0, 10.0
COMPILED_RUNS, NAIVE_RUNS = 30, 4
ERRORS_MAX = 4.0
RATIO_MAX, P99_RATIO_MAX, SHARE_MAX = 0.06, 0.10, 0.02
FLOOR_S, FLOOR_SHARE = 2e-4, 1e-3
"""Differences below these are of no account."""
HALF_BIN_RATIO = (LATENCY_BIN_GROWTH - 1.0) / 2.0
"""The mean of attempts comes from the histogram, in which all that end at the deadline share one bin."""
SERVED_SHARE_MIN = 0.2
"""In a route that serves fewer, the lucky few say nothing about latency; attempts and shares still count."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOWEST.get(name, ())) for name in SYSTEMS])
def test_compiled_path_equals_one_process_per_request(name: str) -> None:
    """Throughput, attempts, latency mean, median and p99, 504 share and fallback share, for each route."""
    system = SYSTEMS[name]
    times, routes, entities = arrivals(system, DURATION_S, 11)
    end_s = DURATION_S + DRAIN_S
    outcomes = [run(system, times, routes, entities, end_s, seed) for seed in range(COMPILED_RUNS)]
    arrived = (times.tolist(), routes.tolist(), entities.tolist())
    tallies = [Oracle(system, 1000 + seed).run(*arrived, end_s) for seed in range(NAIVE_RUNS)]
    for row in range(len(system.routes)):
        total = int((routes == row).sum())
        naive = [_naive(one[row], total) for one in tallies]
        compiled = [_compiled(one, row, total) for one in outcomes]
        served = np.mean([one["served_share"] for one in naive])
        for what in naive[0]:
            if served >= SERVED_SHARE_MIN or not what.startswith("visit"):
                _assert_agree(f"{name}, route {row}, {what}", what, naive, compiled)


def _assert_agree(
    label: str, what: str, naive: Sequence[Mapping[str, float]], compiled: Sequence[Mapping[str, float]]
) -> None:
    runs = np.array([one[what] for one in compiled])
    ours, theirs = float(runs.mean()), float(np.mean([one[what] for one in naive]))
    error = float(runs.std(ddof=1)) * math.sqrt(1.0 / COMPILED_RUNS + 1.0 / NAIVE_RUNS)
    latency = what.endswith("_s")
    floor = FLOOR_S if latency else FLOOR_SHARE
    if what == "attempt_mean_s":
        floor += HALF_BIN_RATIO * theirs
    limit = SHARE_MAX if not latency else theirs * (P99_RATIO_MAX if "p99" in what else RATIO_MAX)
    allowed = min(max(floor, ERRORS_MAX * error), limit)
    assert abs(ours - theirs) <= allowed, f"{label}: naive {theirs:.5f}, compiled {ours:.5f}, error {error:.5f}"


def _naive(tally: Tally, total: int) -> Mapping[str, float]:
    assert tally.served + tally.fallback == total
    return {
        **_visits(np.array(tally.visits_s)),
        "attempt_mean_s": float(np.mean(tally.attempts_s)),
        "attempts_per_request": tally.attempts / total,
        "served_share": tally.served / total,
        "fallback_share": tally.fallback / total,
        "share_504": tally.timeouts_504 / tally.attempts,
    }


def _compiled(outcome: Outcome, row: int, total: int) -> Mapping[str, float]:
    totals, histogram = outcome.path.totals, outcome.path.totals.latency[row]
    assert totals.ended(row) == total
    assert outcome.path.core.counts[rec.LIMIT_HITS] == 0
    attempts = totals.outcomes[row].sum()
    middles = LATENCY_BIN_MIN_S * LATENCY_BIN_GROWTH ** (np.arange(LATENCY_BINS) + 0.5)
    return {
        **_visits(outcome.visits_s[row]),
        "attempt_mean_s": float((histogram * middles).sum() / histogram.sum()),
        "attempts_per_request": attempts / total,
        "served_share": totals.outcomes[row, rec.OK] / total,
        "fallback_share": totals.outcomes[row, rec.FALLBACK] / total,
        "share_504": totals.of_status(row, 504) / attempts,
    }


def _visits(seconds: np.ndarray) -> dict[str, float]:
    return {
        "visit_mean_s": float(seconds.mean()),
        "visit_p50_s": float(np.quantile(seconds, 0.5)),
        "visit_p99_s": float(np.quantile(seconds, 0.99)),
    }
