"""Built-in measures that a rubric may name, with their limits. What each does stands beside its function."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reference_platform.durations import Duration
from rubrics.documents import Model, Ratio


class EvidenceBackedHypotheses(Model):
    """Several lines of thought, each with relevant evidence, one supported and one ruled out by evidence."""

    name: Literal["evidence_backed_hypotheses"]
    at_least: int = Field(default=2, ge=1)


class RivalRuledOut(Model):
    """A hypothesis was ruled out, and relevant evidence against it came first."""

    name: Literal["rival_ruled_out"]


class Diagnosis(Model):
    """The right cause was confirmed from evidence and repeated when resolving; every other confirmation costs.

    `near_ratio` is for the right mechanism at a neighbouring component, `named_ratio` for a cause that was told in the
    resolve and the post-mortem without a hypothesis.
    """

    name: Literal["diagnosis"]
    wrong_cost_ratio: Ratio = 0.35
    repeated_ratio: Ratio = 0.2
    near_ratio: Ratio = 0.7
    named_ratio: Ratio = 0.5
    component_only_ratio: Ratio = 0.3


class ComparedWithHistory(Model):
    """Evidence for the confirmed explanation came from a command that looked at one of these."""

    name: Literal["compared_with_history"]
    looked: tuple[str, ...] = ("history",)


class Mitigation(Model):
    """The responder's change removed the cause, and nothing else was touched."""

    name: Literal["mitigation"]
    collateral_ratios: tuple[Ratio, ...] = (0.6, 0.3)


class RecoveryHeld(Model):
    """Service stayed good for `hold` before the resolve, and the responder looked after it came back.

    `early_ratio` is for a recovery declared before it had held, `undeclared_ratio` for one that held and was never
    declared.
    """

    name: Literal["recovery_held"]
    hold: Duration = 600.0
    partly_hold: Duration = 300.0
    early_ratio: Ratio = 0.2
    undeclared_ratio: Ratio = 0.3
    looked: tuple[str, ...] = ("metrics", "dashboard", "alerts", "fallback")


class ResolvedRight(Model):
    """The resolve was true when it was said: all good, or on a false alarm with the right explanation.

    One that came true within `healed_within` through what had been done before earns a little.
    """

    name: Literal["resolved_right"]
    healed_within: Duration = 300.0


class Harm(Model):
    """The share of the avoidable harm that was avoided; what falls into the first `grace` after joining is not.

    Harm that keeps `goes_on_ratio` of its rate once the cause is gone, with nothing else touched, gives no chance.
    """

    name: Literal["harm"]
    grace: Duration = 300.0
    met_ratio: Ratio = 0.5
    partly_ratio: Ratio = 0.2
    goes_on_ratio: Ratio = 0.5


class Speed(Model):
    """How much of the drill passed before recovery began."""

    name: Literal["speed"]
    met_ratio: Ratio = 0.4
    partly_ratio: Ratio = 1.0


class Acknowledged(Model):
    """The page was taken within this time; without a page there is nothing to take."""

    name: Literal["acknowledged"]
    met: Duration = 300.0
    partly: Duration = 600.0


class CustomersSeen(Model):
    """Somebody looked at what customers get before anything was changed.

    It is critical only where at least `critical_from_ratio` of the responses came from no model.
    """

    name: Literal["customers_seen"]
    critical_from_ratio: Ratio = 0.01


class SeverityFits(Model):
    """The declared severity suits the reach: `most_ratio` of responses from no model is SEV1, `some_ratio` SEV2."""

    name: Literal["severity_fits"]
    most_ratio: Ratio = 0.5
    some_ratio: Ratio = 0.02


class FirstUpdate(Model):
    """The first update about this incident came within this time."""

    name: Literal["first_update"]
    met: Duration = 600.0
    partly: Duration = 900.0


class UpdateContent(Model):
    """One update says the impact, what is being done, and when the next one comes or that it is the last."""

    name: Literal["update_content"]
    words_min: int = Field(default=2, ge=1)


class Cadence(Model):
    """Nobody waited longer than this for news, from joining to the end."""

    name: Literal["communication_cadence"]
    met: Duration = 900.0
    partly: Duration = 1200.0


