"""Canary, A/B test and shadow: who answers whom, and that everybody can see it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from reference_platform.serving.records import BUCKETS, OK, SHADOWED, TAGGED
from reference_platform.spec import ArmSpec, BreakerSpec, ModelSpec, PlatformSpec
from simulator.image.builder import ensure_image
from simulator.plant.metric_table import METRICS
from simulator.session.session import Session
from simulator.session.simulation import Simulation
from simulator.traffic.plane import Arm, arms_of
from tests.contract.conditions import SEED, calm_night, run_to, type_now

FRAUD = "fraud-detection"
CANARY, SHADOW = f"{FRAUD}-canary", f"{FRAUD}-shadow"
ARMS = (
    ArmSpec(name="control", deployment=FRAUD, share=0.75),
    ArmSpec(name="canary", deployment=CANARY, share=0.25),
)


def with_arms(**changes: Any) -> PlatformSpec:
    """The reference platform with a challenger for fraud detection in two roles."""
    platform = calm_night().platform
    models = [
        model.model_copy(update={"arms": ARMS, "shadow": SHADOW, **changes}) if model.name == FRAUD else model
        for model in platform.models
    ]
    served = next(item for item in platform.deployments if item.name == FRAUD)
    more = [
        served.model_copy(update={"name": name, "replicas": 1, "model_alias": "challenger"})
        for name in (CANARY, SHADOW)
    ]
    pool = next(node for node in platform.nodes if node.pool == served.node_pool)
    nodes = [*platform.nodes, pool.model_copy(update={"name": f"{pool.name}-more"})]
    return platform.model_copy(update={"nodes": nodes, "models": models, "deployments": [*platform.deployments, *more]})


def simulation(platform: PlatformSpec) -> Simulation:
    return Simulation(replace(calm_night(), platform=platform), ensure_image(), SEED)


@pytest.fixture(scope="module")
def night() -> Simulation:
    made = simulation(with_arms())
    run_to(made, 301.0)
    return made


def rows_of(made: Simulation) -> Any:
    served = made.plant.plane.drain()
    return served[served["route"] == made.plant.plane.routes.index(FRAUD)]


def test_each_visitor_stays_in_the_arm_of_its_share() -> None:
    plant = simulation(with_arms()).plant
    plant.advance(240.0)
    served = plant.plane.drain()
    rows = served[(served["route"] == plant.plane.routes.index(FRAUD)) & (served["outcome"] == OK)]
    names = {place: arm.name for place, arm in enumerate(plant.plane.arms)}
    arms_of_visitor: dict[int, set[str]] = {}
    for entity, arm in zip(rows["entity"].tolist(), rows["arm"].tolist(), strict=True):
        arms_of_visitor.setdefault(entity, set()).add(names[arm])
    assert {len(arms) for arms in arms_of_visitor.values()} == {1}
    share = np.mean(["canary" in arms for arms in arms_of_visitor.values()])
    assert share == pytest.approx(0.25, abs=0.05)
    versions = {names[arm]: set(rows["version"][rows["arm"] == arm].tolist()) for arm in np.unique(rows["arm"])}
    assert versions == {"control": {2}, "canary": {3}}


def test_a_shadow_sees_everybody_and_answers_nobody() -> None:
    plant = simulation(with_arms()).plant
    plant.advance(120.0)
    served = plant.plane.drain()
    rows = served[served["route"] == plant.plane.routes.index(FRAUD)]
    shown, answered = rows[rows["outcome"] == SHADOWED], rows[rows["outcome"] == OK]
    names = [plant.plane.arms[arm].name for arm in np.unique(shown["arm"]).tolist()]
    assert names == ["shadow"]
    assert set(shown["version"].tolist()) == {3}
    missing = set(answered["request"].tolist()) - set(shown["request"].tolist())
    assert len(missing) < 0.02 * len(answered), "but for those that are under way"
    route = plant.plane.routes.index(FRAUD)
    assert plant.plane.totals.ended(route) == len(rows) - len(shown)


def test_metrics_tell_arms_and_versions_apart(night: Simulation) -> None:
    series = night.plant.store.select("model_requests_total")
    found = {
        (labels["arm"], labels["version"]): one.last_value
        for one in series
        for labels in [dict(one.labels)]
        if labels["model"] == FRAUD and labels["code"] == "200"
    }
    assert set(found) == {("control", "2"), ("canary", "3"), ("shadow", "3")}
    assert found["shadow", "3"] == pytest.approx(found["control", "2"] + found["canary", "3"], rel=0.02)
    others = [dict(one.labels) for one in series if dict(one.labels)["model"] != FRAUD]
    assert {labels["arm"] for labels in others} == {"stable"}
    assert set(dict(series[0].labels)) == set(METRICS["model_requests_total"].labels)


def test_the_versions_that_serve_are_those_of_the_arms(night: Simulation) -> None:
    assert night.plant.serving_versions()[FRAUD] == 2
    assert night.plant.champions[FRAUD] == 2


def test_an_arm_without_replicas_leaves_its_visitors_to_the_other() -> None:
    made = simulation(with_arms())
    made.join("shift")
    session = Session(made, seed=SEED, image=ensure_image(), player="t", mode="practice", wall_clock=time.monotonic)
    assert type_now(session, f"kubectl scale deployment/{CANARY} --replicas=0").exit == 0
    run_to(made, 90.0)
    rows_of(made)
    run_to(made, 115.0)
    rows = rows_of(made)
    rows = rows[rows["outcome"] != SHADOWED]
    assert set(rows["outcome"].tolist()) == {OK}
    assert set(rows["version"].tolist()) == {2}
    listed = type_now(session, "kubectl get deployments").text
    assert CANARY in listed


def test_a_canary_is_visible_to_repeated_curls() -> None:
    made = simulation(with_arms())
    made.join("shift")
    session = Session(made, seed=SEED, image=ensure_image(), player="t", mode="practice", wall_clock=time.monotonic)
    lines = [f"curl -sv http://gateway/v1/{FRAUD}?customer={who}" for who in range(12)]
    said = [type_now(session, line).text for line in (*lines, *lines)]
    assert all(f'{{"customer": {place % 12},' in text for place, text in enumerate(said))
    canary = [CANARY in text for text in said]
    assert any(canary)
    assert not all(canary)
    assert canary[:12] == canary[12:], "the same customer, the same arm"


def test_a_route_without_arms_has_one_of_its_own_name() -> None:
    platform = calm_night().platform
    assert arms_of(platform)[0] == Arm(0, "stable", platform.models[0].name, BUCKETS)
    assert len(arms_of(platform)) == len(platform.models)
    index = [model.name for model in with_arms().models].index(FRAUD)
    found = [
        (arm.name, arm.deployment, arm.bucket_end, arm.is_shadow) for arm in arms_of(with_arms()) if arm.route == index
    ]
    assert found == [
        ("control", FRAUD, 7_500, False),
        ("canary", CANARY, 10_000, False),
        ("shadow", SHADOW, 0, True),
    ]


def test_an_arm_of_no_share_answers_nobody_at_first_or_last() -> None:
    for shares in ((0.0, 1.0), (1.0, 0.0)):
        arms = tuple(arm.model_copy(update={"share": share}) for arm, share in zip(ARMS, shares, strict=True))
        plant = simulation(with_arms(arms=arms, shadow="")).plant
        plant.advance(45.0)
        served = plant.plane.drain()
        rows = served[(served["route"] == plant.plane.routes.index(FRAUD)) & (served["outcome"] == OK)]
        assert set(rows["version"].tolist()) == {3 if shares[0] == 0.0 else 2}


def test_a_breaker_keeps_visitors_from_an_arm_that_fails() -> None:
    platform = with_arms(shadow="")
    gateway = platform.gateway.model_copy(update={"breaker": BreakerSpec(failures=3, open="30s")})
    plant = simulation(platform.model_copy(update={"gateway": gateway})).plant
    index = next(place for place, arm in enumerate(plant.plane.arms) if arm.name == "canary")
    canary = plant.plane.core.members[index, 0]
    plant.plane._drive.service[canary].fail_ratio = 1.0
    plant.advance(120.0)
    served = plant.plane.drain()
    rows = served[served["arm"] == index]
    assert len(rows) < 60, "a few tries every half minute"
    failed = rows["answered_us"][rows["status"] == 500]
    assert len(failed) >= 3
    assert not (rows["options"] & TAGGED).any()


@pytest.mark.parametrize(
    ("arms", "shadow", "why"),
    [
        ([("a", "x", 0.5), ("b", "y", 0.4)], "", "add up to 0.9, not 1"),
        ([("a", "x", 0.5), ("b", "y", 0.6)], "", r"add up to 1\.1, not 1"),
        ([("a", "x", 0.5), ("a", "y", 0.5)], "", "two arms have one name"),
        ([("a", "x", 0.5), ("b", "x", 0.5)], "", "have one deployment"),
        ([("a", "x", 0.5), ("b", "y", 0.5)], "y", "have one deployment"),
        ([("a", "x", 1.5)], "", "less than or equal to 1"),
    ],
)
def test_arms_that_cannot_be_are_refused(arms: list[tuple[str, str, float]], shadow: str, why: str) -> None:
    model = calm_night().platform.models[0].model_dump(mode="json")
    said = [{"name": name, "deployment": deployment, "share": share} for name, deployment, share in arms]
    with pytest.raises(ValidationError, match=why):
        ModelSpec.model_validate(model | {"arms": said, "shadow": shadow})


def test_one_arm_and_a_shadow_are_allowed() -> None:
    model = calm_night().platform.models[0].model_dump(mode="json")
    alone = ModelSpec.model_validate(model | {"shadow": "other"})
    assert alone.deployments() == (alone.name, "other")
    third = [{"name": f"{n}", "deployment": f"d{n}", "share": 1 / 3} for n in range(3)]
    assert len(ModelSpec.model_validate(model | {"arms": third}).routed()) == 3
