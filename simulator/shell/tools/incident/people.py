"""`ask`, `escalate`, `page`: the others."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from reference_platform.errors import CommandError, nearest
from reference_platform.monitoring.pager import ESCALATION
from simulator.drill.spec import Person
from simulator.incident.record import COMMS_MAX, Message
from simulator.shell.context import Effect, Operator
from simulator.shell.registry import command
from simulator.shell.table import table

YOU = "you"
KNOWS_NOTHING = "Sorry, nothing that would help. I am watching the channel."


def say(op: Operator, author: str, text: str) -> None:
    """A line in the chat."""
    op.incident.comms.append(Message(op.now_s, author, text))
    del op.incident.comms[:-COMMS_MAX]
    op.emit("comms", {"author": author, "text": text})


def _names(op: Operator) -> Iterable[str]:
    return [person.name for person in op.drill.people]


def _reachable(op: Operator) -> Iterable[str]:
    return [*_names(op), *ESCALATION]


def _person(op: Operator, text: str) -> tuple[Person | None, str]:
    """The person whose name or role `text` begins with, and the rest."""
    lowered = text.lower().lstrip("@")
    offset = len(text) - len(lowered)
    for person in op.drill.people:
        for title in (person.name, person.role):
            begins = lowered.startswith(title.lower())
            if begins and not lowered[len(title) : len(title) + 1].isalnum():
                return person, text[offset + len(title) :].strip(" :,")
    return None, text


@command("ask", "ask WHO TEXT", takes_s=20.0, complete=_names, aliases=["dm", "message"], rest="text")
def ask(op: Operator, args: argparse.Namespace) -> Effect:
    """Ask somebody, and wait for the answer."""
    person, question = _person(op, args.raw.strip())
    if person is None:
        people = ", ".join(f"{item.name} ({item.role})" for item in op.drill.people) or "nobody tonight"
        word = (args.raw.split() or [""])[0]
        fix = f"{nearest(word, _names(op))}  there is {people}" if word else f"there is {people}"
        raise CommandError(f'nobody here is called "{word[:40]}"' if word else "ask whom?", fix=fix)
    if not question:
        raise CommandError(f"ask {person.name} what?", fix=f"ask {person.name} what did you change?")
    op.emit("asked", {"who": person.name, "text": question})
    say(op, YOU, f"@{person.name} {question}")
    say(op, person.name, person.knows or KNOWS_NOTHING)
    return Effect(f"{person.name} ({person.role}): {person.knows or KNOWS_NOTHING}")


@command("escalate", "escalate WHO REASON", takes_s=10.0, complete=_reachable, rest="text")
def escalate(op: Operator, args: argparse.Namespace) -> Effect:
    """Call for help, with a reason."""
    to, reason = _target(op, args.raw.strip(), "escalate")
    if not reason:
        raise CommandError(
            f"escalate to {to} for what reason?", fix=f"escalate {to} all models answer 504, cause unknown"
        )
    return _called(op, to, reason)


@command("page", "page WHO [REASON]", takes_s=10.0, complete=_reachable, rest="text")
def page(op: Operator, args: argparse.Namespace) -> Effect:
    """Wake somebody."""
    to, reason = _target(op, args.raw.strip(), "page")
    return _called(op, to, reason or "paged")


def _target(op: Operator, text: str, verb: str) -> tuple[str, str]:
    person, reason = _person(op, text)
    if person is not None:
        return person.name, reason
    for title in ESCALATION:
        for spelling in (title, title.split()[0]):
            if text.lower().startswith(spelling) and not text[len(spelling) : len(spelling) + 1].isalnum():
                return title, text[len(spelling) :].strip(" :,")
    word = (text.split() or [""])[0]
    fix = f"{nearest(word, _reachable(op))}  reachable: {', '.join(_reachable(op))}"
    raise CommandError(f'cannot reach "{word[:40]}"' if word else f"{verb} whom?", fix=fix)


def _called(op: Operator, to: str, reason: str) -> Effect:
    op.emit("escalated", {"to": to, "reason": reason})
    say(op, YOU, f"@{to} {reason}")
    say(op, to, "I am up and reading along. You keep the lead; tell me what you need.")
    return Effect(f"{to} has been called and is reading along")


@command("people", "people", takes_s=0.5, aliases=["who"])
def people(op: Operator, _: argparse.Namespace) -> Effect:
    """Who is there to ask."""
    rows = [(person.name, person.role) for person in op.drill.people] + [(title, "on call") for title in ESCALATION]
    return Effect(table(("NAME", "ROLE"), rows))
