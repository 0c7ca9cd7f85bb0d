"""Help for one pane: what it shows, then every key, made from the same tables as the bindings."""

from __future__ import annotations

from tui.present.cells import EMPTY, Line, Span, wrap
from tui.present.keys import ANYWHERE, IN_KEYS, IN_PROMPT, Key
from tui.present.look import Look
from tui.present.pane import PaneId
from tui.present.panes import BY_ID

LABEL_CELLS = 10

DEBRIEF_HELP = (
    "Every criterion, the points it gave, and the events it rests on; a criterion you had no chance to show counts "
    "neither way.\n1 to 4 choose a tab, j k a row, J K scroll the evidence, n p another dashboard in Plots, "
    "e writes the debrief as Markdown beside the run file, q leaves."
)


def _rows(keys: tuple[Key, ...], width: int) -> list[Line]:
    lines: list[Line] = []
    for key in keys:
        twin = f"   (typed: {key.typed})" if key.typed else ""
        lines.extend(_entry(key.label, key.says + twin, width))
    return lines


def _entry(label: str, says: str, width: int) -> list[Line]:
    first, *rest = wrap(says, max(20, width - LABEL_CELLS - 1))
    lines: list[Line] = [(Span(" "), Span(f"{label:<{LABEL_CELLS}}", "key"), Span(first))]
    lines.extend((Span(" " * (LABEL_CELLS + 1) + piece),) for piece in rest)
    return lines


def _head(text: str, look: Look, width: int) -> Line:
    rule = look.glyphs.rule
    return (
        Span(f"{rule * 2} ", "rule"),
        Span(text, "strong"),
        Span(f" {rule * max(0, width - len(text) - 4)}", "rule"),
    )


def prose(text: str, width: int) -> list[Line]:
    """Paragraphs wrapped, one blank column on the left."""
    return [(Span(" " + piece),) for part in text.split("\n") for piece in wrap(part, width - 2)]


def help_lines(pane_id: PaneId, width: int, look: Look) -> list[Line]:
    """The whole help for the pane that has the focus; every key of the footer is in it."""
    spec = BY_ID[pane_id]
    lines: list[Line] = [_head(f"{spec.digit} {spec.name}", look, width), *prose(spec.help, width)]
    if pane_id != "terminal":
        lines.append(
            (Span(" "), Span(f"{spec.digit}", "key"), Span(" in KEYS mode, or ^O then the number, comes here."))
        )
    lines += [EMPTY, _head("Anywhere", look, width), *_rows(ANYWHERE, width)]
    lines += [EMPTY, _head("In the prompt (INSERT): letters type", look, width)]
    for label, says in IN_PROMPT:
        lines.extend(_entry(label, says, width))
    return [*lines, EMPTY, _head("After Esc (KEYS)", look, width), *_rows(IN_KEYS, width)]


def debrief_help_lines(width: int, look: Look) -> list[Line]:
    """Help of the debrief."""
    return [_head("Debrief", look, width), *prose(DEBRIEF_HELP, width)]
