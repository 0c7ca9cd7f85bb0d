"""A new drill from a few answers: a file that lints and runs, for its author to make better."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from reference_platform.models.catalogue import CARDS
from simulator.faults.base import Fault

TITLE_MAX = 60
_POSTMORTEM = (
    'prevention="say what would have shown it earlier, and what keeps it from coming back" '
    "Say what happened, whom it hurt, what the cause was and how it ended."
)


@dataclass(frozen=True, slots=True)
class Answers:
    """What `scenarios new` asks. `at` is a duration or a range of durations after the first second."""

    scenario_id: str
    title: str
    level: str
    family: str
    fault: str
    starts: str
    at: str
    drill: str


def written(answers: Answers) -> str:
    """The file's text. Raises KeyError for an unknown fault."""
    from simulator.faults.registry import FAULTS

    fault = FAULTS[answers.fault]()
    component, mechanism = fault.accepted()[0]
    lines = [
        "schema: 1",
        f"id: {answers.scenario_id}",
        f"title: {json.dumps(answers.title, ensure_ascii=False)}",
        f"level: {answers.level}",
        f"family: {answers.family}",
        "platform: reference",
        f'clock: {{starts: "{answers.starts}", drill: {answers.drill}, joins: first_page, joins_by: 8h}}',
        "brief: |",
        "  Say in two or three lines what the responder knows when the pager goes off. Give nothing away.",
        "faults:",
        f"  - fault: {answers.fault}",
        f"    at: {answers.at}",
        "people:",
        "  - {name: Dana, role: product manager, knows: What customers notice.}",
        "  - {name: Sam, role: team lead, knows: What was changed lately.}",
        "hints:",
        "  - Who is hurt, and since when?",
        "  - What do those who are hurt share?",
        f"  - Look at {component} from its own side.",
        "runbooks:",
        "  gateway: |",
        "    1. One model or all? `slo`, `kubectl get pods`, `logs gateway`",
        "    2. What changed? `deploys`",
        "expert:",
        *(f"  - {_quoted(line)}" for line in _expert(fault, component, mechanism)),
    ]
    return "\n".join(lines) + "\n"


def _quoted(line: str) -> str:
    return line if line.startswith("wait:") else json.dumps(line, ensure_ascii=False)


def _expert(fault: Fault, component: str, mechanism: str) -> list[str]:
    cure = [_named(line, fault) for line in fault.cured_by[0].split("; ")] if fault.cured_by else []
    changing = [part for line in cure for part in (line, "wait: 60s")]
    look = "slo" if fault.harmless else "kubectl get pods"
    shown = "comparing with last week" if fault.harmless else "looking for what changed"
    return [
        "ack",
        "alerts",
        "slo",
        f"severity SEV{4 if fault.harmless else 2} say who is hurt and how badly",
        "curl http://fallback/v1/recommendation",
        f'status impact="say what customers notice" doing="{shown}" next=10m',
        "kubectl get pods",
        "logs gateway --tail 8",
        "hyp add recommendation bad_deploy a version that should not have shipped",
        "kubectl rollout history deployment/recommendation",
        "hyp against 1 last",
        "hyp out 1 because no version was rolled out",
        f"hyp add {component} {mechanism} say what points at it",
        look,
        "hyp for 2 last",
        "deploys --since 24h",
        "hyp confirm 2",
        *changing,
        "wait: 5m",
        "slo",
        'status impact="none any more" doing="resolved, writing it up" next=60m',
        f"resolve {component}:{mechanism} say what it was and what ended it",
        f"postmortem cause={component}:{mechanism} {_POSTMORTEM}",
    ]


def _named(line: str, fault: Fault) -> str:
    """The cure with the fault's own names in place of the words in capitals."""
    given = fault.model_dump()
    source = str(given.get("source", "clicks"))
    names = {
        "MODEL": str(given.get("deployment") or given.get("route") or next(iter(CARDS))),
        "JOB": str(given.get("job", "")),
        "VIEW": str(given.get("view", "")),
        "SOURCE": source,
        "PRODUCER": f"{source}-producer",
        "NODE": "cpu-1",
    }
    return re.sub(r"\b(MODEL|JOB|VIEW|SOURCE|PRODUCER|NODE)\b(?!_)", lambda match: names[match[1]], line)
