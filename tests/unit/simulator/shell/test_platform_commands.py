"""Reading the platform: what the prompt prints is what the platform is."""

from __future__ import annotations

import json
import re

import pytest

from simulator.traffic.plane import Endpoint
from tests.unit.simulator.shell.desk import LEAK, QUIET, Desk


@pytest.fixture
def early() -> Desk:
    """Half an hour in: the job has been deployed, and nothing hurts yet."""
    return Desk(LEAK, 1_800.0)


@pytest.fixture(scope="module")
def paged() -> Desk:
    """Four minutes after the page. Tests only read here."""
    desk = Desk(LEAK, 9 * 3_600.0)
    desk.wait(240.0)
    return desk


# -- online store -----------------------------------------------------------------------------------------------------


def test_the_store_names_who_holds_its_connections(paged: Desk) -> None:
    ran = paged.type("store clients")
    held = paged.op.plant.pool.held()["loyalty-export"]
    assert re.search(rf"loyalty-export\s+{held}\s+{held}", ran.text)
    assert set(ran.subjects) == {"online-store", "loyalty-export"}
    assert f"connected_clients:{held + paged.op.plant.pool.serving_connections()}" in paged.type("store info").text
    assert paged.type("store ping").text.startswith("PONG")
    listed = paged.type("redis-cli client list")
    assert set(listed.subjects) == {"online-store", "loyalty-export"}
    lines = listed.text.split("\n")
    assert sum(" name=loyalty-export " in line for line in lines) == held
    assert len(lines) == held + paged.op.plant.pool.serving_connections()
    first = dict(pair.split("=", 1) for pair in lines[-1].split())
    assert (first["db"], first["user"], first["laddr"]) == ("0", "default", "10.244.4.4:6379")
    refused = paged.type("redis-cli info stats | grep rejected").text
    assert int(refused.partition(":")[2]) > 0


def test_closing_a_clients_connections_helps_for_a_moment_only() -> None:
    paged = Desk(LEAK, 9 * 3_600.0)
    before = paged.op.plant.pool.held()["loyalty-export"]
    answer = paged.type("store client kill loyalty-export").text
    assert answer.startswith(f"(integer) {before}\n")
    assert f"all {before} within 15s" in answer
    assert paged.events("changed")[-1]["component"] == "online-store"
    assert paged.op.plant.pool.serving_connections() > 0
    paged.wait(120.0)
    assert paged.op.plant.pool.held()["loyalty-export"] >= before
    assert "loyalty-export reconnected and opened" in paged.type("logs online-store").text


def test_the_stores_limit_moves_within_reason(early: Desk) -> None:
    assert early.type("store config set maxclients 400").text == "OK"
    assert early.op.plant.pool.connections_max == 400
    assert early.events("changed")[-1]["action"] == "set_connections"
    for value in ("0", "5", "-1", "many", "999999", "9" * 50):
        assert early.type(f"store config set maxclients {value}").exit in (1, 2)
    assert early.type("store config set maxmemory 4").exit == 1
    assert early.op.plant.pool.connections_max == 400
    assert len(early.events("changed")) == 1


def test_a_store_that_is_down_refuses_connections(early: Desk) -> None:
    early.op.plant.pool.restart(False, early.op.now_s)
    for line in ("store info", "store clients", "store ping", "store config set maxclients 300"):
        ran = early.type(line)
        assert ran.exit == 1
        assert "Connection refused" in ran.text
    assert early.events("changed") == []


# -- registry -----------------------------------------------------------------------------------------------------


def test_versions_show_what_they_need(early: Desk) -> None:
    text = early.type("mlflow versions describe recommendation 4").text
    assert "11Gi" in text
    assert "14Gi" in text
    assert "x2.75" in early.type("mlflow compare recommendation 3 4").text
    assert early.type("mlflow versions describe recommendation @champion").text.splitlines()[1].endswith(" 3")


def test_moving_an_alias_leaves_running_pods_alone(early: Desk) -> None:
    ran = early.type("mlflow alias set recommendation champion 2")
    assert "pods do not follow" in ran.text
    assert early.op.plant.registry.alias("recommendation", "champion").version == 2
    assert early.op.plant.serving_versions()["recommendation"] == 3
    assert early.events("changed")[-1]["action"] == "set_alias"


@pytest.mark.parametrize(
    "line",
    [
        "mlflow versions foo",
        "mlflow versions describe recommendation 99",
        "mlflow alias set recommendation champion 99",
        "mlflow alias set recommendation 'a b' 3",
    ],
)
def test_the_registry_refuses_what_it_does_not_have(early: Desk, line: str) -> None:
    assert early.type(line).exit == 1
    assert early.events("changed") == []


