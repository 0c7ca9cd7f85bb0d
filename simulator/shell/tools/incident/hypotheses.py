"""`hyp` and `evidence`: suspected causes, and the outputs that speak for or against them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable

from reference_platform.errors import CommandError
from simulator.engine.events import JsonValue
from simulator.incident.record import HYPOTHESES_MAX, Evidence, Hypothesis, Output
from simulator.shell.calendar import clock
from simulator.shell.components import components, mechanisms_of, named_component, named_mechanism
from simulator.shell.context import Effect, Operator
from simulator.shell.evidence import Direction, weigh
from simulator.shell.free_text import is_digits
from simulator.shell.line import split_pipes
from simulator.shell.registry import command, find
from simulator.shell.table import table

OWN_MODULES = ("chat", "alerting", "hypotheses", "incident", "people", "postmortem", "desk", "help")
"""Commands of these modules show what the responder did or was told, not the state of the platform."""
EVIDENCE_MAX = 60
ADD_USAGE = "hyp add COMPONENT MECHANISM [TEXT]"
CAUSES_MAX = 6
_CAUSE = r"[^\s:,+]+:[^\s:,+]+"
_BETWEEN_CAUSES = r"\s*[,+]\s*|\s+(?:and|&)\s+"
CAUSE_LIST = re.compile(rf"{_CAUSE}(?:(?:{_BETWEEN_CAUSES}){_CAUSE})*(?=[\s,+]|$)[,+]?")
"""`a:b`, `a:b,c:d`, `a:b and c:d`."""


def _causes(op: Operator) -> Iterable[str]:
    return [*components(op), *mechanisms_of(op)]


def _ids(op: Operator) -> Iterable[str]:
    return [str(item.hyp_id) for item in op.incident.hypotheses if item.state == "open"]


def cause_in(op: Operator, text: str, usage: str) -> tuple[str, str, str]:
    """Component, mechanism and the rest of `COMPONENT:MECHANISM TEXT` or `COMPONENT MECHANISM TEXT`."""
    words = text.split()
    if not words:
        raise CommandError("which component, by which mechanism?", fix=f"usage: {usage}")
    if ":" in words[0] and not words[0].endswith(":"):
        component, _, mechanism = words[0].partition(":")
        rest = words[1:]
    elif len(words) > 1:
        component, mechanism, rest = words[0].rstrip(":"), words[1], words[2:]
    else:
        named_component(op, words[0].rstrip(":"))
        raise CommandError(f"{words[0][:60]} by which mechanism?", fix=f"usage: {usage}; see: mechanisms")
    return named_component(op, component), named_mechanism(op, mechanism), " ".join(rest)


def causes_in(op: Operator, text: str, usage: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """Causes and the rest of `A:B TEXT`, `A:B,C:D TEXT`, `A:B and C:D TEXT` or `A B TEXT`. Each cause counts once."""
    listed = CAUSE_LIST.match(text.strip())
    if listed is None:
        component, mechanism, rest = cause_in(op, text, usage)
        return ((component, mechanism),), rest
    pairs = [item.partition(":") for item in re.split(_BETWEEN_CAUSES, listed[0]) if item]
    causes = tuple(dict.fromkeys((named_component(op, pair[0]), named_mechanism(op, pair[2])) for pair in pairs))
    if len(causes) > CAUSES_MAX:
        raise CommandError(f"{len(causes)} causes", why=f"at most {CAUSES_MAX} can be named", fix=f"usage: {usage}")
    return causes, text.strip()[listed.end() :].strip()


@command(
    "hyp add",
    ADD_USAGE,
    takes_s=2.0,
    complete=_causes,
    aliases=["hypothesis add", "hypotheses add", "hyp new", "hypothesis new"],
    rest="text",
)
def hyp_add(op: Operator, args: argparse.Namespace) -> Effect:
    """Suspect a cause: a component and how it fails."""
    component, mechanism, text = cause_in(op, args.raw, ADD_USAGE)
    known = op.incident.hypotheses
    alike = [item for item in known if (item.component, item.mechanism) == (component, mechanism)]
    same = next((item for item in alike if item.state != "out"), None)
    if same is not None:
        raise CommandError(
            f"{component}:{mechanism} is hypothesis {same.hyp_id} already ({same.state})", fix="hyp list"
        )
    if len(known) >= HYPOTHESES_MAX:
        raise CommandError(f"{HYPOTHESES_MAX} hypotheses are enough", fix="test those you have: hyp list")
    added = Hypothesis(len(known) + 1, component, mechanism, text)
    known.append(added)
    op.emit("hypothesis.added", {"hyp_id": added.hyp_id, **_named(added), "text": text})
    return Effect(
        f"hypothesis {added.hyp_id}: {component}:{mechanism} ({mechanisms_of(op)[mechanism]})\n"
        f"next: look, then `hyp for {added.hyp_id} last` or `hyp against {added.hyp_id} last`"
    )


@command(
    "hyp list",
    "hyp list",
    takes_s=0.5,
    aliases=["hyp", "hypothesis", "hypotheses", "hypothesis list", "hypotheses list"],
)
def hyp_list(op: Operator, _: argparse.Namespace) -> Effect:
    """Hypotheses with their evidence."""
    if not op.incident.hypotheses:
        return Effect(f"no hypothesis yet\n{ADD_USAGE}")
    rows = []
    for item in op.incident.hypotheses:
        cited = {way: [f"#{e.event_n}" for e in item.evidence if e.direction == way] for way in ("for", "against")}
        cause = f"{item.component}:{item.mechanism}"
        rows.append(
            (str(item.hyp_id), item.state, cause, " ".join(cited["for"]), " ".join(cited["against"]), item.text)
        )
    return Effect(table(("ID", "STATE", "CAUSE", "FOR", "AGAINST", "TEXT"), rows))


def _named(item: Hypothesis) -> dict[str, JsonValue]:
    return {"component": item.component, "mechanism": item.mechanism}


def _hypothesis(op: Operator, text: str) -> Hypothesis:
    number = text.lstrip("#hH")
    found = op.incident.hypothesis(int(number)) if is_digits(number) and len(number) < 7 else None
    if found is None:
        known = ", ".join(f"{item.hyp_id} {item.component}:{item.mechanism}" for item in op.incident.hypotheses[-6:])
        raise CommandError(f'no hypothesis "{text[:40]}"', fix=f"there are: {known or 'none; ' + ADD_USAGE}")
    return found


def _is_read(output: Output) -> bool:
    """Whether an output shows the state of the platform: neither a change nor the responder's own record."""
    try:
        found, _ = find(split_pipes(output.line)[0])
    except CommandError:
        return False
    return not found.changes and found.handler.__module__.rpartition(".")[2] not in OWN_MODULES


