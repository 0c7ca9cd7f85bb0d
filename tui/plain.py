"""Line mode: the same session without screens, for screen readers, pipes and dumb terminals.

Standard output is data, one fact a line, its kind first. Standard error is narration. Simulated time moves only by
what is typed (`wait 30s`, `next`, and what commands cost) unless it is asked to follow the wall clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from reference_platform.errors import ConfigError, ContentError, PagerDrillError
from tui.editor import edit_outside
from tui.narration import plain
from tui.present.briefing import briefing_lines
from tui.present.cells import clean, text_of
from tui.present.debrief import debrief_markdown
from tui.present.facts import Fact, clock_fact, facts_between
from tui.present.front_commands import NEXT_MAX_S, WORDS, FrontCommand, edit_asked, parse_front
from tui.present.look import look_of
from tui.present.notices import leave_text
from tui.present.numbers import drill_time
from tui.present.preview import preview_lines
from tui.present.pump import seek_all
from tui.present.session_port import DrillPort, SessionPort

if TYPE_CHECKING:
    from simulator.session.view import CommandResult, SessionView

EXIT_INTERRUPTED = 130
TEXT_COLUMNS = 80
PREVIEW_ROWS_MAX = 60
_TIME_RULE = "time moves when you type: every command costs some, `wait 30s` and `next` pass it"


@dataclass(slots=True)
class _Line:
    """One run in line mode."""

    drill: DrillPort
    stdout: TextIO
    stderr: TextIO
    as_json: bool
    said: str = field(default="")

    def put(self, fact: Fact, joined_s: float) -> None:
        if self.as_json:
            body = {"fact": fact.prefix, "t_s": round(fact.t_s - joined_s, 3), "text": fact.text}
            self.stdout.write(json.dumps(body, ensure_ascii=False) + "\n")
        else:
            when = "" if fact.prefix in ("OUT", "EXIT", "CLOCK") else f"{drill_time(fact.t_s, joined_s)} "
            self.stdout.write(f"{fact.prefix} {when}{clean(fact.text)}".rstrip() + "\n")

    def tell(self, text: str) -> None:
        self.stderr.write(plain(text) + "\n")
        self.stderr.flush()

    def progress(self, doing: str, share: float) -> None:
        if doing != self.said:
            self.said = doing
            self.tell(f"{doing} ({share:.0%})")

    def news(self, before: SessionView | None, after: SessionView) -> None:
        for fact in facts_between(before, after):
            self.put(fact, after.joined_s)
        self.put(clock_fact(after), after.joined_s)
        self.stdout.flush()

    def output(self, result: CommandResult, view: SessionView) -> None:
        for text in result.text.splitlines():
            self.put(Fact("OUT", view.now_s, clean(text)), view.joined_s)
        if result.exit:
            self.put(Fact("EXIT", view.now_s, str(result.exit)), view.joined_s)

    def left(self, session: SessionPort) -> int:
        session.close()
        for text in leave_text(self.drill.run_path, self.drill.resume_command)[2:]:
            self.tell(text)
        return EXIT_INTERRUPTED


def run_plain(
    drill: DrillPort,
    stdin: TextIO,
    stdout: TextIO,
    stderr: TextIO,
    *,
    as_json: bool = False,
    realtime: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Play `drill` line by line. Returns 0 resolved well, 1 fell short, 2 bad content or settings, 3 our own error,
    130 interrupted or out of input: then the run can be resumed, and how is said on stderr."""
    line = _Line(drill, stdout, stderr, as_json)
    for briefed in briefing_lines(drill.briefing, TEXT_COLUMNS, look_of("ascii")):
        line.tell(text_of(briefed).rstrip())
    line.tell(f"{'Clock':<13}{'follows the wall clock' if realtime else _TIME_RULE}")
    try:
        session = drill.start(line.progress)
    except PagerDrillError as error:
        line.tell(str(error))
        return 2 if isinstance(error, ContentError | ConfigError) else 3
    try:
        if not _play(session, line, stdin, clock if realtime else None):
            return line.left(session)
        view = drill.debrief(session, line.progress)
    except KeyboardInterrupt:
        return line.left(session)
    session.close()
    if as_json:
        stdout.write(json.dumps({"verdict": view.verdict, "score": view.score, "run": view.run_path}) + "\n")
    else:
        stdout.write("\n" + plain(debrief_markdown(view)))
    stdout.flush()
    return view.exit_code


def _play(session: SessionPort, line: _Line, stdin: TextIO, clock: Callable[[], float] | None) -> bool:
    """True when the drill came to its end, False when the input did."""
    before = session.view()
    line.news(None, before)
    wall_s = clock() if clock else 0.0
    while session.ended is None:
        if stdin.isatty():
            line.stderr.write("ops$ ")
            line.stderr.flush()
        text = stdin.readline()
        if not text:
            return False
        if clock:
            session.advance(before.now_s + clock() - wall_s)
        command = parse_front(text)
        if command is not None and command.verb == "quit":
            return False
        if command is not None:
            _front(command, session, line)
        elif text.strip():
            _enter(text.strip(), session, line, stdin)
        if clock:
            wall_s = clock()
        after = session.view()
        line.news(before, after)
        before = after
    return True


def _enter(text: str, session: SessionPort, line: _Line, stdin: TextIO) -> None:
    """Submit a line. Somebody who types is shown first how it was understood; a pipe is not asked."""
    if stdin.isatty():
        if edit_asked(text) in ("pane", "editor"):
            line.tell(edit_outside(session, line.drill.run_path))
            return
        preview = session.preview(text)
        if preview is not None and not _agreed(text, preview, line, stdin):
            line.tell(f"not sent: {text}")
            return
    try:
        result = session.submit(text)
    except PagerDrillError as error:
        line.tell(str(error))
    else:
        line.output(result, session.view())


def _agreed(text: str, preview: str, line: _Line, stdin: TextIO) -> bool:
    for shown in preview_lines(text, preview, TEXT_COLUMNS, PREVIEW_ROWS_MAX, look_of("ascii")):
        line.tell(text_of(shown).rstrip())
    line.stderr.write("[Y/n] ")
    line.stderr.flush()
    answer = stdin.readline()
    return answer.endswith("\n") and answer.strip().lower() in ("", "y", "yes")


def _front(command: FrontCommand, session: SessionPort, line: _Line) -> None:
    if command.problem:
        line.tell(command.problem)
    elif command.verb == "wait":
        seek_all(session, session.view().now_s + command.value, stop_at_event=False)
    elif command.verb == "next":
        seek_all(session, session.view().now_s + NEXT_MAX_S, stop_at_event=True)
    elif command.verb in ("keys", "commands"):
        line.tell(f"line mode: {', '.join(WORDS)}; `help` lists everything else")
    else:
        line.tell(f"line mode has no clock to set: {_TIME_RULE}")