# -- metrics ------------------------------------------------------------------------------------------------------


def test_a_query_is_answered_now_and_over_time(early: Desk) -> None:
    now = early.type('metrics sum by (route) (rate(shop_responses_total{source="model"}[2m]))')
    assert {"traffic", "recommendation", "search-ranking", "fraud-detection"} == set(now.subjects)
    assert len(now.text.splitlines()) == 4
    course = early.type("metrics online_store_read_seconds --range 20m --step 1m | grep store")
    assert re.search("[▁▂▃▄▅▆▇█]{20}", course.text)
    assert course.subjects == ("online-store",)
    assert "upstream" in course.looked


def test_metrics_are_about_what_they_measure(early: Desk) -> None:
    expected = {
        'feature_age_seconds{view="card_velocity"}': {"materializer", "fraud-detection"},
        'DCGM_FI_DEV_GPU_UTIL{node="gpu-2"}': {"gpu-pool", "gpu-2"},
        'kube_deployment_status_replicas_ready{deployment="mlflow"}': {"mlflow"},
        'sum(rate(gateway_requests_total{route="recommendation"}[2m]))': {"gateway", "recommendation"},
        'sum(rate(shop_responses_total{source="default"}[2m]))': {"traffic", "fallback"},
        "1 + 1": set(),
        "online_store_connections_in_use > 1e9": set(),
    }
    for query, subjects in expected.items():
        assert set(early.type(f"metrics {query}").subjects) == subjects, query


def test_an_unknown_metric_is_answered_with_the_nearest(early: Desk) -> None:
    assert 'did you mean "slo_error_ratio"?' in early.type("metrics slo_eror_ratio").text
    assert early.type("metrics").exit == 1
    assert early.type("metrics gateway_requests_total[5m]").exit == 1
    assert early.type("metrics list gateway").text.count("gateway_") >= 3


def test_the_same_hour_of_last_week_explains_a_quiet_night() -> None:
    desk = Desk(QUIET, 5_400.0)
    for line in (
        "compare fraud-detection",
        "compare 'sum(rate(shop_responses_total{route=\"fraud-detection\"}[10m]))' --offset 7d",
    ):
        ran = desk.type(line)
        ratio = float(ran.text.split()[-1])
        assert 0.7 < ratio < 1.3
        assert {"traffic", "fraud-detection"} <= set(ran.subjects)
        assert "metrics" in ran.looked
    assert "nothing is kept" in desk.type("compare online_store_read_seconds").text


def test_objectives_are_shown_by_route(early: Desk, paged: Desk) -> None:
    assert "MISSED" not in early.type("slo").text
    ran = paged.type("slo")
    assert ran.text.count("MISSED") == 3
    assert "gateway" in ran.subjects


def test_the_dashboard_names_only_what_stands_out(early: Desk, paged: Desk) -> None:
    assert early.type("dash").subjects == ()
    assert {"gateway", "online-store"} <= set(paged.type("dash").subjects)
    assert "dashboard" in early.type("dash").looked


# -- logs ---------------------------------------------------------------------------------------------------------


def test_logs_lead_from_the_gateway_to_the_store(paged: Desk) -> None:
    assert "504" in paged.type("logs gateway --level WARN").text
    models = paged.type("logs recommendation --level ERROR --since 5m")
    assert {"recommendation", "online-store"} <= set(models.subjects)
    store = paged.type("logs online-store --since 30m")
    assert {"online-store", "loyalty-export"} <= set(store.subjects)
    assert "upstream" in store.looked


def test_logs_are_cut_filtered_and_in_order(paged: Desk) -> None:
    lines = paged.type("logs --all --tail 20").text.splitlines()
    assert len(lines) == 21
    assert [line[:12] for line in lines[1:]] == sorted(line[:12] for line in lines[1:])
    assert paged.type("logs gateway --grep 'no such words'").text.startswith("no lines")
    for line in (
        "logs",
        "logs nope",
        "logs gateway --level LOUD",
        "logs gateway --since never",
        "logs gateway --tail -3",
    ):
        assert paged.type(line).exit == 1


# -- network ------------------------------------------------------------------------------------------------------


def test_the_fallback_answers_with_defaults(paged: Desk) -> None:
    ran = paged.type("curl http://fallback/v1/recommendation")
    assert '"source": "default"' in ran.text
    assert (ran.looked, ran.subjects) == (("fallback",), ("fallback",))
    first = paged.type("curl http://fallback/v1/recommendation -d '{\"customer\": 1}'").text
    second = paged.type("curl http://fallback/v1/recommendation -d '{\"customer\": 2}'").text
    assert re.findall(r'"categories": (\[.*?\])', first) == re.findall(r'"categories": (\[.*?\])', second)