def _reads(op: Operator) -> list[Output]:
    return [item for item in op.incident.outputs if item.exit == 0 and (_is_read(item) or _is_alert_list(item))]


def _is_alert_list(output: Output) -> bool:
    """The alert list, the rules and tests of expressions do show the platform."""
    return output.line.split()[:1] in (["alerts"], ["alert"], ["pages"], ["rules"]) and bool(output.subjects)


def _output(op: Operator, text: str) -> Output:
    reads = _reads(op)
    if text.lower() in ("", "last"):
        if not reads:
            raise CommandError("there is no output to cite yet", fix="look first, such as: kubectl get pods")
        return reads[-1]
    number = text.strip("[]").lstrip("#")
    found = op.incident.output(int(number)) if is_digits(number) and len(number) < 10 else None
    if found is None:
        recent = ", ".join(f"#{item.n} {item.line[:24]}" for item in reads[-3:])
        raise CommandError(f'no output "{text[:40]}"', fix=f"cite `last` or one of: {recent or 'none yet'}")
    if found not in reads:
        why = "it failed" if found.exit else "it shows what you did, not what the platform does"
        raise CommandError(f"#{found.n} `{found.line[:40]}` is no evidence: {why}", fix="cite an output that you read")
    return found


def _cite(op: Operator, item: Hypothesis, direction: Direction, reference: str) -> Effect:
    output = _output(op, reference)
    if item.state == "out":
        raise CommandError(f"hypothesis {item.hyp_id} is ruled out", fix=f"suspect it again: {ADD_USAGE}")
    if any(evidence.event_n == output.n for evidence in item.evidence):
        raise CommandError(f"#{output.n} is cited for hypothesis {item.hyp_id} already", fix="hyp list")
    if len(item.evidence) >= EVIDENCE_MAX:
        raise CommandError(
            f"hypothesis {item.hyp_id} has {EVIDENCE_MAX} pieces of evidence", fix="confirm it or rule it out"
        )
    weight = weigh(op, item, output, direction)
    item.evidence.append(Evidence(output.n, direction, weight.relevant))
    data: dict[str, JsonValue] = {
        "hyp_id": item.hyp_id,
        "direction": direction,
        "event_n": output.n,
        "concerns": weight.concerns,
        "relevant": weight.relevant,
        "strength": weight.strength,
    }
    op.emit("hypothesis.evidence", data)
    cause = f"{item.hyp_id} {item.component}:{item.mechanism}"
    text = f"#{output.n} `{output.line[:60]}` ({clock(op, output.t_s)}) speaks {direction} {cause}"
    if weight.because:
        text += f"\n{'' if weight.relevant else 'but '}{weight.because}"
    return Effect(text)


