"""Commands that wait for something let simulated time pass, say each change once, and end."""

from __future__ import annotations

import pytest

from tests.unit.simulator.shell.desk import LEAK, Desk

SOON_S = 1_500.0


@pytest.fixture(scope="module")
def desk() -> Desk:
    """One desk for the module; each test changes a workload of its own."""
    return Desk(LEAK, SOON_S)


def entered(desk: Desk, line: str) -> tuple[list[str], float]:
    """Lines that a command printed, and how long it took."""
    before_s = desk.op.now_s
    text = desk.submit(line)
    return text.split("\n"), round(desk.op.now_s - before_s, 3)


def test_rollout_status_says_every_change_until_the_roll_out_is_over(desk: Desk) -> None:
    desk.submit("kubectl rollout restart deployment/gateway")
    lines, took_s = entered(desk, "kubectl rollout status deployment/gateway")
    waiting = 'Waiting for deployment "gateway" rollout to finish: '
    assert lines[0] == f"{waiting}1 out of 2 new replicas have been updated..."
    assert lines[-2:] == [
        f"{waiting}1 of 2 updated replicas are available...",
        'deployment "gateway" successfully rolled out',
    ]
    assert 2.0 < took_s < 62.0
    assert desk.events("command")[-1]["cost_s"] == took_s
    again, took_again_s = entered(desk, "kubectl rollout status deployment/gateway")
    assert (again, took_again_s) == (lines[-1:], 2.0)


def test_rollout_status_gives_up_after_its_timeout_and_at_once_without_watching(desk: Desk) -> None:
    desk.submit("kubectl rollout restart deployment/fraud-detection")
    lines, took_s = entered(desk, "kubectl rollout status deploy fraud-detection --timeout=3s")
    assert (lines[-1], took_s) == ("error: timed out waiting for the condition", 5.0)
    assert desk.events("command")[-1]["exit"] == 1
    lines, took_s = entered(desk, "kubectl rollout status deploy fraud-detection --watch=false")
    assert (len(lines), took_s) == (1, 2.0)
    assert lines[0].startswith("Waiting for deployment")


def test_a_stateful_set_says_its_revision(desk: Desk) -> None:
    lines, _ = entered(desk, "kubectl rollout status sts/online-store")
    assert lines == ["statefulset rolling update complete 1 pods at revision online-store-khqtq4789..."]


def test_a_watched_listing_shows_what_changes_for_half_a_minute(desk: Desk) -> None:
    desk.submit("kubectl rollout restart deployment/fallback")
    lines, took_s = entered(desk, "kubectl get pods -l app=fallback -w")
    assert took_s == 31.0
    assert lines[-1] == "(followed for 30s, and left; the same line goes on)"
    assert lines[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    states: dict[str, list[str]] = {}
    for line in lines[1:-1]:
        states.setdefault(line.split()[0], []).append(line.split()[2])
    assert sorted(states.values()) == [
        ["ContainerCreating", "Running"],
        ["ContainerCreating", "Running"],
        ["Running", "Terminating"],
        ["Terminating"],
    ]


def test_watching_only_changes_leaves_the_listing_out(desk: Desk) -> None:
    lines, took_s = entered(desk, "kubectl get deploy mlflow --watch-only")
    assert (lines, took_s) == (["(followed for 30s, and left; the same line goes on)"], 31.0)
    assert entered(desk, "kubectl get deploy mlflow -w -o name") == (["deployment.apps/mlflow"], 1.0)


def test_a_followed_log_has_the_lines_before_and_those_since(desk: Desk) -> None:
    lines, took_s = entered(desk, "kubectl logs -f -l app=search-ranking --tail 1")
    assert took_s == 31.5
    assert len(lines) == 3 * 2 + 1
    assert lines[-1].startswith("(followed for 30s")
    assert entered(desk, "kubectl logs -l app=search-ranking --tail 1")[1] == 1.5


def test_waiting_ends_when_the_condition_holds_or_the_time_is_up(desk: Desk) -> None:
    assert entered(desk, "kubectl wait deploy/mlflow --for=condition=Available") == (
        ["deployment.apps/mlflow condition met"],
        1.0,
    )
    pod = desk.op.plant.cluster.pods_of("mlflow")[0].name
    lines, took_s = entered(desk, f"kubectl wait pod/{pod} --for=delete --timeout=4s")
    assert (lines, took_s) == ([f"error: timed out waiting for the condition on pods/{pod}"], 5.0)
    desk.submit(f"kubectl delete pod {pod}")
    lines, took_s = entered(desk, f"kubectl wait pod/{pod} --for=delete --timeout=90s")
    assert lines == [f"pod/{pod} condition met"]
    assert 1.0 < took_s < 91.0
    assert entered(desk, "kubectl wait pod -l app=mlflow --for=condition=ready --timeout=120s")[0][0].endswith("met")


def test_stern_follows_all_pods_of_a_service(desk: Desk) -> None:
    lines, took_s = entered(desk, "stern recommendation --since 1m")
    pod = min(pod.name for pod in desk.op.plant.cluster.pods_of("recommendation"))
    assert lines[0] == f"+ {pod} \u203a recommendation"
    assert lines[-1].startswith("(followed for 30s")
    assert took_s == 32.0
    lines, took_s = entered(desk, "stern search-ranking --no-follow --since 1m -i requests")
    assert took_s == 2.0
    assert len(lines) == 6
    assert entered(desk, "stern")[0][0] == "stern: which pods?"


def test_what_is_refused_waits_for_nothing(desk: Desk) -> None:
    assert entered(desk, "kubectl rollout status deployment/nosuch")[1] == 2.0
    assert entered(desk, "kubectl get pods nosuch -w")[1] == 1.0
    assert entered(desk, "kubectl rollout status deployment/gateway --timeout=soon")[1] == 2.0


def test_the_template_of_a_revision_is_printed_with_bare_tabs(desk: Desk) -> None:
    lines, _ = entered(desk, "kubectl rollout history deploy/mlflow --revision=1")
    assert lines[:3] == ["deployment.apps/mlflow with revision #1", "Pod Template:", "  Labels:\tapp=mlflow"]
    assert "      memory:\t2Gi" in lines
    assert entered(desk, "kubectl rollout history deploy/mlflow --revision=9")[0][0].startswith("error: unable to find")
