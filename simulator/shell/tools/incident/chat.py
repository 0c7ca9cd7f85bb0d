"""`chat`: what was written in the incident's channel, read again."""

from __future__ import annotations

import argparse

from simulator.shell.calendar import clock
from simulator.shell.context import Effect, Operator
from simulator.shell.registry import command


@command("chat", "chat", takes_s=0.5, aliases=["comms", "messages"])
def chat(op: Operator, _: argparse.Namespace) -> Effect:
    """The channel again: who wrote what, and when. It is nobody's evidence."""
    lines: list[str] = []
    for message in op.incident.comms:
        head = f"{clock(op, message.t_s)} {message.author}: "
        first, *more = message.text.splitlines() or [""]
        lines += [head + first, *(" " * len(head) + line for line in more)]
    return Effect("\n".join(lines) or "nobody has written anything yet")
