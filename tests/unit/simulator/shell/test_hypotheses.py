"""Hypotheses: named from a fixed vocabulary, argued with outputs, relevant only when those show the component."""

from __future__ import annotations

import pytest

from tests.unit.simulator.shell.desk import LEAK, Desk


@pytest.fixture
def desk() -> Desk:
    return Desk(LEAK, 600.0)


@pytest.mark.parametrize(
    "line",
    [
        "hyp add online-store connection_exhaustion the job holds them",
        "hyp add online-store:connection_exhaustion the job holds them",
        "hypothesis add statefulset/online-store connection-exhaustion the job holds them",
        "hyp add ONLINE_STORE: connection_exhaustion the job holds them",
    ],
)
def test_every_spelling_names_the_same_cause(desk: Desk, line: str) -> None:
    assert desk.type(line).exit == 0
    assert desk.events("hypothesis.added") == [
        {
            "hyp_id": 1,
            "component": "online-store",
            "mechanism": "connection_exhaustion",
            "text": "the job holds them",
        }
    ]


def test_a_misspelt_cause_is_answered_with_the_nearest_one(desk: Desk) -> None:
    assert 'did you mean "online-store"?' in desk.type("hyp add online-stor connection_exhaustion").text
    assert 'did you mean "connection_exhaustion"?' in desk.type("hyp add online-store conection_exhaustion").text
    assert desk.events("hypothesis.added") == []


def test_an_output_about_the_component_is_relevant_and_another_is_not(desk: Desk) -> None:
    desk.submit("store clients")
    desk.submit("hyp add online-store connection_exhaustion")
    desk.submit("hyp add recommendation bad_deploy")
    desk.submit("hyp for 1 last")
    assert "shows nothing about recommendation" in desk.submit("hyp against 2 last")
    evidence = desk.events("hypothesis.evidence")
    assert [(item["direction"], item["relevant"]) for item in evidence] == [("for", True), ("against", False)]
    cited = desk.op.incident.output(int(str(evidence[0]["event_n"])))
    assert cited is not None
    assert cited.line == "store clients"


def test_a_job_is_relevant_where_the_store_shows_it() -> None:
    desk = Desk(LEAK, 3_600.0)
    desk.submit("hyp add loyalty-export bad_deploy")
    desk.submit("store clients")
    desk.submit("hyp for 1")
    assert desk.events("hypothesis.evidence")[0]["relevant"] is True


@pytest.mark.parametrize(
    "line", ["evidence for 1 {n}", "evidence 1 for {n}", "hyp for 1 #{n}", "ev {n}", "ev last", "ev"]
)
def test_evidence_is_cited_in_any_spelling(desk: Desk, line: str) -> None:
    desk.submit("hyp add online-store slow_dependency")
    number = desk.session.submit("store info").n
    desk.submit("note looked at it")
    assert "speaks for 1" in desk.submit(line.format(n=number))
    assert desk.events("hypothesis.evidence")[0]["event_n"] == number


def test_what_failed_and_what_you_wrote_is_no_evidence(desk: Desk) -> None:
    desk.submit("hyp add gateway slow_dependency")
    for line in ("logs nothing-there", "note gateway is slow", "hyp list", "silence GatewayLatencyHigh"):
        number = desk.session.submit(line).n
        assert "is no evidence" in desk.submit(f"hyp for 1 {number}")
    assert "no output to cite yet" in desk.submit("hyp for 1 last")
    assert desk.events("hypothesis.evidence") == []


def test_the_same_output_counts_once(desk: Desk) -> None:
    desk.submit("slo")
    desk.submit("hyp add gateway slow_dependency")
    desk.submit("hyp for 1 last")
    assert "already" in desk.submit("hyp against 1 last")
    assert len(desk.events("hypothesis.evidence")) == 1


def test_confirming_and_ruling_out_say_when_nothing_supports_them(desk: Desk) -> None:
    desk.submit("hyp add gateway bad_deploy")
    desk.submit("hyp add dns dns_failure")
    assert "nothing cited for it" in desk.submit("hyp confirm 1")
    assert "because of what" in desk.submit("hyp out 2")
    desk.submit("dns")
    desk.submit("hyp against 2")
    assert "note" not in desk.submit("hyp out 2 because it's answering")
    assert desk.events("hypothesis.confirmed") == [{"hyp_id": 1, "component": "gateway", "mechanism": "bad_deploy"}]
    assert desk.events("hypothesis.ruled_out")[0]["because"] == "it's answering"


def test_a_cause_is_held_once_until_it_is_ruled_out(desk: Desk) -> None:
    desk.submit("hyp add gateway bad_deploy")
    assert "already" in desk.submit("hyp add gateway bad_deploy")
    desk.submit("hyp out 1 because nothing was deployed")
    assert desk.submit("hyp add gateway bad_deploy").startswith("hypothesis 2")


def _cited(desk: Desk, look: str, cause: str, direction: str) -> bool:
    """Whether an output counts for or against a new hypothesis."""
    desk.submit(look)
    desk.submit(f"hyp add {cause}")
    desk.submit(f"hyp {direction} {len(desk.op.incident.hypotheses)} last")
    return desk.events("hypothesis.evidence")[-1]["relevant"] is True


@pytest.mark.parametrize("mechanism", ["crash_loop", "capacity_shortage", "memory_exceeded"])
def test_a_list_of_sound_pods_speaks_against_a_crash_and_for_nothing(desk: Desk, mechanism: str) -> None:
    assert _cited(desk, "kubectl get pods", f"gateway:{mechanism}", "against")
    assert not _cited(desk, "kubectl get pods", f"fallback:{mechanism}", "for")
    assert not _cited(desk, "kubectl get pods | grep gateway", f"recommendation:{mechanism}", "against")
    assert not _cited(desk, "kubectl get nodes", f"search-ranking:{mechanism}", "against")


def test_a_list_of_pods_speaks_against_no_other_mechanism(desk: Desk) -> None:
    assert not _cited(desk, "kubectl get pods", "online-store:connection_exhaustion", "against")
    assert not _cited(desk, "kubectl get pods", "gateway:config_error", "against")
    assert _cited(desk, "kubectl get pods -l app=fallback", "fallback:crash_loop", "against")


def test_a_list_that_leaves_out_a_pod_clears_nobody_and_another_pods_restart_taints_nobody(desk: Desk) -> None:
    cluster = desk.op.plant.cluster
    assert len(cluster.pods_of("recommendation")) > 1
    assert not _cited(desk, "kubectl get pods | grep recommendation | head -1", "recommendation:crash_loop", "against")
    cluster.pods_of("search-ranking")[0].restarts = 1
    assert _cited(desk, "kubectl get pods", "recommendation:capacity_shortage", "against")


@pytest.mark.parametrize("line", ["alerts rules", "rules", "alert rules | grep GatewayLatency"])
def test_rules_can_be_cited_for_what_is_wrong_with_them_alone(desk: Desk, line: str) -> None:
    assert _cited(desk, line, "alerting:config_error", "for")
    assert not _cited(desk, line, "online-store:config_error", "for")
    assert not _cited(desk, line, "alerting:bad_deploy", "against")


def test_rules_of_which_a_filter_left_nothing_cannot_be_cited(desk: Desk) -> None:
    desk.submit("hyp add alerting config_error")
    desk.submit("rules | head -1")
    assert "no output to cite yet" in desk.submit("hyp for 1 last")
