"""Alert rules and their states: inactive -> pending -> firing -> resolved, decided by ticks alone.

Each element of a rule's answer is an alert of its own, told apart by its labels. It becomes pending when it first
appears, fires once it has been there for `for_s`, and resolves when it has been gone for `keep_firing_for_s`.
Source: Prometheus documentation, "Alerting rules"; rules/alerting.go for the order of the checks.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reference_platform.errors import CommandError, nearest
from reference_platform.monitoring.promql import Prepared, Sample, parse
from reference_platform.monitoring.promql_nodes import Kind
from reference_platform.monitoring.series import Labels, SeriesStore

Severity = Literal["P1", "P2", "P3"]
AlertState = Literal["pending", "firing", "resolved"]

RULES_MAX = 500
INSTANCES_PER_RULE_MAX = 200
RESOLVED_KEPT_MAX = 200

ALERT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FIELD = re.compile(r"\{\{\s*(?:\$labels\.|\$)?([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When to alert. `summary` and `component` may hold `{{value}}` and `{{any_label}}`."""

    name: str
    expr: str
    for_s: float
    severity: Severity
    component: str
    summary: str
    runbook: str
    keep_firing_for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that has fired. `alert_id` counts from 1 in order of firing; texts and value are of that moment."""

    alert_id: int
    name: str
    labels: Labels
    severity: Severity
    component: str
    summary: str
    runbook: str
    value: float


@dataclass(frozen=True, slots=True)
class Fired:
    t_s: float
    alert: Alert
    silenced: bool


@dataclass(frozen=True, slots=True)
class Resolved:
    t_s: float
    alert: Alert
    silenced: bool


@dataclass(frozen=True, slots=True)
class Silenced:
    """A silence has fallen over an alert that is firing."""

    t_s: float
    alert: Alert


@dataclass(frozen=True, slots=True)
class Unsilenced:
    """A silence has ended and the alert fires still."""

    t_s: float
    alert: Alert


Transition = Fired | Resolved | Silenced | Unsilenced


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """One line of the alert list. `alert_id` is None while pending; `value` is the newest one seen."""

    alert_id: int | None
    name: str
    labels: Labels
    state: AlertState
    severity: Severity
    component: str
    summary: str
    runbook: str
    value: float
    active_s: float
    fired_s: float | None
    resolved_s: float | None
    silenced_until_s: float | None


@dataclass(slots=True)
class _Instance:
    active_s: float
    value: float
    alert: Alert | None = None
    fired_s: float = 0.0
    gone_s: float | None = None
    muted: bool = False


@dataclass(slots=True)
class _Rule:
    rule: AlertRule
    ask: Prepared
    instances: dict[Labels, _Instance]
    error: str = ""


class AlertEvaluator:
    """Evaluates every rule each `every_s`. Silenced alerts go through all states but say that they are silenced.

    `dropped` counts answer elements beyond INSTANCES_PER_RULE_MAX, which raise no alert.
    """

    def __init__(self, store: SeriesStore, every_s: float = 30.0, start_s: float = 0.0) -> None:
        assert every_s > 0
        self.dropped = 0
        self._store = store
        self._every_s = every_s
        self._next_s = start_s
        self._rules: dict[str, _Rule] = {}
        self._silences: dict[str, float] = {}
        self._resolved: deque[AlertStatus] = deque(maxlen=RESOLVED_KEPT_MAX)
        self._fired_count = 0

    def add_rule(self, rule: AlertRule) -> None:
        """Evaluate `rule` from the next tick on. Raises CommandError for a bad name or query, or a name taken."""
        if not ALERT_NAME.fullmatch(rule.name):
            raise CommandError(
                f'"{rule.name}" is no alert name', fix="use letters, digits, _ and -, e.g. GatewayErrors"
            )
        if rule.name in self._rules:
            raise CommandError(f"alert {rule.name} exists", fix="choose another name, or remove that rule first")
        if len(self._rules) >= RULES_MAX:
            raise CommandError(f"there are {RULES_MAX} alert rules", fix="remove one first")
        for value_s in (rule.for_s, rule.keep_firing_for_s):
            if not 0 <= value_s < math.inf:
                raise CommandError(f"alert {rule.name} waits {value_s} s", fix="use a duration such as 0s or 5m")
        expr = parse(rule.expr)
        if expr.kind is not Kind.INSTANT:
            raise CommandError(
                f"an alert cannot watch {expr.kind.value}",
                where="column 1",
                fix="write a condition on series, for example rate(errors_total[5m]) > 0.1",
            )
        self._rules[rule.name] = _Rule(rule, Prepared(expr), {})

    def remove_rule(self, name: str, now_s: float) -> list[Transition]:
        """Forget the rule; its firing alerts resolve. Raises CommandError for an unknown name."""
        held = self._held(name)
        transitions: list[Transition] = []
        for labels in list(held.instances):
            self._leave(held, labels, now_s, transitions)
        del self._rules[name]
        self._silences.pop(name, None)
        return transitions

    def silence(self, name: str, for_s: float, now_s: float) -> list[Transition]:
        """Keep the alert of that name quiet until `now_s + for_s`. Raises CommandError for an unknown name."""
        held = self._held(name)
        if not 0 < for_s < math.inf:
            raise CommandError(f"a silence of {for_s} s", fix="use a duration such as 30m or 2h")
        self._silences[name] = now_s + for_s
        transitions: list[Transition] = []
        for instance in held.instances.values():
            if instance.alert is not None and not instance.muted:
                instance.muted = True
                transitions.append(Silenced(now_s, instance.alert))
        return transitions

    def tick(self, now_s: float) -> list[Transition]:
        """Evaluate if a round is due. Transitions come in the order of the rules, then of the labels."""
        if now_s < self._next_s:
            return []
        self._next_s += self._every_s * (math.floor((now_s - self._next_s) / self._every_s) + 1)
        self._silences = {name: until_s for name, until_s in self._silences.items() if until_s > now_s}
        transitions: list[Transition] = []
        for held in self._rules.values():
            self._evaluate(held, now_s, transitions)
        return transitions

    def next_wake_s(self) -> float:
        """When the next round of evaluation is due."""
        return self._next_s

    def rules(self) -> tuple[AlertRule, ...]:
        """All rules, in the order in which they were added."""
        return tuple(held.rule for held in self._rules.values())

    def errors(self) -> dict[str, str]:
        """Rules whose last evaluation failed, with the reason. Their alerts stay as they were."""
        return {name: held.error for name, held in self._rules.items() if held.error}

    def alerts(self) -> list[AlertStatus]:
        """Pending and firing alerts by rule, then the latest resolved ones, oldest first."""
        active = [
            self._status(held.rule, labels, instance, None)
            for held in self._rules.values()
            for labels, instance in held.instances.items()
        ]
        return [*active, *self._resolved]

    def _evaluate(self, held: _Rule, now_s: float, transitions: list[Transition]) -> None:
        try:
            answer = held.ask(self._store, now_s)
        except CommandError as error:
            held.error = str(error)
            return
        held.error = ""
        assert isinstance(answer, list), "add_rule refuses numbers"
        if not answer and not held.instances:
            return
        seen = self._by_labels(answer)
        quiet = held.rule.name in self._silences
        for labels, value in seen.items():
            instance = held.instances.get(labels)
            if instance is None:
                instance = held.instances[labels] = _Instance(now_s, value)
            instance.value, instance.gone_s = value, None
            if instance.alert is None and now_s - instance.active_s >= held.rule.for_s:
                instance.alert = self._number(held.rule, labels, value)
                instance.fired_s, instance.muted = now_s, quiet
                transitions.append(Fired(now_s, instance.alert, quiet))
        for labels in [labels for labels in held.instances if labels not in seen]:
            instance = held.instances[labels]
            instance.gone_s = now_s if instance.gone_s is None else instance.gone_s
            if instance.alert is None or now_s - instance.gone_s >= held.rule.keep_firing_for_s:
                self._leave(held, labels, now_s, transitions)
        if not quiet:
            for instance in held.instances.values():
                if instance.muted and instance.alert is not None:
                    instance.muted = False
                    transitions.append(Unsilenced(now_s, instance.alert))

    def _by_labels(self, samples: Sequence[Sample]) -> dict[Labels, float]:
        seen: dict[Labels, float] = {}
        for sample in samples:
            labels = tuple(pair for pair in sample.labels if pair[0] != "__name__")
            if labels in seen or len(seen) < INSTANCES_PER_RULE_MAX:
                seen.setdefault(labels, sample.value)
            else:
                self.dropped += 1
        return seen

    def _number(self, rule: AlertRule, labels: Labels, value: float) -> Alert:
        self._fired_count += 1
        return Alert(
            self._fired_count,
            rule.name,
            labels,
            rule.severity,
            _filled(rule.component, labels, value),
            _filled(rule.summary, labels, value),
            rule.runbook,
            value,
        )

    def _leave(self, held: _Rule, labels: Labels, now_s: float, transitions: list[Transition]) -> None:
        instance = held.instances.pop(labels)
        if instance.alert is not None:
            transitions.append(Resolved(now_s, instance.alert, instance.muted))
            self._resolved.append(self._status(held.rule, labels, instance, now_s))

    def _status(self, rule: AlertRule, labels: Labels, instance: _Instance, resolved_s: float | None) -> AlertStatus:
        fired = instance.alert
        state: AlertState = "pending" if fired is None else "firing" if resolved_s is None else "resolved"
        return AlertStatus(
            alert_id=None if fired is None else fired.alert_id,
            name=rule.name,
            labels=labels,
            state=state,
            severity=rule.severity,
            component=_filled(rule.component, labels, instance.value),
            summary=_filled(rule.summary, labels, instance.value),
            runbook=rule.runbook,
            value=instance.value,
            active_s=instance.active_s,
            fired_s=None if fired is None else instance.fired_s,
            resolved_s=resolved_s,
            silenced_until_s=self._silences.get(rule.name),
        )

    def _held(self, name: str) -> _Rule:
        held = self._rules.get(name)
        if held is None:
            raise CommandError(f"there is no alert {name}", fix=nearest(name, self._rules))
        return held


def _filled(template: str, labels: Labels, value: float) -> str:
    """`template` with its fields replaced; a label that is absent reads as "-"."""
    if "{{" not in template:
        return template
    fields = dict(labels)
    return _FIELD.sub(lambda field: f"{value:.4g}" if field[1] == "value" else fields.get(field[1], "-"), template)
