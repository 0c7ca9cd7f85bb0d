"""The room at one instant as plain text, for `replay --at`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.session.view import SessionView

LAST = 6


def room_text(view: SessionView) -> str:
    """Clock, alerts, services, newest value of every series, hypotheses, chat and the last commands."""
    minutes, seconds = divmod(int(view.now_s - view.joined_s), 60)
    lines = [f"{view.title}   {view.clock}   T+{minutes:02d}:{seconds:02d} of {view.drill_s / 60:.0f}:00"]
    lines += ["", "alerts"]
    lines += [f"  {a.state:<9} {a.severity} {a.name}: {a.summary}" for a in view.alerts] or ["  none"]
    lines += ["", "services"]
    lines += [f"  {service.name:<18} {service.state:<9} {service.detail}" for service in view.services]
    for board in view.dashboards:
        lines += ["", board.name]
        for series in board.series:
            if len(series.values):
                lines.append(f"  {series.title:<16} {series.values[-1]:10.3g} {series.unit}")
    if view.hypotheses:
        lines += ["", "hypotheses"]
        lines += [f"  H{h.hyp_id} {h.state:<9} {h.component}:{h.mechanism} {h.text}" for h in view.hypotheses]
    if view.comms:
        lines += ["", "chat"]
        lines += [f"  {line.author}: {line.text}" for line in view.comms[-LAST:]]
    if view.terminal:
        lines += ["", "terminal"]
        lines += [f"  [{entry.n}] $ {entry.line}" for entry in view.terminal[-LAST:]]
    return "\n".join(lines)
