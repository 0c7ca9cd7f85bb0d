"""The container of the room: places its parts where `room_regions` says, for any size and choice."""

from __future__ import annotations

from textual.geometry import NULL_SPACING, Offset, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from tui.present.layout import RoomChoice, room_regions


class _RoomLayout(Layout):
    name = "room"

    def __init__(self, body: RoomBody) -> None:
        self._body = body

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        regions = {str(name): rect for name, rect in room_regions(size.width, size.height, self._body.choice).items()}
        placements: list[WidgetPlacement] = []
        for child in children:
            rect = regions.get(child.id or "")
            if rect is not None:
                region = Region(rect.x, rect.y, rect.width, rect.height)
                placements.append(WidgetPlacement(region, Offset(), NULL_SPACING, child))
        return placements


class RoomBody(Widget):
    """Children whose id is not a visible part are left out of the picture, not removed."""

    DEFAULT_CSS = "RoomBody { width: 1fr; height: 1fr; }"

    def __init__(self, *children: Widget, id: str) -> None:
        super().__init__(*children, id=id)
        self.choice = RoomChoice()
        self._room_layout = _RoomLayout(self)

    @property
    def layout(self) -> Layout:
        return self._room_layout

    def choose(self, choice: RoomChoice) -> None:
        """Show other parts from the next refresh on."""
        if choice != self.choice:
            self.choice = choice
            self.children[0].refresh(layout=True)  # clears the arrangement kept for this container
