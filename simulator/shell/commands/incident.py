"""The responder's record: notes, severity, status updates, resolve, post-mortem, and what is there to read."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Iterable

from reference_platform.durations import format_duration
from reference_platform.errors import CommandError, nearest
from simulator.engine.events import Event, JsonValue
from simulator.session.incident import NOTES_MAX, Note
from simulator.shell.calendar import clock
from simulator.shell.commands.hypotheses import cause_in
from simulator.shell.commands.people import YOU, say
from simulator.shell.components import components
from simulator.shell.context import Effect, Operator
from simulator.shell.free_text import length_s, parts_of, unquoted
from simulator.shell.registry import command

STATUS_USAGE = 'status impact="..." doing="..." next=15m [to=stakeholders]'
RESOLVE_USAGE = "resolve COMPONENT:MECHANISM TEXT"
POSTMORTEM_USAGE = 'postmortem cause=COMPONENT:MECHANISM prevention="..." TEXT'
RESOLVE_WORDS_MIN = 3
TIMELINE_MAX = 100
_SEVERITY = re.compile(r"(?:sev-?)?([1-4])", re.IGNORECASE)
_NEXT = re.compile(r"next(?:\s+update)?(?:\s+in)?[\s:=]*(\d{1,4}\s*(?:s|m|min|minutes?|h|hours?))\b", re.IGNORECASE)


@command("note", "note TEXT", takes_s=1.0, rest="text")
def note(op: Operator, args: argparse.Namespace) -> Effect:
    """Write something down, with the time."""
    text = unquoted(args.raw)
    if not text:
        raise CommandError("note what?", fix="note all three models answer 504 since 03:01")
    op.incident.notes.append(Note(op.now_s, text))
    del op.incident.notes[:-NOTES_MAX]
    op.emit("note", {"text": text})
    return Effect(f"noted at {clock(op, op.now_s)}")


@command("notes", "notes", takes_s=0.5)
def notes(op: Operator, _: argparse.Namespace) -> Effect:
    """What you wrote down."""
    return Effect("\n".join(f"{clock(op, item.t_s)}  {item.text}" for item in op.incident.notes) or "no notes yet")


@command("severity", "severity SEV2 SCOPE", takes_s=2.0, complete=lambda _: ("SEV1", "SEV2", "SEV3", "SEV4"),
         aliases=["scope", "sev"], rest="text")  # fmt: skip
def severity(op: Operator, args: argparse.Namespace) -> Effect:
    """Declare how bad it is, and for whom."""
    word, _, scope = args.raw.strip().partition(" ")
    usage = 'severity SEV2 "all routes, all customers"'
    if not word:
        shown = f"{op.incident.severity}: {op.incident.scope}" if op.incident.severity else "not declared yet"
        return Effect(f"{shown}\nusage: {usage}")
    level = _SEVERITY.fullmatch(word)
    if level is None:
        raise CommandError(f'no severity "{word[:40]}"', fix=f"SEV1 (worst) to SEV4, then who is hurt: {usage}")
    scope = unquoted(scope)
    if not scope:
        raise CommandError(f"SEV{level[1]} for whom?", fix=usage)
    op.incident.severity, op.incident.scope = f"SEV{level[1]}", scope
    op.emit("scope.declared", {"severity": op.incident.severity, "scope": scope, "text": args.raw.strip()})
    return Effect(f"declared {op.incident.severity}: {scope}")


@command("status", STATUS_USAGE, takes_s=5.0, complete=lambda _: ("impact=", "doing=", "next=15m", "to="),
         aliases=["status update", "update"], rest="text")  # fmt: skip
def status(op: Operator, args: argparse.Namespace) -> Effect:
    """Tell people: the impact, what you are doing, when you write again."""
    parts = parts_of(args.raw, ("impact", "doing", "next", "to", "audience"), one_word=("next", "to", "audience"))
    named, rest = parts.named, unquoted(parts.rest)
    spoken = _NEXT.search(rest)
    if "next" not in named and spoken:
        named["next"] = spoken[1]
        rest = (rest[: spoken.start()] + rest[spoken.end() :]).strip(" ,;.")
    pieces = [piece.strip() for piece in re.split(r"[;|]|\.\s+", rest) if piece.strip()]
    impact = named.get("impact") or (pieces.pop(0) if pieces else "")
    doing = named.get("doing") or " ".join(pieces)
    if not impact and not doing:
        raise CommandError("an update needs at least the impact", fix=STATUS_USAGE)
    next_s = length_s(named["next"], "next") if named.get("next") else None
    audience = named.get("to") or named.get("audience") or "stakeholders"
    text = _status_text(impact, doing, next_s)
    op.incident.status_due_s = None if next_s is None else op.now_s + next_s
    data: dict[str, JsonValue] = {
        "audience": audience, "impact": impact, "doing": doing, "next_s": next_s or 0.0, "text": text,
    }  # fmt: skip
    op.emit("status.sent", data)
    say(op, YOU, f"[to {audience}] {text}")
    missing = [name for name, value in (("impact", impact), ("doing", doing), ("next", next_s)) if not value]
    advice = f"\nit leaves out: {', '.join(missing)}   ({STATUS_USAGE})" if missing else ""
    return Effect(f"sent to {audience}: {text}{advice}")


def _status_text(impact: str, doing: str, next_s: float | None) -> str:
    pieces = [f"Impact: {impact}" if impact else "", f"Doing: {doing}" if doing else ""]
    pieces.append(f"Next update in {format_duration(next_s)}" if next_s else "")
    return ". ".join(piece.rstrip(".") for piece in pieces if piece) + "."


def _causes(op: Operator) -> Iterable[str]:
    confirmed = [f"{h.component}:{h.mechanism}" for h in op.incident.hypotheses if h.state == "confirmed"]
    return confirmed or components(op)


@command("resolve", RESOLVE_USAGE, takes_s=3.0, complete=_causes, aliases=["resolved"], rest="text")
def resolve(op: Operator, args: argparse.Namespace) -> Effect:
    """Declare the incident over, and say what it was."""
    raw = args.raw.strip().removeprefix("cause=")
    component, mechanism, text = cause_in(op, raw, RESOLVE_USAGE)
    text = unquoted(text)
    if len(text.split()) < RESOLVE_WORDS_MIN:
        why = "whoever reads it tomorrow wants to know how you can tell that it is over"
        raise CommandError("say in a few words what was done", why=why, fix=RESOLVE_USAGE)
    op.incident.resolved = True
    op.emit("resolve.claimed", {"component": component, "mechanism": mechanism, "text": text})
    lines = [f"incident declared resolved: {component}:{mechanism}"]
    if not op.incident.postmortem:
        lines.append(f"the drill ends with the post-mortem: {POSTMORTEM_USAGE}")
    return Effect("\n".join(lines))


@command("postmortem", POSTMORTEM_USAGE, takes_s=5.0, complete=lambda op: [f"cause={name}" for name in _causes(op)],
         aliases=["post-mortem", "pm"], rest="text")  # fmt: skip
def postmortem(op: Operator, args: argparse.Namespace) -> Effect:
    """File the post-mortem: cause, what happened, and what keeps it from coming back."""
    parts = parts_of(args.raw, ("cause", "prevention", "text"), one_word=("cause",))
    if not parts.named.get("cause"):
        raise CommandError("a post-mortem names the cause", fix=POSTMORTEM_USAGE)
    component, mechanism, _ = cause_in(op, parts.named["cause"], POSTMORTEM_USAGE)
    prevention = parts.named.get("prevention", "")
    text = " ".join(part for part in (parts.named.get("text", ""), unquoted(parts.rest)) if part)
    if not prevention:
        raise CommandError("what keeps it from coming back?", fix=POSTMORTEM_USAGE)
    if not text:
        why = "without quotes the prevention runs to the end of the line"
        raise CommandError("a post-mortem tells what happened", why=why, fix=POSTMORTEM_USAGE)
    op.incident.postmortem = True
    words = len(text.split())
    data: dict[str, JsonValue] = {
        "component": component, "mechanism": mechanism, "text": text, "prevention": prevention, "words": words,
    }  # fmt: skip
    op.emit("postmortem.filed", data)
    lines = [f"post-mortem filed: {component}:{mechanism}, {words} words"]
    if not op.incident.resolved:
        lines.append(f"the incident is still open: {RESOLVE_USAGE}")
    return Effect("\n".join(lines))


@command("hint", "hint", takes_s=2.0, aliases=["hints"])
def hint(op: Operator, _: argparse.Namespace) -> Effect:
    """The next hint; each one costs points."""
    if op.interview:
        raise CommandError("there are no hints in an interview", fix="runbook shows what the team wrote down")
    taken, hints = op.incident.hints_taken, op.drill.hints
    if taken >= len(hints):
        seen = "\n".join(f"{at}. {text}" for at, text in enumerate(hints, 1))
        return Effect(f"{seen}\nthere are no more hints" if hints else "this drill has no hints")
    op.incident.hints_taken = taken + 1
    op.emit("hint.taken", {"step": taken + 1})
    return Effect(f"hint {taken + 1} of {len(hints)} (costs points): {hints[taken]}")


@command("runbook", "runbook [NAME]", takes_s=2.0, complete=lambda op: op.drill.runbooks,
         aliases=["runbooks", "runbook show", "runbook list"], rest="text")  # fmt: skip
def runbook(op: Operator, args: argparse.Namespace) -> Effect:
    """What the team wrote down for a case like this."""
    books = op.drill.runbooks
    name = unquoted(args.raw).lower()
    if not books:
        return Effect("there are no runbooks for this service", looked=("runbook",))
    if not name and len(books) > 1:
        return Effect("runbooks: " + ", ".join(books) + "\nrunbook NAME shows one", looked=("runbook",))
    found = books.get(name) if name else next(iter(books.values()))
    if found is None:
        raise CommandError(f'no runbook "{name[:60]}"', fix=nearest(name, books))
    return Effect(found.rstrip(), looked=("runbook",))


@command("timeline", "timeline", takes_s=1.0, aliases=["history"])
def timeline(op: Operator, _: argparse.Namespace) -> Effect:
    """What has happened since you were called, as you could know it."""
    lines = [
        f"{clock(op, event.t_s)}  {_since_joined(op, event.t_s)}  {told}"
        for event in op.log
        if event.visible and event.t_s >= op.incident.joined_s and (told := _told(event))
    ]
    earlier = [f"... {len(lines) - TIMELINE_MAX} earlier"] if len(lines) > TIMELINE_MAX else []
    return Effect("\n".join([*earlier, *lines[-TIMELINE_MAX:]]) or "nothing yet")


def _told(event: Event) -> str:
    """One line about an event that belongs on the timeline, "" for all others."""
    data = event.data
    match event.kind:
        case "page.sent":
            return f"page {data['name']} ({data['severity']})"
        case "alert.fired" | "alert.resolved":
            return f"{event.kind.replace('.', ' ')}: {data['name']}"
        case "page.acked":
            return "you acknowledged"
        case "changed" | "deploy":
            return f"{event.kind}: {data.get('detail') or data.get('message') or ''}"
        case "note" | "scope.declared" | "status.sent" | "resolve.claimed" | "postmortem.filed":
            return f"{event.kind.partition('.')[0]}: {data['text']}"
        case "hypothesis.added" | "hypothesis.confirmed" | "hypothesis.ruled_out":
            return f"{event.kind.replace('.', ' ').replace('_', ' ')}: {data['component']}:{data['mechanism']}"
        case "escalated":
            return f"called {data['to']}"
        case "alert.silenced" | "alert.rule_added":
            return f"{event.kind.replace('.', ' ').replace('_', ' ')}: {data['name']}"
    return ""


def _since_joined(op: Operator, t_s: float) -> str:
    joined_s = op.incident.joined_s
    passed = int(t_s - joined_s) if math.isfinite(joined_s) else 0
    return f"T{'-' if passed < 0 else '+'}{abs(passed) // 60:02d}:{abs(passed) % 60:02d}"


@command("brief", "brief", takes_s=0.5, aliases=["briefing"])
def brief(op: Operator, _: argparse.Namespace) -> Effect:
    """What you were told when you joined."""
    lines = [op.drill.title, "", op.drill.brief.rstrip()]
    people = ", ".join(f"{person.name} ({person.role})" for person in op.drill.people)
    return Effect("\n".join([*lines, *(["", f"To ask: {people}"] if people else [])]))


@command("clock", "clock", takes_s=0.0, aliases=["date", "time"])
def clock_now(op: Operator, _: argparse.Namespace) -> Effect:
    """The time of the drill, and how much is left."""
    text = f"{clock(op, op.now_s)}   {_since_joined(op, op.now_s)}"
    if math.isfinite(op.incident.ends_s):
        text += f"   {format_duration(op.incident.ends_s - op.now_s)} left"
    due_s = op.incident.status_due_s
    if due_s is not None:
        late = op.now_s > due_s
        text += f"   status update {'overdue since' if late else 'due in'} {format_duration(abs(due_s - op.now_s))}"
    return Effect(text)
