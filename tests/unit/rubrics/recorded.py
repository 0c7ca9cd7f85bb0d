"""Event logs of real plays, kept as `plays/DRILL--PLAYER.jsonl.gz`.

Renew them after a change of what events say:

    python -m tests.unit.rubrics.recorded [DRILL ...]

Each night is played at seed 1. Of the reports that come every few minutes, those long before joining are thinned to one
in THIN_RATIO; everything else is kept as it was written, event numbers too.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from simulator.engine.events import Event, event_from_line

PLAYS = Path(__file__).parent / "plays"
PLAYERS = Path(__file__).parents[2] / "content" / "players"
SEED = 1
EXPERT = "expert"
RECORDED: dict[str, tuple[str, ...]] = {
    "gateway-504-at-3am": (
        EXPERT,
        "honest-slow-store-corrected",
        "cheat-resolve-until-it-fits",
        "cheat-every-lever-at-once",
    ),
    "oom-after-model-update": (
        EXPERT,
        "honest-early-all-clear-taken-back",
        "mediocre-limit-first-then-rollback",
        "cheat-deletes-pods-in-one-line",
    ),
    "healthy-night": (EXPERT, "cheat-silences-the-night"),
    "clicks-put-aside": (EXPERT, "honest-blames-consumer-then-corrects", "cheat-three-confirmed-few-rivals"),
    "stale-predictions-three-days": (EXPERT, "mediocre-wrong-confirmed-first"),
}
REPORTS = ("slo", "truth.harm", "truth.state")
WHOLE_BEFORE_JOINING_S = 4500.0
THIN_RATIO = 30


@cache
def recorded(drill: str, player: str) -> tuple[Event, ...]:
    """The events of that play."""
    body = gzip.decompress((PLAYS / f"{drill}--{player}.jsonl.gz").read_bytes()).decode()
    return tuple(event_from_line(line) for line in body.splitlines())


def thinned(events: Sequence[Event]) -> list[Event]:
    """`events` with fewer of the reports from long before joining. A report that tells something new stays."""
    joined = next(event for event in events if event.kind == "session.joined")
    from_us = joined.t_us - WHOLE_BEFORE_JOINING_S * 1e6
    kept: list[Event] = []
    count = 0
    last: dict[str, object] = {}
    for event in events:
        said = (event.data.get("good"), event.data.get("cleared"))
        news = event.kind not in REPORTS or event.t_us >= from_us or said != last.get(event.kind)
        if event.kind in REPORTS:
            last[event.kind] = said
            count += 1
        if news or count // len(REPORTS) % THIN_RATIO == 0:
            kept.append(event)
    return kept


def write(drill: str, player: str, events: Iterable[Event]) -> Path:
    """Keep that play; the same events make the same file."""
    path = PLAYS / f"{drill}--{player}.jsonl.gz"
    body = "".join(f"{event.line()}\n" for event in events)
    path.write_bytes(gzip.compress(body.encode(), compresslevel=9, mtime=0))
    return path


def main(drills: Sequence[str]) -> None:
    """Play and keep the plays of `drills`, or of all."""
    from scenarios.players import load_responder
    from simulator.drill.spec import Step
    from tests.content.night import open_night, play_copies

    for drill in drills or RECORDED:
        session = open_night(drill, SEED)
        scripts: dict[str, Sequence[Step]] = {}
        for player in RECORDED[drill]:
            spec = session.simulation.drill
            own = PLAYERS / f"{drill}--{player}.yaml"
            scripts[player] = spec.expert if player == EXPERT else load_responder(own).steps(spec)
        before = list(session.simulation.log.events)
        for player, outcome in play_copies(session, scripts).items():
            after = [event_from_line(line) for line in outcome["lines"]]
            path = write(drill, player, thinned([*before, *after]))
            print(f"{path.name}  {path.stat().st_size} bytes  {outcome['verdict']} {outcome['score']}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
