"""The post-mortem at the prompt: drafted in pieces, shown, filed whole, replaced until the drill ends."""

from __future__ import annotations

import pytest

from reference_platform.monitoring.alerts import AlertRule
from simulator.incident.postmortem import saving_lines
from simulator.session.runfile import Entered
from tests.unit.simulator.shell.desk import LEAK, Desk

CAUSE = "online-store:connection_exhaustion"


BEGINS_S = 60.0


@pytest.fixture
def desk() -> Desk:
    return Desk(LEAK, BEGINS_S)


@pytest.fixture(scope="module")
def reading_desk() -> Desk:
    """A desk that nobody changes."""
    return Desk(LEAK, BEGINS_S)


def _drafted(desk: Desk) -> None:
    desk.type("postmortem set summary The export leaked\\nconnections.")
    desk.type(f"postmortem set cause {CAUSE}, materializer:stalled_job")
    desk.type("postmortem set root-cause It opened cursors and closed none.")
    desk.type("postmortem add actions a limit per client (Lee)")
    desk.type("postmortem add actions an alert on connections")


def test_a_draft_is_filed_with_everything_that_was_written(desk: Desk) -> None:
    _drafted(desk)
    desk.type("postmortem set well the page came early")
    desk.type("postmortem set badly nobody reviewed the job")
    assert desk.type("postmortem file").exit == 0
    filed = desk.events("postmortem.filed")[0]
    assert (filed["component"], filed["mechanism"]) == ("online-store", "connection_exhaustion")
    assert filed["causes"] == [["online-store", "connection_exhaustion"], ["materializer", "stalled_job"]]
    assert filed["summary"] == "The export leaked\nconnections."
    assert filed["actions"] == [
        {"what": "a limit per client", "owner": "Lee"},
        {"what": "an alert on connections", "owner": ""},
    ]
    assert filed["prevention"] == "a limit per client; an alert on connections"
    assert filed["text"] == (
        "The export leaked\nconnections.\nIt opened cursors and closed none.\nthe page came early\n"
        "nobody reviewed the job"
    )
    assert filed["words"] == 18
    assert (filed["impact"], filed["went_well"], filed["went_badly"]) == (
        "", "the page came early", "nobody reviewed the job",
    )  # fmt: skip


def test_the_timeline_is_filled_from_what_the_responder_could_know(desk: Desk) -> None:
    desk.submit("severity SEV2 all routes")
    desk.submit("note to self")
    desk.submit("status impact=defaults doing=looking next=15m")
    desk.submit(f"resolve {CAUSE} the export is stopped")
    _drafted(desk)
    desk.type("postmortem file")
    told = [line.split("  ", 1)[1] for line in str(desk.events("postmortem.filed")[0]["timeline"]).splitlines()]
    assert told[0] == "you joined (shift)"
    assert told[1:] == [
        "severity SEV2: all routes",
        "status: Impact: defaults. Doing: looking. Next update in 15m, at 22:36.",
        "resolve: the export is stopped",
    ]


def test_what_happens_several_times_at_once_is_counted(desk: Desk) -> None:
    desk.op.alerts.add_rule(AlertRule("Busy", "gateway_requests_total >= 0", 0.0, "P2", "gateway", "", ""))
    desk.wait(60.0)
    assert desk.type("postmortem show").text.count("alert fired: Busy (x") == 1
    assert desk.type("timeline").text.count("alert fired: Busy") > 1


def test_a_timeline_of_ones_own_stays(desk: Desk) -> None:
    _drafted(desk)
    desk.type("postmortem set timeline 03:01 page")
    desk.type("postmortem file")
    assert desk.events("postmortem.filed")[0]["timeline"] == "03:01 page"


@pytest.mark.parametrize(
    ("emptied", "what"),
    [
        (("cause",), "does not say the cause"),
        (("actions",), "does not say what keeps it from coming back"),
        (("summary", "root-cause"), "does not say what happened"),
        (("cause", "actions"), "does not say the cause or what keeps it from coming back"),
    ],
)
def test_an_incomplete_draft_is_not_filed_and_says_what_it_lacks(
    desk: Desk, emptied: tuple[str, ...], what: str
) -> None:
    _drafted(desk)
    for name in emptied:
        desk.type(f'postmortem set {name} ""')
    ran = desk.type("postmortem file")
    assert ran.exit == 1
    assert what in ran.text
    assert not desk.op.incident.postmortem


