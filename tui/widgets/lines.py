"""A widget that draws toned lines as they are: no markup, no layout of its own."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from tui.present.cells import TONES, Line, Span, text_of


class Lines(Widget):
    """Shows the lines it was given last. Redraws only when they differ."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{tone}" for tone in TONES}
    DEFAULT_CSS = "\n".join(
        [
            "Lines { height: 1fr; width: 1fr; }",
            *(
                f"Lines > .lines--{tone} {{ color: $tone-{tone}; }}"
                for tone in TONES
                if tone not in ("focus", "select")
            ),
            "Lines > .lines--strong, Lines > .lines--crit, Lines > .lines--key { text-style: bold; }",
            "Lines > .lines--focus { color: $tone-back; background: $tone-focus; text-style: bold; }",
            "Lines > .lines--select { color: $tone-back; background: $tone-select; text-style: bold; }",
        ]
    )

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: tuple[Line, ...] = ()

    def show(self, lines: tuple[Line, ...]) -> None:
        """Draw these lines from now on."""
        if lines != self.lines:
            self.lines = lines
            self.refresh()

    def _style(self, span: Span) -> Style:
        style = self.get_component_rich_style(f"lines--{span.tone}") if span.tone else self.rich_style
        return style + Style.from_meta({"@click": span.action}) if span.action else style

    def render_line(self, y: int) -> Strip:
        """One row as cells."""
        base = self.rich_style
        if y >= len(self.lines):
            return Strip.blank(self.size.width, base)
        strip = Strip([Segment(span.text, self._style(span)) for span in self.lines[y] if span.text])
        strip = strip.adjust_cell_length(self.size.width, base).apply_offsets(0, y)
        return self._with_selection(strip, y)

    def _with_selection(self, strip: Strip, y: int) -> Strip:
        selection = self.text_selection
        covered = selection.get_span(y) if selection is not None else None
        if covered is None:
            return strip
        start, end = covered
        end = strip.cell_length if end == -1 else min(end, strip.cell_length)
        style = self.screen.get_component_rich_style("screen--selection")
        return Strip.join([strip.crop(0, start), strip.crop(start, end).apply_style(style), strip.crop(end)])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Plain text under a mouse selection."""
        return selection.extract("\n".join(text_of(line) for line in self.lines)), "\n"
