"""Measures of how the cause was found: hypotheses, rivals, diagnosis, history, discipline."""

from __future__ import annotations

from typing import NamedTuple

from rubrics import measures
from rubrics.facts import Act, Facts, last_before
from rubrics.findings import Judgement
from rubrics.judging import judged
from rubrics.losses import reach_of
from rubrics.people import said_in
from rubrics.reading import number, text, texts
from rubrics.statements import stems_of, vocabulary
from rubrics.suspects import Cause, Hypothesis, strength
from rubrics.triage import shows_customers
from rubrics.words import at
from simulator.engine.events import Event

REVERSIBLE = frozenset(
    (
        "move_pool", "rebalance", "rollback", "scale", "set_alias", "set_connections", "set_dedup", "set_env",
        "set_limit", "set_retries", "set_store", "stop_job", "uncordon",
    )
)  # fmt: skip
"""Changes that can be taken back by the opposite change, with nothing lost meanwhile."""
ANNOUNCED_S = 180.0
WRITTEN = ("summary", "impact", "text", "prevention")
"""Fields of a post-mortem that show whether its writer knew what it was about."""
CHANGE_WORDS = """
    back bring disable free kill limit move pause pin raise restart revert roll rollback scale shrink stop suspend
    switch turn undo undone unlock
    """
"""How people say that they are changing something."""
REASON_WORDS_MIN = 3


def evidence_backed_hypotheses(facts: Facts, rule: measures.EvidenceBackedHypotheses) -> Judgement:
    """40% for the number of distinct causes with relevant evidence, 30% for one supported, 30% for one ruled out."""
    limit_n = facts.over.n if facts.over is not None else facts.last.n + 1
    backed = [h for h in facts.hypotheses if any(event.n < limit_n for event in (*h.pro, *h.contra))]
    if not backed:
        tried = [hypothesis.events[0] for hypothesis in facts.hypotheses]
        what = f"{len(tried)} suspected, none with evidence that bears on it" if tried else "no cause was suspected"
        return judged(0.0, tried or [facts.joined], what)
    distinct = {hypothesis.cause: hypothesis for hypothesis in reversed(backed)}
    supported = next((h for h in backed if h.pro), None)
    rejected = next((h for h in backed if refuted(h) and not facts.accepts(h.cause)), None)
    share = 0.4 * min(1.0, len(distinct) / rule.at_least)
    share += 0.3 * (supported is not None) + 0.3 * (rejected is not None)
    cited = [event for h in distinct.values() for event in (*h.pro, *h.contra)[:1]]
    parts = [f"{len(distinct)} suspected cause{'s' if len(distinct) > 1 else ''} with evidence that bears on it"]
    if rejected is not None and rejected.ruled_out is not None:
        cited.append(rejected.ruled_out)
        parts.append(f"{at(facts, rejected.ruled_out)} on evidence")
    else:
        parts.append("none was ruled out on evidence against it, with a reason")
    return judged(share, cited, "; ".join(parts))


def rival_ruled_out(facts: Facts, rule: measures.RivalRuledOut) -> Judgement:
    rivals = [hypothesis for hypothesis in facts.hypotheses if not facts.accepts(hypothesis.cause)]
    for hypothesis in rivals:
        if refuted(hypothesis) and hypothesis.ruled_out is not None:
            return judged(1.0, [hypothesis.contra[0], hypothesis.ruled_out], at(facts, hypothesis.ruled_out))
    weak = [h for h in rivals if h.ruled_out is not None or h.contra]
    if weak:
        events = [event for h in weak for event in (*h.contra, *((h.ruled_out,) if h.ruled_out else ()))]
        return judged(0.3, events, "a rival was doubted, but not ruled out on evidence that bears on it")
    return judged(0.0, [facts.joined], "no other explanation was tested")


def refuted(hypothesis: Hypothesis) -> bool:
    """Ruled out for good, for a stated reason, after relevant evidence against it."""
    out = hypothesis.ruled_out
    if out is None or len(text(out, "because").split()) < REASON_WORDS_MIN:
        return False
    return any(event.n < out.n for event in hypothesis.contra)


class _Ground(NamedTuple):
    """What a diagnosis rests on: the share that it earns, the events that show it, and why, piece by piece."""

    share: float
    events: tuple[Event, ...]
    parts: tuple[str, ...]


NO_GROUND = _Ground(0.0, (), ())