def test_the_gateway_answers_with_what_became_of_the_request(early: Desk, paged: Desk) -> None:
    pods = early.op.plant.cluster.pods
    for route in ("recommendation", "search-ranking", "fraud-detection"):
        text = early.type(f"curl -i gateway/v1/{route}").text
        assert "HTTP/1.1 200 OK" in text
        served_by = re.search(r"x-served-by: (\S+)", text)
        assert served_by is not None
        assert pods[served_by[1]].deployment == route
        answer = json.loads(early.type(f"curl -s -X POST http://gateway.shop.svc:8080/v1/{route}").text)
        assert answer["source"] == "model"
        assert answer["model_version"] == early.op.plant.champions[route]
    ran = paged.type("curl -i http://gateway/v1/recommendation")
    assert "504 Gateway Timeout" in ran.text
    assert ran.text.endswith("upstream request timeout")


def test_repeated_requests_show_every_replica_and_the_one_that_is_bad() -> None:
    """Each goes to the server whose turn it is; a server without GPU memory fails its own requests only."""
    desk = Desk(LEAK, 900.0)
    ready = desk.op.plant.cluster.ready_pods("recommendation")
    bad = ready[1]
    desk.op.plant.plane.set_endpoints(
        "recommendation", [Endpoint(pod.path_index, 1.0, 1.0 if pod is bad else 0.0) for pod in ready]
    )
    codes: dict[str, set[str]] = {}
    for _ in range(12):
        text = desk.type("curl -si http://gateway/v1/recommendation").text
        served_by = re.search(r"x-served-by: (\S+)", text)
        assert served_by is not None
        codes.setdefault(served_by[1], set()).add(text.split()[1])
    assert codes == {pod.name: {"500" if pod is bad else "200"} for pod in ready}


def test_a_server_logs_what_happened_to_its_own_requests() -> None:
    desk = Desk(LEAK, 900.0)
    ready = desk.op.plant.cluster.ready_pods("recommendation")
    desk.op.plant.plane.set_endpoints(
        "recommendation", [Endpoint(pod.path_index, 1.0, 1.0 if pod is ready[0] else 0.0) for pod in ready]
    )
    desk.wait(60.0)
    said = {pod.name: [text for _, _, text in pod.logs if "OutOfMemoryError" in text] for pod in ready}
    assert [bool(lines) for lines in said.values()] == [True, False, False]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-s -o /dev/null -w %{http_code}", "200"),
        ("-so /dev/null -w '%{http_code} %{size_download}'", r"200 \d+"),
        ("-o /dev/null -w '%{http_code}\\n'", "200"),
        ("-v -o /dev/null", r"> GET /v1/recommendation HTTP/1.1\n> Host: gateway\n>\n< HTTP/1.1 200 OK\n(< .*\n)+<"),
        ("-I", "HTTP/1.1 405 Method Not Allowed\nallow: GET, POST\nserver: envoy\n"),
        ("-d '{\"customer\": 3}'", r'\{"customer": 3, .*"source": "model", "model_version": \d+\}'),
        ("--max-time 0.001", r"curl: \(28\) Operation timed out after 1 milliseconds with 0 bytes received"),
    ],
)
def test_curl_prints_what_its_options_ask_for(early: Desk, options: str, expected: str) -> None:
    text = early.type(f"curl {options} http://gateway/v1/recommendation").text
    assert re.fullmatch(expected, text), text


def test_curl_fails_as_asked(paged: Desk) -> None:
    ran = paged.type("curl -sf http://gateway/v1/recommendation")
    assert (ran.exit, ran.text) == (22, "curl: (22) The requested URL returned error: 504")


def test_what_will_be_refused_sends_nothing(early: Desk) -> None:
    before = early.op.plant.plane._sent
    for line in ("curl http://gateway/v1/recommendation | nosuch", "curl http://gateway/v1/nosuch", "curl nowhere",
                 "curl --nosuch gateway/v1/recommendation"):  # fmt: skip
        assert early.type(line).exit != 0
    assert early.op.plant.plane._sent == before


def test_the_same_commands_get_the_same_answers() -> None:
    lines = ["curl gateway/v1/fraud-detection", "ping gateway", "curl gateway/v1/fraud-detection"]
    one, two = Desk(LEAK, 900.0), Desk(LEAK, 900.0)
    assert [one.type(line).text for line in lines] == [two.type(line).text for line in lines]


