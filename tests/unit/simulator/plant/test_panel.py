"""What is asked is drawn before it is answered, and hangs on nothing that anybody does."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.serving.served_log import REQUEST_ENDS
from simulator.plant.panel import KEPT_S, Panel, _spread
from simulator.plant.plant import Plant
from simulator.session.simulation import Simulation
from simulator.traffic.arrivals import BLOCK_S, Surge
from simulator.world.requests import Requests
from tests.contract.conditions import run_to, simulated
from tests.oracle.alike import first_difference

ROUTES = ("recommendation", "fraud-detection", "search-ranking")


def asked(plant: Plant, route: str) -> tuple[list[int], Requests]:
    """Everything that is drawn and not yet forgotten."""
    kept = plant.panel._drawn[route]
    return np.concatenate([drawn.numbers for drawn in kept]).tolist(), Requests.joined([d.requests for d in kept])


@pytest.fixture
def night() -> Simulation:
    return simulated()


def test_nothing_that_happens_to_requests_changes_what_is_asked(night: Simulation) -> None:
    other = simulated()
    run_to(night, 200.0)
    run_to(other, 30.0)
    other.plant.plane.set_retries(3)
    for pod in list(other.plant.cluster.pods.values())[:6]:
        other.plant.cluster.delete_pod(pod.name, other.now_s)
    other.plant.sync()
    other.by_hand.send(ROUTES[0], 7)
    run_to(other, 200.0)
    for route in ROUTES:
        assert first_difference(asked(night.plant, route), asked(other.plant, route)) is None


def test_a_surge_on_one_route_leaves_what_others_ask(night: Simulation) -> None:
    other = simulated()
    other.plant.arrivals.add_surge(Surge(0.0, 600.0, 3.0, (0,)))
    for simulation in (night, other):
        run_to(simulation, 150.0)
    for route in ROUTES[1:]:
        ours, theirs = asked(night.plant, route)[1], asked(other.plant, route)[1]
        assert first_difference(ours, theirs) is None
    assert len(asked(other.plant, ROUTES[0])[0]) >= len(asked(night.plant, ROUTES[0])[0])


def test_a_request_asks_what_its_visitor_would_at_the_instant_it_came(night: Simulation) -> None:
    run_to(night, 130.0)
    plant = night.plant
    served = plant.plane.drain()
    for index, route in enumerate(plant.plane.routes):
        rows = served[(served["route"] == index) & np.isin(served["outcome"], REQUEST_ENDS)]
        places, requests = plant.panel.judged(route, rows["request"])
        assert requests is not None
        assert len(requests) == len(places) <= plant.panel.judged_max[route]
        assert np.abs(rows["arrived_us"][places] / 1e6 - requests.t_s).max() < 2e-6
        assert (rows["entity"][places] == requests.customer).all()


def test_the_minute_that_flows_is_drawn_before_its_requests_are_served(night: Simulation) -> None:
    plant = night.plant
    run_to(night, 60.001)
    numbers, requests = asked(plant, ROUTES[0])
    assert max(numbers) > len(plant.plane.drain())
    assert requests.t_s.max() > 100.0


def test_requests_that_nobody_judges_are_not_known(night: Simulation) -> None:
    run_to(night, 61.0)
    panel = night.plant.panel
    numbers = asked(night.plant, ROUTES[0])[0]
    places, requests = panel.judged(ROUTES[0], np.array([-1, numbers[3], 10**9, numbers[0]]))
    assert places.tolist() == [1, 3]
    assert requests is not None
    assert requests.customer.tolist() == asked(night.plant, ROUTES[0])[1].customer[[3, 0]].tolist()
    assert panel.judged(ROUTES[0], np.array([-1, 10**9]))[1] is None
    assert panel.judged(ROUTES[0], np.zeros(0, dtype=np.int64))[1] is None


def test_what_is_drawn_is_forgotten_in_time() -> None:
    plant = simulated().plant
    panel = Panel(plant.arrivals, plant.world, ROUTES, 1)
    for _ in range(40):
        panel.next_block()
    begins = [drawn.begin_s for drawn in panel._drawn[ROUTES[0]]]
    assert begins[-1] == 39 * BLOCK_S
    assert begins[0] == begins[-1] - KEPT_S
    assert panel._arrived > 1_000


def test_a_share_is_even() -> None:
    assert _spread(np.arange(5), 5).tolist() == [0, 1, 2, 3, 4]
    assert _spread(np.arange(0, 100, 10), 4).tolist() == [0, 30, 60, 90]
    assert _spread(np.arange(6), 5).tolist() == [0, 1, 2, 3, 5]
    assert _spread(np.zeros(0, dtype=np.int64), 5).tolist() == []