def diagnosis(facts: Facts, rule: measures.Diagnosis) -> Judgement:
    """The share of causes confirmed on evidence, less what every other confirmation costs.

    A right cause that was named in the resolve and the post-mortem without that ritual, after a look at it, earns
    `named_ratio`.
    """
    confirmed = [h for h in facts.hypotheses if h.confirmed is not None]
    right = [h for h in confirmed if facts.proof_of(h) is not None]
    ground = _proven_share(facts, right, rule)
    if ground.share == 0.0:
        ground = _near_share(facts, confirmed, rule)
    # The earlier of two that earn alike: what was argued comes before what was only told.
    ground = max(ground, _named_share(facts, rule), key=lambda item: item.share)
    share, cited, parts = ground.share, [*ground.events], [*ground.parts]
    wrong = [h for h in confirmed if not facts.accepts(h.cause) and not _taken_back(facts, h)]
    cost = rule.wrong_cost_ratio * sum(1.0 if h.standing else 0.5 for h in wrong)
    if wrong:
        parts.append(f"{len(wrong)} other cause{'s' if len(wrong) > 1 else ''} confirmed as well" if share else
                     f"{len(wrong)} confirmed, none right")  # fmt: skip
        cited += [h.confirmed for h in wrong if h.confirmed is not None]
    if not parts:
        blind = [h.confirmed for h in confirmed if h.confirmed is not None]
        parts = ["confirmed without evidence that can show it" if blind else "no cause was confirmed"]
        cited = blind or [facts.joined]
    share = max(0.0, share - cost)
    said = _expected_words(facts)
    return judged(share, cited, "; ".join(parts) + said)


def _taken_back(facts: Facts, hypothesis: Hypothesis) -> bool:
    """Ruled out again before anything was touched: nobody was harmed by it, and it is not confirmed."""
    out = hypothesis.ruled_out
    return out is not None and not any(act.event.n < out.n for act in facts.acts)


def _proven_share(facts: Facts, right: list[Hypothesis], rule: measures.Diagnosis) -> _Ground:
    faults = facts.judged_faults
    best: list[tuple[float, Hypothesis]] = []
    if faults:
        for fault in faults:
            proofs = [(strength(proof), h) for h in right if h.cause in fault.accepted and (proof := facts.proof_of(h))]
            if proofs:
                best.append(max(proofs, key=lambda item: item[0]))
    elif right:
        best.append((1.0, right[0]))
    if not best:
        return NO_GROUND
    share = sum(weight for weight, _ in best) / max(1, len(faults))
    repeated = facts.explained(facts.claim) if facts.claim is not None else 1.0
    share *= 1.0 - rule.repeated_ratio + rule.repeated_ratio * repeated
    cited = [event for _, h in best for event in (facts.proof_of(h), h.standing) if event is not None]
    parts = [f"{at(facts, h.standing)} from evidence" for _, h in best if h.standing is not None]
    if any(weight < 1.0 for weight, _ in best):
        parts.append("the only evidence is that it was rolled out, which shows no harm")
    if len(best) < len(faults):
        parts.append(f"{len(best)} of {len(faults)} causes")
    if repeated < 1.0:
        parts.append("the resolve does not name the same cause")
        cited += [facts.claim] if facts.claim is not None else []
    return _Ground(share, tuple(cited), tuple(parts))


def _near_share(facts: Facts, confirmed: list[Hypothesis], rule: measures.Diagnosis) -> _Ground:
    """A right mechanism at a neighbour earns most of the points, the right component alone a few."""
    for ratio, fits, because in (
        (rule.near_ratio, facts.near, "nearly: the trouble shows there, its cause is next to it"),
        (rule.component_only_ratio, facts.fits, "the component is right, the mechanism is not"),
    ):
        found = [h for h in confirmed if not facts.accepts(h.cause) and fits(h.cause) and h.standing is not None]
        proven = [(h, proof) for h in found if h.standing is not None and (proof := h.proof(h.standing))]
        if proven:
            hypothesis, proof = proven[0]
            assert hypothesis.standing is not None, "chosen for it"
            # What the confirmation costs as one that is not accepted is added back: it is judged here.
            share = ratio + rule.wrong_cost_ratio
            return _Ground(share, (proof, hypothesis.standing), (f"{at(facts, hypothesis.standing)}; {because}",))
    return NO_GROUND


def _named_share(facts: Facts, rule: measures.Diagnosis) -> _Ground:
    """A cause that was told without being argued."""
    claim, filed = facts.claim, facts.postmortem
    if claim is None or filed is None:
        return NO_GROUND
    share = min(facts.explained(claim), facts.explained(filed))
    limit_n = facts.acts[0].event.n if facts.acts and not facts.harmless else claim.n
    wanted = set(facts.right_components())
    looks = [event for event in facts.looks() if event.n < limit_n]
    if facts.harmless:
        # Nothing is to be found at the cause itself: that all is well elsewhere is what there is to see, and only what
        # is written tells whether it was understood.
        understood = vocabulary(facts).about(" ".join(text(filed, key) for key in WRITTEN))
        seen = [event for event in looks if shows_customers(facts, event)] if understood else []
    else:
        seen = [event for event in looks if wanted & set(texts(event, "subjects")) and inspects(event)]
    if not seen:
        return NO_GROUND
    because = f"{at(facts, claim)} and in the post-mortem, but never argued as a hypothesis with evidence"
    return _Ground(rule.named_ratio * share, (seen[-1], claim, filed), (because,))


def inspects(event: Event) -> bool:
    """A look that goes further than a list of alerts, of roll-outs or of objectives."""
    return bool(set(texts(event, "looked")) - {"alerts", "changes", "rollout"}) and text(event, "verb") != "slo"


