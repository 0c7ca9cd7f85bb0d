"""`dash` shows a document: the one that ships, or one that the platform's document brings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reference_platform.monitoring.dashboards.document import DashboardSpec
from simulator.image.builder import ensure_image
from simulator.session.session import Session
from simulator.session.simulation import Simulation
from tests.contract.conditions import SEED, calm_night, run_to, type_now


@pytest.fixture(scope="module")
def session() -> Session:
    by_arm = 'sum(rate(model_requests_total{model="$route"}[5m]))'
    document = {
        "name": "canary",
        "title": "Canary",
        "panels": [
            {
                "title": "$route by arm",
                "query": by_arm,
                "repeat": "route",
            },
            {"title": "nothing yet", "query": "sum(ingest_dead_letters_total > 1e9)"},
        ],
    }
    board = DashboardSpec.model_validate(document)
    platform = calm_night().platform.model_copy(update={"dashboards": (board,)})
    night = Simulation(replace(calm_night(), platform=platform), ensure_image(), SEED)
    run_to(night, 400.0)
    night.join("shift")
    return Session(night, seed=SEED, image=ensure_image(), player="t", mode="practice", wall_clock=lambda: 0.0)


def test_the_overview_has_a_row_for_everything_that_has_a_value(session: Session) -> None:
    lines = type_now(session, "dash").text.splitlines()
    assert lines[0].split() == ["SERIES", "NOW", "1H", "AGO", "UNIT", "LAST", "HOUR"]
    titles = [line.split("  ")[0] for line in lines[1:]]
    routes = [model.name for model in session.simulation.plant.spec.models]
    of_routes = [f"{route} {what}" for route in routes for what in ("p99", "model", "default", "504")]
    assert titles[: len(of_routes)] == of_routes
    assert titles[4 * len(routes) :][:3] == ["store read", "store wait", "store connections"]
    assert "GPU busy gpu-1" in titles
    assert type_now(session, "dash overview").text == "\n".join(lines)


def test_a_platform_brings_its_own(session: Session) -> None:
    lines = type_now(session, "dash canary").text.splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == [
        f"{model.name} by arm" for model in session.simulation.plant.spec.models
    ]


def test_an_unknown_one_is_refused_with_what_there_is(session: Session) -> None:
    ran = type_now(session, "dash canari")
    assert ran.exit != 0
    assert 'no dashboard "canari"' in ran.text
    assert "canary" in ran.text.splitlines()[1]
