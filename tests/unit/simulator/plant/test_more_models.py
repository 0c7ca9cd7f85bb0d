"""A platform with a fourth model serves, judges and shows it like the others, and so one with a fifth."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from reference_platform.documents import load_file
from reference_platform.models.catalogue import card_of
from reference_platform.models.schema import assemble
from reference_platform.shop.serving import read_features
from reference_platform.spec import PlatformSpec
from scenarios.library import platforms
from simulator.engine.streams import Streams
from simulator.image.builder import ensure_image
from simulator.plant.metric_table import METRICS
from simulator.session.session import Session
from simulator.session.simulation import Simulation
from simulator.session.viewing import build_view
from simulator.world.catalogue import draw_requests, value_eur
from tests.contract.conditions import SEED, calm_night, run_to, simulated, type_now
from tests.oracle.defaults import default_decisions

PRICING = "dynamic-pricing"


@pytest.fixture(scope="module")
def session() -> Session:
    platform = load_file(platforms()["pricing"], PlatformSpec)
    night = Simulation(replace(calm_night(), platform=platform), ensure_image(), SEED)
    run_to(night, 3660.0)
    night.join("shift")
    image = ensure_image()
    return Session(night, seed=SEED, image=image, player="test", mode="practice", wall_clock=time.monotonic)


def typed(session: Session, line: str) -> str:
    ran = type_now(session, line)
    assert ran.exit == 0, ran.text
    return ran.text


def newest(session: Session, name: str, **labels: str) -> float:
    return session.simulation.plant.store.series(name, labels).last_value


def test_the_fourth_model_serves_its_share_in_time(session: Session) -> None:
    plant = session.simulation.plant
    assert len(plant.cluster.ready_pods(PRICING)) == 2
    served = {model.name: newest(session, "shop_responses_total", route=model.name, source="model")
              for model in plant.spec.models}  # fmt: skip
    assert served[PRICING] / sum(served.values()) == pytest.approx(0.12, abs=0.02)
    assert newest(session, "gateway_request_duration_seconds", route=PRICING, quantile="0.99") < 0.15
    assert newest(session, "shop_responses_total", route=PRICING, source="error") == 0.0


def test_the_fourth_model_is_judged(session: Session) -> None:
    assert 0.05 < newest(session, "shop_purchase_ratio", route=PRICING) < 0.6
    assert 0.05 < newest(session, "model_prediction_mean", model=PRICING) < 0.6
    views = [dict(series.labels)["view"] for series in session.simulation.plant.store.select("feature_read_age_seconds")
             if dict(series.labels)["model"] == PRICING]  # fmt: skip
    assert sorted(views) == ["card_velocity", "product_popularity"]
    assert PRICING in {dict(series.labels)["model"] for series in session.simulation.plant.store.select("feature_psi")}
    assert METRICS["shop_purchase_ratio"].high == 1.0


def test_the_fourth_model_is_seen_and_can_be_asked(session: Session) -> None:
    assert PRICING in typed(session, "mlflow models")
    described = typed(session, f"mlflow models describe {PRICING}")
    assert "Without it: the list price for everybody; a page waits for the answer" in described
    assert "earned_ratio" in typed(session, f"mlflow versions {PRICING}")
    assert typed(session, f"kubectl get pods -l app={PRICING}").count("Running") == 2
    answer = json.loads(
        next(line for line in typed(session, f"curl http://gateway/v1/{PRICING}").splitlines() if line.startswith("{"))
    )
    assert answer["price_eur"] == pytest.approx(answer["list_price_eur"] * (1.0 - answer["discount_ratio"]), abs=0.011)
    titles = [
        series.title for board in build_view(session.simulation, session.mode).dashboards for series in board.series
    ]
    assert {"price p99", "bought price", "ctr rec", "declined"} <= set(titles)


def test_a_model_that_is_not_on_the_platform_is_not_in_its_registry() -> None:
    """It ships, but the reference platform does not run it."""
    assert PRICING in ensure_image().registry().names()
    assert simulated().plant.registry.names() == ("fraud-detection", "recommendation", "search-ranking")


def test_the_shipped_prices_earn_more_than_the_list_and_less_without_features() -> None:
    """By what the world knows, for five thousand visits at t=0: the list price, each version, and a champion blind."""
    image, card = ensure_image(), card_of(PRICING)
    streams = Streams(3)
    world, features = image.world(streams), image.features()
    customers = world.customers.draw(5000, streams.get("who"))
    requests = draw_requests(world, PRICING, customers, np.zeros(5000), streams.get("what"))
    views = {view.name: view for view in features.views}

    def earned(version: int, seen: float = 1.0) -> float:
        schema = card.version(version).schema
        asked = [(views[part.view], requests.entities[part.entity]) for part in schema.views]
        rows = read_features(features.online, asked, 0.0)
        values = {view.name: found.values * np.float32(seen) for (view, _), found in zip(asked, rows, strict=True)}
        scores = image.model(PRICING, version).predict(assemble(schema, values, requests.context))
        return float(value_eur(requests, card.decide(scores, requests.context)).mean())

    listed = float(value_eur(requests, default_decisions(world, requests)).mean())
    assert 1.05 * listed < earned(2, seen=float("nan")) < 0.93 * earned(2)
    assert 1.10 * listed < earned(1) < 0.98 * earned(2)
