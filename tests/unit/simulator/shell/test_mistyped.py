"""What was mistyped is named; what was guessed gives nothing away."""

from __future__ import annotations

import pytest

from simulator.shell.help import _TITLES, _module
from simulator.shell.registry import COMMANDS
from tests.unit.simulator.shell.desk import LEAK, Desk

JOB = "loyalty-export"


@pytest.fixture(scope="module")
def desk() -> Desk:
    """An hour in: the job holds connections. Tests change nothing."""
    return Desk(LEAK, 3_600.0)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("store clinets", "store clients"),
        ("store inof", "store info"),
        ("features deadletters clicks", "features dead-letters"),
        ("features statsu", "features status"),
        ("features consumer rebalnce clicks", "features consumer rebalance"),
        ("kubectl top pdos", "kubectl top pods"),
        ("redis-cli clinet list", "redis-cli client"),
    ],
)
def test_a_mistyped_form_is_answered_with_the_one_that_was_meant(desk: Desk, line: str, meant: str) -> None:
    ran = desk.type(line)
    assert ran.exit == 127
    assert f'did you mean "{meant}"?' in ran.text
    assert "unrecognized" not in ran.text


def test_a_word_like_no_form_is_answered_with_the_usage(desk: Desk) -> None:
    ran = desk.type("store qqqq")
    assert ran.exit == 1
    assert "usage: store info [SECTION]" in ran.text


@pytest.mark.parametrize(
    "line", ["features consumer clicks", "features", "store", "jobs", "kubectl get pods --no-headers"]
)
def test_what_was_typed_rightly_is_carried_out(desk: Desk, line: str) -> None:
    assert desk.type(line).exit == 0


@pytest.mark.parametrize(
    "line",
    [
        "kubectl delete pod -l app=gateway --help",
        "kubectl delete pod --help -l app=gateway",
        "kubectl delete -l app=gateway pod --help",
        "kubectl delete pod --help",
    ],
)
def test_help_is_shown_wherever_it_is_asked_for(desk: Desk, line: str) -> None:
    pods = set(desk.op.plant.cluster.pods)
    ran = desk.type(line)
    assert ran.exit == 0
    assert "usage: kubectl delete pod NAME" in ran.text
    assert set(desk.op.plant.cluster.pods) == pods


@pytest.mark.parametrize(
    "line",
    [
        "kubectl delete job nosuch",
        "kubectl delete job export",
        "kubectl delete deployment loyalty-export-1",
        "kubectl scale deployment nosuch --replicas=0",
        "kubectl get job nosuch",
        "kubectl describe job nosuch",
        "kubectl describe pod nosuch",
        "kubectl logs nosuch",
        "kubectl logs pod/nosuch",
        "kubectl logs -l app=nosuch",
        "kubectl rollout restart deployment/nosuch",
        "store client kill x",
        "store client kill export",
        "redis-cli client kill loyalty",
    ],
)
def test_a_guess_is_not_answered_with_the_culprit(desk: Desk, line: str) -> None:
    ran = desk.type(line)
    assert ran.exit == 1
    assert JOB not in ran.text.replace("loyalty-export-1", "")
    assert "valid:" not in ran.text


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("kubectl delete job loyalty-exprot", JOB),
        ("kubectl delete deployment gatewya", "gateway"),
        ("store client kill loyalty-exprot", JOB),
        ("kubectl drain cpu1", "cpu-1"),
    ],
)
def test_a_slip_is_answered_with_the_name_of_that_kind(desk: Desk, line: str, meant: str) -> None:
    assert f'did you mean "{meant}"?' in desk.type(line).text


def test_a_slip_is_not_answered_with_a_name_of_another_kind(desk: Desk) -> None:
    assert "gateway" not in desk.type("kubectl delete job gatewya").text.replace("gatewya", "")
    assert JOB not in desk.type("kubectl delete deployment loyalty-exprot").text


def test_no_client_to_close_is_said_and_leads_to_the_list() -> None:
    early = Desk(LEAK, 600.0)
    ran = early.type("store client kill x")
    assert (ran.exit, ran.text) == (1, "ERR No such client\n  store clients")


def test_every_group_of_commands_has_a_heading_of_its_own() -> None:
    modules = {_module(found) for found in COMMANDS.values()}
    assert modules == set(_TITLES)
    assert all(title[0].isupper() for title in _TITLES.values())
