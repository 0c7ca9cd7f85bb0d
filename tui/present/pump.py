"""How wall time becomes simulated time: a budget per tick, and no debt.

When the simulation cannot keep the chosen speed, the missing time is forgotten and the real speed is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.present.facts import STOPS, facts_between
from tui.present.front_commands import SPEEDS
from tui.present.session_port import SessionPort
from tui.present.status import ClockState

if TYPE_CHECKING:
    from simulator.session.view import SessionView

FRAME_MAX_S = 0.5
LAG_AFTER_S = 1.0
SEEK_STEP_S = 5.0
SEEK_BUDGET_S = 0.08
_BUDGETS_S = {1: 0.012, 2: 0.012, 5: 0.012, 10: 0.02, 60: 0.06}


@dataclass(slots=True)
class _Seek:
    to_s: float
    chunk_s: float
    stop_at_event: bool
    before: SessionView | None = None
    """What was known when the chunk began."""


def seek_all(session: SessionPort, to_s: float, *, stop_at_event: bool) -> None:
    """Run to `to_s`, or to the first event that matters, without a budget. Same stops as the pump makes."""
    seek = _Seek(to_s, min(to_s, session.view().now_s + SEEK_STEP_S), stop_at_event)
    while not _seek_step(session, seek, None):
        pass


def _seek_step(session: SessionPort, seek: _Seek, budget_s: float | None) -> bool:
    """Advance by one chunk; True when the seek is over."""
    before = seek.before = seek.before or session.view()
    reached_s = session.advance(seek.chunk_s, budget_s)
    if session.ended or reached_s >= seek.to_s - 1e-6:
        return True
    if reached_s < seek.chunk_s - 1e-6:
        return False
    seek.chunk_s = min(seek.to_s, seek.chunk_s + SEEK_STEP_S)
    seek.before = session.view()
    return seek.stop_at_event and any(fact.prefix in STOPS for fact in facts_between(before, seek.before))


class Pump:
    """Advances a session. `clock` is a monotonic clock in seconds, passed in so that tests own it."""

    def __init__(self, session: SessionPort, clock: Callable[[], float], *, interview: bool) -> None:
        view = session.view()
        self._session = session
        self._clock = clock
        self._interview = interview
        self._sim_s = view.now_s
        self._wall_s = clock()
        self._seek: _Seek | None = None
        self._behind_since_s: float | None = None
        self._window: list[tuple[float, float]] = []
        self.speed = 1
        self.paused = False

    @property
    def seeking(self) -> bool:
        return self._seek is not None

    @property
    def state(self) -> ClockState:
        """For the status bar."""
        return ClockState(self.speed, self.paused, self._effective(), self.seeking)

    def _effective(self) -> float | None:
        if self.paused or self._behind_since_s is None or len(self._window) < 2:
            return None
        (wall_a, sim_a), (wall_b, sim_b) = self._window[0], self._window[-1]
        if wall_b - self._behind_since_s < LAG_AFTER_S:
            return None
        return (sim_b - sim_a) / max(1e-9, wall_b - wall_a)

    def set_paused(self, paused: bool) -> str:
        """Stop or go. Returns why not, or ""."""
        if self._interview:
            return "interview rules: the clock cannot be paused"
        self.paused = paused
        self._seek = None
        self._restart()
        return ""

    def halt(self) -> None:
        """Stop because something is broken on our side, whatever the rules say."""
        self.paused = True
        self._seek = None

    def hold(self) -> None:
        """Let wall time pass without simulated time, as while help is read."""
        self._restart()

    def set_speed(self, speed: int) -> str:
        """Choose one of SPEEDS. Returns why not, or ""."""
        if self._interview and speed != 1:
            return "interview rules: the clock runs at x1"
        assert speed in SPEEDS, f"speed {speed}"
        self.speed = speed
        self._restart()
        return ""

    def shift_speed(self, steps: int) -> str:
        """The next faster (1) or slower (-1) speed."""
        at = SPEEDS.index(self.speed) + steps
        return self.set_speed(SPEEDS[max(0, min(len(SPEEDS) - 1, at))])

    def seek(self, span_s: float, *, stop_at_event: bool) -> str:
        """Run `span_s` ahead as fast as possible, a slice per tick. Returns why not, or ""."""
        if self._interview:
            return "interview rules: the clock runs at x1"
        now_s = self._session.view().now_s
        self._seek = _Seek(now_s + span_s, now_s + min(span_s, SEEK_STEP_S), stop_at_event)
        return ""

    def resync(self) -> None:
        """After a command: simulated time may have moved, and a running seek is called off."""
        self._seek = None
        self._sim_s = self._session.view().now_s
        self._restart()

    def _restart(self) -> None:
        self._wall_s = self._clock()
        self._behind_since_s = None
        self._window.clear()

    def tick(self) -> bool:
        """Spend one tick's budget. True when simulated time moved."""
        if self._session.ended:
            self._seek = None
            return False
        if self._seek is not None:
            return self._tick_seek(self._seek)
        wall_s = self._clock()
        elapsed_s = min(FRAME_MAX_S, max(0.0, wall_s - self._wall_s))
        self._wall_s = wall_s
        if self.paused or elapsed_s == 0.0:
            return False
        before_s, target_s = self._sim_s, self._sim_s + elapsed_s * self.speed
        self._sim_s = self._session.advance(target_s, _BUDGETS_S[self.speed])
        self._measure(wall_s, self._sim_s - before_s < 0.9 * (target_s - before_s))
        return self._sim_s > before_s

    def _tick_seek(self, seek: _Seek) -> bool:
        start_s = self._clock()
        over = False
        for _ in range(int(SEEK_BUDGET_S / 0.002)):
            left_s = SEEK_BUDGET_S - (self._clock() - start_s)
            if left_s <= 0:
                break
            over = _seek_step(self._session, seek, left_s)
            if over:
                break
        if over:
            self._seek = None
        self._sim_s = self._session.view().now_s
        self._wall_s = self._clock()
        return True

    def _measure(self, wall_s: float, behind: bool) -> None:
        self._window.append((wall_s, self._sim_s))
        while len(self._window) > 2 and wall_s - self._window[0][0] > 1.5:
            self._window.pop(0)
        if not behind:
            self._behind_since_s = None
        elif self._behind_since_s is None:
            self._behind_since_s = wall_s
