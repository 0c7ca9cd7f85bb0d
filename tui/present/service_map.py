"""The service map as a tree: who depends on whom, and how each is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui.present.cells import Line, Span, Tone, clean, fit, window
from tui.present.pane import Drawing, Frame, PaneState

if TYPE_CHECKING:
    from simulator.session.view import ServiceView, SessionView

_SIGNS: dict[str, tuple[str, Tone]] = {
    "OK": ("OK", "good"),
    "DEGRADED": ("!  DEGRADED", "warn"),
    "DOWN": ("!! DOWN", "crit"),
    "UNKNOWN": ("?  UNKNOWN", "dim"),
}


def caption(view: SessionView, state: PaneState) -> str:
    """`2 not OK`."""
    bad = sum(service.state in ("DEGRADED", "DOWN") for service in view.services)
    return f"{bad} not OK" if bad else "all OK"


def aside(view: SessionView, state: PaneState) -> str:
    """Nothing beyond the caption."""
    return ""


def body(view: SessionView, frame: Frame) -> Drawing:
    """Every service once. A service whose parent is not in the view is drawn at the root."""
    names = {service.name for service in view.services}
    children: dict[str, list[ServiceView]] = {}
    for service in view.services:
        parent = service.parent if service.parent in names and service.parent != service.name else ""
        children.setdefault(parent, []).append(service)
    rows: list[tuple[ServiceView, str]] = []
    short = frame.width < 60
    seen: set[str] = set()

    def draw(service: ServiceView, lead: str, branch: str, below: str) -> None:
        if service.name in seen:
            return
        seen.add(service.name)
        rows.append((service, lead + branch))
        under = children.get(service.name, [])
        glyphs = frame.look.glyphs
        for at, child in enumerate(under):
            last = at == len(under) - 1
            draw(
                child,
                lead + below,
                _branch(glyphs.tree_last if last else glyphs.tree_mid, short),
                _branch("   " if last else glyphs.tree_pass, short),
            )

    for root in children.get("", []):
        draw(root, "", "", "")
    for service in view.services:
        draw(service, "", "", "")
    column = max((cell_len(lead) + cell_len(clean(service.name)) for service, lead in rows), default=0) + 1
    lines = [_row(service, lead, column, frame) for service, lead in rows]
    shown, scroll_max = window(lines, frame.height, frame.state.scroll, tail=False)
    return Drawing(shown, scroll_max)


def _branch(glyph: str, short: bool) -> str:
    return glyph[0] + " " if short else glyph


def _row(service: ServiceView, lead: str, column: int, frame: Frame) -> Line:
    sign, tone = _SIGNS[service.state]
    name = clean(service.name)
    gap = " " * max(1, column - cell_len(lead) - cell_len(name))
    spans = (Span(lead, "rule"), Span(name, "strong" if service.state != "OK" else ""), Span(gap), Span(sign, tone))
    detail = clean(service.detail)
    return fit((*spans, Span(" " + detail if detail else "", "dim")), frame.width, frame.look.glyphs.ellipsis)