def test_either_summary_or_root_cause_tells_what_happened(desk: Desk) -> None:
    _drafted(desk)
    desk.type('postmortem set summary ""')
    assert desk.type("postmortem file").exit == 0


def test_the_cause_of_the_last_resolve_stands_in_the_draft(desk: Desk) -> None:
    desk.type("hyp add gateway config_error")
    desk.type("hyp confirm 1")
    assert "Cause: gateway:config_error" in desk.type("postmortem").text
    desk.type("resolve dns:dns_failure that was it")
    desk.type(f"resolve {CAUSE},materializer:stalled_job no, that was it")
    assert f"Cause: {CAUSE}, materializer:stalled_job" in desk.type("postmortem").text
    desk.type("postmortem set cause dns:dns_failure")
    assert "Cause: dns:dns_failure" in desk.type("postmortem show").text


@pytest.mark.parametrize(
    "line",
    ["postmortem", "postmortem cause=gateway:bad_deploy", "postmortem it was the store", "postmortem file",
     "postmortem set", "postmortem set impact", "postmortem set nothing x", "postmortem edit", "resolve",
     "resolve gateway:bad_deploy", "reopen"],
)  # fmt: skip
def test_a_careless_word_ends_nothing(desk: Desk, line: str) -> None:
    desk.submit(f"resolve {CAUSE} the export is stopped")
    desk.submit(line)
    assert desk.session.ended is None
    assert desk.events("postmortem.filed") == []


def test_one_line_files_at_once_over_what_was_drafted(desk: Desk) -> None:
    desk.type("postmortem set impact everybody saw defaults")
    causes, actions = f"{CAUSE},materializer:stalled_job", "a limit (Lee); an alert"
    line = f'postmortem cause={causes} actions="{actions}" well="the page" It leaked.'
    assert desk.type(line).exit == 0
    filed = desk.events("postmortem.filed")[0]
    assert filed["causes"] == [["online-store", "connection_exhaustion"], ["materializer", "stalled_job"]]
    assert filed["impact"] == "everybody saw defaults"
    assert filed["text"] == "everybody saw defaults\nIt leaked.\nthe page"
    assert filed["actions"] == [{"what": "a limit", "owner": "Lee"}, {"what": "an alert", "owner": ""}]


def test_it_can_be_filed_again_until_the_drill_ends(desk: Desk) -> None:
    desk.submit('postmortem cause=dns:dns_failure prevention="x y" it broke')
    desk.submit(f"postmortem set cause {CAUSE}")
    assert desk.session.ended is None
    assert "filed again" in desk.submit("postmortem file")
    assert [item["component"] for item in desk.events("postmortem.filed")] == ["dns", "online-store"]
    desk.submit(f"resolve {CAUSE} the export is stopped")
    assert desk.session.ended == "resolved"


def test_a_resolve_can_be_taken_back_or_corrected(desk: Desk) -> None:
    assert desk.type("reopen too early").exit == 1
    desk.submit("resolve dns:dns_failure that was it")
    assert "open again" in desk.submit("reopen errors are back")
    assert desk.events("resolve.withdrawn") == [{"text": "errors are back"}]
    desk.submit(f'postmortem cause={CAUSE} prevention="x y" it broke')
    assert desk.session.ended is None
    desk.submit(f"resolve {CAUSE} and materializer:stalled_job the export is stopped")
    assert desk.events("resolve.claimed")[-1]["causes"] == [
        ["online-store", "connection_exhaustion"], ["materializer", "stalled_job"],
    ]  # fmt: skip
    assert desk.session.ended == "resolved"


def test_the_document_is_edited_by_commands_of_the_run(desk: Desk) -> None:
    """What an editor changed becomes lines, so that a killed program loses no draft."""
    before = desk.session.draft()
    after = before.replace("## What went well\n", "## What went well\nthe page\ncame early\n")
    lines = saving_lines(before, after)
    assert lines == ["postmortem set went-well the page\\ncame early"]
    desk.submit(lines[0])
    assert saving_lines(desk.session.draft(), after) == []
    assert desk.op.incident.draft.timeline == ""


