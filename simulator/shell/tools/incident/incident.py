"""The responder's record: notes, severity, status updates, resolve, hints, and what is there to read."""

from __future__ import annotations

import argparse
import math
import re

from reference_platform.durations import format_duration
from reference_platform.errors import CommandError, nearest
from simulator.engine.events import JsonValue
from simulator.incident.record import NOTES_MAX, Note, hint_cost_points
from simulator.shell.calendar import clock
from simulator.shell.components import mechanisms_of
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.free_text import unquoted
from simulator.shell.registry import command
from simulator.shell.status_update import STATUS_USAGE, Update, understand_update
from simulator.shell.story import (
    TIMELINE_MAX,
    Cause,
    cause_fields,
    causes_text,
    known_events,
    since_joined,
    suspects,
    told,
)
from simulator.shell.table import table
from simulator.shell.tools.incident.hypotheses import causes_in
from simulator.shell.tools.incident.people import YOU, say

RESOLVE_USAGE = "resolve COMPONENT:MECHANISM[,COMPONENT:MECHANISM] TEXT"
RESOLVE_WORDS_MIN = 3
_SEVERITY = re.compile(r"(?:sev-?)?([1-4])", re.IGNORECASE)


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


def _update(op: Operator, args: argparse.Namespace) -> Update:
    return understand_update(args.raw, op.drill.calendar_offset_s + op.now_s)


def _preview_status(op: Operator, args: argparse.Namespace) -> str:
    update = _update(op, args)
    when = "no further update: this is the final one"
    if update.next_s is not None:
        when = f"at {update.next_at} = in {format_duration(update.next_s)}"
    elif not update.final:
        when = "not said"
    rows = [("impact", update.impact or "not said"), ("doing", update.doing or "not said"), ("next", when)]
    return f"To {update.audience}:\n{table((), rows)}"


@command("status", STATUS_USAGE, takes_s=5.0, complete=lambda _: ("impact=", "doing=", "next=15m", "to="),
         aliases=["status update", "update"], rest="text", preview=_preview_status)  # fmt: skip
def status(op: Operator, args: argparse.Namespace) -> Effect:
    """Tell people: the impact, what you are doing, when you write again."""
    update = _update(op, args)
    op.incident.status_due_s = None if update.next_s is None else op.now_s + update.next_s
    data: dict[str, JsonValue] = {
        "audience": update.audience, "impact": update.impact, "doing": update.doing, "next_s": update.next_s or 0.0,
        "final": update.final, "text": update.text,
    }  # fmt: skip
    op.emit("status.sent", data)
    say(op, YOU, f"[to {update.audience}] {update.text}")
    advice = f"\nit leaves out: {', '.join(update.missing)}   ({STATUS_USAGE})" if update.missing else ""
    return Effect(f"sent to {update.audience}: {update.text}{advice}")


def _claim(op: Operator, args: argparse.Namespace) -> tuple[tuple[Cause, ...], str]:
    causes, text = causes_in(op, args.raw.strip().removeprefix("cause="), RESOLVE_USAGE)
    text = unquoted(text)
    if len(text.split()) < RESOLVE_WORDS_MIN:
        why = "whoever reads it tomorrow wants to know how you can tell that it is over"
        raise CommandError("say in a few words what was done", why=why, fix=RESOLVE_USAGE)
    return causes, text


def _preview_resolve(op: Operator, args: argparse.Namespace) -> str:
    causes, text = _claim(op, args)
    rows = [("" if n else "cause", f"{name}:{how} ({mechanisms_of(op)[how]})") for n, (name, how) in enumerate(causes)]
    firing = sum(status.state == "firing" for status in op.alerts.alerts())
    rows += [("why", text), ("alerts", f"{firing} firing" if firing else "none is firing")]
    then = (
        "the post-mortem is filed: this ends the drill" if op.incident.postmortem else "the post-mortem; then it ends"
    )
    return "You say that the incident is over.\n" + table((), [*rows, ("then", then)])


@command("resolve", RESOLVE_USAGE, takes_s=3.0, complete=suspects, aliases=["resolved"], rest="text",
         preview=_preview_resolve)  # fmt: skip
def resolve(op: Operator, args: argparse.Namespace) -> Effect:
    """Declare the incident over, and say what it was. It can be corrected until the post-mortem is filed."""
    causes, text = _claim(op, args)
    op.incident.resolved = True
    op.emit("resolve.claimed", {**cause_fields(causes), "text": text})
    lines = [f"incident declared resolved: {causes_text(causes)}"]
    if not op.incident.postmortem:
        lines.append("the drill ends with the post-mortem: `postmortem` shows the draft, `postmortem file` files it")
        lines.append("until then: resolve again with another cause, or reopen TEXT; the last statement counts")
    return Effect("\n".join(lines))


