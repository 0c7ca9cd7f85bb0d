"""What has happened as the responder could know it, and the draft of the post-mortem filled from it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from simulator.engine.events import Event, JsonValue
from simulator.incident.postmortem import Draft, document
from simulator.shell.calendar import clock
from simulator.shell.components import components
from simulator.shell.context import Operator

TIMELINE_MAX = 100
LINE_MAX_CHARS = 140
_IN_DOCUMENT = (
    "session.joined", "page.sent", "page.acked", "scope.declared", "changed", "deploy", "status.sent", "alert.fired",
    "alert.resolved", "alert.silenced", "alert.rule_added", "escalated", "resolve.claimed", "resolve.withdrawn",
)  # fmt: skip

Cause = tuple[str, str]
"""Component and mechanism."""


def causes_text(causes: Sequence[Cause]) -> str:
    """`a:b, c:d`."""
    return ", ".join(f"{component}:{mechanism}" for component, mechanism in causes)


def cause_fields(causes: Sequence[Cause]) -> dict[str, JsonValue]:
    """Causes as events carry them: all of them, and the first one on its own."""
    component, mechanism = causes[0]
    return {"component": component, "mechanism": mechanism, "causes": [list(cause) for cause in causes]}


def suspects(op: Operator) -> Iterable[str]:
    """Causes that were confirmed, else every component: what a statement of the cause may begin with."""
    return _confirmed(op) or components(op)


def _confirmed(op: Operator) -> list[str]:
    return [f"{item.component}:{item.mechanism}" for item in op.incident.hypotheses if item.state == "confirmed"]


def known_events(op: Operator) -> list[Event]:
    """Events since joining that the responder could see and that belong on a timeline."""
    return [event for event in op.log if event.visible and event.t_s >= op.incident.joined_s and told(event)]


def told(event: Event) -> str:
    """One line about an event that belongs on the timeline, "" for all others."""
    data = event.data
    match event.kind:
        case "session.joined":
            return f"you joined ({data['reason']})"
        case "page.sent":
            return f"page {data['name']} ({data['severity']})"
        case "alert.fired" | "alert.resolved":
            return f"{event.kind.replace('.', ' ')}: {data['name']}"
        case "page.acked":
            return "you acknowledged"
        case "changed" | "deploy":
            return f"{event.kind}: {data.get('detail') or data.get('message') or ''}"
        case "scope.declared":
            return f"severity {data['severity']}: {data['scope']}"
        case "note" | "status.sent" | "resolve.claimed" | "postmortem.filed":
            return f"{event.kind.partition('.')[0]}: {data['text']}"
        case "resolve.withdrawn":
            return f"reopened: {data['text']}"
        case "hypothesis.added" | "hypothesis.confirmed" | "hypothesis.ruled_out":
            return f"{event.kind.replace('.', ' ').replace('_', ' ')}: {data['component']}:{data['mechanism']}"
        case "escalated":
            return f"called {data['to']}"
        case "alert.silenced" | "alert.rule_added":
            return f"{event.kind.replace('.', ' ').replace('_', ' ')}: {data['name']}"
    return ""


def since_joined(op: Operator, t_s: float) -> str:
    """`T+03:20` since joining."""
    joined_s = op.incident.joined_s
    passed = int(t_s - joined_s) if math.isfinite(joined_s) else 0
    return f"T{'-' if passed < 0 else '+'}{abs(passed) // 60:02d}:{abs(passed) % 60:02d}"


def filled(op: Operator, draft: Draft) -> Draft:
    """The draft with what the log says where nothing was written: the timeline, and the causes last stated."""
    if not draft.timeline:
        draft = replace(draft, timeline="\n".join(_timeline(op)))
    if not draft.causes:
        draft = replace(draft, causes=", ".join(_stated(op) or _confirmed(op)))
    return draft


def _stated(op: Operator) -> list[str]:
    """Causes of the last resolve."""
    claims = [event for event in op.log if event.kind == "resolve.claimed"]
    causes = claims[-1].data["causes"] if claims else []
    assert isinstance(causes, list), "resolve.claimed carries a list of causes"
    return [f"{component}:{mechanism}" for component, mechanism in causes]


def _timeline(op: Operator) -> list[str]:
    """One line for each thing that happened; the same thing at the same second is counted, not repeated."""
    lines: Counter[str] = Counter()
    for event in known_events(op):
        text = " ".join(told(event).split())
        if event.kind in _IN_DOCUMENT:
            short = text if len(text) <= LINE_MAX_CHARS else text[: LINE_MAX_CHARS - 3] + "..."
            lines[f"{clock(op, event.t_s)}  {short}"] += 1
    told_once = [f"{line} (x{count})" if count > 1 else line for line, count in lines.items()]
    return told_once[:1] + told_once[1:][-(TIMELINE_MAX - 1) :]


def draft_document(op: Operator) -> str:
    """The post-mortem as it stands, as a document to edit."""
    return document(filled(op, op.incident.draft), op.drill.title)