def _expected_words(facts: Facts) -> str:
    """What would have counted, once it can no longer be spoiled: the drill is over when this is read."""
    standing = [h.cause for h in facts.hypotheses if h.standing is not None]
    named_all = all(any(cause in fault.accepted for cause in standing) for fault in facts.judged_faults)
    if named_all:
        # Points are missing for another reason than the name.
        return ""
    expected = " and ".join(":".join(fault.accepted[0]) for fault in facts.judged_faults)
    given = [":".join(cause) for cause in standing]
    return f"; expected {expected}" + (f", given {', '.join(given)}" if given else "")


def compared_with_history(facts: Facts, rule: measures.ComparedWithHistory) -> Judgement:
    """Evidence for a right explanation that came from a look back at earlier days."""
    commands = {event.n: event for event in facts.looks()}
    tried: list[Event] = []
    for hypothesis in facts.hypotheses:
        if not facts.fits(hypothesis.cause):
            continue
        for evidence in hypothesis.pro:
            command = commands.get(int(number(evidence, "event_n") or 0))
            if command is not None and set(texts(command, "looked")) & set(rule.looked):
                share = 1.0 if hypothesis.standing is not None else 0.5
                ending = "" if share == 1.0 else ", but the explanation was never confirmed"
                return judged(share, [command, evidence], f"{at(facts, command)} and cited it as evidence{ending}")
            tried.append(evidence)
    seen = [event for event in commands.values() if set(texts(event, "looked")) & set(rule.looked)]
    if seen:
        return judged(0.3, [seen[0], *tried], f"{at(facts, seen[0])}, but it was not cited for the explanation")
    return judged(0.0, tried or [facts.joined], "nothing was compared with earlier days")


def discipline(facts: Facts, rule: measures.Discipline) -> Judgement:
    """A cause that fits came before the first act, refused ones included; a stopgap in a total outage is no sin.

    Whether that cause is quite right is judged by the diagnosis alone: one miss costs once.
    """
    if not facts.repairs:
        cited = [facts.joined, *facts.changes, facts.last]
        return judged(0.0, cited, "nothing was changed that could put it right")
    first = facts.acts[0]
    proven = facts.argued_before(first.event)
    if proven is not None:
        return judged(1.0, [proven, first.event], f"{at(facts, proven)}, before {at(facts, first.event)}")
    wanted = facts.right_components()
    told, total = _announced(facts, first), _total_outage(facts, first, rule)
    if told is not None and total:
        because = f"{at(facts, first.event)} as a stopgap in a total outage: reversible, one component, announced"
        return judged(1.0, [first.event, told], because)
    seen = [e for e in facts.looks() if e.n < first.event.n and set(wanted) & set(texts(e, "subjects")) and inspects(e)]
    if told is not None and seen:
        because = f"{at(facts, first.event)} was announced and followed {at(facts, seen[-1])}, but no confirmed cause"
        return judged(0.5, [seen[-1], told, first.event], because)
    backed = [e for h in facts.hypotheses if facts.fits(h.cause) for e in h.pro if e.n < first.event.n]
    noted = [e for e in facts.since_join("note") if e.n < first.event.n and any(c in text(e, "text") for c in wanted)]
    if backed or noted:
        what = "evidence" if backed else "a note of it"
        because = f"{at(facts, first.event)} followed {what}, but no confirmed cause"
        return judged(0.5, [(backed or noted)[0], first.event], because)
    return judged(0.0, [first.event], f"too early: {at(facts, first.event)}, before the cause had evidence")


def _total_outage(facts: Facts, act: Act, rule: measures.Discipline) -> bool:
    """Next to nothing came from the models when `act` happened."""
    report = last_before(facts.all("slo"), act.event)
    return report is not None and reach_of(report).share >= rule.outage_ratio


def _announced(facts: Facts, act: Act) -> Event | None:
    """The status that told of a reversible change to one component around the time it was made; else None."""
    if act.refused or len(act.components) != 1 or text(act.event, "action") not in REVERSIBLE:
        return None
    near = [
        event
        for event in facts.since_join("status.sent")
        if abs(event.t_us - act.event.t_us) / 1e6 <= ANNOUNCED_S and stems_of(said_in(event)) & stems_of(CHANGE_WORDS)
    ]
    return near[-1] if near else None


def no_needless_change(facts: Facts, rule: measures.NoNeedlessChange) -> Judgement:
    if facts.changes:
        count = f"{len(facts.changes)} change{'s' if len(facts.changes) > 1 else ''}"
        because = f"{count}, the first: {at(facts, facts.changes[0])}; nothing was broken"
        return judged(0.0, list(facts.changes), because)
    looks = facts.looks()
    if len(looks) < rule.looks_min:
        return judged(0.0, [facts.joined, *looks], "nothing was changed, but nothing was found out either")
    tried = [act.event for act in facts.acts]
    if tried:
        return judged(0.5, tried, f"{at(facts, tried[0])}; it was refused, but nothing was broken")
    return judged(1.0, list(looks[: rule.looks_min]), f"{len(looks)} looks and no change")


def causes_named(causes: tuple[Cause, ...]) -> str:
    """Causes as they are typed."""
    return ", ".join(":".join(cause) for cause in causes if any(cause)) or "no cause"
