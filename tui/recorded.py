"""From run files and scenarios to sessions: open, resume, replay, score. Everything the commands share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reference_platform.errors import ContentError
from rubrics.findings import Scorecard
from rubrics.loader import incident_rubric, load_rubric
from rubrics.schema import Rubric
from rubrics.scoring import score
from scenarios.schema import ID_MAX, checked_id
from simulator.drill.spec import SPAN_MAX_S, DrillSpec
from simulator.engine.comparison import first_disagreement
from simulator.engine.events import Event
from simulator.faults.registry import FAULTS
from simulator.image.image import Image
from simulator.session.edition import edition
from simulator.session.prefixes import kept_prefixes
from simulator.session.runfile import Run, RunWriter, player_kind, read_run
from simulator.session.session import Session, version
from simulator.traffic.warm import warm_up
from tui.judged import Check
from tui.opening import Opening

Progress = Callable[[float, str], None]


class ContradictedError(ContentError):
    """A run whose events do not follow from its commands."""


def header_of(opening: Opening, image: Image) -> dict[str, Any]:
    """The first line of a run file: enough to run it again, whatever happens to the library."""
    return {
        "scenario": opening.drill.scenario_id,
        "seed": opening.seed,
        "version": version(),
        "edition": edition(),
        "image": image.content,
        "player": opening.player,
        "kind": opening.kind,
        "mode": opening.mode,
        "drill": opening.drill.to_json(),
    }


def opening_of(run: Run, image: Image) -> Opening:
    """What a run file says about how it was opened. Raises ContentError when this program cannot repeat it."""
    header = run.header
    try:
        drill = DrillSpec.from_json(header["drill"])
        _check_id(drill, header["scenario"])
        _check_playable(drill, header["seed"])
    except ValidationError as error:
        first = error.errors()[0]
        raise _damaged_header(run, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged_header(run, str(error)) from None
    opening = Opening(drill, header["seed"], header["player"], header["mode"], player_kind(header))
    unverifiable = run.footer is None and header.get("version") != version()
    if header.get("image") != image.content or unverifiable:
        # Every machine has the platform that ships; another one belongs to another release.
        why = (
            f"it was played on platform {header.get('image')} of version {header.get('version')};"
            f" this is version {version()} with platform {image.content}"
        )
        fix = "score it without running it: pagerdrill score RUN; or install the version that played it"
        raise ContentError("this run cannot be repeated here", where=str(run.path), why=why, fix=fix)
    return opening


def _damaged_header(run: Run, why: str) -> ContentError:
    return ContentError("damaged run file", where=f"{run.path}:1", why=f"header: {why}", fix="play again")


def _check_id(drill: DrillSpec, scenario_id: str) -> None:
    """Raises ValueError when the run goes by the name of another drill, or by one that no drill can have."""
    if drill.scenario_id != scenario_id:
        raise ValueError(
            f"{scenario_id[:ID_MAX]!r} is another drill than {drill.scenario_id[:ID_MAX]!r}, which is in it"
        )
    checked_id(scenario_id)


def _check_playable(drill: DrillSpec, seed: int) -> None:
    """Raises ValueError for what no program has written: a night without end, an unknown fault, its parameters."""
    if seed < 0:
        raise ValueError(f"seed {seed} is below 0")
    spans_s = [drill.drill_s, drill.joins_by_s, *(fault.at_s for fault in drill.faults)]
    spans_s += [person.review_at_s for person in drill.people if person.review_at_s is not None]
    if not all(0.0 <= span_s <= SPAN_MAX_S for span_s in (*spans_s, abs(drill.calendar_offset_s))):
        raise ValueError(f"a time is not within 0..{SPAN_MAX_S:.0f} s")
    for fault in drill.faults:
        if fault.fault_id not in FAULTS:
            raise ValueError(f'no fault "{fault.fault_id[:80]}"')
        FAULTS[fault.fault_id].model_validate(dict(fault.params))


def open_session(
    opening: Opening,
    image: Image,
    *,
    on_progress: Progress,
    writer: RunWriter | None = None,
    mode: str | None = None,
    afresh: bool = False,
) -> Session:
    """The drill at the moment the responder joins: as it was kept when it was opened before, or played `afresh`."""
    span_s = max((item.at_s for item in opening.drill.faults if not item.after_join), default=0.0)
    horizon_s = max([span_s, *(person.review_at_s or 0.0 for person in opening.drill.people)]) or 3600.0
    if opening.drill.joins == "first_page":
        horizon_s = min(opening.drill.joins_by_s, horizon_s + 4.5 * 3600.0)
    last_told = [0.0]
    on_progress(0.0, "loading the request path")
    warm_up()

    def going(now_s: float) -> bool:
        if time.monotonic() - last_told[0] > 0.1:
            last_told[0] = time.monotonic()
            on_progress(min(0.99, now_s / horizon_s), "the hours before your shift pass")
        return True

    session = Session.open(
        opening.drill,
        image,
        opening.seed,
        player=opening.player,
        mode=mode or opening.mode,
        wall_clock=time.monotonic,
        writer=writer,
        going=going,
        prefixes=None if afresh else kept_prefixes(),
    )
    assert session is not None, "nothing stopped it"
    on_progress(1.0, "you are paged")
    return session


def repeat(
    run: Run,
    image: Image,
    on_progress: Progress,
    until_s: float = float("inf"),
    *,
    rest_waits: bool = False,
    afresh: bool = False,
) -> Session:
    """The session of a run file, brought to its last command, or to `until_s` seconds after joining.

    `afresh`: with nothing taken over from an earlier opening of the drill, which is what verifies it.
    With `rest_waits` a drill that is over by then leaves the rest of the shift to `Session.pass_rest`.
    """
    session = open_session(opening_of(run, image), image, on_progress=on_progress, afresh=afresh)
    if rest_waits:
        session.rest_waits()
    limit_s = session.joined_s + until_s
    session.replay(run.commands, limit_s)
    if until_s < float("inf"):
        session.advance(limit_s)
    return session


def verified(path: Path, image: Image, on_progress: Progress) -> tuple[Session, Check]:
    """Run a finished run again to its end, and say how well its events follow from its commands.

    Equal to the bit, or alike as far as another processor or library can make a difference. Raises ContradictedError
    when neither, and ContentError when this program cannot know.
    """
    run = read_run(path)
    if run.footer is None:
        raise ContentError("this run is unfinished", where=str(path), fix=f"go on with it: pagerdrill resume {path}")
    session = repeat(run, image, on_progress, rest_waits=True, afresh=True)
    if run.events and run.events[-1].data.get("reason") == "quit":
        session.quit()
    session.advance(float("inf"))
    session.pass_rest(on_progress)
    digest = session.simulation.log.digest()
    if digest == run.footer["digest"]:
        return session, "verified"
    parted = first_disagreement(run.events, session.simulation.log.events)
    if parted is None:
        return session, "verified on another machine"
    why = f"running it again gives another run; {parted}"
    if run.header.get("edition") != edition():
        fix = "score it without running it: pagerdrill score RUN; or install the edition that played it"
        raise ContentError("this run cannot be verified here", where=str(path), why=f"another edition; {why}", fix=fix)
    raise ContradictedError("the run does not repeat", where=str(path), why=why, fix="its commands were edited")


def replayed(path: Path, image: Image, on_progress: Progress) -> Session:
    """The session of a finished run. Raises ContentError when it does not come out the same."""
    return verified(path, image, on_progress)[0]


def rubric_of(ref: str | None) -> Rubric:
    """The rubric at a path, or the incident rubric."""
    return incident_rubric() if ref is None or ref == "incident" else load_rubric(Path(ref))


def verdict_of(session: Session, card: Scorecard, wall_s: float) -> dict[str, Any]:
    """The JSON object of a played run."""
    return summary(card, session.simulation.drill.scenario_id, session.seed, session.player) | {
        "digest": session.simulation.log.digest(),
        "requests_simulated": session.simulation.plant.plane.requests,
        "sim_s": round(session.now_s, 6),
        "wall_s": round(wall_s, 3),
    }


def summary(card: Scorecard, scenario: str, seed: int, player: str) -> dict[str, Any]:
    """Verdict, score, harm and times of a scored run."""
    return {
        "scenario": scenario,
        "seed": seed,
        "player": player,
        "verdict": card.verdict,
        "score": card.score,
        "harm": card.harm_eur,
        "tta_s": card.times.tta_s,
        "ttd_s": card.times.ttd_s,
        "ttm_s": card.times.ttm_s,
        "ttr_s": card.times.ttr_s,
    }


def finish(session: Session, wall_s: float) -> Mapping[str, Any]:
    """Score a session that has ended and write its footer."""
    session.pass_rest()
    card = score(session.simulation.log.events, incident_rubric())
    verdict = verdict_of(session, card, wall_s)
    session.finish({"events": len(session.simulation.log), **verdict})
    return verdict


def expert_events(opening: Opening, image: Image) -> tuple[Event, ...]:
    """What the scenario's own expert does on the same night; () when the scenario has none."""
    from simulator.players.play import play

    if not opening.drill.expert:
        return ()
    session = open_session(
        Opening(opening.drill, opening.seed, "expert", "practice"), image, on_progress=lambda *_: None
    )
    play(session, opening.drill.expert)
    return tuple(session.simulation.log.events)
