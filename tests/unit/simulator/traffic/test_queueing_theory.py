"""Where theory has an exact answer, the compiled path gives it: mean waits within 2 %, and Little's law.

The online store is the queue (its connections are the servers); batching and GPU take no time and nothing is cached.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from reference_platform.serving import records as rec
from simulator.traffic import kernel
from tests.oracle.compiled import US, Path, inputs_of, path_of
from tests.oracle.request_path import Route, System

SERVICE_S = 1.0
DEADLINE_S = 1000.0
"""Service times nobody waits for: at 95 % load a wait of 1,000 has probability e^-50."""
BLOCK = 500_000
TOLERANCE_RATIO = 0.02
REQUESTS = {0.5: 4_000_000, 0.8: 6_000_000, 0.95: 24_000_000}
"""The relative error of a mean wait is near 2 / ((1 - rho) sqrt(n)); it is 0.8 % or less for these sizes."""
RHOS = [0.5, 0.8, pytest.param(0.95, marks=pytest.mark.sweep)]
"""Near saturation waits hang together for so long that it takes most of the time."""
SEEDS = (29, 17)


@dataclass(frozen=True)
class Wait:
    """Mean wait and its standard error by batch means, in service times."""

    mean: float
    error: float

    def agrees_with(self, expected: float) -> bool:
        return abs(self.mean - expected) <= min(TOLERANCE_RATIO * expected, 4.0 * self.error)


def _queue(servers: int, *, deterministic: bool) -> Path:
    route = Route(DEADLINE_S, 1, 256, 0.0, 0.0, 0.0, 0.0)
    system = System((route,), servers, SERVICE_S, acquire_timeout_s=1e6, cache_ttl_s=-1e6, entities=1)
    path = path_of(system, SEEDS[1])
    path.drive.means[kernel.DETERMINISTIC] = float(deterministic)
    return path


def _wait(rho: float, servers: int, *, deterministic: bool) -> Wait:
    path = _queue(servers, deterministic=deterministic)
    rng = np.random.default_rng(SEEDS[0])
    routes = entities = np.zeros(BLOCK, np.int64)
    now_s, sums = 0.0, [(0.0, 0.0)]
    for _ in range(REQUESTS[rho] // BLOCK):
        times = now_s + np.cumsum(rng.exponential(SERVICE_S / (rho * servers), BLOCK))
        inputs = inputs_of(times, routes, entities)
        inputs.number += BLOCK * (len(sums) - 1)
        path.restart_inputs()
        now_s = float(times[-1])
        path.advance(inputs, now_s)
        path.kept.clear()
        counts = path.core.counts
        sums.append((float(counts[rec.STORE_WAITED_US]) / US, float(counts[rec.STORE_READS])))
    assert sums[-1][1] + path.core.counts[rec.STORE_WAITING] == REQUESTS[rho], "every request was measured"
    assert path.core.counts[rec.LIMIT_HITS] == path.totals.of_status(0, 504) == 0
    waited, reads = np.diff(np.array(sums), axis=0).T
    means = waited / reads
    return Wait(sums[-1][0] / sums[-1][1], float(means.std(ddof=1) / math.sqrt(len(means))))


def erlang_c(servers: int, offered: float) -> float:
    """Probability of waiting in M/M/c. Source: Erlang 1917; c servers, `offered` = arrival rate times service time."""
    inverse = 1.0
    for k in range(1, servers + 1):
        inverse = 1.0 + inverse * k / offered
    blocking = 1.0 / inverse
    return blocking / (1.0 - offered / servers * (1.0 - blocking))


@pytest.mark.slow
@pytest.mark.parametrize("rho", RHOS)
def test_mm1_mean_wait(rho: float) -> None:
    """rho / (1 - rho) service times."""
    assert _wait(rho, 1, deterministic=False).agrees_with(rho / (1 - rho))


@pytest.mark.slow
@pytest.mark.parametrize("rho", RHOS)
def test_md1_mean_wait(rho: float) -> None:
    """Half of the M/M/1 wait. Source: Pollaczek-Khinchine."""
    assert _wait(rho, 1, deterministic=True).agrees_with(rho / (2 * (1 - rho)))


@pytest.mark.slow
@pytest.mark.parametrize("rho", RHOS)
def test_mmc_mean_wait(rho: float) -> None:
    """Erlang C over the spare capacity, for eight servers."""
    servers = 8
    expected = erlang_c(servers, rho * servers) / (servers * (1 - rho))
    assert _wait(rho, servers, deterministic=False).agrees_with(expected)


def test_erlang_c_of_one_server_is_its_utilisation() -> None:
    """The formula's own check."""
    assert math.isclose(erlang_c(1, 0.7), 0.7)


def test_requests_inside_are_arrival_rate_times_time_inside() -> None:
    """Little's law, with the number inside sampled at instants that know nothing of arrivals."""
    servers, rho, n = 4, 0.8, 200_000
    path = _queue(servers, deterministic=False)
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.exponential(SERVICE_S / (rho * servers), n))
    routes = entities = np.zeros(n, np.int64)
    samples, inside_s, finished = [], 0.0, 0
    inputs = inputs_of(times, routes, entities)
    for mark in np.arange(0.0, times[-1], 0.5):
        rows = path.advance(inputs, float(mark))
        samples.append(int(path.core.counts[rec.IN_FLIGHT]))
        inside_s += float((rows.answered_us - rows.arrived_us).sum()) / US
        finished += len(rows)
    rate_per_s = finished / times[-1]
    assert np.mean(samples) == pytest.approx(rate_per_s * inside_s / finished, rel=0.005)
    assert float(path.rows.read_us.sum()) / US / times[-1] == pytest.approx(rho * servers, rel=0.01)