def _cited(op: Operator, raw: str, direction: Direction) -> Effect:
    words = raw.split()
    if not words:
        raise CommandError(f"evidence {direction} which hypothesis?", fix=f"hyp {direction} ID [EVENT|last]")
    return _cite(op, _hypothesis(op, words[0]), direction, words[1] if len(words) > 1 else "last")


@command("hyp for", "hyp for ID [EVENT|last]", takes_s=1.0, complete=_ids,
         aliases=["hypothesis for", "evidence for", "hyp pro"], rest="text")  # fmt: skip
def hyp_for(op: Operator, args: argparse.Namespace) -> Effect:
    """Cite an output that speaks for a hypothesis."""
    return _cited(op, args.raw, "for")


@command("hyp against", "hyp against ID [EVENT|last]", takes_s=1.0, complete=_ids,
         aliases=["hypothesis against", "evidence against", "hyp contra"], rest="text")  # fmt: skip
def hyp_against(op: Operator, args: argparse.Namespace) -> Effect:
    """Cite an output that speaks against a hypothesis."""
    return _cited(op, args.raw, "against")


@command("evidence", "evidence ID for|against [EVENT|last], or evidence EVENT", takes_s=1.0, complete=_ids,
         aliases=["ev"], rest="text")  # fmt: skip
def evidence(op: Operator, args: argparse.Namespace) -> Effect:
    """Cite an output: `evidence 2 for 341`, or `ev 341` for the newest open hypothesis."""
    words = args.raw.split()
    if len(words) > 1 and words[1] in ("for", "against"):
        direction: Direction = "for" if words[1] == "for" else "against"
        return _cite(op, _hypothesis(op, words[0]), direction, words[2] if len(words) > 2 else "last")
    still_open = [item for item in op.incident.hypotheses if item.state == "open"]
    if not still_open:
        raise CommandError("no open hypothesis to cite for", fix=ADD_USAGE)
    if len(words) > 1:
        raise CommandError(f"cannot read {args.raw[:60]!r}", fix="evidence ID for|against [EVENT|last]")
    return _cite(op, still_open[-1], "for", words[0] if words else "last")


@command("hyp confirm", "hyp confirm ID", takes_s=1.0, complete=_ids,
         aliases=["hypothesis confirm", "confirm"], rest="text")  # fmt: skip
def hyp_confirm(op: Operator, args: argparse.Namespace) -> Effect:
    """Commit to a hypothesis as the cause."""
    item = _hypothesis(op, args.raw.strip().split(" ")[0])
    if item.state == "confirmed" and item.evidence_confirmed == len(item.evidence):
        return Effect(f"hypothesis {item.hyp_id} is confirmed already")
    item.state, item.evidence_confirmed = "confirmed", len(item.evidence)
    op.emit("hypothesis.confirmed", {"hyp_id": item.hyp_id, "component": item.component, "mechanism": item.mechanism})
    text = f"confirmed: {item.component}:{item.mechanism}"
    if not any(evidence.direction == "for" and evidence.relevant for evidence in item.evidence):
        text += "\nnote: nothing cited for it yet can show that"
    return Effect(text)


@command("hyp out", "hyp out ID because TEXT", takes_s=1.0, complete=_ids,
         aliases=["hyp rule-out", "hypothesis out", "hypothesis rule-out", "rule-out"], rest="text")  # fmt: skip
def hyp_out(op: Operator, args: argparse.Namespace) -> Effect:
    """Rule a hypothesis out, and say why."""
    number, _, because = args.raw.strip().partition(" ")
    item = _hypothesis(op, number)
    because = because.strip().removeprefix("because").strip()
    if not because:
        raise CommandError("ruled out because of what?", fix=f"hyp out {item.hyp_id} because TEXT")
    if item.state == "out":
        return Effect(f"hypothesis {item.hyp_id} is ruled out already")
    item.state = "out"
    op.emit("hypothesis.ruled_out", {"hyp_id": item.hyp_id, **_named(item), "because": because})
    text = f"ruled out: {item.component}:{item.mechanism}"
    if not any(evidence.direction == "against" and evidence.relevant for evidence in item.evidence):
        text += "\nnote: nothing cited against it yet shows that component"
    return Effect(text)


@command("mechanisms", "mechanisms", takes_s=0.5, aliases=["hyp mechanisms"])
def mechanisms(op: Operator, _: argparse.Namespace) -> Effect:
    """How components fail: the words for a hypothesis."""
    return Effect(table((), tuple(mechanisms_of(op).items())))


@command("components", "components", takes_s=0.5, aliases=["hyp components"])
def components_list(op: Operator, _: argparse.Namespace) -> Effect:
    """What can be the cause: the names for a hypothesis."""
    cluster, own = op.plant.cluster, op.drill.components
    rows = [
        (name, "node" if name in cluster.nodes else "deployment" if name in cluster.deployments else own.get(name, ""))
        for name in components(op)
    ]
    return Effect(table(("COMPONENT", "KIND"), rows))
