"""`alerts`, `ack`, `silence`: what the alerting saw, and what the responder tells it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence

from reference_platform.durations import format_duration
from reference_platform.errors import CommandError, nearest
from reference_platform.monitoring.alerts import AlertRule, AlertStatus, Resolved, Severity, Transition
from reference_platform.roles import GATEWAY
from simulator.shell.calendar import clock
from simulator.shell.components import components, distinct, named_component
from simulator.shell.context import DECLARED, Effect, Operator
from simulator.shell.free_text import is_digits, length_s, unquoted
from simulator.shell.query import about, answer, asked, number_text, parse_query, selectors, series_text, without_flags
from simulator.shell.registry import Arguments, command
from simulator.shell.table import table

RESOLVED_SHOWN = 10
SILENCE_DEFAULT = "1h"
SUMMARY_MAX_CHARS = 300
TEST_POINTS = 30
ADD_USAGE = "alerts add NAME EXPR [--for 10m] [--severity P2] [--component X] [--summary TEXT]"
_SEVERITIES: tuple[Severity, ...] = ("P1", "P2", "P3")


def _ids(parser: Arguments) -> None:
    parser.add_argument("ids", nargs="*")


def _silence_options(parser: Arguments) -> None:
    parser.add_argument("name")
    parser.add_argument("--for", dest="length", default=SILENCE_DEFAULT)
    parser.add_argument("--comment", "-c")


def _rule_name(parser: Arguments) -> None:
    parser.add_argument("name")


def _rule_names(op: Operator) -> Iterable[str]:
    return [rule.name for rule in op.alerts.rules()]


def _firing(op: Operator) -> list[AlertStatus]:
    return [status for status in op.alerts.alerts() if status.state == "firing"]


def _state(op: Operator, status: AlertStatus) -> str:
    if status.state != "firing" or status.alert_id is None:
        return status.state.upper()
    if status.silenced_until_s is not None and status.silenced_until_s > op.now_s:
        return "SILENCED"
    return "ACKED" if op.pager.acked_by(status.alert_id) else "FIRING"


@command(
    "alerts", "alerts", takes_s=1.0, aliases=["alerts list", "alert list", "pages"], looked=("alerts",), sight="alerts"
)
def alerts(op: Operator, _: argparse.Namespace) -> Effect:
    """Alerts that are pending, firing, acknowledged or lately resolved."""
    known = op.alerts.alerts()
    active = [status for status in known if status.state != "resolved"]
    over = [status for status in known if status.state == "resolved" and status.alert_id is not None][-RESOLVED_SHOWN:]
    rows = []
    for status in (*sorted(active, key=lambda item: (item.state, item.severity)), *over):
        since_s = status.resolved_s or status.fired_s or status.active_s
        number = "-" if status.alert_id is None else str(status.alert_id)
        rows.append((number, status.severity, _state(op, status), status.name, clock(op, since_s), status.summary))
    text = table(("ID", "SEV", "STATE", "NAME", "SINCE", "SUMMARY"), rows) if rows else "no alerts"
    known_names = components(op)
    firing = [status for status in active if status.state == "firing"]
    named = [name for status in firing for name in (status.component, *(value for _, value in status.labels))]
    return Effect(text, looked=DECLARED, subjects=distinct(name for name in named if name in known_names))


@command("ack", "ack [ID...]", takes_s=1.0, configure=_ids, aliases=["acknowledge", "alerts ack", "alert ack"])
def ack(op: Operator, args: argparse.Namespace) -> Effect:
    """Take the page: all firing alerts, or those with these ids."""
    if not any(status.alert_id for status in op.alerts.alerts()):
        return Effect("nobody was paged: nothing to acknowledge")
    wanted = _wanted_ids(op, args.ids)
    open_ids = [status.alert_id for status in _firing(op) if status.alert_id in wanted and status.alert_id is not None]
    if open_ids and all(op.pager.acked_by(alert_id) for alert_id in open_ids):
        return Effect(f"acknowledged already: {', '.join(map(str, sorted(open_ids)))}")
    if not wanted:
        return Effect("nothing is firing; nothing to acknowledge")
    acked = op.pager.ack(wanted, "you", op.now_s)
    op.emit("page.acked", {"alert_ids": list(acked.alert_ids), "by": acked.by})
    firing = {status.alert_id: status for status in _firing(op)}
    paging = False
    lines = []
    for alert_id in acked.alert_ids:
        status = firing.get(alert_id)
        ticket = status is not None and status.severity == "P3"
        paging = paging or not ticket
        name = f" {status.name}" if status is not None else ""
        lines.append(f"acknowledged {alert_id}{name}" + (": a P3 is a ticket and has paged nobody" if ticket else ""))
    last = "the escalation has stopped; the incident is yours" if paging else "nobody was paged, so nothing escalates"
    return Effect("\n".join([*lines, last]))


def _wanted_ids(op: Operator, words: Sequence[str]) -> list[int]:
    firing = {status.alert_id: status.name for status in _firing(op) if status.alert_id is not None}
    if not words or [word.lower() for word in words] == ["all"]:
        return list(firing)
    wanted: list[int] = []
    for word in ",".join(words).split(","):
        number = word.strip().lstrip("#")
        by_name = [alert_id for alert_id, name in firing.items() if name == number]
        if is_digits(number) and len(number) < 10:
            wanted.append(int(number))
        elif by_name:
            wanted += by_name
        elif number:
            open_ids = ", ".join(map(str, firing)) or "none"
            raise CommandError(f'no alert "{number[:60]}"', fix=f"ack takes ids; firing: {open_ids}")
    return wanted


@command(
    "silence",
    "silence NAME [--for 1h]",
    takes_s=2.0,
    configure=_silence_options,
    complete=_rule_names,
    aliases=["alerts silence", "alert silence", "mute"],
)
def silence(op: Operator, args: argparse.Namespace) -> Effect:
    """Keep an alert quiet for a while. It goes on firing; nobody is told."""
    for_s = length_s(args.length, "--for")
    names = _silenced_names(op, args.name)
    for name in names:
        hidden = [status.alert_id for status in _firing(op) if status.name == name]
        _deliver(op, op.alerts.silence(name, for_s, op.now_s))
        op.emit("alert.silenced", {"name": name, "for_s": for_s, "alert_ids": sorted(filter(None, hidden))})
    until = clock(op, op.now_s + for_s)
    return Effect("\n".join(f"{name} silenced for {format_duration(for_s)}, until {until}" for name in names))


def _silenced_names(op: Operator, text: str) -> list[str]:
    if text in ("all", "*"):
        firing = list(dict.fromkeys(status.name for status in _firing(op)))
        if not firing:
            raise CommandError("nothing is firing; nothing to silence", fix="silence NAME --for 1h")
        return firing
    number = text.lstrip("#")
    for status in _firing(op):
        if is_digits(number) and status.alert_id == int(number[:9]):
            return [status.name]
    if text not in _rule_names(op):
        raise CommandError(f'no alert "{text[:60]}"', fix=nearest(text, _rule_names(op)))
    return [text]


def _deliver(op: Operator, transitions: Sequence[Transition]) -> None:
    """Tell the pager, and log alerts that ended because their rule is gone."""
    for transition in transitions:
        if isinstance(transition, Resolved):
            op.emit("alert.resolved", {"alert_id": transition.alert.alert_id, "name": transition.alert.name})
    if transitions:
        op.pager.observe(transitions, op.now_s)


@command(
    "alerts rules",
    "alerts rules",
    takes_s=1.0,
    complete=_rule_names,
    aliases=["alert rules", "rules"],
    looked=("alerts",),
    sight="rules",
)
def rules(op: Operator, _: argparse.Namespace) -> Effect:
    """Every alert rule: severity, how long it must hold, expression."""
    errors = op.alerts.errors()
    rows = [
        (rule.name, rule.severity, format_duration(rule.for_s), "yours" if rule.name in op.incident.rules_added else "",
         errors.get(rule.name, " ".join(rule.expr.split())).splitlines()[0])
        for rule in op.alerts.rules()
    ]  # fmt: skip
    return Effect(table(("NAME", "SEV", "FOR", "", "EXPR"), rows), looked=DECLARED, subjects=("alerting",))


@command("alerts add", ADD_USAGE, takes_s=5.0, aliases=["alert add", "alerts rule add"], rest="query", sight="alerts")
def add(op: Operator, args: argparse.Namespace) -> Effect:
    """Add an alert rule of your own; it is evaluated from now on."""
    raw, flags = without_flags(args.raw, ("for", "severity", "component", "summary"), ADD_USAGE)
    name, _, expr_text = raw.partition(" ")
    expr_text = unquoted(expr_text)
    if not name or not expr_text:
        raise CommandError("an alert needs a name and an expression", fix=f"usage: {ADD_USAGE}")
    expr = parse_query(expr_text, ADD_USAGE)
    for_s = 0.0 if re.fullmatch(r"0[a-z]*", flags.get("for", "0")) else length_s(flags["for"], "--for")
    severity = _severity(flags.get("severity", "P2"))
    found = about(op, expr, [sample.labels for sample in answer(op, expr, op.now_s)])
    component = named_component(op, flags["component"]) if "component" in flags else (*found, GATEWAY)[0]
    summary = flags.get("summary", f"{name}: {{{{value}}}}")[:SUMMARY_MAX_CHARS]
    op.alerts.add_rule(AlertRule(name, expr_text, for_s, severity, component, summary, ""))
    op.incident.rules_added.append(name)
    op.emit("alert.rule_added", {"name": name, "expr": expr_text, "for_s": for_s, "component": component})
    now = answer(op, expr, op.now_s)
    lines = [f"alert {name} added: {severity}, holds {format_duration(for_s)}, component {component}"]
    known = op.plant.store.names()
    unknown = [item.name for item in selectors(expr.root) if item.name not in known]
    lines += [f"warning: there is no metric {metric} yet" for metric in unknown]
    lines.append(f"right now it is true for {len(now)} series" if now else "right now it is not true")
    return Effect("\n".join(lines))


def _severity(text: str) -> Severity:
    for severity in _SEVERITIES:
        if text.upper() == severity:
            return severity
    raise CommandError(f'no severity "{text[:40]}"', fix="one of P1, P2, P3")


@command(
    "alerts remove",
    "alerts remove NAME",
    takes_s=2.0,
    configure=_rule_name,
    complete=lambda op: op.incident.rules_added,
    aliases=["alert remove", "alerts delete", "alert delete"],
    sight="alerts",
)
def remove(op: Operator, args: argparse.Namespace) -> Effect:
    """Remove an alert rule that you added."""
    if args.name not in op.incident.rules_added:
        known = args.name in _rule_names(op)
        what = f"{args.name} belongs to the platform" if known else f'you added no alert "{args.name[:60]}"'
        raise CommandError(what, fix="only your own can be removed: " + (", ".join(op.incident.rules_added) or "none"))
    transitions = op.alerts.remove_rule(args.name, op.now_s)
    op.incident.rules_added.remove(args.name)
    _deliver(op, transitions)
    return Effect(f"alert {args.name} removed")


@command(
    "alerts test",
    "alerts test EXPR [--for 10m]",
    takes_s=2.0,
    aliases=["alert test"],
    rest="query",
    looked=("metrics",),
    sight="query",
)
def test(op: Operator, args: argparse.Namespace) -> Effect:
    """Would an expression alert now, and how often was it true in the last hour?"""
    usage = "alerts test EXPR [--for 10m]"
    query = asked(op, args.raw, ("for",), usage)
    for_s = length_s(query.flags["for"], "--for") if "for" in query.flags else 0.0
    if not any(True for _ in re.finditer(r"[<>]|==|!=|absent|\band\b|\bunless\b", query.expr.text)):
        raise CommandError("this has no condition, so it would always alert", fix="such as EXPR > 0.1")
    now = answer(op, query.expr, op.now_s)
    checks = [op.now_s - 3600.0 * (1.0 - at / (TEST_POINTS - 1)) for at in range(TEST_POINTS)]
    true = [bool(answer(op, query.expr, at_s)) for at_s in checks]
    held = 0
    for hit in reversed(true):
        if not hit:
            break
        held += 1
    held_s = max(0, held - 1) * 3600.0 / (TEST_POINTS - 1)
    fires = bool(now) and held_s >= for_s
    rows = [(series_text(sample.labels), number_text(sample.value)) for sample in now[:20]]
    verdict = "would fire now" if fires else "true now, but not for long enough" if now else "would not fire now"
    lines = [verdict, f"true at {sum(true)} of {TEST_POINTS} instants of the last hour"]
    subjects = about(op, query.expr, [sample.labels for sample in now]) if now else ()
    lines += [table(("SERIES", "VALUE"), rows)] if rows else []
    return Effect("\n".join(lines), looked=DECLARED, subjects=subjects)
