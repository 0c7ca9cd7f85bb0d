"""The responder's record: what is written becomes one event with the contract's fields, or is refused with a form."""

from __future__ import annotations

import pytest

from simulator.incident.vocabulary import MECHANISMS
from tests.unit.simulator.shell.desk import LEAK, Desk


@pytest.fixture
def desk() -> Desk:
    return Desk(LEAK, 600.0)


def test_a_note_keeps_its_text_and_time(desk: Desk) -> None:
    desk.type("note it's the store | I think")
    assert desk.events("note") == [{"text": "it's the store | I think"}]
    assert desk.op.incident.notes[0].t_s == desk.op.now_s


@pytest.mark.parametrize("line", ["severity SEV2 all routes", "scope sev2 all routes", 'severity 2 "all routes"'])
def test_severity_and_scope_are_declared_together(desk: Desk, line: str) -> None:
    desk.type(line)
    declared = desk.events("scope.declared")[0]
    assert (declared["severity"], declared["scope"]) == ("SEV2", "all routes")
    assert (desk.op.incident.severity, desk.op.incident.scope) == ("SEV2", "all routes")


def test_severity_without_scope_is_asked_for(desk: Desk) -> None:
    assert "for whom" in desk.type("severity SEV1").text
    assert "no severity" in desk.type("severity huge everyone").text
    assert desk.events("scope.declared") == []


@pytest.mark.parametrize(
    "line",
    [
        'status impact="site on defaults" doing="stopping the export" next=15m',
        "status impact=site on defaults doing=stopping the export next=15m to=stakeholders",
        "status site on defaults; stopping the export; next update in 15 min",
        "status impact: site on defaults. doing: stopping the export. next: 15m",
    ],
)
def test_a_status_update_says_impact_action_and_time(desk: Desk, line: str) -> None:
    assert desk.type(line).exit == 0
    sent = desk.events("status.sent")[0]
    assert sent["audience"] == "stakeholders"
    assert str(sent["impact"]).rstrip(".") == "site on defaults"
    assert str(sent["doing"]).rstrip(".") == "stopping the export"
    assert sent["next_s"] == 900.0
    assert desk.op.incident.status_due_s == desk.op.now_s + 900.0
    assert "site on defaults" in desk.op.incident.comms[-1].text


def test_a_status_update_that_leaves_something_out_says_so(desk: Desk) -> None:
    assert "it leaves out: doing, next" in desk.type("status the site shows defaults").text
    assert desk.op.incident.status_due_s is None
    assert desk.type("status").exit == 1


@pytest.mark.parametrize(
    "line",
    ["resolve online-store:connection_exhaustion stopped the leaking job",
     "resolve online-store connection_exhaustion stopped the leaking job",
     "resolve cause=online-store:connection_exhaustion stopped the leaking job"],
)  # fmt: skip
def test_a_resolve_names_cause_and_reason(desk: Desk, line: str) -> None:
    desk.type(line)
    assert desk.events("resolve.claimed") == [
        {
            "component": "online-store",
            "mechanism": "connection_exhaustion",
            "causes": [["online-store", "connection_exhaustion"]],
            "text": "stopped the leaking job",
        }
    ]
    assert desk.op.incident.resolved


STORE, DNS = ["online-store", "connection_exhaustion"], ["dns", "dns_failure"]


@pytest.mark.parametrize(
    ("causes", "told"),
    [
        ("online-store:connection_exhaustion,dns:dns_failure", [STORE, DNS]),
        ("online-store:connection_exhaustion, dns:dns_failure", [STORE, DNS]),
        ("dns:dns_failure and online-store:connection_exhaustion", [DNS, STORE]),
        ("cause=dns:dns_failure + online-store:connection_exhaustion", [DNS, STORE]),
        ("dns:dns_failure,dns:dns_failure", [DNS]),
        ("dns:dns-failure", [DNS]),
    ],
)
def test_a_resolve_names_several_causes_and_the_first_one_apart(desk: Desk, causes: str, told: list[list[str]]) -> None:
    desk.type(f"resolve {causes} and it is over")
    claimed = desk.events("resolve.claimed")[0]
    assert claimed["causes"] == told
    assert [claimed["component"], claimed["mechanism"]] == told[0]
    assert claimed["text"] == "and it is over"


def test_six_causes_are_named_and_no_more(desk: Desk) -> None:
    causes = [f"gateway:{name}" for name in list(MECHANISMS)[:7]]
    assert desk.type(f"resolve {','.join(causes)} it is over now").exit == 1
    assert desk.type(f"resolve {','.join(causes[:6])} it is over now").exit == 0
    assert len(desk.events("resolve.claimed")[0]["causes"]) == 6  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "dns:dns_failure,",
        "dns:dns_failure,gateway:nonsense it is over now",
        "online-store",
        "online-store:connection_exhaustion",
        "online-store:foo it is fixed now",
        "foo:bad_deploy it is fixed now",
        "online-store:bad_deploy all good",
    ],
)
def test_a_resolve_without_cause_or_reason_is_refused(desk: Desk, rest: str) -> None:
    assert desk.type(f"resolve {rest}").exit == 1
    assert not desk.op.incident.resolved


