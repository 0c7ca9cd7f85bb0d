"""The incident room: what keys and typed lines do. Lines the front end does not know go to the session unchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.widgets import Input

from reference_platform.errors import PagerDrillError
from tui.present.alerts import selected
from tui.present.dashboard import WINDOWS_S
from tui.present.front_commands import NEXT_MAX_S, FrontCommand, edit_asked, parse_front
from tui.present.help import help_lines
from tui.present.keys import ANYWHERE, IN_KEYS, Key
from tui.present.layout import kind_of
from tui.present.pane import LOWER, PaneId
from tui.present.panes import BY_DIGIT
from tui.present.verbs import ACK, EVIDENCE, HYPOTHESIS, NOTE, POSTMORTEM, STATUS
from tui.screens.palette import RoomCommands
from tui.screens.question import HelpScreen, SendScreen
from tui.screens.room_view import RoomView
from tui.themes import THEME_NAMES
from tui.widgets.pane import Pane
from tui.widgets.prompt import Prompt


def _bindings(keys: tuple[Key, ...]) -> list[BindingType]:
    bound: list[BindingType] = []
    for key in keys:
        if key.action == "digit":
            bound.extend(Binding(digit, f"digit('{digit}')", key.says, show=False) for digit in "012345678")
        else:
            bound.append(Binding(key.key, key.action, key.says, show=False))
    return bound


class RoomScreen(RoomView, inherit_bindings=False):
    """One running drill, operated by keys and by typed lines."""

    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {RoomCommands}
    BINDINGS: ClassVar[list[BindingType]] = _bindings((*ANYWHERE, *IN_KEYS))
    theme_names = THEME_NAMES

    # --- entering -----------------------------------------------------------------------------------------------

    @on(Prompt.Edited)
    def _edited(self) -> None:
        if self.prompt.mode == "FILTER":
            logs = self.pane("logs")
            logs.state.filter_text = self.prompt.value
            logs.state.scroll = 0
            self.paint()
        else:
            self._paint_prompt()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        prompt = self.prompt
        if prompt.mode == "FILTER":
            prompt.set_mode("INSERT")
            self.pane("logs").focus()
        elif prompt.mode == "SEARCH":
            prompt.set_mode("INSERT", prompt.found or "")
        elif event.value.strip():
            prompt.put("")
            prompt.offered = ()
            prompt.cycle = None
            self.enter(event.value.strip())

    def enter(self, text: str) -> None:
        """Do what a line says: the front end's own words here, everything else in the session.

        What speaks to people or costs something is shown first as it was understood, and sent after a yes.
        """
        self.prompt.history.add(text)
        command = parse_front(text)
        if command is not None:
            self._front(command)
            return
        edit = edit_asked(text)
        if edit is not None:
            self.edit_postmortem(text, outside=edit == "editor")
            return
        preview = self._preview(text)
        if preview is None:
            self._submit(text)
            return

        def answered(send: bool | None) -> None:
            if send:
                self._submit(text)
            else:
                self.prefill(text)

        self.app.push_screen(SendScreen(text, preview, self.look), answered)

    def _preview(self, text: str) -> str | None:
        try:
            return self.session.preview(text)
        except Exception as error:  # noqa: BLE001 - a preview is a courtesy; the line itself tells what is wrong
            self.log.error(f"preview of {text!r}: {error!r}")
            return None

    def _submit(self, text: str) -> None:
        try:
            self.session.submit(text)
        except PagerDrillError as error:
            self.tell(str(error), "error")
        except Exception as error:  # noqa: BLE001 - the line is on disk; the room stays usable
            self.pump.halt()
            self.tell(f"{text!r} broke the simulation: {error}", "error")
        self.pump.resync()
        self.pane("terminal").state.scroll = 0
        self.refresh_view()

    def edit_postmortem(self, text: str, *, outside: bool) -> None:
        """The draft of the post-mortem in a pane, or outside in the user's editor."""
        if self.session.ended:
            self._submit(text)
        elif outside:
            self._edit_outside()
        else:
            from tui.screens.postmortem import PostmortemScreen

            self.app.push_screen(PostmortemScreen(self.session, self.look, self._saved), self._edited_paper)

    def _saved(self) -> None:
        self.pump.resync()
        self.refresh_view()

    def _edited_paper(self, then: str | None) -> None:
        self._saved()
        if then:
            self.enter(then)

    def _edit_outside(self) -> None:
        from tui.editor import edit_outside

        try:
            with self.app.suspend():
                told = edit_outside(self.session, self.drill.run_path)
        except SuspendNotSupported:
            told = "this terminal cannot be handed to an editor; `postmortem` opens a pane"
        self._saved()
        self.tell(told)

    def _front(self, command: FrontCommand) -> None:
        problem = command.problem
        if problem:
            self.tell(problem, "warning")
            return
        if command.verb in ("pause", "resume-clock"):
            problem = self.pump.set_paused(command.verb == "pause")
        elif command.verb == "speed":
            problem = self.pump.set_speed(int(command.value))
        elif command.verb == "next":
            problem = self.pump.seek(NEXT_MAX_S, stop_at_event=True)
        elif command.verb == "wait":
            problem = self.pump.seek(command.value, stop_at_event=False)
        else:
            {"quit": self.action_quit, "keys": self.action_help, "commands": self.action_palette}[command.verb]()
        if problem:
            self.tell(problem, "warning")
        self.paint()

    # --- keys ---------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While jumping only a number or Esc counts."""
        return not self.jumping or action in ("digit", "leave", "quit", "pane", "jump")

    def action_jump(self) -> None:
        """The next number chooses a pane, from wherever the user is."""
        self.jumping = True
        self.set_focus(None)
        self.paint()

    def action_digit(self, digit: str) -> None:
        """Go to a pane by number; 0 is the prompt."""
        if digit == "0":
            self.action_insert()
        else:
            self.action_pane(BY_DIGIT[digit].pane_id)

    def action_pane(self, pane_id: PaneId) -> None:
        """Show a pane and give it the keys."""
        self.jumping = False
        choice = self.body.choice
        kind = kind_of(self.size.width, self.size.height)
        if choice.zoomed is not None:
            choice = replace(choice, zoomed=pane_id)
        elif kind == "wide" and pane_id in LOWER:
            choice = replace(choice, lower=pane_id)
        elif kind == "narrow" and pane_id not in ("alerts", "terminal"):
            choice = replace(choice, tab=pane_id)
        self.body.choose(choice)
        self.pane(pane_id).focus(scroll_visible=False)
        self.paint()

    def action_leave(self) -> None:
        """Esc: out of a transient state first, then from the prompt to KEYS, then back to normal size, no filter."""
        prompt = self.prompt
        if self.jumping:
            self.action_insert()
        elif prompt.mode != "INSERT":
            if prompt.mode == "FILTER":
                self.pane("logs").state.filter_text = ""
            prompt.set_mode("INSERT")
            prompt.focus()
        elif not isinstance(self.focused, Pane):
            self.action_pane(self._shown(self.last_pane))
        elif self.body.choice.zoomed is not None:
            self.action_zoom()
        else:
            self.focused.state.scroll = 0
            self.focused.state.filter_text = ""
        self.paint()

    def _shown(self, pane_id: PaneId) -> PaneId:
        return pane_id if pane_id in self.regions() else "terminal"

    def action_insert(self) -> None:
        """Letters type again."""
        self.jumping = False
        self.prompt.focus()
        self.paint()

    def prefill(self, text: str) -> None:
        """Put the beginning of a command into the prompt."""
        self.jumping = False
        self.prompt.set_mode("INSERT", text)
        self.prompt.focus()

    def first_words(self) -> list[str]:
        """First words that the session knows."""
        return [word.rstrip() for word in self.session.complete("")]

    def action_palette(self) -> None:
        """All actions and commands, searchable."""
        self.app.action_command_palette()

    def action_help(self) -> None:
        """Help for the pane in use."""
        note = "" if self.view.mode == "practice" else "the clock goes on: interview rules"
        self.app.push_screen(HelpScreen(help_lines(self.active, min(self.size.width, 110), self.look), note, self.look))

    def action_quit(self) -> None:
        """Ask, then leave."""
        self.ask_to_leave()

    def _pumped(self, problem: str) -> None:
        if problem:
            self.tell(problem, "warning")
        self.paint()

    def action_pause(self) -> None:
        """Stop or go."""
        self._pumped(self.pump.set_paused(not self.pump.paused))

    def action_faster(self) -> None:
        """Next higher speed."""
        self._pumped(self.pump.shift_speed(1))

    def action_slower(self) -> None:
        """Next lower speed."""
        self._pumped(self.pump.shift_speed(-1))

    def action_next(self) -> None:
        """Run to the next event."""
        self._pumped(self.pump.seek(NEXT_MAX_S, stop_at_event=True))

    def action_ack(self) -> None:
        """Acknowledge the chosen alert, or the most urgent one that fires."""
        alert = selected(self.view, self.pane("alerts").state)
        if alert is None or alert.state != "FIRING":
            alert = next((item for item in self.view.alerts if item.state == "FIRING"), None)
        if alert is None:
            self.tell("no alert is waiting to be acknowledged")
            return
        self.enter(f"{ACK} {alert.alert_id}")

    def action_note(self) -> None:
        """Start a note."""
        self.prefill(NOTE)

    def action_hypothesis(self) -> None:
        """Start a hypothesis."""
        self.prefill(HYPOTHESIS)

    def action_status(self) -> None:
        """Start a status update."""
        self.prefill(STATUS)

    def action_postmortem(self) -> None:
        """Open the draft of the post-mortem."""
        self.enter(POSTMORTEM)

    def action_evidence(self) -> None:
        """Cite the last output for the newest open hypothesis."""
        entries = self.view.terminal
        opened = [item for item in self.view.hypotheses if item.state == "open"]
        if not entries or not opened:
            self.tell("first a command whose output is evidence, and a hypothesis (h) that it speaks for or against")
            return
        self.prefill(EVIDENCE.format(hyp=opened[-1].hyp_id, n=entries[-1].n))

    def action_zoom(self) -> None:
        """The pane alone, and back."""
        choice = self.body.choice
        self.body.choose(replace(choice, zoomed=None if choice.zoomed else self.active))
        self.paint()

    def action_filter(self) -> None:
        """Edit the log filter in the prompt line."""
        self.action_pane("logs")
        self.prompt.set_mode("FILTER", self.pane("logs").state.filter_text)
        self.prompt.focus()
        self.paint()

    def action_wrap(self) -> None:
        """Logs: wrap or cut. Dashboard: the next time window."""
        state = self.pane(self.active).state
        if self.active == "logs":
            state.wrap = not state.wrap
        else:
            state = self.pane("dashboard").state
            at = WINDOWS_S.index(state.window_s)
            state.window_s = WINDOWS_S[(at + 1) % len(WINDOWS_S)]
        self.paint()

    def action_board(self, by: int) -> None:
        """Another dashboard."""
        state = self.pane("dashboard").state
        state.page = (state.page + by) % max(1, len(self.view.dashboards))
        state.scroll = 0
        self.paint()

    def _move(self, steps: int) -> None:
        self.pane(self.active).move(steps)
        self.paint()

    def action_down(self) -> None:
        """One line down."""
        self._move(1)

    def action_up(self) -> None:
        """One line up."""
        self._move(-1)

    def action_page_down(self) -> None:
        """A page down; from the prompt in the terminal."""
        self._move(max(1, self.pane(self.active).size.height - 2))

    def action_page_up(self) -> None:
        """A page up; from the prompt in the terminal."""
        self._move(-max(1, self.pane(self.active).size.height - 2))

    def action_first(self) -> None:
        """To the start."""
        self.pane(self.active).move_to(end=False)
        self.paint()

    def action_last(self) -> None:
        """To the end."""
        self.pane(self.active).move_to(end=True)
        self.paint()
