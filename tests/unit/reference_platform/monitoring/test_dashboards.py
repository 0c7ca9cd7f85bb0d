"""Dashboards are documents: what repeats, repeats over what the platform has."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reference_platform.monitoring.dashboards.document import DashboardSpec, PanelSpec, shipped_dashboards
from reference_platform.monitoring.promql import parse

THINGS = {"route": ["a", "b"], "view": ["v"], "source": [], "gpu_node": ["n1"]}


def board(*panels: dict[str, object]) -> DashboardSpec:
    return DashboardSpec.model_validate({"name": "mine", "title": "Mine", "panels": panels})


def test_neighbours_over_one_kind_stay_together_thing_by_thing() -> None:
    rows = board(
        {"title": "$route p99", "query": 'x{route="$route"}', "repeat": "route", "scale": 1000.0, "unit": "ms"},
        {"title": "$route rate", "query": 'y{route="$route"}', "repeat": "route"},
        {"title": "store", "query": "z"},
        {"title": "none $source", "query": 'q{source="$source"}', "repeat": "source"},
        {"title": "age $view", "query": 'w{view="$view"}', "repeat": "view"},
    ).rows(THINGS)
    assert [(row.title, row.query, row.scale, row.unit) for row in rows] == [
        ("a p99", 'x{route="a"}', 1000.0, "ms"),
        ("a rate", 'y{route="a"}', 1.0, ""),
        ("b p99", 'x{route="b"}', 1000.0, "ms"),
        ("b rate", 'y{route="b"}', 1.0, ""),
        ("store", "z", 1.0, ""),
        ("age v", 'w{view="v"}', 1.0, ""),
    ]


def test_a_name_of_another_kind_is_left_as_it_stands() -> None:
    panel = PanelSpec(title="$view of $route", query='x{code=~"5..$"}', repeat="route")
    assert panel.named("a").title == "$view of a"
    assert panel.named("a").query == 'x{code=~"5..$"}'
    assert PanelSpec(title="$route", query="x").named("a").title == "$route"


def test_what_ships_is_an_overview_whose_queries_can_be_asked() -> None:
    assert [each.name for each in shipped_dashboards()] == ["overview"]
    rows = list(shipped_dashboards()[0].rows(THINGS | {"source": ["clicks"]}))
    assert len(rows) == 2 * 4 + 3 + 1 + 2 + 1
    assert all(parse(row.query) for row in rows)
    assert all("$" not in row.title + row.query for row in rows)


@pytest.mark.parametrize(
    "panel",
    [
        {"title": "", "query": "x"},
        {"title": "t", "query": ""},
        {"title": "t", "query": "x", "scale": 0.0},
        {"title": "t", "query": "x", "repeat": "pod"},
        {"title": "t", "query": "x", "color": "red"},
    ],
    ids=str,
)
def test_a_panel_that_cannot_be_is_refused(panel: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        board(panel)


@pytest.mark.parametrize("name", ["", "Mine", "a b", "-a", "a" * 41])
def test_a_name_can_be_typed(name: str) -> None:
    with pytest.raises(ValidationError):
        DashboardSpec.model_validate({"name": name, "title": "t", "panels": [{"title": "t", "query": "x"}]})


def test_a_dashboard_without_panels_is_none() -> None:
    with pytest.raises(ValidationError):
        board()
