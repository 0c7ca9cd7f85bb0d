"""What can be cited for each fault on its real run differs from the same night without it, and nothing else counts.

A responder types every kind of read on both nights at one instant.
"""

from __future__ import annotations

from functools import cache

import pytest

from simulator.faults.registry import FAULTS
from simulator.incident.record import Hypothesis, Output
from simulator.session.session import Session
from simulator.shell.evidence import can_show, sights, weigh
from tests.contract.conditions import BEGINS_S, run_to, simulated, staffed, type_now
from tests.contract.test_faults import PROMISES

FAST = ("online_store.slow", "traffic.surge", "deployment.model_update")
"""Faults whose nights are short."""
MODELS = ("recommendation", "search-ranking", "fraud-detection")
WORKLOADS = (*MODELS, "gateway", "feature-pipeline", "materializer", "payments-producer", "clicks-producer", "mlflow")
METRICS = (
    "sum by (reason, source) (ingest_dead_letters_total)",
    "ingest_event_age_seconds",
    "ingest_event_delay_seconds",
    "ingest_events_total",
    "ingest_lag_records",
    "ingest_late_events_total",
    "ingest_null_ratio",
    "ingest_value_mean",
    "feature_age_seconds",
    "feature_psi",
    "online_store_connections_in_use",
    "online_store_read_seconds",
    "sum by (route, source) (shop_responses_total)",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_GPU_UTIL",
    "kube_pod_container_status_restarts_total",
    "gateway_requests_total",
)
LINES = (
    "kubectl get pods",
    "kubectl get nodes",
    "kubectl get events",
    "kubectl get jobs",
    "kubectl top pods",
    "kubectl top nodes",
    "deploys",
    "dash",
    "slo",
    "alerts",
    "alerts rules",
    "nvidia-smi",
    "store info",
    "store clients",
    "store ping",
    "store config get appendfsync",
    "features status",
    "features jobs",
    "features locks",
    "features sources",
    "features consumer",
    "features consumer payments",
    "features consumer clicks",
    "features contract payments",
    "features contract clicks",
    "features dead-letters",
    "chronyc tracking",
    *(f"kubectl describe deployment {name}" for name in WORKLOADS),
    *(f"kubectl rollout history deployment/{name}" for name in WORKLOADS),
    *(f"logs {name} --tail 40" for name in (*WORKLOADS, "online-store", "loyalty-export")),
    *(f"curl http://gateway/v1/{name}" for name in MODELS),
    *(f"mlflow versions {name}" for name in MODELS),
    *(f"metrics {query}" for query in METRICS),
    *(f"compare sum(rate(shop_responses_total{{route='{name}'}}[10m])) --offset 7d" for name in MODELS),
)


def _typed(session: Session) -> dict[str, Output]:
    """What each line prints now, as far as it can be read."""
    found: dict[str, Output] = {}
    for number, line in enumerate(LINES, start=1):
        ran = type_now(session, line)
        if ran.exit == 0:
            found[line] = Output(number, session.now_s, line, ran.text, 0, 1.0, ran.subjects, ran.looked)
    return found


@cache
def _both(fault_id: str) -> tuple[Session, dict[str, Output], dict[str, Output]]:
    """The staffed night of a fault once it shows, what every line prints on it, and on its healthy twin then."""
    promise = PROMISES[fault_id]
    ill, well = simulated(fault_id, promise.params), simulated()
    run_to(ill, BEGINS_S)
    run_to(ill, BEGINS_S + promise.shows_within_s, lambda: promise.shows(ill))
    assert promise.shows(ill)
    run_to(well, ill.now_s)
    session = staffed(ill)
    return session, _typed(session), _typed(staffed(well))


def _check(fault_id: str) -> None:
    session, ill, well = _both(fault_id)
    fault = FAULTS[fault_id].model_validate(PROMISES[fault_id].params)
    assert len(ill) > 0.9 * len(LINES)
    named = fault.accepted()
    showing = {cause: _citable(session, ill, cause) for cause in named}
    assert showing[named[0]]
    if fault.harmless:
        # That all is as it always is shows in the past alone, and the twin is no different.
        assert all("history" in ill[line].looked for line in showing[named[0]])
        assert all(ill[line].text == well[line].text for line in showing[named[0]])
        return
    differs = {cause: [x for x in lines if x not in well or ill[x].text != well[x].text]
               for cause, lines in showing.items()}  # fmt: skip
    assert differs[named[0]], f"nothing that may be cited for {named[0]} differs from a healthy night"
    assert sum(map(bool, differs.values())) >= len(named) / 2, differs


def _citable(session: Session, outputs: dict[str, Output], cause: tuple[str, str]) -> list[str]:
    """Lines that may be cited for a cause. Each is of a kind that is listed for its mechanism."""
    found: list[str] = []
    for line, output in outputs.items():
        if weigh(session.operator, Hypothesis(1, *cause, ""), output, "for").relevant:
            assert can_show(sights(output), cause[1]), (cause, line)
            found.append(line)
    return found


@pytest.mark.parametrize("fault_id", FAST)
def test_what_counts_for_a_fault_differs_from_a_healthy_night(fault_id: str) -> None:
    _check(fault_id)


@pytest.mark.sweep
@pytest.mark.parametrize("fault_id", [name for name in FAULTS if name not in FAST])
def test_sweep_of_what_counts_for_each_fault(fault_id: str) -> None:
    _check(fault_id)
