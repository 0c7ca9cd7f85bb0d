"""A surge hurts where capacity ends, and is over when it is over; a quiet hour is nothing."""

from __future__ import annotations

import numpy as np
import pytest

from reference_platform.serving.capacity import capacity_per_s
from reference_platform.serving.records import OK
from simulator.faults.traffic import BUSY_MAX_RATIO, SeasonalDip, Surge
from tests.contract.conditions import BEGINS_S
from tests.contract.examples import LARGE_POOL
from tests.unit.simulator.faults.bench import Bench

ROUTE = "recommendation"
WEAK = {"factor": 4.0, "route": ROUTE, "lasts": "20m"}
STRONG = {"factor": 30.0, "route": ROUTE, "lasts": "20m"}


def _truth(bench: Bench) -> dict[str, object]:
    (truth,) = [event.data for event in bench.simulation.log if event.kind == "truth.fault"]
    return dict(truth)


def test_a_surge_beyond_the_servers_is_the_cause_until_it_is_over() -> None:
    bench = Bench("traffic.surge", STRONG, after_s=0.0)
    assert _truth(bench)["harmless"] is False
    assert bench.active_for(1150.0, 50.0) == {True}
    bench.wait(BEGINS_S + 1200.0 - bench.plant.now_s - 0.001)
    assert bench.active
    bench.wait(0.001)
    assert not bench.active


def test_a_surge_that_the_servers_take_is_harmless() -> None:
    bench = Bench("traffic.surge", WEAK, after_s=300.0)
    assert _truth(bench)["harmless"] is True
    assert bench.active_for(120.0, 20.0) == {False}
    assert [event for event in bench.simulation.log if event.kind == "slo"][-1].data["good"] is True


def test_more_servers_with_room_end_it_and_servers_without_room_do_not() -> None:
    bench = Bench("traffic.surge", STRONG)
    bench.type(f"kubectl scale deployment {ROUTE} --replicas=6")
    bench.wait(120.0)
    assert bench.active, "the new pods are pending"
    bench.type(f"kubectl patch deployment {ROUTE} -p '{LARGE_POOL}'")
    bench.wait(120.0)
    assert not bench.active
    assert len(bench.plant.cluster.ready_pods(ROUTE)) == 6
    bench.type(f"kubectl scale deployment {ROUTE} --replicas=1")
    bench.wait(10.0)
    assert bench.active


def test_the_border_is_a_share_of_what_the_ready_servers_can_do() -> None:
    bench = Bench("traffic.surge", STRONG, after_s=0.0)
    plant = bench.plant
    most_per_s = BUSY_MAX_RATIO * capacity_per_s(plant.spec.model(ROUTE), [1.0] * 3)
    usual_per_s = plant.arrivals.rate_per_s(plant.now_s) * 0.45
    for share, expected in ((0.999, False), (1.001, True)):
        factor = share * most_per_s / usual_per_s
        twin = Bench("traffic.surge", {"factor": factor, "route": ROUTE, "lasts": "1m"}, after_s=0.0)
        assert twin.active is expected
        assert _truth(twin)["harmless"] is not expected


def test_harm_is_looked_for_over_the_whole_surge() -> None:
    """It begins at the quietest hour; by the morning the same factor is too much."""
    short, long = (Surge.model_validate({"factor": 8.0, "route": ROUTE, "lasts": lasts}) for lasts in ("1h", "8h"))
    plant = Bench("traffic.seasonal_dip", after_s=0.0).plant
    assert short.harmless_in(plant)
    assert not long.harmless_in(plant)
    assert (ROUTE, "capacity_shortage") in long.accepted_in(plant)


def test_only_the_asked_routes_are_asked_more_often_and_the_others_come_as_ever() -> None:
    calm = Bench("traffic.seasonal_dip", after_s=600.0).plant
    busy = Bench("traffic.surge", WEAK, after_s=600.0).plant
    rows = busy.plane.routes
    more = busy.plane.totals.outcomes[: len(rows), OK] / calm.plane.totals.outcomes[: len(rows), OK]
    assert more[rows.index(ROUTE)] > 1.5
    assert more[rows.index("fraud-detection")] == pytest.approx(1.0, abs=0.05)
    assert busy.arrivals.route_rate_per_s(rows.index(ROUTE), busy.now_s) == pytest.approx(
        4.0 * calm.arrivals.route_rate_per_s(rows.index(ROUTE), calm.now_s)
    )


def test_a_surge_of_every_route_names_those_that_run_short() -> None:
    bench = Bench("traffic.surge", {"factor": 25.0, "lasts": "20m"}, after_s=0.0)
    accepted = _truth(bench)["accepted"]
    assert isinstance(accepted, list)
    assert accepted[0] == ["traffic", "traffic_spike"]
    assert [ROUTE, "capacity_shortage"] in accepted
    assert ["fraud-detection", "capacity_shortage"] not in accepted
    assert bench.active


def test_the_surge_of_one_route_accepts_that_route() -> None:
    assert (ROUTE, "traffic_spike") in Surge(route=ROUTE).accepted()
    assert ("", "traffic_spike") not in Surge().accepted()
    assert np.isclose(Surge().factor, 3.0)


def test_a_quiet_hour_is_never_a_cause() -> None:
    bench = Bench("traffic.seasonal_dip", after_s=60.0)
    assert not bench.active
    assert _truth(bench)["harmless"] is True
    assert SeasonalDip().accepted()[:2] == (("traffic", "seasonal_dip"), ("traffic", "config_error"))