def test_a_post_mortem_holds_cause_prevention_and_story(desk: Desk) -> None:
    line = (
        'postmortem cause=online-store:connection_exhaustion prevention="alert on connections" the job leaked cursors'
    )
    assert desk.type(line).exit == 0
    filed = desk.events("postmortem.filed")[0]
    assert filed["text"] == "the job leaked cursors"
    assert filed["prevention"] == "alert on connections"
    assert filed["words"] == 4
    assert desk.op.incident.postmortem


@pytest.mark.parametrize(
    "rest",
    [
        "it broke",
        "cause=gateway:bad_deploy",
        "prevention='x' it broke",
        "cause=gateway:bad_deploy it broke",
        "cause=gateway:bad_deploy prevention=x y z",
        "cause=gateway prevention='x' it broke",
    ],
)
def test_an_incomplete_post_mortem_is_refused(desk: Desk, rest: str) -> None:
    assert desk.type(f"postmortem {rest}").exit == 1
    assert not desk.op.incident.postmortem


def test_the_drill_ends_with_resolve_and_post_mortem_in_either_order(desk: Desk) -> None:
    desk.submit('postmortem cause=gateway:bad_deploy prevention="x" it broke')
    assert desk.session.ended is None
    desk.submit("resolve gateway:bad_deploy it was rolled back")
    assert desk.session.ended == "resolved"


def test_hints_come_one_by_one_and_are_counted(desk: Desk) -> None:
    hints = desk.op.drill.hints
    for step, text in enumerate(hints, 1):
        assert text in desk.type("hint").text
        assert desk.events("hint.taken")[-1] == {
            "step": step,
            "of": len(hints),
            "costs_points": (4, 6, 8, 10)[step - 1],
        }
    assert "no more hints" in desk.type("hint").text
    assert len(desk.events("hint.taken")) == len(hints) == desk.op.incident.hints_taken


def test_an_interview_has_no_hints() -> None:
    desk = Desk(LEAK, 600.0, mode="interview")
    assert desk.type("hint").exit == 1
    assert desk.events("hint.taken") == []


def test_people_answer_what_they_know(desk: Desk) -> None:
    person = desk.op.drill.people[1]
    for line in (
        f"ask {person.name} what changed?",
        f"ask @{person.name.lower()} what changed?",
        f"ask {person.role} what changed?",
    ):
        assert person.knows in desk.type(line).text
    assert desk.events("asked")[0] == {"who": person.name, "text": "what changed?"}
    assert [line.author for line in desk.op.incident.comms[-2:]] == ["you", person.name]


def test_unknown_people_are_answered_with_names(desk: Desk) -> None:
    ran = desk.type("ask nobody-i-know hello")
    assert ran.exit == 1
    assert all(person.name in ran.text for person in desk.op.drill.people)
    assert desk.events("asked") == []


def test_escalating_names_whom_and_why(desk: Desk) -> None:
    assert desk.type("escalate secondary").exit == 1
    desk.type("escalate secondary cannot find the cause")
    desk.type("page Sam")
    assert [item["to"] for item in desk.events("escalated")] == ["secondary on-call", "Sam"]
    assert desk.events("escalated")[0]["reason"] == "cannot find the cause"


def test_runbooks_are_shown_by_name(desk: Desk) -> None:
    name, text = next(iter(desk.op.drill.runbooks.items()))
    assert desk.type(f"runbook {name}").text == text.rstrip()
    assert desk.type("runbook").looked == ("runbook",)
    assert desk.type("runbook nonsense").exit == 1


def test_the_timeline_tells_only_what_the_responder_could_see(desk: Desk) -> None:
    desk.submit("note first")
    desk.wait(120.0)
    text = desk.type("timeline").text
    assert "note: first" in text
    assert "truth" not in text
    assert "T+00:0" in text


def test_the_clock_shows_calendar_drill_time_and_the_promised_update(desk: Desk) -> None:
    desk.type("status impact=x doing=y next=10m")
    text = desk.type("clock").text
    assert text.startswith("Tue 22:30:00   T+00:00")
    assert "status update due in 10m" in text


@pytest.mark.parametrize(
    "line",
    [
        'status impact="site on defaults',
        'status "site on defaults, next 15m',
        'status impact="site on defaults doing="stopping the export" next=15m',
        'resolve online-store:connection_exhaustion "stopped the export and watched it',
        'severity SEV2 "all routes',
        'note "it is the store',
    ],
)
def test_an_open_quote_is_refused_and_nothing_is_sent(desk: Desk, line: str) -> None:
    ran = desk.type(line)
    assert (ran.exit, "not closed" in ran.text) == (1, True)
    assert not any(desk.events(kind) for kind in ("status.sent", "resolve.claimed", "scope.declared", "note"))