def test_names_resolve_and_unknown_ones_do_not(early: Desk) -> None:
    assert "NOERROR" in early.type("dig online-store").text
    assert "NXDOMAIN" in early.type("dig nowhere").text
    assert early.type("dig nowhere").subjects == ()
    assert early.type("nslookup nowhere").exit == 1
    assert "11 of 11 answered" in early.type("dns").text
    assert "0% packet loss" in early.type("ping gpu-1").text
    assert "Verify return code: 0" in early.type("cert gateway").text
    assert "curl: (6)" in early.type("curl http://nowhere/").text


def test_health_follows_the_pod(early: Desk) -> None:
    pod = early.op.plant.cluster.ready_pods("recommendation")[0]
    assert "200 OK" in early.type(f"curl -i http://{pod.name}:8080/health").text
    early.op.plant.cluster.delete_pod(pod.name, early.op.now_s)
    early.op.plant.sync()
    assert "503" in early.type(f"curl -i http://{pod.name}:8080/health").text


def test_a_look_leaves_the_platform_as_it_was(early: Desk) -> None:
    """The digest of the rest of the night is the same with and without looking."""
    other = Desk(LEAK, 1_800.0)
    for line in ("slo", "dash", "store info", "logs --all", "dns", "features status"):
        early.type(line)
    early.wait(300.0)
    other.wait(300.0)
    assert early.simulation.log.digest() == other.simulation.log.digest()


def test_compare_says_truly_why_there_is_nothing_then(paged: Desk) -> None:
    for line in ("compare online_store_read_seconds --offset 9h", "compare rate(gateway_requests_total[10m])"):
        text = paged.type(line).text
        assert "nothing is kept from then: " in text
        assert "8 days" not in text
        assert re.search(r"begins Tue 22:20:\d\d, 4h", text), text
    coarse = paged.type('compare rate(shop_responses_total{source="model"}[2m])').text
    assert "shop_responses_total has one point every 5m then: use rate(shop_responses_total[10m])" in coarse
    scarce = paged.type("compare 'online_store_connections_in_use{client=~\"model.*\"} < 20' --offset 3h").text
    assert "the query had no value then" in scarce


def test_the_dashboard_shows_events_on_their_way(early: Desk) -> None:
    text = early.type("dash").text
    for source in early.op.plant.ingest.feeds:
        assert re.search(rf"newest event {source}\s+[\d.]+\s.*min", text)
        assert re.search(rf"put aside {source}\s+0\s+\S+\s+/min", text)


def test_a_request_by_hand_takes_as_long_as_the_served_log_says(early: Desk) -> None:
    took = re.fullmatch(r"[\d.]+", early.type("curl -so /dev/null -w %{time_total} gateway/v1/recommendation").text)
    assert took is not None
    assert 0.012 <= float(took[0]) < 0.5, "no faster than a launch, and within the deadline"


def test_every_pod_has_an_address_of_its_own(paged: Desk) -> None:
    rows = [line.split() for line in paged.type("kubectl get pods -o wide --no-headers").text.splitlines()]
    addresses = [next(cell for cell in row if cell.startswith("10.244.")) for row in rows]
    assert len(set(addresses)) == len(rows) > 5
    assert paged.type(f"dig {rows[0][0]}").text.count(addresses[0]) == 1


def test_the_chat_can_be_read_again_and_proves_nothing() -> None:
    desk = Desk(LEAK, 600.0)
    assert desk.submit("chat") == "nobody has written anything yet"
    answer = desk.submit("ask Dana what do customers see?")
    ran = desk.type("chat")
    lines = ran.text.splitlines()
    assert re.match(r"\w{3} \d\d:\d\d:\d\d you: @Dana what do customers see\?", lines[0])
    assert re.match(r"\w{3} \d\d:\d\d:\d\d Dana: ", lines[1])
    assert "Customers can order" in answer + lines[1]
    assert (ran.looked, ran.subjects, ran.changes) == ((), (), False)
    assert desk.type("comms").text == desk.type("messages").text == ran.text


@pytest.mark.parametrize(
    ("line", "said", "instead"),
    [
        ("curl prometheus:9090/api/v1/query?query=up", "Could not resolve host: prometheus", "metrics EXPR"),
        ("curl http://grafana.monitoring/d/1", "Could not resolve host: grafana.monitoring", "dash"),
        ("curl http://mlflow/api/2.0/mlflow/registered-models/search", "is not simulated", "mlflow models"),
        ("curl --retry 3 http://gateway/v1/recommendation", "--retry is not simulated", "watch curl http://gateway"),
    ],
)
def test_what_curl_cannot_do_here_names_what_can(early: Desk, line: str, said: str, instead: str) -> None:
    ran = early.type(line)
    assert ran.exit != 0
    assert said in ran.text
    assert instead in ran.text
