"""What the commands do, once their arguments are understood. The only place where front ends meet the simulator."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from reference_platform.errors import ContentError
from tui.judged import Check
from tui.narration import progress
from tui.platform_image import prepare_image
from tui.show import Show


def practice(scenario: str, seed: int, show: Show) -> None:
    """A person plays a drill from its beginning."""
    from scenarios.compile import to_drill
    from scenarios.loader import load_scenario
    from tui.live_drill import LiveDrill
    from tui.opening import PERSON, Opening
    from tui.places import new_run

    loaded = load_scenario(scenario)
    mode = "interview" if show.interview else "practice"
    opening = Opening(to_drill(loaded, seed), seed, PERSON, mode, "person")
    _play_by_hand(LiveDrill(opening, new_run(opening.drill.scenario_id, seed)), show)


def resume(path: Path, show: Show) -> None:
    """Go on with an unfinished run."""
    from simulator.session.runfile import read_run
    from tui.live_drill import ResumedDrill

    _play_by_hand(ResumedDrill(read_run(path)), show)


def fork(path: Path, at_s: float, *, plain: bool) -> None:
    """Play on by hand from a moment of a run; the fork is a run of its own."""
    from simulator.session.runfile import read_run
    from tui.live_drill import ForkedDrill
    from tui.places import new_run

    run = read_run(path)
    name, seed = f"{run.header.get('scenario', 'run')}-fork", int(run.header.get("seed", 0))
    drill = ForkedDrill(run, at_s, new_run(name, seed))
    _play_by_hand(drill, Show(interview=False, speed=1, plain=plain, ascii_only=False, no_color=False))


def _play_by_hand(drill: Any, show: Show) -> None:
    if show.plain:
        import sys

        from tui.plain import run_plain

        raise typer.Exit(run_plain(drill, sys.stdin, sys.stdout, sys.stderr))
    from tui.app import run_app
    from tui.present.look import look_of

    if show.no_color:
        os.environ["NO_COLOR"] = "1"
    raise typer.Exit(run_app(drill, look_of("ascii" if show.ascii_only else "block"), speed=show.speed))


def play(scenario: str, player: str, seed: int, out: Path | None) -> Mapping[str, Any]:
    """Let a script play a drill to its end."""
    from scenarios.compile import to_drill, to_steps
    from scenarios.loader import load_scenario
    from scenarios.players import load_player
    from simulator.players.play import play as play_steps
    from simulator.players.scripts import RESPONDERS
    from simulator.session.runfile import RunWriter
    from tui.opening import Opening
    from tui.recorded import finish, header_of, open_session

    loaded = load_scenario(scenario)
    script = load_player(player)
    drill = to_drill(loaded, seed)
    if player == "expert" and not drill.expert:
        raise ContentError("this scenario has no expert script", where=loaded.source_name, fix="add `expert:` steps")
    steps = to_steps(script.steps) if script is not None else RESPONDERS[player](drill)
    image = prepare_image()
    started_s = time.monotonic()
    opening = Opening(drill, seed, script.player if script is not None else player, "practice")
    writer = RunWriter.create(out, header_of(opening, image)) if out is not None else None
    with progress(drill.scenario_id) as report:
        session = open_session(opening, image, on_progress=lambda share, text: report(share / 2, text), writer=writer)
        session.rest_waits()
        play_steps(session, steps, lambda share: report(0.5 + share / 4, f"{opening.player} plays"))
        session.pass_rest(lambda share, text: report(0.75 + share / 4, text))
    return finish(session, time.monotonic() - started_s)


def replay(path: Path) -> tuple[Mapping[str, Any], Check]:
    """Run a run again, verify that its events follow from its commands, score it anew; what was found is kept."""
    from rubrics.loader import incident_rubric
    from rubrics.scoring import score as score_events
    from tui.recorded import verdict_of

    started_s = time.monotonic()
    session, check = _verified(path)
    # Its own events: on another machine a number in them may differ in its last digits from those found here.
    run = _finished(path)
    card = score_events(run.events, incident_rubric())
    said = verdict_of(session, card, time.monotonic() - started_s)
    return said | {"digest": (run.footer or {}).get("digest")}, check


def verify(path: Path) -> tuple[Check | None, str]:
    """What a replay of the run finds, kept for lists; None and the reason when this program cannot know."""
    from tui.recorded import ContradictedError

    try:
        return _verified(path)[1], ""
    except ContradictedError as error:
        return "contradicted", error.why
    except ContentError as error:
        return None, ": ".join(part for part in (error.what, error.why) if part)


def _verified(path: Path) -> tuple[Any, Check]:
    from tui.judged import content_of
    from tui.recorded import ContradictedError, verified
    from tui.runs import remember_check

    image = prepare_image()
    content = content_of(path)
    try:
        with progress(path.stem) as report:
            session, check = verified(path, image, report)
    except ContradictedError:
        remember_check(content, "contradicted")
        raise
    remember_check(content, check)
    return session, check


def room_at(path: Path, at_s: float) -> str:
    """What the room looked like `at_s` seconds after joining, as text."""
    from simulator.session.runfile import read_run
    from tui.present.snapshot import room_text
    from tui.recorded import repeat

    image = prepare_image()
    with progress("replay") as report:
        session = repeat(read_run(path), image, report, at_s)
    return room_text(session.view())


def score(path: Path, rubric: str | None) -> Mapping[str, Any]:
    """Score a finished run from its events alone."""
    from rubrics.scoring import score as score_events
    from tui.judged import scoring
    from tui.recorded import rubric_of, summary

    run, chosen = _finished(path), rubric_of(rubric)
    with scoring(str(path)):
        card = score_events(run.events, chosen)
    header, footer = run.header, run.footer or {}
    kept = {key: footer.get(key) for key in ("digest", "requests_simulated", "sim_s", "wall_s")}
    return summary(card, str(header["scenario"]), int(header["seed"]), str(header["player"])) | kept


def debrief(path: Path, rubric: str | None) -> str:
    """The debrief of a finished run as text, from its events alone."""
    from rubrics.debrief import debrief as debrief_of
    from rubrics.debrief_text import render_text
    from rubrics.scoring import score as score_events
    from tui.judged import scoring
    from tui.recorded import rubric_of

    run, chosen = _finished(path), rubric_of(rubric)
    with scoring(str(path)):
        return render_text(debrief_of(run.events, score_events(run.events, chosen), None, chosen))


def _finished(path: Path) -> Any:
    from simulator.session.runfile import read_run

    run = read_run(path)
    if run.footer is None:
        raise ContentError("this run is unfinished", where=str(path), fix=f"go on with it: pagerdrill resume {path}")
    return run
