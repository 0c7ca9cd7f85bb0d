"""The picture of the incident room: parts, sizes, frames. It paints what presenters make of the session's view."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from tui.present.cells import Line, Span, clean, line, wrap
from tui.present.keys import InputMode, footer
from tui.present.layout import (
    COLUMNS_MIN,
    HUGE_COLUMNS,
    ROWS_MIN,
    TALL_ROWS,
    WIDE_COLUMNS,
    PartId,
    Rect,
    kind_of,
    room_regions,
)  # fmt: skip
from tui.present.look import Look
from tui.present.notices import ended_text, leave_text, too_small
from tui.present.numbers import drill_time
from tui.present.pane import LOWER, SHARED, PaneId
from tui.present.panes import PANES, header, tab_bar
from tui.present.prompt import candidate_row
from tui.present.pump import Pump
from tui.present.session_port import DrillPort, SessionPort
from tui.present.status import status_line
from tui.screens.question import QuestionScreen
from tui.widgets.lines import Lines
from tui.widgets.pane import Pane
from tui.widgets.prompt import Prompt
from tui.widgets.room_body import RoomBody

if TYPE_CHECKING:
    from simulator.session.view import SessionView

PAINT_HZ = 8
PROMPTS: dict[InputMode, str] = {"INSERT": "ops$ ", "FILTER": "filter /", "SEARCH": "search: "}


class RoomView(Screen[None], inherit_bindings=False):
    """Draws one running drill, paced by the pump."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it without ClassVar
        (0, "-no-columns"),
        (COLUMNS_MIN, "-narrow"),
        (WIDE_COLUMNS, "-wide"),
        (HUGE_COLUMNS, "-huge"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it without ClassVar
        (0, "-no-rows"),
        (ROWS_MIN, "-short"),
        (TALL_ROWS, "-tall"),
    ]
    CSS = """
    RoomView { background: $tone-back; color: $tone-fore; layers: room notice; }
    #status, #footer { background: $tone-bar; }
    #too-small { layer: notice; display: none; padding: 1 2; background: $tone-back; }
    RoomView.-no-columns #too-small, RoomView.-no-rows #too-small { display: block; }
    RoomView.-no-columns #room, RoomView.-no-rows #room { display: none; }
    #prompt { layout: horizontal; }
    #prompt-lead { width: 5; height: 1; }
    #prompt-input { width: 1fr; height: 1; border: none; padding: 0; background: $tone-back; color: $tone-strong; }
    #prompt-input > .input--suggestion { color: $tone-dim; }
    #prompt-input > .input--cursor { background: $tone-fore; color: $tone-back; }
    """

    def __init__(
        self,
        drill: DrillPort,
        session: SessionPort,
        look: Look,
        clock: Callable[[], float],
        *,
        on_over: Callable[[SessionPort], None],
        on_left: Callable[[SessionPort], None],
    ) -> None:
        super().__init__()
        self.drill = drill
        self.session = session
        self.look = look
        self.view: SessionView = session.view()
        self.pump = Pump(session, clock, interview=self.view.mode == "interview")
        self.jumping = False
        self.last_pane: PaneId = "terminal"
        self._after_over = on_over
        self._after_left = on_left
        self._comms_seen = len(self.view.comms)
        self._over_shown = False
        self._status = Lines(id="status")
        self._lead = Lines(id="prompt-lead")
        self._candidates = Lines(id="candidates")
        self._footer = Lines(id="footer")
        self._too_small = Lines(id="too-small")
        self._panes = {spec.pane_id: Pane(spec, look) for spec in PANES}
        self.prompt = Prompt(session.complete)
        self.prompt.cursor_blink = look.motion
        self.body = RoomBody(
            self._status,
            *self._panes.values(),
            Horizontal(self._lead, self.prompt, id="prompt"),
            self._candidates,
            self._footer,
            id="room",
        )

    def compose(self) -> ComposeResult:
        yield self.body
        yield self._too_small

    def on_mount(self) -> None:
        self.prompt.focus()
        self.set_interval(1 / PAINT_HZ, self.tick)
        self.paint()

    # --- parts --------------------------------------------------------------------------------------------------

    def pane(self, pane_id: PaneId) -> Pane:
        return self._panes[pane_id]

    @property
    def mode(self) -> InputMode:
        """What the next letter does."""
        if self.jumping:
            return "JUMP"
        return "KEYS" if isinstance(self.focused, Pane) else self.prompt.mode

    @property
    def active(self) -> PaneId:
        """The pane that keys act on: the focused one, or the terminal while the prompt is in use."""
        return self.focused.spec.pane_id if isinstance(self.focused, Pane) else "terminal"

    def regions(self) -> dict[PartId, Rect]:
        return room_regions(self.size.width, self.size.height, self.body.choice)

    # --- painting -----------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """One frame: spend the pump's budget, paint what changed."""
        if not self.is_active and self.view.mode == "practice":
            self.pump.hold()
            return
        try:
            moved = self.pump.tick()
        except Exception as error:  # noqa: BLE001 - a broken simulation must not take the run file's owner down
            self.pump.halt()
            self.tell(f"the simulation stopped: {error}. Leave with Q; the run file is kept.", "error")
            moved = False
        if moved:
            self.refresh_view()
        elif self.is_active:
            self._paint_status()
        if self.session.ended and not self._over_shown and self.is_active:
            self._show_over(self.session.ended)

    def refresh_view(self) -> None:
        """Look at the session again and paint."""
        self.view = self.session.view()
        self.paint()

    def paint(self) -> None:
        """Paint everything from the last view. Parts that did not change are not drawn again."""
        small = too_small(self.size.width, self.size.height)
        if small:
            self._too_small.show(tuple(line(piece) for piece in wrap(small, max(10, self.size.width - 4))))
            return
        regions = self.regions()
        if "comms" in regions:
            self._comms_seen = len(self.view.comms)
        for spec in PANES:
            rect = regions.get(spec.pane_id)
            if rect is not None:
                pane = self.pane(spec.pane_id)
                error = pane.paint(self.view, rect, self._header(pane, rect))
                if error is not None and not self.pump.paused:
                    self.log.error(f"pane {spec.name}: {error!r}")
                    self.pump.halt()
        self._paint_status()
        self._paint_prompt()

    def _header(self, pane: Pane, rect: Rect) -> Line:
        choice, pane_id = self.body.choice, pane.spec.pane_id
        focused = self.jumping or self.focused is pane
        kind = kind_of(self.size.width, self.size.height)
        tabs = SHARED if kind == "narrow" else LOWER if kind == "wide" else ()
        if choice.zoomed is None and pane_id in tabs:
            unread = len(self.view.comms) - self._comms_seen
            return tab_bar(tabs, pane_id, self.view, pane.state, rect.width, self.look, focused=focused, unread=unread)
        return header(pane.spec, self.view, pane.state, rect.width, self.look, focused=focused)

    def _paint_status(self) -> None:
        self._status.show((status_line(self.view, self.pump.state, self.size.width, self.look),))

    def _paint_prompt(self) -> None:
        prompt = self.prompt
        regions = self.regions()
        lead = PROMPTS[prompt.mode]
        self._lead.styles.width = len(lead)
        self._lead.show(((Span(lead, "good" if prompt.mode == "INSERT" else "note"),),))
        width = regions["candidates"].width
        if prompt.mode == "SEARCH":
            row = line(Span("     "), Span(prompt.found or "nothing like that in history", "strong"))
        else:
            row = candidate_row(prompt.cycle, prompt.offered, width, self.look, hint=True)
        self._candidates.show((row,))
        self._footer.show((footer(self.mode, self.size.width, self.look, self.view.hint_costs_points),))

    def tell(self, text: str, severity: str = "information") -> None:
        """A short message on top of the room."""
        self.notify(clean(text), severity=severity, timeout=6, markup=False)  # type: ignore[arg-type]

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        if self.focused is None and not self.jumping and not too_small(self.size.width, self.size.height):
            self.prompt.focus()
        self.paint()

    def on_descendant_focus(self) -> None:
        if isinstance(self.focused, Pane):
            self.last_pane = self.focused.spec.pane_id
        self.call_after_refresh(self.paint)

    # --- ends ---------------------------------------------------------------------------------------------------

    def _show_over(self, reason: str) -> None:
        self._over_shown = True
        text = ended_text(reason, drill_time(self.view.now_s, self.view.joined_s))
        self.app.push_screen(
            QuestionScreen(text, "to the debrief", "", self.look), lambda _: self._after_over(self.session)
        )

    def ask_to_leave(self) -> None:
        """Leave after a yes; the run can be resumed."""
        if self.session.ended:
            self._after_over(self.session)
            return
        text = leave_text(self.drill.run_path, self.drill.resume_command)
        self.app.push_screen(QuestionScreen(text, "leave", "stay", self.look), self._left)

    def _left(self, leave: bool | None) -> None:
        if leave:
            self._after_left(self.session)
