"""`pytest FOLDER` plays the scenarios in it: one test for each scenario, player and seed.

A test fails when the verdict is not the one that the player's file states. Which players and seeds is said on the
command line or in pytest's own settings:

    [pytest]
    pagerdrill_players = shipped players/
    pagerdrill_seeds = 1-3

With pytest-xdist, `--dist loadgroup` keeps the plays of a night in one worker, where the night is opened once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reference_platform.errors import ContentError, PagerDrillError

if TYPE_CHECKING:
    from scenarios.players import Responder
    from simulator.drill.spec import DrillSpec
    from simulator.session.session import Session

_TOP_LEVEL_KEYS = ("schema", "id", "clock", "brief")
LOST_SHOWN = 5


def pytest_addoption(parser: pytest.Parser) -> None:
    """Who plays, and on which seeds."""
    group = parser.getgroup("pagerdrill", "drills as tests")
    who = 'script, folder of scripts, responder that ships, or "shipped" for all of those'
    group.addoption("--pagerdrill-players", action="append", metavar="PLAYERS", help=who)
    group.addoption("--pagerdrill-seeds", metavar="SEEDS", help="such as 1-5 or 1,7,20-22")
    parser.addini("pagerdrill_players", f"{who}; several in a row", type="args", default=["shipped"])
    parser.addini("pagerdrill_seeds", "seeds of each drill", default="1")


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    """Take a YAML file that has the keys of a scenario; leave all others alone."""
    if file_path.suffix not in (".yaml", ".yml") or not _is_scenario(file_path):
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


def _is_scenario(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return all(re.search(rf"^{key}\s*:", text, re.MULTILINE) for key in _TOP_LEVEL_KEYS)


class ScenarioFile(pytest.File):
    """A scenario with everybody who plays it."""

    def collect(self) -> Iterator[pytest.Item]:
        """A test per seed and player; those of a seed follow each other."""
        from scenarios.compile import to_drill
        from scenarios.loader import load_scenario
        from scenarios.players import load_responders
        from scenarios.seeds import parse_seeds

        refs = self.config.getoption("pagerdrill_players") or self.config.getini("pagerdrill_players")
        seeds = self.config.getoption("pagerdrill_seeds") or self.config.getini("pagerdrill_seeds")
        try:
            loaded, responders = load_scenario(str(self.path)), load_responders(refs)
            drills = [(seed, to_drill(loaded, seed)) for seed in parse_seeds(seeds)]
        except ContentError as error:
            raise self.CollectError(str(error)) from None
        for seed, drill in drills:
            for responder in sorted(responders, key=lambda item: item.name):
                if responder.plays(drill):
                    name = f"{drill.scenario_id}/{responder.name}/{seed}"
                    yield PlayItem.from_parent(self, name=name, drill=drill, seed=seed, responder=responder)


class PlayItem(pytest.Item):
    """One play."""

    def __init__(self, *, drill: DrillSpec, seed: int, responder: Responder, **rest: Any) -> None:
        super().__init__(**rest)
        self._drill, self._seed, self._responder = drill, seed, responder
        if self.config.pluginmanager.hasplugin("xdist"):
            self.add_marker(pytest.mark.xdist_group(f"{drill.scenario_id}/{seed}"))

    def runtest(self) -> None:
        """Play a copy of the night; raises UnexpectedVerdict."""
        from scenarios.night import play_out

        session = _opened(self.config, self._drill, self._seed)
        outcome = play_out(session.fork(), self._responder.steps(self._drill))
        expected = self._responder.expected
        if expected is not None and outcome["verdict"] != expected:
            raise UnexpectedVerdictError(expected, outcome)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *rest: Any) -> Any:
        """Our own messages need no traceback."""
        if isinstance(excinfo.value, PagerDrillError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *rest)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the scenario is."""
        return self.path, None, self.name


class UnexpectedVerdictError(PagerDrillError):
    """A player got another verdict than their file states."""

    def __init__(self, expected: str, outcome: dict[str, Any]) -> None:
        findings = sorted(outcome["findings"].items(), key=lambda item: item[1][1] - item[1][2])
        lost = [
            f"{name} {points:g}/{most:g}: {because}"
            for name, (verdict, points, most, because) in findings
            if points < most and verdict != "no_chance"
        ]
        why = "; ".join([*outcome["red_flags"], *lost][:LOST_SHOWN])
        super().__init__(f"{outcome['verdict']} {outcome['score']:g}, expected {expected}", why=why)


_night: dict[pytest.Config, tuple[DrillSpec, int, Session]] = {}
"""The night that was opened last; more than one would be a lot of memory."""


def _opened(config: pytest.Config, drill: DrillSpec, seed: int) -> Session:
    from scenarios.night import open_night
    from simulator.image.builder import ensure_image
    from simulator.traffic.warm import warm_up

    held = _night.get(config)
    if held is None or held[0] is not drill or held[1] != seed:
        _night.clear()
        warm_up()
        held = _night[config] = (drill, seed, open_night(drill, ensure_image(), seed))
    return held[2]


def pytest_unconfigure() -> None:
    """Let the last night go."""
    _night.clear()
