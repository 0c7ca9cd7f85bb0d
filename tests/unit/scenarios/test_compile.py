"""From a scenario and a seed to a drill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scenarios.compile import to_drill
from scenarios.loader import load_scenario
from simulator.drill.spec import Step

Write = Callable[[str], Path]


def test_the_same_seed_makes_the_same_drill(write: Write, scenario_text: str) -> None:
    loaded = load_scenario(str(write(scenario_text)))
    assert to_drill(loaded, 7) == to_drill(loaded, 7)
    assert to_drill(loaded, 7) != to_drill(loaded, 8)


def test_ranges_are_drawn_within_their_ends(write: Write, scenario_text: str) -> None:
    loaded = load_scenario(str(write(scenario_text)))
    drills = [to_drill(loaded, seed) for seed in range(30)]
    assert all(600 <= drill.faults[0].at_s <= 720 for drill in drills)
    assert {drill.faults[0].params["leaked_per_minute"] for drill in drills} == {3, 4, 5}
    assert all(500 <= drill.platform.traffic.requests_per_s <= 700 for drill in drills)
    limits = [drill.platform.deployments[0].memory_limit for drill in drills]
    assert all(4 << 30 <= limit <= 6 << 30 for limit in limits)


def test_another_range_moves_no_other(write: Write, scenario_text: str) -> None:
    before = to_drill(load_scenario(str(write(scenario_text))), 3)
    more = scenario_text.replace("hold: 15m", "hold: 10m..20m")
    after = to_drill(load_scenario(str(write(more))), 3)
    assert after.faults[0].params["leaked_per_minute"] == before.faults[0].params["leaked_per_minute"]
    assert after.faults[0].at_s == before.faults[0].at_s
    assert after.platform == before.platform


def test_an_overlay_changes_what_it_names_and_keeps_the_order_of_the_platform(write: Write, scenario_text: str) -> None:
    drill = to_drill(load_scenario(str(write(scenario_text))), 1)
    assert [item.name for item in drill.platform.deployments] == ["recommendation", "gateway"]
    assert [item.replicas for item in drill.platform.deployments] == [2, 4]


def test_clock_and_script_become_plain_data(write: Write, scenario_text: str) -> None:
    drill = to_drill(load_scenario(str(write(scenario_text))), 1)
    assert drill.calendar_offset_s == 86400 + 22.5 * 3600
    assert (drill.drill_s, drill.joins, drill.joins_by_s) == (1800, "first_page", 28800)
    assert drill.expert == (Step("ack", 0.0), Step("", 90.0), Step("kubectl get pods", 0.0))
    assert drill.source_text == scenario_text


def test_letters_of_any_language_survive(write: Write, scenario_text: str) -> None:
    text = scenario_text.replace("The store is slow", "Der Speicher lahmt 在线商店 🐌")
    assert to_drill(load_scenario(str(write(text))), 1).title == "Der Speicher lahmt 在线商店 🐌"
