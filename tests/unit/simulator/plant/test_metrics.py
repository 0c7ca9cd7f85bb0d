"""The metrics writer: every set of labels is a series of its own."""

from __future__ import annotations

import math

from reference_platform.monitoring.promql import evaluate, parse
from reference_platform.monitoring.series import Matcher
from tests.contract.conditions import run_to, simulated


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


def test_series_of_pods_end_with_the_last_pod_and_begin_again_with_the_next() -> None:
    simulation = simulated()
    simulation.join("shift")
    cluster, store = simulation.plant.cluster, simulation.plant.store
    name = "search-ranking"
    gone = ("kube_pod_container_status_restarts_total", "container_memory_working_set_bytes")

    def ask(metric: str) -> list[float]:
        answer = evaluate(parse(f'{metric}{{deployment="{name}"}}'), store, simulation.now_s)
        assert isinstance(answer, list)
        return [sample.value for sample in answer]

    run_to(simulation, 120.0)
    assert [len(ask(metric)) for metric in gone] == [1, 1]
    cluster.scale(name, 0, simulation.now_s)
    simulation.plant.sync()
    run_to(simulation, 300.0)
    assert [ask(metric) for metric in gone] == [[], []]
    assert ask("kube_deployment_spec_replicas") == [0.0]
    stale = [len(store.select(metric, [Matcher("deployment", "=", name)])[0]) for metric in gone]
    run_to(simulation, 400.0)
    assert [len(store.select(metric, [Matcher("deployment", "=", name)])[0]) for metric in gone] == stale, "marked once"
    cluster.scale(name, 1, simulation.now_s)
    simulation.plant.sync()
    run_to(simulation, 600.0)
    assert ask(gone[1])[0] > 1e6


def test_a_value_that_is_no_number_is_no_end() -> None:
    plant = simulated().plant
    for t_s, value in ((1.0, 4.0), (2.0, math.nan)):
        plant.metrics.put(t_s, "made_up_ratio", value)
    (sample,) = evaluate(parse("made_up_ratio"), plant.store, 2.0)  # type: ignore[misc]
    assert math.isnan(sample.value)
    plant.metrics._gone(3.0, "made_up_ratio")
    assert evaluate(parse("made_up_ratio"), plant.store, 3.0) == []
