"""An index over one event log: who did what since joining, and what was true while they did it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reference_platform.errors import ContentError
from rubrics.reading import causes_of, number, text, texts
from rubrics.suspects import Cause, Hypothesis, cause_of, named_causes, suspects
from simulator.engine.events import Event

DRILL_S = 1800.0  # when the log does not say
NAMED_WRONG_COST = 0.35
"""What a wrong cause costs that is named in a resolve or a post-mortem, beside a right one or not."""
NEAR_RATIO = 0.7
"""What a nearly right name of a cause is worth."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What was really wrong, every name of it that counts as right, and names that are nearly right."""

    event: Event
    accepted: tuple[Cause, ...]
    near: tuple[Cause, ...]
    also_safe: tuple[str, ...]
    harmless: bool

    @property
    def components(self) -> tuple[str, ...]:
        """Components of all right names."""
        return tuple(dict.fromkeys(cause.component for cause in self.accepted))


@dataclass(frozen=True, slots=True)
class Act:
    """Something done to the platform, or tried: a change, or a changing command that was refused."""

    event: Event
    components: tuple[str, ...]
    refused: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time during which users were well served: from `start` until `end`, or still going on when `end` is None.

    `recovered` says that a bad state came before it. `since_us` is where the interval of the first good report began:
    reports say how it was since the one before.
    """

    start: Event
    end: Event | None
    recovered: bool
    since_us: int


class Facts:
    """Everything that criteria ask of a log, computed once. Raises ContentError for a log without events.

    `who` is how texts name the responder.
    """

    def __init__(self, events: Iterable[Event], who: str = "you") -> None:
        self.who = who
        self.events: tuple[Event, ...] = tuple(events)
        if not self.events:
            raise ContentError("this run holds no events, so there is nothing to score", fix="play the drill again")
        self._by_kind: dict[str, list[Event]] = {}
        for event in self.events:
            self._by_kind.setdefault(event.kind, []).append(event)
        joined = self.all("session.joined")
        self.joined: Event = joined[0] if joined else self.events[0]
        self.last: Event = self.events[-1]
        self.drill_s: float = number(self.joined, "drill_s") or DRILL_S
        self.changes: tuple[Event, ...] = self.since_join("changed")
        self.acts: tuple[Act, ...] = _acts(self)
        self.claims: tuple[Event, ...] = self.since_join("resolve.claimed")
        self.faults: tuple[Fault, ...] = tuple(_fault(event) for event in self.all("truth.fault"))
        self.hypotheses: tuple[Hypothesis, ...] = suspects(
            event for event in self.events if event.t_us >= self.joined.t_us
        )
        self.stretches: tuple[Stretch, ...] = _stretches(self)

    def all(self, kind: str) -> tuple[Event, ...]:
        """Every event of `kind`, in order."""
        return tuple(self._by_kind.get(kind, ()))

    def since_join(self, kind: str) -> tuple[Event, ...]:
        """Events of `kind` from the instant the responder joined, the page that woke them included."""
        return tuple(event for event in self._by_kind.get(kind, ()) if event.t_us >= self.joined.t_us)

    def looks(self) -> tuple[Event, ...]:
        """Commands that showed something."""
        return tuple(event for event in self.since_join("command") if texts(event, "looked"))

    def after_join_s(self, event: Event) -> float:
        return (event.t_us - self.joined.t_us) / 1e6

    @property
    def claim(self) -> Event | None:
        """The last resolve, unless it was taken back: the statement that counts."""
        last = self.claims[-1] if self.claims else None
        back = self.since_join("resolve.withdrawn")
        return None if last is None or any(event.n > last.n for event in back) else last

    @property
    def over(self) -> Event | None:
        """The last true all-clear that names something of the cause: what is found out after it comes too late.

        A false one, or one for another cause, ends nothing, and one that was taken back no longer does.
        """
        back_n = max((event.n for event in self.since_join("resolve.withdrawn")), default=0)
        true = [e for e in self.claims if e.n > back_n and self.true_at(e) and self.explained(e) > 0.0]
        return true[-1] if true else None

    @property
    def postmortem(self) -> Event | None:
        """The last post-mortem that was filed."""
        filed = self.since_join("postmortem.filed")
        return filed[-1] if filed else None

    @property
    def real_faults(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if not fault.harmless)

    @property
    def harmless(self) -> bool:
        """Nothing was broken: leaving everything alone was right."""
        return not self.real_faults

    @property
    def joined_by_complaint(self) -> bool:
        return text(self.joined, "reason") == "complaint"

    @property
    def judged_faults(self) -> tuple[Fault, ...]:
        """The faults whose cause must be named: the real ones, or on a false alarm what explains it."""
        return self.real_faults or self.faults

    def accepts(self, cause: Cause) -> bool:
        """`cause` names a fault rightly. Where nothing is wrong at all, traffic itself is the only explanation."""
        if not self.faults:
            return cause.component == "traffic"
        return any(cause in fault.accepted for fault in self.judged_faults)

    def near(self, cause: Cause) -> bool:
        """`cause` is nearly right: the mechanism under a neighbouring component."""
        return any(cause in fault.near for fault in self.judged_faults)

    def fits(self, cause: Cause) -> bool:
        """`cause` is right, nearly right, or at least about a right component."""
        return self.accepts(cause) or self.near(cause) or cause.component in self.right_components()

    def right_components(self) -> tuple[str, ...]:
        """Components of every right name of a judged fault."""
        return tuple(c for fault in self.judged_faults for c in fault.components) or ("traffic",)

    def explained(self, event: Event) -> float:
        """How much of the truth `event` names, 0..1: each fault counts alike, a nearly right name most of it.

        Every wrong cause named beside costs `NAMED_WRONG_COST`.
        """
        named = named_causes(event)
        wrong = sum(not self.accepts(cause) and not self.near(cause) for cause in named)
        if not self.faults:
            hits = [float(any(self.accepts(cause) for cause in named))]
        else:
            hits = [max(_nearness(fault, cause) for cause in named) for fault in self.judged_faults]
        return max(0.0, sum(hits) / len(hits) - NAMED_WRONG_COST * wrong)

    def proof_of(self, hypothesis: Hypothesis) -> Event | None:
        """The evidence on which a right cause was confirmed: cited before it, and shown after its fault began."""
        confirmed = hypothesis.standing
        if confirmed is None or not self.accepts(hypothesis.cause):
            return None
        began = [fault.event.n for fault in self.judged_faults if hypothesis.cause in fault.accepted]
        return hypothesis.proof(confirmed, min(began, default=0))

    def argued_before(self, event: Event) -> Event | None:
        """The first confirmation, on evidence, of a cause that fits and came before `event`."""
        found = [
            h.standing for h in self.hypotheses if h.standing is not None and self.fits(h.cause) and h.proof(h.standing)
        ]
        return min((item for item in found if item.n < event.n), key=lambda item: item.n, default=None)

    def proven_before(self, event: Event) -> Event | None:
        """The first confirmation of a right cause on evidence that came before `event`."""
        found = [h.standing for h in self.hypotheses if self.proof_of(h) is not None and h.standing is not None]
        return min((item for item in found if item.n < event.n), key=lambda item: item.n, default=None)

    def target_components(self) -> tuple[str, ...]:
        """Components that a targeted fix may touch."""
        return tuple(c for fault in self.real_faults for c in (*fault.components, *fault.also_safe))

    @property
    def repairs(self) -> tuple[Event, ...]:
        """Changes to a component that a fix may touch. What heals without one has healed by itself."""
        targets = set(self.target_components())
        return tuple(act.event for act in self.acts if not act.refused and targets & set(act.components))

    def state_before(self, event: Event) -> Event | None:
        """The last known true state at `event`."""
        return last_before(self.all("truth.state"), event)

    def good_at(self, event: Event) -> Stretch | None:
        """The good stretch during which `event` fell, if any."""
        for stretch in reversed(self.stretches):
            if stretch.start.n <= event.n:
                return stretch if stretch.end is None or stretch.end.n > event.n else None
        return None

    def healed_at(self, event: Event) -> bool:
        """The cause is gone and the objectives hold, by the reports on either side of `event`."""
        states, reports = self.all("truth.state"), self.all("slo")
        for pick in (last_before, first_after):
            state, slo = pick(states, event), pick(reports, event)
            well_served = slo is None or slo.data.get("good") is True
            if state is not None and state.data.get("cleared") is True and well_served:
                return True
        return False

    def true_at(self, claim: Event) -> bool:
        """Whether a resolve was true when it was said: a false one ends nothing."""
        return self.harmless or self.good_at(claim) is not None or self.healed_at(claim)

    def recovery(self) -> Stretch | None:
        """The final good stretch, if it came after a bad state and after a repair that the responder made."""
        final, repairs = self.stretches[-1] if self.stretches else None, self.repairs
        if final is None or final.end is not None or not final.recovered or not repairs:
            return None
        return final if repairs[0].n < final.start.n else None

    def healed_after(self, claim: Event) -> Event | None:
        """The start of a lasting recovery that changes before `claim` brought about after it."""
        recovery = self.recovery()
        if recovery is None or recovery.start.n < claim.n or self.repairs[0].n > claim.n:
            return None
        later = [event for event in self.changes if claim.n < event.n < recovery.start.n]
        return None if later else recovery.start

    def cleared(self) -> Event | None:
        """The state from which the cause was gone until the end. What was true before a fault began says nothing."""
        found: Event | None = None
        last_fault_n = max((fault.event.n for fault in self.real_faults), default=0)
        for event in self.all("truth.state"):
            if event.n < last_fault_n:
                continue
            if event.data.get("cleared") is not True:
                found = None
            elif found is None:
                found = event
        return found

    def stray_acts(self) -> dict[str, Act]:
        """Components touched, or tried, that are no part of any right cause, each with the first such act."""
        targets = self.target_components()
        stray: dict[str, Act] = {}
        for act in self.acts:
            for component in act.components:
                if component not in targets:
                    stray.setdefault(component, act)
        return stray


def _nearness(fault: Fault, cause: Cause) -> float:
    return 1.0 if cause in fault.accepted else NEAR_RATIO if cause in fault.near else 0.0


def last_before(events: Sequence[Event], event: Event) -> Event | None:
    """The last of `events` that precedes `event`."""
    return next((item for item in reversed(events) if item.n < event.n), None)


def first_after(events: Sequence[Event], event: Event) -> Event | None:
    """The first of `events` that follows `event`."""
    return next((item for item in events if item.n > event.n), None)


def _acts(facts: Facts) -> tuple[Act, ...]:
    """Changes and refused attempts, in order. A refused one counts for the first component that it names."""
    done = [
        Act(event, tuple(dict.fromkeys((*texts(event, "component"), *texts(event, "components")))), refused=False)
        for event in facts.changes
    ]
    tried = [
        Act(event, texts(event, "subjects"), refused=True)
        for event in facts.since_join("command")
        if event.data.get("attempted") is True and texts(event, "subjects")
    ]
    return tuple(sorted((*done, *tried), key=lambda act: act.event.n))


def _fault(event: Event) -> Fault:
    accepted = (cause_of(event), *(Cause(*pair) for pair in causes_of(event, "accepted")))
    near = tuple(Cause(*pair) for pair in causes_of(event, "near"))
    harmless = event.data.get("harmless") is True
    return Fault(event, tuple(dict.fromkeys(accepted)), near, texts(event, "also_safe"), harmless)


def _stretches(facts: Facts) -> tuple[Stretch, ...]:
    """Every time during which both the truth and the users' objectives were good."""
    truth_good: bool | None = None
    slo_good, was_bad, started_bad = True, False, False
    start: Event | None = None
    since_us = before_us = report_us = facts.events[0].t_us
    found: list[Stretch] = []
    for event in facts.events:
        if event.kind == "slo":
            slo_good = event.data.get("good") is True
        elif event.kind == "truth.state":
            truth_good = event.data.get("good") is True
        elif event.kind == "truth.fault" and event.data.get("harmless") is not True:
            truth_good = False
        else:
            continue
        if event.t_us > report_us:
            before_us, report_us = report_us, event.t_us
        if truth_good is None:
            continue
        now_good = truth_good and slo_good
        if start is None and now_good:
            start, started_bad, since_us = event, was_bad, before_us
        elif start is not None and not now_good:
            found.append(Stretch(start, event, started_bad, since_us))
            start = None
        was_bad = was_bad or not now_good
    if start is not None:
        found.append(Stretch(start, None, started_bad, since_us))
    return tuple(found)
