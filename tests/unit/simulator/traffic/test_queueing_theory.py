"""Where theory has an exact answer, the compiled path gives it: mean waits within 2 %."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.traffic import kernel
from simulator.traffic import layout as lay
from tests.oracle.compiled import path_of, room_for
from tests.oracle.request_path import Route, System

INSTANT = Route(1e9, 1, 256, 0.0, 0.0, 0.0, 0.0)
BLOCK = 1_000_000
SERVICE_S = 1.0
REQUESTS = {0.5: 2_000_000, 0.8: 6_000_000, 0.95: 48_000_000}
"""The relative error of a mean wait is near 2 / ((1 - rho) sqrt(n)): a third of the 2 % for these sizes."""


def _mean_wait_s(rho: float, servers: int, *, deterministic: bool) -> float:
    system = System((INSTANT,), servers, SERVICE_S, acquire_timeout_s=1e12, entities=1)
    path = path_of(system, 17)
    path.params[lay.P_CACHE_TTL_S] = -1.0
    path.params[lay.P_STORE_DETERMINISTIC] = float(deterministic)
    rng = np.random.default_rng(29)
    routes = entities = np.zeros(BLOCK, np.int64)
    out = room_for(BLOCK)
    now_s = 0.0
    for _ in range(REQUESTS[rho] // BLOCK):
        times = now_s + np.cumsum(rng.exponential(SERVICE_S / (rho * servers), BLOCK))
        path.scalars[lay.S_ARRIVAL] = 0
        now_s = float(times[-1])
        kernel.advance(path, times, routes, entities, out, now_s)
    return float(path.clock[lay.T_STORE_WAIT_S] / path.clock[lay.T_STORE_READS])


def erlang_c(servers: int, offered: float) -> float:
    """Probability of waiting in M/M/c. Source: Erlang 1917; c servers, `offered` = arrival rate times service time."""
    inverse = 1.0
    for k in range(1, servers + 1):
        inverse = 1.0 + inverse * k / offered
    blocking = 1.0 / inverse
    return blocking / (1.0 - offered / servers * (1.0 - blocking))


@pytest.mark.slow
@pytest.mark.parametrize("rho", sorted(REQUESTS))
def test_mm1_mean_wait(rho: float) -> None:
    """rho / (1 - rho) service times."""
    assert _mean_wait_s(rho, 1, deterministic=False) == pytest.approx(rho / (1 - rho), rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("rho", sorted(REQUESTS))
def test_md1_mean_wait(rho: float) -> None:
    """Half of the M/M/1 wait. Source: Pollaczek-Khinchine."""
    assert _mean_wait_s(rho, 1, deterministic=True) == pytest.approx(rho / (2 * (1 - rho)), rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("rho", sorted(REQUESTS))
def test_mmc_mean_wait(rho: float) -> None:
    """Erlang C over the spare capacity, for eight servers."""
    servers = 8
    expected = erlang_c(servers, rho * servers) / (servers * (1 - rho))
    assert _mean_wait_s(rho, servers, deterministic=False) == pytest.approx(expected, rel=0.02)


def test_erlang_c_of_one_server_is_its_utilisation() -> None:
    """The formula's own check."""
    assert math.isclose(erlang_c(1, 0.7), 0.7)