def test_a_run_that_goes_on_has_its_draft(desk: Desk) -> None:
    """What a killed program leaves are its commands; repeated, they give the same document."""
    _drafted(desk)
    lines = ("postmortem set impact a\\nb", "postmortem add actions one more (Sam)", "postmortem set summary x")
    entered: list[Entered] = []
    for line in lines:
        entered.append(Entered(line, round(desk.session.now_s * 1e6)))
        desk.submit(line)
    again = Desk(LEAK, BEGINS_S)
    _drafted(again)
    again.session.replay(tuple(entered))
    assert again.op.incident.draft == desk.op.incident.draft
    assert again.session.draft() == desk.session.draft()
    assert "a\nb" in again.session.draft()


def test_the_view_says_what_the_next_hint_costs(desk: Desk) -> None:
    costs = []
    for _ in range(5):
        costs.append(desk.session.view().hint_costs_points)
        desk.type("hint")
    assert costs == [4, 6, 8, 10, 0]
    assert Desk(LEAK, BEGINS_S, mode="interview").session.view().hint_costs_points == 0


def test_a_section_may_be_long(desk: Desk) -> None:
    assert desk.type("postmortem set timeline " + "03:01 page\\n" * 400).exit == 0
    assert "at most 12000" in desk.type("postmortem set timeline " + "x" * 12_001).text
    assert "at most 25000" in desk.type("postmortem set timeline " + "x" * 25_000).text
    assert "at most 2000" in desk.type("metrics " + "x" * 2_000).text


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("status It is slow. We look. Next update at 22:36", ["It is slow.", "We look.", "at 22:36 = in 15m"]),
        ("status It is slow. final", ["impact", "It is slow.", "not said", "this is the final one"]),
        ("hint", ["Hint 1 of 4 costs 4 points; after the last one Lean Hire is the most."]),
        (f"resolve {CAUSE},dns:dns_failure it is over now", [CAUSE, "dns:dns_failure", "it is over now", "then"]),
        (f'postmortem cause={CAUSE} prevention="a limit (Lee)" It leaked.', [CAUSE, "It leaked.", "a limit (Lee)"]),
    ],
)  # fmt: skip
def test_what_speaks_to_people_or_costs_is_shown_before(reading_desk: Desk, line: str, told: list[str]) -> None:
    before = len(reading_desk.simulation.log)
    shown = reading_desk.session.preview(line)
    assert shown is not None
    assert [piece for piece in told if piece not in shown] == []
    assert len(reading_desk.simulation.log) == before


@pytest.mark.parametrize(
    "line",
    ["", "kubectl get pods", "note x", "status", "status next=soon x", "resolve", "resolve x", "postmortem",
     "postmortem file", "postmortem set impact x", "nonsense", "'"],
)  # fmt: skip
def test_nothing_else_is_asked_about(reading_desk: Desk, line: str) -> None:
    assert reading_desk.session.preview(line) is None


def test_the_last_hint_and_an_interview_are_announced_as_what_they_are(desk: Desk) -> None:
    for cost in (4, 6, 8):
        assert f"costs {cost} points" in str(desk.session.preview("hint"))
        desk.type("hint")
    assert (
        desk.session.preview("hint")
        == "Hint 4 of 4 costs 10 points; it is the last one: with it Lean Hire is the most."
    )
    assert "(cost 10 points)" in desk.type("hint").text
    assert desk.session.preview("hint") is None
    assert Desk(LEAK, BEGINS_S, mode="interview").session.preview("hint") is None


def test_the_preview_of_filing_says_whether_it_ends_the_drill(desk: Desk) -> None:
    _drafted(desk)
    assert "file it again" not in str(desk.session.preview("postmortem file"))
    assert "it can be filed again until you resolve" in str(desk.session.preview("postmortem file"))
    desk.type(f"resolve {CAUSE} the export is stopped")
    shown = str(desk.session.preview("postmortem file"))
    assert "filing ends the drill" in shown
    assert "an alert on connections (no owner)" in shown
    assert "impact, went well, went badly" in shown
