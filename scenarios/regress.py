"""Play scenarios with players over seeds, and hold the results to what was expected and to what came out before.

Results depend on program, platform image, scenarios, players and seeds alone: neither on their order nor on how many
processes played. They hold no time of any clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from reference_platform.errors import ContentError, nearest
from scenarios.compile import to_drill
from scenarios.fleet import Message, NightRequest, Task
from scenarios.library import entries, scenario_files
from scenarios.loaded import LoadedScenario
from scenarios.loader import load_scenario
from scenarios.night import Outcome
from scenarios.players import Responder
from scenarios.trail import trail_of

FORMAT = 1
PLAYS_MAX = 100_000
Key = tuple[str, int, str]
"""Scenario, seed, player."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be played. `nights` and `expected` are in order of scenario, seed and player."""

    nights: tuple[NightRequest, ...]
    expected: Mapping[Key, str | None]

    @property
    def identity(self) -> str:
        """The same for the same plays by the same players."""
        return sha256(json.dumps([night.to_json() for night in self.nights], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Play:
    """One play's result. `failed` is the traceback of a play that did not come to its end."""

    scenario: str
    seed: int
    player: str
    expected: str | None
    verdict: str = ""
    score: float = 0.0
    harm_eur: float = 0.0
    tta_s: float | None = None
    ttd_s: float | None = None
    ttm_s: float | None = None
    ttr_s: float | None = None
    digest: str = ""
    critical_missed: Sequence[str] = field(default_factory=list)
    red_flags: Sequence[str] = field(default_factory=list)
    failed_commands: Sequence[str] = field(default_factory=list)
    findings: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    night_trail: str = ""
    trail: str = ""
    failed: str = ""

    @property
    def key(self) -> Key:
        return self.scenario, self.seed, self.player

    @property
    def unexpected(self) -> bool:
        """Whether the verdict is not the one that was stated."""
        return not self.failed and self.expected is not None and self.verdict != self.expected


def plan(scenarios: Sequence[LoadedScenario], responders: Sequence[Responder], seeds: Iterable[int]) -> Plan:
    """Every scenario with everybody who plays it. Raises ContentError for a player whose drill nobody knows."""
    _check_drills(scenarios, responders)
    nights: list[NightRequest] = []
    expected: dict[Key, str | None] = {}
    for loaded in sorted(scenarios, key=lambda item: item.scenario.id):
        for seed in sorted(set(seeds)):
            drill = to_drill(loaded, seed)
            players = sorted((item for item in responders if item.plays(drill)), key=lambda item: item.name)
            tasks = tuple(Task(item.name, item.steps(drill)) for item in players)
            if tasks:
                nights.append(NightRequest(drill, seed, tasks))
            expected |= {(drill.scenario_id, seed, item.name): item.expected for item in players}
    if len(expected) > PLAYS_MAX:
        raise ContentError(f"{len(expected)} plays; at most {PLAYS_MAX}", fix="name fewer seeds, scenarios or players")
    if not expected:
        raise ContentError("nothing to play", why="no player is for any of these scenarios", fix="name other players")
    return Plan(tuple(nights), expected)


def load_scenarios(refs: Sequence[str]) -> tuple[LoadedScenario, ...]:
    """The scenarios that ids, files and folders name; the library when there are none. Raises ContentError."""
    paths: list[str] = [] if refs else [str(entry.path) for entry in entries()]
    for ref in refs:
        folder = Path(ref).expanduser()
        found = [str(path) for path in scenario_files(folder)] if folder.is_dir() else [ref]
        if not found:
            raise ContentError("no scenario in this folder", where=str(folder), fix="scenarios are files *.yaml")
        paths += found
    seen: dict[str, LoadedScenario] = {}
    for path in dict.fromkeys(paths):
        loaded = load_scenario(path)
        other = seen.setdefault(loaded.scenario.id, loaded)
        if other is not loaded and other.source_name != loaded.source_name:
            what = f'id "{loaded.scenario.id}" is already used by {other.source_name}'
            raise ContentError(what, where=loaded.source_name, fix="give one of them another id")
    return tuple(seen.values())


class Collector:
    """Turns the messages of a fleet into plays."""

    def __init__(self, chosen: Plan) -> None:
        self._plan = chosen
        self._trails: dict[int, tuple[str, list[str]]] = {}

    def take(self, message: Message) -> list[tuple[Play, Sequence[str]]]:
        """The plays that `message` finishes, each with all event lines of its log; none for news of progress."""
        if message.outcome is None:
            return []
        if message.task is not None:
            return [self._played(message.night, message.task, message.outcome)]
        if "failed" in message.outcome:
            tasks = self._plan.nights[message.night].tasks
            return [self._played(message.night, task, message.outcome) for task in range(len(tasks))]
        lines = message.outcome["lines"]
        self._trails[message.night] = (trail_of(lines), lines)
        return []

    def _played(self, index: int, task: int, outcome: Outcome) -> tuple[Play, Sequence[str]]:
        night = self._plan.nights[index]
        scenario, seed, player = night.drill.scenario_id, night.seed, night.tasks[task].name
        expected = self._plan.expected[scenario, seed, player]
        if "failed" in outcome:
            return Play(scenario, seed, player, expected, failed=outcome["failed"]), ()
        night_trail, before = self._trails[index]
        known = {item.name for item in fields(Play)}
        kept = {name: value for name, value in outcome.items() if name in known}
        trail = trail_of(outcome["lines"], night_trail)
        play = Play(scenario, seed, player, expected, night_trail=night_trail, trail=trail, **kept)
        return play, [*before, *outcome["lines"]]


def without(chosen: Plan, done: Iterable[Key]) -> Plan:
    """What of the plan is left when `done` is done."""
    finished = set(done)
    nights: list[NightRequest] = []
    for night in chosen.nights:
        left = tuple(t for t in night.tasks if (night.drill.scenario_id, night.seed, t.name) not in finished)
        if left:
            nights.append(NightRequest(night.drill, night.seed, left))
    return Plan(tuple(nights), chosen.expected)


def _check_drills(scenarios: Sequence[LoadedScenario], responders: Sequence[Responder]) -> None:
    known = {item.scenario.id for item in scenarios} | {entry.scenario_id for entry in entries()}
    for item in responders:
        if item.drill and item.drill not in known:
            what = f'player "{item.name}" is for the drill "{item.drill}", which does not exist'
            raise ContentError(what, where=item.source, fix=nearest(item.drill, known))
