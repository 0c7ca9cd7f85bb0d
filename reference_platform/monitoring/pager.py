"""The pager: who is woken, when, and who is woken next if nobody answers.

P1 pages at once. P2 waits `group_wait_s`, so what resolves by itself in that time wakes nobody. P3 becomes a ticket.
A page that nobody acknowledges climbs the escalation chain one step per `escalate_after_s`.
Source: Alertmanager documentation, group_wait 30s, group_interval 5m, repeat_interval 4h; resolved within group_wait
is never notified.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reference_platform.errors import CommandError
from reference_platform.monitoring.alerts import Alert, Fired, Resolved, Silenced, Transition, Unsilenced
from reference_platform.monitoring.series import Labels

GROUP_WAIT_S = 30.0
GROUP_INTERVAL_S = 300.0
REPEAT_S = 4 * 3600.0
ESCALATE_AFTER_S = 300.0
ESCALATION = ("secondary on-call", "engineering manager")
OPEN_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Paged:
    """`repeat` is 0 for the first page of an alert."""

    t_s: float
    alert: Alert
    repeat: int


@dataclass(frozen=True, slots=True)
class Escalated:
    """Nobody acknowledged; `to` is paged now. `level` counts from 1."""

    t_s: float
    alert: Alert
    to: str
    level: int


@dataclass(frozen=True, slots=True)
class Ticketed:
    """A P3 alert was filed for working hours."""

    t_s: float
    alert: Alert


@dataclass(frozen=True, slots=True)
class Acked:
    """`alert_ids` are those that this acknowledgement took over, ascending."""

    t_s: float
    alert_ids: tuple[int, ...]
    by: str


Notification = Paged | Escalated | Ticketed


@dataclass(slots=True)
class _Incident:
    alert: Alert
    notify_s: float
    muted: bool
    notified: bool = False
    repeats: int = 0
    level: int = 0
    escalate_s: float = math.inf
    acked_by: str = ""


_Key = tuple[str, Labels]


class Pager:
    """Turns transitions of alerts into notifications. `overflowed` counts P2 and P3 alerts beyond OPEN_MAX."""

    def __init__(
        self,
        group_wait_s: float = GROUP_WAIT_S,
        escalate_after_s: float = ESCALATE_AFTER_S,
        repeat_s: float = REPEAT_S,
        escalation: Sequence[str] = ESCALATION,
    ) -> None:
        assert repeat_s > 0
        assert escalate_after_s > 0
        self.overflowed = 0
        self._group_wait_s = group_wait_s
        self._escalate_after_s = escalate_after_s
        self._repeat_s = repeat_s
        self._escalation = tuple(escalation)
        self._open: dict[_Key, _Incident] = {}
        self._last_notified_s: dict[_Key, float] = {}
        self._id_max = 0

    def observe(self, transitions: Sequence[Transition], now_s: float) -> list[Notification]:
        """Take in what the evaluator returned, and notify what is due at `now_s`.

        A P1 is paged even when the same batch resolves it: somebody has to know that it was there.
        """
        due: list[Notification] = []
        for transition in transitions:
            alert = transition.alert
            key = (alert.name, alert.labels)
            self._id_max = max(self._id_max, alert.alert_id)
            incident = self._open.get(key)
            match transition:
                case Fired():
                    if incident is None:
                        due += self._begin(key, alert, now_s, muted=transition.silenced)
                case Resolved():
                    self._open.pop(key, None)
                case Silenced():
                    if incident is not None:
                        incident.muted = True
                case Unsilenced():
                    if incident is None:
                        due += self._begin(key, alert, now_s, muted=False)
                    else:
                        self._unmute(incident, now_s)
        return due + self.tick(now_s)

    def tick(self, now_s: float) -> list[Notification]:
        """Notifications due at `now_s`, in the order in which their alerts fired."""
        due: list[Notification] = []
        for key, incident in self._open.items():
            if incident.muted:
                continue
            if now_s >= incident.notify_s:
                due.append(self._notify(key, incident, now_s))
            if now_s >= incident.escalate_s:
                due.append(self._escalate(incident, now_s))
        return due

    def ack(self, alert_ids: Sequence[int], by: str, now_s: float) -> Acked:
        """Stop the escalation of these alerts. One not yet paged will not page.

        Raises CommandError, and acknowledges nothing, for a number that no alert has had; and when all are resolved.
        """
        unknown = [alert_id for alert_id in alert_ids if not 1 <= alert_id <= self._id_max]
        if unknown or not alert_ids:
            shown = ", ".join(map(str, unknown)) or "no number given"
            raise CommandError(f"no such alert: {shown}", fix=self._choice())
        wanted = [incident for incident in self._open.values() if incident.alert.alert_id in alert_ids]
        if not wanted:
            raise CommandError("already resolved; nothing to acknowledge", fix=self._choice())
        for incident in wanted:
            incident.acked_by = by
            incident.escalate_s = math.inf
            if not incident.notified:
                pages = incident.alert.severity != "P3"
                incident.notified, incident.notify_s = True, now_s + self._repeat_s if pages else math.inf
        return Acked(now_s, tuple(sorted(incident.alert.alert_id for incident in wanted)), by)

    def acked_by(self, alert_id: int) -> str:
        """Who acknowledged that open alert; "" when nobody has or it is not open."""
        return next((item.acked_by for item in self._open.values() if item.alert.alert_id == alert_id), "")

    def next_wake_s(self) -> float:
        """When the next notification is due unless something changes; infinity for never."""
        return min(
            (min(incident.notify_s, incident.escalate_s) for incident in self._open.values() if not incident.muted),
            default=math.inf,
        )

    def _begin(self, key: _Key, alert: Alert, now_s: float, *, muted: bool) -> list[Notification]:
        urgent = alert.severity == "P1"
        if len(self._open) >= OPEN_MAX and not urgent:
            self.overflowed += 1
            return []
        incident = self._open[key] = _Incident(alert, self._first_s(key, alert, now_s), muted)
        return [self._notify(key, incident, now_s)] if urgent and not muted else []

    def _first_s(self, key: _Key, alert: Alert, now_s: float) -> float:
        if alert.severity == "P1":
            return now_s
        self._last_notified_s = {
            known: t_s for known, t_s in self._last_notified_s.items() if now_s - t_s < GROUP_INTERVAL_S
        }
        flapping_until_s = self._last_notified_s.get(key, -math.inf) + GROUP_INTERVAL_S
        return max(now_s + self._group_wait_s, flapping_until_s)

    def _unmute(self, incident: _Incident, now_s: float) -> None:
        incident.muted = False
        if not incident.notified:
            wait_s = 0.0 if incident.alert.severity == "P1" else self._group_wait_s
            incident.notify_s = now_s + wait_s
        elif incident.escalate_s < math.inf:
            incident.escalate_s = now_s + self._escalate_after_s

    def _notify(self, key: _Key, incident: _Incident, now_s: float) -> Notification:
        if incident.alert.severity != "P1":
            self._last_notified_s[key] = now_s
        if incident.alert.severity == "P3":
            incident.notified, incident.notify_s = True, math.inf
            return Ticketed(now_s, incident.alert)
        if incident.notified:
            incident.repeats += 1
        elif self._escalation:
            incident.escalate_s = now_s + self._escalate_after_s
        incident.notified, incident.notify_s = True, now_s + self._repeat_s
        return Paged(now_s, incident.alert, incident.repeats)

    def _escalate(self, incident: _Incident, now_s: float) -> Escalated:
        to = self._escalation[incident.level]
        incident.level += 1
        more = incident.level < len(self._escalation)
        incident.escalate_s = now_s + self._escalate_after_s if more else math.inf
        return Escalated(now_s, incident.alert, to, incident.level)

    def _choice(self) -> str:
        open_ids = sorted(incident.alert.alert_id for incident in self._open.values())
        return "open alerts: " + ", ".join(map(str, open_ids[:12])) if open_ids else "no alert is open"