@command("reopen", "reopen TEXT", takes_s=2.0, aliases=["unresolve"], rest="text")
def reopen(op: Operator, args: argparse.Namespace) -> Effect:
    """Take a resolve back: it is not over, or it was something else."""
    text = unquoted(args.raw)
    if not op.incident.resolved:
        raise CommandError("the incident is open", fix=RESOLVE_USAGE)
    if not text:
        raise CommandError("reopened because of what?", fix="reopen errors are back on recommendation")
    op.incident.resolved = False
    op.emit("resolve.withdrawn", {"text": text})
    return Effect(f"the incident is open again; when it is over: {RESOLVE_USAGE}")


def hint_rest(step: int, of: int) -> str:
    """What follows from having taken `step` hints."""
    if step >= of:
        return "that was the last one: Lean Hire is now the most this drill can end with"
    return f"the next one costs {hint_cost_points(step + 1)} points; after the last one Lean Hire is the most"


def _preview_hint(op: Operator, _: argparse.Namespace) -> str | None:
    step, of = op.incident.hints_taken + 1, len(op.drill.hints)
    if op.interview or step > of:
        return None
    last = "it is the last one: with it" if step == of else "after the last one"
    return f"Hint {step} of {of} costs {hint_cost_points(step)} points; {last} Lean Hire is the most."


@command("hint", "hint", takes_s=2.0, aliases=["hints"], preview=_preview_hint)
def hint(op: Operator, _: argparse.Namespace) -> Effect:
    """The next hint. They cost 4, 6, 8 and 10 points; after the last one Lean Hire is the most."""
    if op.interview:
        raise CommandError("there are no hints in an interview", fix="runbook shows what the team wrote down")
    taken, hints = op.incident.hints_taken, op.drill.hints
    if taken >= len(hints):
        seen = "\n".join(f"{at}. {text}" for at, text in enumerate(hints, 1))
        return Effect(f"{seen}\nthere are no more hints" if hints else "this drill has no hints")
    op.incident.hints_taken = taken + 1
    step = taken + 1
    cost = hint_cost_points(step)
    op.emit("hint.taken", {"step": step, "of": len(hints), "costs_points": cost})
    after = hint_rest(step, len(hints))
    return Effect(f"hint {step} of {len(hints)} (cost {cost} points): {hints[taken]}\n{after}")


@command("runbook", "runbook [NAME]", takes_s=2.0, complete=lambda op: op.drill.runbooks,
         aliases=["runbooks", "runbook show", "runbook list"], rest="text", looked=("runbook",))  # fmt: skip
def runbook(op: Operator, args: argparse.Namespace) -> Effect:
    """What the team wrote down for a case like this."""
    books = op.drill.runbooks
    name = unquoted(args.raw).lower()
    if not books:
        return Effect("there are no runbooks for this service", looked=DECLARED)
    if not name and len(books) > 1:
        return Effect("runbooks: " + ", ".join(books) + "\nrunbook NAME shows one", looked=DECLARED)
    found = books.get(name) if name else next(iter(books.values()))
    if found is None:
        raise CommandError(f'no runbook "{name[:60]}"', fix=nearest(name, books))
    return Effect(found.rstrip(), looked=DECLARED)


@command("timeline", "timeline", takes_s=1.0, aliases=["incident timeline"])
def timeline(op: Operator, _: argparse.Namespace) -> Effect:
    """What has happened since you were called, as you could know it."""
    lines = [f"{clock(op, event.t_s)}  {since_joined(op, event.t_s)}  {told(event)}" for event in known_events(op)]
    earlier = [f"... {len(lines) - TIMELINE_MAX} earlier"] if len(lines) > TIMELINE_MAX else []
    return Effect("\n".join([*earlier, *lines[-TIMELINE_MAX:]]) or "nothing yet")


@command("brief", "brief", takes_s=0.5, aliases=["briefing"])
def brief(op: Operator, _: argparse.Namespace) -> Effect:
    """What you were told when you joined."""
    lines = [op.drill.title, "", op.drill.brief.rstrip()]
    people = ", ".join(f"{person.name} ({person.role})" for person in op.drill.people)
    return Effect("\n".join([*lines, *(["", f"To ask: {people}"] if people else [])]))


@command("clock", "clock", takes_s=0.0, aliases=["time"])
def clock_now(op: Operator, _: argparse.Namespace) -> Effect:
    """The time of the drill, and how much is left."""
    text = f"{clock(op, op.now_s)}   {since_joined(op, op.now_s)}"
    if math.isfinite(op.incident.ends_s):
        text += f"   {format_duration(op.incident.ends_s - op.now_s)} left"
    due_s = op.incident.status_due_s
    if due_s is not None:
        late = op.now_s > due_s
        text += f"   status update {'overdue since' if late else 'due in'} {format_duration(abs(due_s - op.now_s))}"
    return Effect(text)
