"""Behind a filter only what is left was seen."""

from __future__ import annotations

import pytest

from tests.unit.simulator.shell.desk import LEAK, Desk


@pytest.fixture(scope="module")
def night() -> Desk:
    """In the middle of an outage: one job has taken all connections of the store."""
    return Desk(LEAK, 9 * 3600.0)


@pytest.mark.parametrize(
    "line",
    [
        "store clients | head -1",
        "store clients | grep CLIENT",
        "store clients | wc -l",
        "store clients | grep nothing-of-the-kind",
        "slo | head -1",
        "slo | head -2",
        "slo | grep ROUTE",
        "compare recommendation --offset 7d | head -4",
        "kubectl get pods -l app=gateway | head -1",
        "deploys | head -1",
        "alerts | head -1",
        "dash | head -1",
        "curl -v http://fallback/v1/recommendation | head -2",
        "features status | head -1",
        "dcgmi health | grep =====",
        "store info | head -1",
        "kubectl describe deployment gateway | head -1",
    ],
)
def test_headings_requests_rules_and_counts_of_lines_show_nothing(night: Desk, line: str) -> None:
    ran = night.type(line)
    assert ran.exit == 0, ran.text
    assert (ran.looked, ran.subjects) == ((), ())


@pytest.mark.parametrize(
    ("line", "subjects"),
    [
        ("store clients | grep loyalty", {"online-store", "loyalty-export"}),
        ("store clients | sort -k2 -n", {"online-store", "loyalty-export"}),
        ("store clients | grep model-servers", {"online-store"}),
        ("store clients | tail -1", {"online-store"}),
        ("store info | grep blocked_clients", {"online-store", "loyalty-export"}),
        ("slo | grep search", {"gateway", "search-ranking"}),
        ("slo | grep MISSED", {"gateway", "recommendation", "search-ranking", "fraud-detection"}),
        ("slo | awk '{print $1, $2}' | grep fraud", {"gateway", "fraud-detection"}),
        ("logs gateway | grep fraud", {"gateway", "fraud-detection"}),
        ("logs gateway | grep -c 504", {"gateway"}),
        ("logs gateway | grep 504 | wc -l", {"gateway"}),
        ("features sources | grep payments", {"feature-pipeline", "payments-producer"}),
        ("kubectl describe deployment gateway | grep -i image", {"gateway"}),
        ("compare recommendation --offset 7d | grep recommendation", {"traffic", "recommendation"}),
        ("deploys | cut -c 1-80", {"loyalty-export"}),
    ],
)
def test_what_is_left_is_what_was_seen(night: Desk, line: str, subjects: set[str]) -> None:
    ran, whole = night.type(line), night.type(line.partition("|")[0])
    assert ran.exit == 0, ran.text
    assert set(ran.subjects) == subjects
    assert subjects <= set(whole.subjects)
    assert ran.looked == whole.looked != ()


def test_a_change_is_about_what_it_changed_whatever_was_printed() -> None:
    desk = Desk(LEAK, 3600.0)
    plain = desk.type("kubectl scale deployment gateway --replicas=4")
    piped = desk.type("kubectl scale deployment gateway --replicas=5 | grep nothing")
    assert (plain.subjects, piped.subjects) == (("gateway",), ("gateway",))
    assert piped.changes


@pytest.mark.parametrize(
    ("line", "suspect", "verdict"),
    [
        ("nvidia-smi", "gpu-pool gpu_failure", True),
        ("kubectl get nodes", "gpu-pool capacity_shortage", True),
        ("kubectl top nodes", "gpu-pool node_failure", True),
        ("kubectl get nodes | grep gpu-1", "gpu-pool capacity_shortage", False),
        ("kubectl get nodes", "gpu-pool clock_skew", False),
        ("kubectl top pods", "recommendation memory_exceeded", True),
        ("kubectl top pods", "recommendation crash_loop", False),
        ("kubectl top pods | head -4", "recommendation memory_exceeded", False),
        ("kubectl get pods", "recommendation crash_loop", True),
    ],
)
def test_a_list_of_everything_sound_speaks_against_what_it_would_show(line: str, suspect: str, verdict: bool) -> None:
    """But never for it."""
    desk = Desk(LEAK, 3600.0)
    desk.submit(f"hyp add {suspect}")
    refused = "it shows nothing about"
    desk.submit(line)
    assert refused in desk.submit("hyp for 1 last")
    desk.submit(line)
    assert (refused in desk.submit("hyp against 1 last")) != verdict
