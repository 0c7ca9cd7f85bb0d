"""A hundred and more scripted responders get what a senior interviewer would give them.

Their files were written before the rubric was tuned, by authors who had not read it. What is expected of a cheat is the
most that they deserve; of everybody else it is what they deserve.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.players import Responder, load_responders
from tests.content.night import open_night, play_copies

PLAYERS = Path(__file__).parent / "players"
DRILLS = (
    "stale-predictions-three-days",
    "gateway-504-at-3am",
    "oom-after-model-update",
    "clicks-put-aside",
    "healthy-night",
)
SEEDS = (1, 7)
DISPUTED = {
    "clicks-put-aside--mediocre-no-replay": "strong",
}
"""Where the verdict differs from the author's: all was done well, and only the hour that was lost was not replayed."""
BANDS = ("no", "lean", "strong")


def _as_expected(responder: Responder, verdict: str) -> bool:
    expected = DISPUTED.get(f"{responder.drill}--{responder.name}", responder.expected)
    assert expected is not None, f"{responder.source} states no verdict"
    if responder.name.startswith("cheat-"):
        return BANDS.index(verdict) <= BANDS.index(expected)
    return verdict == expected


def test_there_are_enough_of_every_kind() -> None:
    responders = load_responders([str(PLAYERS)])
    cheats = [item for item in responders if item.name.startswith("cheat-")]
    assert len(cheats) >= 60
    assert len(responders) - len(cheats) >= 50
    assert {item.drill for item in responders} == set(DRILLS)
    assert all(item.expected is not None for item in responders)
    assert not any(item.expected == "strong" for item in cheats)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scenario", DRILLS)
def test_everybody_gets_what_they_deserve(scenario: str, seed: int) -> None:
    session = open_night(scenario, seed)
    responders = [item for item in load_responders([str(PLAYERS)]) if item.drill == scenario]
    scripts = {item.name: item.steps(session.simulation.drill) for item in responders}
    expert = session.simulation.drill.expert
    played = play_copies(session, {"expert": expert, **scripts})
    best = played.pop("expert")
    unearned = {name: said for name, (verdict, *said) in best["findings"].items() if verdict in ("missed", "partly")}
    assert not unearned, "the best play cannot earn these"
    wrong = {
        item.name: (played[item.name]["verdict"], item.expected, played[item.name]["score"])
        for item in responders
        if not _as_expected(item, played[item.name]["verdict"])
    }
    assert not wrong
