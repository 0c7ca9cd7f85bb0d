"""What the front ends ask of a drill and of a running session. Nothing here knows how a session works inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from simulator.session.view import CommandResult, SessionView
    from tui.present.debrief_view import DebriefView

Progress = Callable[[str, float], None]
"""Called from any thread with what is being done and a share of 0..1."""


class SessionPort(Protocol):
    """A running drill. Commands are on disk before `submit` returns."""

    @property
    def ended(self) -> str | None:
        """Why the drill is over (resolved, timeout, quit), or None while it runs."""

    def advance(self, to_s: float, wall_budget_s: float | None = None) -> float:
        """Run simulated time up to `to_s`, or less when the wall budget is used up. Returns the time reached."""

    def submit(self, line: str) -> CommandResult:
        """Enter one command line now."""

    def view(self) -> SessionView:
        """All that a responder may see."""

    def complete(self, text: str) -> list[str]:
        """Candidates for the last word of `text`."""

    def preview(self, line: str) -> str | None:
        """What a line that speaks to people or costs something was understood as; None when there is nothing to ask."""

    def draft(self) -> str:
        """The post-mortem as it stands, as a document to edit."""

    def close(self) -> None:
        """Stop; the run file stays and can be resumed."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """What is printed before the clock starts. Nothing that is judged is left out."""

    scenario_id: str
    title: str
    mode: Literal["practice", "interview"]
    drill_s: float
    brief: str
    may: tuple[str, ...] = ()
    may_not: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    runbooks: tuple[str, ...] = ()
    hints_total: int = 0
    seed: int = 0
    hint_costs_points: tuple[int, ...] = ()


class DrillPort(Protocol):
    """A drill that has not started, and the file its run is kept in."""

    @property
    def briefing(self) -> Briefing:
        """Cheap: known before any simulation."""

    @property
    def run_path(self) -> str:
        """Where commands are written."""

    @property
    def resume_command(self) -> str:
        """What to type to continue this run after leaving it."""

    def start(self, on_progress: Progress) -> SessionPort:
        """Build what is missing, run up to the moment the responder joins. May take a minute; called in a thread."""

    def debrief(self, session: SessionPort, on_progress: Progress) -> DebriefView:
        """Score a session that has ended. May take seconds; called in a thread."""
