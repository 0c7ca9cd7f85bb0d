"""Drills as the front ends ask for them: a new one, one that goes on, and one that forks off a recorded run."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reference_platform.errors import ConfigError, ContentError
from tui.present.session_port import Briefing

if TYPE_CHECKING:
    from simulator.drill.spec import DrillSpec
    from simulator.session.runfile import Run, RunWriter
    from simulator.session.session import Session
    from tui.opening import Opening
    from tui.places import NewRun
    from tui.present.debrief_view import DebriefView
    from tui.present.session_port import Progress

JUDGED = (
    "acknowledge, severity and scope",
    "defaults checked before anything is changed",
    "pods, logs, upstream and recent changes looked at",
    "hypotheses with evidence for and against",
    "the right cause; a safe fix; recovery held for 10 minutes",
    "status updates; a post-mortem with prevention; harm",
)
MAY = ("read everything", "restart, roll back, scale, stop jobs", "add alerts", "ask and page people")
MAY_NOT = ("edit data in the warehouse",)


def briefing_of(drill: DrillSpec, seed: int, mode: str) -> Briefing:
    """What is printed before the clock starts."""
    from simulator.incident.record import hint_cost_points

    return Briefing(
        scenario_id=drill.scenario_id,
        title=drill.title,
        mode="interview" if mode == "interview" else "practice",
        drill_s=drill.drill_s,
        brief=drill.brief.strip(),
        may=MAY,
        may_not=MAY_NOT,
        judged=drill.judged or JUDGED,
        people=tuple(f"{person.name} ({person.role})" for person in drill.people),
        runbooks=tuple(drill.runbooks),
        hints_total=len(drill.hints),
        hint_costs_points=tuple(hint_cost_points(step) for step in range(1, len(drill.hints) + 1)),
        seed=seed,
    )


class _Drill:
    """What every drill by hand has: a briefing, a run file, a debrief."""

    def __init__(self, opening: Opening, path: Path) -> None:
        self._opening = opening
        self._path = path
        self._started_s = 0.0

    @property
    def briefing(self) -> Briefing:
        return briefing_of(self._opening.drill, self._opening.seed, self._opening.mode)

    @property
    def run_path(self) -> str:
        return str(self._path)

    @property
    def resume_command(self) -> str:
        return f"pagerdrill resume {self._path.stem}"

    def debrief(self, session: Session, on_progress: Progress) -> DebriefView:
        """Score the session, finish its file, and set the expert's play beside it.

        A file that cannot be finished keeps no one from what was learnt: it stays a run to resume, and that is told.
        """
        from rubrics.debrief import debrief
        from rubrics.loader import incident_rubric
        from rubrics.scoring import score
        from tui.present.debrief_made import debrief_view
        from tui.recorded import expert_events, finish

        session.quit()
        session.pass_rest(lambda share, text: on_progress(text, 0.4 * share))
        on_progress("scoring", 0.4)
        kept = self.run_path
        try:
            finish(session, time.monotonic() - self._started_s)
            self._remember()
        except ConfigError as error:
            on_progress(f"{error.what}: {error.why}; {error.fix}", 0.45)
            kept = f"{kept} (unfinished: {error.why})"
        events = session.simulation.log.events
        rubric = incident_rubric()
        on_progress("the expert plays the same night", 0.5)
        expert = expert_events(self._opening, session.image)
        made = debrief(events, score(events, rubric), expert or None, rubric)
        texts = [(event.n, event_text(event)) for event in events if event.visible]
        typed = tuple(event_text(event) for event in expert if event.kind == "command")
        on_progress("done", 1.0)
        return debrief_view(made, session.view(), texts, typed, kept)

    def _remember(self) -> None:
        """Keep what is known about the finished file. Here nothing: parts of it may be from somebody else."""


class LiveDrill(_Drill):
    """A new drill. Its run file is created when it starts."""

    def __init__(self, opening: Opening, new: NewRun) -> None:
        super().__init__(opening, new.path)
        self._new = new
        self._writer: RunWriter | None = None

    def _remember(self) -> None:
        """Its events were computed here, from the commands that were typed here, and nobody else wrote a byte of it."""
        from tui.runs import remember_check

        if self._writer is not None and self._writer.content is not None:
            remember_check(self._writer.content, "verified")

    def start(self, on_progress: Progress) -> Session:
        """Build what is missing and run up to the page."""
        from tui.recorded import header_of, open_session

        image = _image(on_progress)
        self._started_s = time.monotonic()
        writer = self._new.create(header_of(self._opening, image))
        self._path = writer.path
        told = lambda share, text: on_progress(text, share)  # noqa: E731 -- turns the arguments round
        try:
            session = open_session(self._opening, image, on_progress=told, writer=writer)
        except BaseException:
            writer.close()
            raise
        session.rest_waits()
        self._writer = writer
        return session


class ResumedDrill(_Drill):
    """An unfinished run that goes on where its last command left it."""

    def __init__(self, run: Run) -> None:
        from tui.recorded import opening_of

        super().__init__(opening_of(run, _image(lambda *_: None)), run.path)
        self._run = run

    def start(self, on_progress: Progress) -> Session:
        """Repeat every command of the file, then append to it. Raises ConfigError when it is played elsewhere."""
        from simulator.session.runfile import RunWriter
        from tui.recorded import repeat

        image = _image(on_progress)
        self._started_s = time.monotonic()
        writer = RunWriter.append_to(self._run)
        try:
            session = repeat(self._run, image, lambda share, text: on_progress(text, share), rest_waits=True)
        except BaseException:
            writer.close()
            raise
        session.attach(writer)
        return session


class ForkedDrill(_Drill):
    """A run of its own that repeats another one up to a moment; from there on a person plays."""

    def __init__(self, run: Run, at_s: float, new: NewRun) -> None:
        from tui.opening import PERSON
        from tui.recorded import opening_of

        opening = opening_of(run, _image(lambda *_: None))
        super().__init__(replace(opening, player=PERSON, kind="person"), new.path)
        self._new = new
        self._run = run
        self._at_s = at_s

    def start(self, on_progress: Progress) -> Session:
        """Repeat the other run up to the fork; its commands become the first of the new file, which says whose."""
        from tui.recorded import header_of, repeat

        image = _image(on_progress)
        self._started_s = time.monotonic()
        session = repeat(self._run, image, lambda share, text: on_progress(text, share), self._at_s)
        if session.ended is not None:
            where, fix = str(self._run.path), "fork at an earlier moment"
            raise ContentError("the run is over at that moment", where=where, fix=fix)
        kept = [entered for entered in self._run.commands if entered.t_us / 1e6 <= session.joined_s + self._at_s]
        fork = {
            "run": self._run.path.stem,
            "player": str(self._run.header["player"]),
            "at_s": self._at_s,
            "commands": len(kept),
        }
        writer = self._new.create({**header_of(self._opening, image), "fork": fork})
        self._path = writer.path
        for entered in kept:
            writer.command(entered.line, entered.t_us)
        session.attach(writer)
        session.rest_waits()
        return session


def _image(on_progress: Progress) -> Any:
    from simulator.image.builder import ensure_image

    on_progress("loading the platform", 0.0)
    return ensure_image()


_BLANK = dict.fromkeys(("reason", "by", "severity", "name", "component", "mechanism", "direction", "event_n"), "")
_SAID = {
    "session.joined": "you joined ({reason})",
    "session.ended": "the drill ended ({reason})",
    "page.acked": "page acknowledged by {by}",
    "page.sent": "paged: {name} ({severity})",
    "hypothesis.added": "suspected {component}:{mechanism}",
    "hypothesis.evidence": "evidence {direction} it: event {event_n}",
    "hypothesis.confirmed": "confirmed {component}:{mechanism}",
    "hypothesis.ruled_out": "ruled out {component}:{mechanism}",
    "resolve.withdrawn": "reopened the incident",
    "resolve.claimed": "declared resolved: {component}:{mechanism}",
    "postmortem.filed": "post-mortem: {component}:{mechanism}",
}


def event_text(event: Any) -> str:
    """One event as a person would say it."""
    data = event.data
    if event.kind == "command":
        return str(data["line"])
    if event.kind in _SAID:
        return _SAID[event.kind].format(**{**_BLANK, **data})
    if event.kind == "slo":
        return "SLO good" if data["good"] else "SLO not met"
    named = [str(data[key]) for key in ("name", "summary", "detail", "message", "text", "reason") if data.get(key)]
    return f"{event.kind}: {' - '.join(named[:2])}" if named else event.kind