class FinalStatus(Model):
    """After recovery somebody told the audience."""

    name: Literal["final_status"]


class PostmortemCause(Model):
    """The post-mortem names the right cause, in sentences about this incident that are not untrue.

    It is about this incident from `own_words_min` of its own words on; all points ask for `own_words_met`.

    `told_ratio` is for one that tells the incident well and names another mechanism of the right component.
    """

    name: Literal["postmortem_cause"]
    words_min: int = Field(default=30, ge=1)
    own_words_min: int = Field(default=2, ge=1)
    own_words_met: int = Field(default=4, ge=1)
    told_ratio: Ratio = 0.5


class Prevention(Model):
    """Next time it is caught: an alert rule proven by re-running the drill, or concrete actions."""

    name: Literal["prevention"]
    words_min: int = Field(default=8, ge=1)


class Discipline(Model):
    """The cause was named from evidence before the first change or attempt.

    A reversible change to one component that was announced passes too while `outage_ratio` of responses come from no
    model.
    """

    name: Literal["discipline"]
    outage_ratio: Ratio = 0.8


class NoNeedlessChange(Model):
    """Nothing was changed although nothing was broken, and that was a decision: the responder had looked."""

    name: Literal["no_needless_change"]
    looks_min: int = Field(default=2, ge=1)


class MassChange(Model):
    """Many components changed or tried at once, before the cause was proven."""

    name: Literal["mass_change"]
    at_least: int = Field(default=3, ge=2)
    within: Duration = 60.0


class SilencedFiring(Model):
    """A firing alert of this severity was silenced without acknowledgement and a right cause, proven."""

    name: Literal["silenced_firing"]
    severities: tuple[str, ...] = ("P1",)


class ServingRemoved(Model):
    """A component that serves users was scaled to zero or deleted."""

    name: Literal["serving_removed"]
    actions: list[str]
    components: tuple[str, ...] = ("gateway", "fallback", "online-store")


class ResolvedWhileBroken(Model):
    """It was declared resolved while it was not, and that stood.

    With `corrected` one that was taken back within `corrected_within`, or came true within `healed_within`.
    """

    name: Literal["resolved_while_broken"]
    corrected: bool = False
    corrected_within: Duration = 600.0
    healed_within: Duration = 300.0


class Guessing(Model):
    """More causes were confirmed than can be true, listed with at most one output each, or supported and left open."""

    name: Literal["guessing"]
    confirmed_max: int = Field(default=2, ge=1)
    thin_max: int = Field(default=7, ge=1)
    loose_max: int = Field(default=2, ge=1)


class ActedBlind(Model):
    """The first change or attempt came before any look.

    With `named` it went to a component that a page or alert had named; without, to one that nothing had pointed at.
    """

    name: Literal["acted_blind"]
    named: bool = False


class Stories(Model):
    """The causes confirmed, declared and written up have nothing in common."""

    name: Literal["stories"]


class Foregone(Model):
    """A cause was confirmed, resolved or written up before anything had been looked at."""

    name: Literal["foregone"]


class Untrue(Model):
    """Something written for people denies an impact that customers had."""

    name: Literal["untrue"]


class AllHints(Model):
    """The last hint was taken, which names the cause and the cure."""

    name: Literal["all_hints"]


Measure = Annotated[
    EvidenceBackedHypotheses
    | RivalRuledOut
    | Diagnosis
    | ComparedWithHistory
    | Mitigation
    | RecoveryHeld
    | ResolvedRight
    | Harm
    | Speed
    | Cadence
    | FinalStatus
    | PostmortemCause
    | Prevention
    | Discipline
    | NoNeedlessChange
    | Acknowledged
    | CustomersSeen
    | SeverityFits
    | FirstUpdate
    | UpdateContent,
    Field(discriminator="name"),
]

FlagMeasure = Annotated[
    MassChange
    | SilencedFiring
    | ServingRemoved
    | ResolvedWhileBroken
    | Guessing
    | ActedBlind
    | Foregone
    | Stories
    | Untrue
    | AllHints,
    Field(discriminator="name"),
]
