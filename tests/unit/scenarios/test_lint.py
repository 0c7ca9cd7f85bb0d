"""Lint finds what would crash, or slip through: every message has its place and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reference_platform.errors import PagerDrillError
from scenarios.lint import lint
from tests.content.short_drill import TEXT

OVERLAY = "  traffic: {requests_per_s: 30}\n"
ALERT = """  traffic: {requests_per_s: 30}
  alerts:
    - name: StoreSlow
      expr: EXPR
      hold: 1m
      severity: P2
      component: online-store
      summary: slow
      runbook: gateway
"""
SLOW = "online_store_read_seconds > 0.1"


@pytest.fixture
def found(tmp_path: Path) -> Callable[[str], list[str]]:
    """The messages of lint for a text, without the folder."""

    def messages(text: str) -> list[str]:
        path = tmp_path / "d.yaml"
        path.write_text(text, encoding="utf-8")
        problems: list[PagerDrillError] = lint(str(path))
        return [str(problem).replace(f"{tmp_path}/", "") for problem in problems]

    return messages


Found = Callable[[str], list[str]]


def _with_alert(expr: str) -> str:
    return TEXT.replace(OVERLAY, ALERT.replace("EXPR", expr))


def test_the_drill_without_a_mistake_is_clean(found: Found) -> None:
    assert found(TEXT) == []
    assert found(_with_alert(SLOW)) == []


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("title: A slow store", 'title: "A slow\\x1b[31m store"', "3:8: a control character, U+001B, at character 7"),
        ("title: A slow store", 'title: "A \\u202eslow store"', "3:8: a control character, U+202E, at character 3"),
        ("title: A slow store", 'title: "A slow\\nstore"', "3:8: title is one line"),
        ("knows: Nothing.", 'knows: "  "', "16:48: only blanks"),
        ("drill: 9m", "drill: 59s", "9:37: drill: 59s is beyond reason\n  1m to 12h"),
        ("drill: 9m", "drill: 13h", "9:37: drill: 13h is beyond reason"),
        ("joins_by: 10m", "joins_by: 15d", "9:70: joins_by: 15d is beyond reason\n  1m to 14d"),
        ("requests_per_s: 30", "requests_per_s: 5000", None),
        ("joins: first_page", "joins: complaint", "9:48: nobody will complain"),
        ("knows: Nothing.", "knows: Nothing., review_at: 11m", "16:69: Dana complains after clock.joins_by"),
        ("people:\n", "people:\n  - {name: dana, role: x}\n", '17:5: people: "dana" is there twice'),
        ("hints: [What", "judged: [pods, podz]\nhints: [What", '17:16: no criterion "podz"\n  did you mean "pods"?'),
        ("  - ack\n", "  - ack\n  - kubectl got pods\n", '21:5: "kubectl got" is not simulated'),
        ("  - ack\n", "  - ack\n  - silence\n", "21:5: silence: the following arguments are required: name"),
        ("  - ack\n", "  - ack\n  - runbook serving\n", '21:5: no runbook "serving"'),
        ("  - ack\n", "  - ack\n  - ask Lee what was changed\n", '21:5: nobody here is called "Lee"'),
        ("  - ack\n", "  - ack\n  - kubectl describe deployment/gatewya\n", '21:33: no deployment "gatewya"'),
        ("  - ack\n", "  - ack\n  - metrics online_store_raed_seconds\n",
         '21:13: no metric "online_store_raed_seconds"\n  did you mean "online_store_read_seconds"?'),
        ("  - ack\n", "  - ack\n  - alerts add Slow 'online_store_read_seconds < 0' --for 5m\n",
         "21:48: this is never true: the left side is never below 0, the right side 0"),
        ("  - ack\n", "  - ack\n  - wait: 10m\n", "21:11: this wait is longer than the drill"),
        ("  - ack\n", "  - ack\n  - wait: 8m50s\n", "20:3: the expert takes"),
        ("at: 40s..80s", "at: 20m", "13:9: this fault begins after the drill is over"),
        ("expert:\n", "wrong_turns:\n  - {name: a, steps: [slo]}\n  - {name: a, steps: [slo]}\nexpert:\n",
         '21:12: "a" is there twice'),
        ("expert:\n", "other_fixes:\n  - {name: a, steps: [frob]}\nexpert:\n", "20:23: frob: command not found"),
    ],
)  # fmt: skip
def test_words_times_and_scripts(found: Found, right: str, wrong: str, message: str | None) -> None:
    assert right in TEXT
    said = found(TEXT.replace(right, wrong, 1))
    if message is None:
        assert said == []
    else:
        assert any(problem.startswith(f"d.yaml:{message}") for problem in said), said


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            "fault: deployment.model_update\n    at: 1m\n    with: {deployment: gateway}",
            '14:24: no model server "gateway"',
        ),
        (
            "fault: deployment.model_update\n    at: 1m\n    with: {version: 99}",
            "14:21: recommendation has no version 99",
        ),
        (
            "fault: feature_store.materializer_stalls\n    at: 1m\n    with: {view: customers}",
            '14:18: no view "customers"',
        ),
        ("fault: traffic.surge\n    at: 1m\n    with: {route: search}", '14:19: no route "search"'),
        ("fault: online_store.connection_leak\n    at: 1m\n    with: {job: gateway}", '14:17: "gateway" runs already'),
        (
            "fault: online_store.connection_leak\n    at: 1m\n    with: {job: Big Job}",
            '14:17: "Big Job" is no name of a job',
        ),
    ],
)
def test_names_in_faults(found: Found, params: str, message: str) -> None:
    before = "fault: online_store.slow\n    at: 40s..80s\n    with: {sync_ms: 900}"
    assert before in TEXT
    [said] = found(TEXT.replace(before, params))
    assert said.startswith(f"d.yaml:{message}"), said


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        ("online_store_read_second > 0.1", '11:13: no metric "online_store_read_second"\n  did you mean "'),
        ("1 + sum(rate(shop_response_total[5m])) > 2", '11:26: no metric "shop_response_total"'),
        ("rate(shop_responses_total{rout=\"x\"}[5m]) > 1", '11:18: shop_responses_total has no label "rout"'),
        ("rate(shop_responses_total{route=\"search\"}[5m]) > 1", "11:18: no series of shop_responses_total has route="),
        ("sum(rate(shop_responses_total[5m]) > 1", None),
        ("online_store_read_seconds", "11:13: this has no condition, so it would always alert"),
        ("vector(1", None),
        ("9", '11:13: "expr"'),
        ("online_store_read_seconds[5m]", "11:13: a range has no single value"),
        ("feature_cache_hit_ratio > 1", "11:37: this is never true: the left side is between 0 and 1, the right"),
        ("feature_cache_hit_ratio >= 0", "11:37: this is always true"),
        ("rate(gateway_requests_total[5m]) < 0", "11:46: this is never true"),
        ("100 * avg(feature_cache_hit_ratio) > 120", "11:48: this is never true"),
        ("count(online_store_read_seconds) < 1", "11:46: this is never true"),
        ("kube_deployment_spec_replicas{deployment=\"gatway\"} == 0", "11:13: no series of kube_deployment_spec"),
    ],
)  # fmt: skip
def test_queries_of_alerts_are_named_with_their_column(found: Found, expr: str, message: str | None) -> None:
    said = found(_with_alert(expr))
    assert len(said) == 1, said
    assert said[0].startswith(f"d.yaml:{message or '11:'}"), said


@pytest.mark.parametrize(
    "expr",
    [
        "feature_cache_hit_ratio < 0.5",
        "ingest_event_delay_seconds < 0",
        "abs(ingest_event_delay_seconds) > 3600",
        "absent(online_store_read_seconds)",
        "slo_burn_rate{window=\"1h\"} > 14.4 and slo_burn_rate{window=\"5m\"} > 14.4",
        "online_store_connections_in_use{client!=\"model-servers\"} > 100",
        "gateway_retries_total{route=~\"rec.*\"} > 5",
        "delta(feature_age_seconds[1h]) < 0",
        "1 - avg(feature_cache_hit_ratio) > 0.5",
    ],
)  # fmt: skip
def test_conditions_that_can_hold_are_left_alone(found: Found, expr: str) -> None:
    assert found(_with_alert(expr)) == []


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ('"feature_cache_hit_ratio > 1"', "11:38"),
        (">-\n        avg by (route)\n        (feature_cache_hit_ratio) > 1", "13:35"),
        ("|\n        feature_cache_hit_ratio > 1", "12:33"),
        ('"feature_cache\\x5fhit_ratio > 1"', "11:13"),
    ],
)
def test_the_column_of_a_query_is_found_however_it_is_written(found: Found, written: str, place: str) -> None:
    [said] = found(_with_alert(written))
    assert said.startswith(f"d.yaml:{place}: this is never true"), said


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        (
            "deployments: [{name: gateway, node_pool: cpus}]",
            '9:44: no node is in the pool "cpus"\n  did you mean "cpu"?',
        ),
        ("deployments: [{name: gateway, replicas: 40}]", "9:17: the nodes have no room for every pod of"),
        ("deployments: [{name: recommendation, memory_limit: 1Gi}]", "9:54: recommendation needs"),
        ("deployments: [{name: gateway, memory_limit: 300Mi}]", "9:17: gateway uses more memory than its limit"),
        ("deployments: [{name: recommendation, model: ranking}]", '9:47: no model "ranking"'),
        ("deployments: [{name: recommendation, model_alias: best}]", '9:53: recommendation has no alias "best"'),
        ("deployments: [{name: clicks-producer, release: 9.9.9}]", '9:50: clicks-producer has no release "9.9.9"'),
        (
            "nodes: [{name: cpu-1, memory: 4Gi}, {name: cpu-2, memory: 4Gi}]",
            "9:10: the nodes have no room",
        ),
        ("online_store: {serving_connections: 300}", "9:39: serving_connections 300 is more than connections_max 200"),
        ("slo: {availability: 1}", "9:23: availability: between 0 and 1"),
        ("scrape: {active: 0s}", "9:20: scrape.active: 0 s is beyond reason"),
        ("models: [{name: recommendation, deadline: 0s}]", "9:45: deadline: must be above 0s"),
        ("models: [{name: recommendation, deadline: 2h}]", "9:45: deadline: 2h is beyond reason"),
        ("nodes: [{name: gpu-1, pool: gpu}, {name: gpu-1, pool: gpu}]", '9:44: nodes: "gpu-1" is there twice'),
    ],
)
def test_the_platform_must_be_whole_before_anything_breaks(found: Found, overlay: str, message: str) -> None:
    said = found(TEXT.replace(OVERLAY, f"{OVERLAY}  {overlay}\n"))
    assert any(problem.startswith(f"d.yaml:{message}") for problem in said), said


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("name: StoreSlow", "name: Store Slow", '10:13: "Store Slow" is no name of an alert'),
        (
            "name: StoreSlow",
            "name: RecommendationErrorBudgetBurnFast",
            "10:13: RecommendationErrorBudgetBurnFast is an alert",
        ),
        ("component: online-store", "component: online-shop", '14:18: no component "online-shop"'),
        ("runbook: gateway", "runbook: store", '16:16: no runbook "store"'),
        ("hold: 1m", "hold: 30d", "12:13: hold: 30d is beyond reason"),
    ],
)
def test_alerts_name_what_there_is(found: Found, right: str, wrong: str, message: str) -> None:
    [said] = found(_with_alert(SLOW).replace(right, wrong))
    assert said.startswith(f"d.yaml:{message}"), said


def test_a_night_that_takes_too_long_to_play_is_told(found: Found) -> None:
    text = TEXT.replace("requests_per_s: 30", "requests_per_s: 400").replace("joins_by: 10m", "joins_by: 2d")
    [said] = found(text)
    assert said.startswith("d.yaml:9:70: 69 million requests until joins_by and through the drill; at most 60")


ARMS = """  traffic: {requests_per_s: 30}
  models:
    - name: fraud-detection
      arms:
        - {name: control, deployment: fraud-detection, share: 0.9}
        - {name: canary, deployment: fraud-canary, share: SHARE}
  deployments:
    - name: fraud-canary
      component: fraud-detection
      replicas: 1
      node_pool: gpu-large
      cpu: 1.0
      memory_limit: 8Gi
      startup: 8s
      model: MODEL
      model_alias: challenger
  dashboards:
    - {name: canary, title: Canary, panels: [{title: by arm, query: 'QUERY'}]}
"""
BY_ARM = "sum(rate(model_requests_total[5m]))"


def _with_arms(share: str = "0.1", model: str = "fraud-detection", query: str = BY_ARM) -> str:
    arms = ARMS.replace("SHARE", share).replace("MODEL", model).replace("QUERY", query)
    return TEXT.replace(OVERLAY, arms)


def test_a_canary_and_its_dashboard_are_clean(found: Found) -> None:
    assert found(_with_arms()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share": "0.2"}, "shares of the arms add up to 1.1, not 1"),
        ({"model": "recommendation"}, 'no deployment "fraud-canary" serves the model "fraud-detection"'),
        ({"query": "sum(rate(model_request_total[5m]))"}, 'no metric "model_request_total"'),
        ({"query": "sum(rate(model_requests_total[5m])"}, 'dashboard canary, panel "by arm", column'),
    ],
    ids=str,
)
def test_a_canary_with_a_mistake_is_not(found: Found, change: dict[str, str], message: str) -> None:
    assert any(message in said for said in found(_with_arms(**change))), found(_with_arms(**change))
