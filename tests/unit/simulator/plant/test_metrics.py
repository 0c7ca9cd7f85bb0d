"""The metrics writer: every set of labels is a series of its own."""

from __future__ import annotations

from reference_platform.monitoring.series import Matcher
from tests.contract.conditions import simulated


def test_labels_with_equal_values_and_other_names_are_other_series() -> None:
    plant = simulated().plant
    plant.metrics.put(1.0, "made_up_ratio", 0.25, route="a")
    plant.metrics.put(1.0, "made_up_ratio", 0.75, model="a")
    values = {}
    for name in ("route", "model"):
        (series,) = plant.store.select("made_up_ratio", [Matcher(name, "=", "a")])
        values[name] = series.window(0.0, 2.0).values.tolist()
    assert values == {"route": [0.25], "model": [0.75]}


def test_each_status_of_a_request_is_counted_where_it_belongs() -> None:
    """The gateway's counters are the served log's, status by status."""
    simulation = simulated()
    simulation.advance(600.0, lambda: True)
    plant = simulation.plant
    plant.scrape(simulation.now_s + 1.0)
    for row, route in enumerate(plant.plane.routes):
        for status in (200, 504, 503, 500):
            matchers = [Matcher("route", "=", route), Matcher("code", "=", str(status))]
            (series,) = plant.store.select("gateway_requests_total", matchers)
            assert series.window(0.0, 601.0).values[-1] == plant.plane.totals.of_status(row, status)
        assert plant.plane.totals.of_status(row, 200) > 1_000
