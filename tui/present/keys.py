"""One table of keys: bindings, footer, palette and help are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.present.cells import Line, Span, fit, width_of
from tui.present.look import Look

InputMode = Literal["INSERT", "KEYS", "JUMP", "FILTER", "SEARCH"]


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the room. `short` is its word in the footer ("" keeps it out), `typed` its twin in the prompt."""

    key: str
    label: str
    action: str
    short: str
    says: str
    typed: str = ""


ANYWHERE: tuple[Key, ...] = (
    Key("ctrl+o", "^O", "jump", "jump", "jump: then the number of a pane"),
    Key("ctrl+p", "^P", "palette", "commands", "palette of all actions and commands", "commands"),
    Key("f1", "F1", "help", "help", "help for the pane you are in", "keys"),
    Key("escape", "Esc", "leave", "keys", "leave the prompt: keys act; again: back to normal size and no filter"),
    Key("ctrl+c", "^C", "quit", "", "leave the drill (asks); twice leaves at once", "quit"),
)

IN_KEYS: tuple[Key, ...] = (
    Key("i,enter", "i", "insert", "prompt", "back to the prompt"),
    Key("1,2,3,4,5,6,7,8", "1-8", "digit", "panes", "choose a pane"),
    Key("space", "Space", "pause", "pause", "stop and go (practice)", "pause, resume-clock"),
    Key("question_mark", "?", "help", "help", "help for this pane", "keys"),
    Key("Q", "Q", "quit", "quit", "leave the drill (asks)", "quit"),
    Key("greater_than_sign", ">", "next", "next", "run to the next event, 10 simulated minutes at most", "next"),
    Key("left_square_bracket", "[", "slower", "", "slower: x60 x10 x5 x2 x1", "speed 1"),
    Key("right_square_bracket", "]", "faster", "faster", "faster: x1 x2 x5 x10 x60 (practice)", "speed 10"),
    Key("a", "a", "ack", "ack", "acknowledge the chosen alert", "ack 2"),
    Key("n", "n", "note", "note", "write a note", "note ..."),
    Key("h", "h", "hypothesis", "hyp", "name a possible cause", "hyp add ..."),
    Key("s", "s", "status", "status", "send a status update", "status ..."),
    Key("p", "p", "postmortem", "", "write the post-mortem", "postmortem"),
    Key("e", "e", "evidence", "evid", "attach the last output as evidence", "evidence ..."),
    Key("z", "z", "zoom", "zoom", "the pane alone, and back"),
    Key("slash", "/", "filter", "filter", "filter the logs; /!text inverts"),
    Key("w", "w", "wrap", "", "logs: wrap lines; dashboard: other time window"),
    Key("j,down", "j", "down", "", "down"),
    Key("k,up", "k", "up", "", "up"),
    Key("g,home", "g", "first", "", "to the start"),
    Key("G,end", "G", "last", "", "to the end"),
    Key("pagedown", "PgDn", "page_down", "", "one page down"),
    Key("pageup", "PgUp", "page_up", "", "one page up"),
    Key("left", "Left", "board(-1)", "", "dashboard: the one before"),
    Key("right", "Right", "board(1)", "", "dashboard: the next one"),
    Key("colon", ":", "palette", "", "palette"),
)

IN_PROMPT: tuple[tuple[str, str], ...] = (
    ("Tab", "complete; again: the next candidate"),
    ("Right", "accept the grey text"),
    ("Up Down", "history that starts like what you typed"),
    ("^R", "search history"),
    ("^U ^K ^W", "delete to the start, to the end, a word"),
)


def footer(mode: InputMode, width: int, look: Look, hint_costs_points: int) -> Line:
    """The mode, then what can be pressed now; keys that do not fit are dropped from the end.

    A hint is offered with what it costs, and not at all when that is 0.
    """
    groups: list[Line] = []
    if mode == "INSERT":
        shown = [key for key in ANYWHERE if key.short]
        hint = f"hint(-{hint_costs_points})" if hint_costs_points else ""
        typed: tuple[str, ...] = ("help", "note", "hyp", "status", hint, "resolve", "quit")
    elif mode == "KEYS":
        shown = [key for key in IN_KEYS if key.short]
        typed = ()
    else:
        shown, typed = [], ()
        groups.append((Span(_TRANSIENT[mode]),))
    groups.extend((Span(key.label, "key"), Span(f" {key.short}", "", f"screen.{_clicked(key)}")) for key in shown)
    spans: list[Span] = [Span(f" {mode} ", "select")]
    used = width_of(tuple(spans))
    for group in groups:
        size = width_of(group) + 2
        if used + size > width:
            break
        spans.extend((Span("  "), *group))
        used += size
    tail = f" {look.glyphs.bar} type: "
    words = [word for word in typed if word]
    while words and used + len(tail) + len(" ".join(words)) + 1 > width:
        words.pop()
    if words:
        spans.extend((Span(f"  {look.glyphs.bar} type: ", "dim"), Span(" ".join(words))))
    return fit(tuple(spans), width, look.glyphs.ellipsis)


def _clicked(key: Key) -> str:
    return "jump" if key.action == "digit" else key.action


_TRANSIENT: dict[InputMode, str] = {
    "JUMP": "press 1-8 for a pane, 0 for the prompt, Esc to stay",
    "FILTER": "type to filter the logs, ! inverts, Enter keeps it, Esc clears it",
    "SEARCH": "type to search history, ^R older, Enter takes it, Esc gives up",
}
