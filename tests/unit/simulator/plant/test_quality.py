"""The judge of what was served keeps up with whatever version serves."""

from __future__ import annotations

import numpy as np

from reference_platform.models.catalogue import schema_of
from reference_platform.serving.records import OK
from tests.contract.conditions import run_to, simulated, staffed, type_now
from tests.oracle.alike import first_difference

FRAUD = "fraud-detection"


def _watched(version: int) -> set[str]:
    """Features of a fraud version that drift is measured on: all but what comes with the request."""
    return {name for name in schema_of(FRAUD, version).columns if not name.startswith("context.")}


def test_drift_is_measured_on_the_features_of_the_version_that_serves() -> None:
    night = simulated()
    session = staffed(night)
    run_to(night, 60.0)
    for version, hours in ((1, 1), (2, 2)):
        assert type_now(session, f"kubectl set env deployment/fraud-detection MODEL_VERSION={version}").exit == 0
        run_to(night, hours * 3600.0 + 60.0)
        assert {result.feature for result in night.plant.drift.latest(FRAUD)} == _watched(version)
    assert _watched(1) < _watched(2)


def test_a_request_is_judged_with_what_its_read_found_and_not_with_what_came_later() -> None:
    """The materialiser writes every five minutes, five seconds after them; reports come on the minute."""
    night = simulated()
    plant = night.plant
    run_to(night, 304.0)
    served = plant.plane.drain()
    route = plant.plane.routes.index(FRAUD)
    rows = served[(served["route"] == route) & (served["outcome"] == OK)]
    places, requests = plant.panel.judged(FRAUD, rows["request"])
    assert requests is not None
    read_us = rows["features_us"][places]
    version = int(rows["version"][0])
    then = plant.judge.answers(requests, version, read_us)
    run_to(night, 310.0)
    assert first_difference(plant.judge.answers(requests, version, read_us), then) is None
    late = plant.judge.answers(requests, version, np.full(len(read_us), plant.plane.now_us()))
    assert (late.inputs != then.inputs).any(), "rows were written meanwhile"
    half = read_us.copy()
    half[::2] = plant.plane.now_us()
    mixed = plant.judge.answers(requests, version, half)
    assert first_difference(mixed.inputs[::2], late.inputs[::2]) is None
    assert first_difference(mixed.inputs[1::2], then.inputs[1::2]) is None
    assert first_difference(mixed.decisions[::2], late.decisions[::2]) is None
    view = next(iter(then.reads))
    assert first_difference(mixed.reads[view].event_us[1::2], then.reads[view].event_us[1::2]) is None


def test_batches_of_several_rows_a_request_are_put_together_in_order() -> None:
    night = simulated()
    plant = night.plant
    run_to(night, 310.0)
    served = plant.plane.drain()
    rows = served[(served["route"] == plant.plane.routes.index("search-ranking")) & (served["outcome"] == OK)]
    places, requests = plant.panel.judged("search-ranking", rows["request"])
    assert requests is not None
    assert requests.rows_per_request > 1
    read_us = np.where(np.arange(len(places)) % 3 == 0, 304_000_000, 309_000_000)
    version = int(rows["version"][0])
    mixed = plant.judge.answers(requests, version, read_us)
    for which in (0, 1):
        mine = np.flatnonzero((np.arange(len(places)) % 3 == 0) == (which == 0))
        alone = plant.judge.answers(requests.take(mine), version, read_us[mine])
        picked = (mine[:, None] * requests.rows_per_request + np.arange(requests.rows_per_request)).ravel()
        assert first_difference(mixed.inputs[picked], alone.inputs) is None
        assert first_difference(mixed.scores[picked], alone.scores) is None
        assert first_difference(mixed.decisions[mine], alone.decisions) is None
        for view, found in alone.reads.items():
            assert first_difference(mixed.reads[view].values[picked], found.values) is None


def test_when_the_judge_comes_makes_no_difference() -> None:
    night = simulated()
    plant = night.plant
    run_to(night, 299.0)
    served = plant.plane.drain()
    early = plant.judge.judge(served, plant.plane.routes, night.now_s)
    run_to(night, 420.0)
    late = plant.judge.judge(served, plant.plane.routes, night.now_s)
    assert early
    assert all(read.age_s > 0.0 for quality in early.values() for read in quality.reads)
    assert first_difference(early, late) is None
