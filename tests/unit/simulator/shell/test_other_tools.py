"""What tools around the cluster answer, in the words and with the numbers of the real ones."""

from __future__ import annotations

import json

import pytest

from tests.unit.simulator.shell.desk import LEAK, Desk

DATE = "Wed Mar  4 02:52:30 UTC 2026"
NO_TOPOLOGY = "nvidia-smi: each node has one GPU: there is no topology, no link, no part of one and no virtual one"
GATEWAY, STORE = "10.96.124.160", "10.96.179.252"


@pytest.fixture(scope="module")
def desk() -> Desk:
    """In the middle of an outage: one job has taken all connections of the store. Tests change nothing."""
    return Desk(LEAK, 9 * 3600.0)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("dig +short gateway", GATEWAY),
        ("dig gateway +short", GATEWAY),
        ("dig @10.96.0.10 online-store A +short", STORE),
        ("dig +short nowhere", ""),
        (f"dig -x {STORE} +short", "online-store.shop.svc.cluster.local."),
        ("dig gateway AAAA +short", ""),
        ("host gateway", f"gateway.shop.svc.cluster.local has address {GATEWAY}"),
        ("host nowhere", "Host nowhere not found: 3(NXDOMAIN)"),
        ("getent hosts online-store", f"{STORE}   online-store.shop.svc.cluster.local"),
        ("nc -zv online-store 6379", f"Connection to online-store ({STORE}) 6379 port [tcp/*] succeeded!"),
        ("nc -zv gateway 443", f"nc: connect to gateway ({GATEWAY}) port 443 (tcp) failed: Connection timed out"),
        ("redis-cli -h online-store slowlog get 10", "(empty array)"),
        ("redis-cli SLOWLOG LEN", "(integer) 0"),
        ("redis-cli info clients | grep blocked", "blocked_clients:0"),
        ("redis-cli -h online-store -p 6379 config get maxclients", "maxclients\n200"),
        ("redis-cli -h online-store PING", "PONG"),
        ("redis-cli dbsize", "(integer) 11800"),
        ("redis-cli info keyspace", "# Keyspace\ndb0:keys=11800,expires=0,avg_ttl=0,subexpiry=0"),
        ("redis-cli info replication clients | grep '#'", "# Clients\n# Replication"),
        ("redis-cli info | grep '#' | tail -2", "# CPU\n# Keyspace"),
        ("redis-cli info all | grep -c cmdstat_hmget", "1"),
        ("redis-cli info memory | grep human | tail -2", "used_memory_rss_human:7.00G\nmaxmemory_human:0B"),
        ("date", DATE),
        ("date -u", DATE),
        ("date +%FT%T", "2026-03-04T02:52:30"),
        ("date -Is", "2026-03-04T02:52:30+00:00"),
        ("date '+%H%% of %e'", "02% of  4"),
        ("feast entities list | tail -1", "product   of 1500      ValueType.INT64"),
        (
            "feast feature-views list | head -2",
            "NAME                ENTITIES      TYPE\ncustomer_activity   {'customer'}  FeatureView",
        ),
        (
            "feast feature-views describe merchant_risk | head -4",
            "spec:\n  name: merchant_risk\n  entities:\n  - merchant",
        ),
        (
            "mlflow experiments search",
            (
                "Experiment Id    Name             Artifact Location\n"
                "---------------  ---------------  -------------------\n"
                "1                fraud-detection  mlflow-artifacts:/1\n"
                "2                recommendation   mlflow-artifacts:/2\n"
                "3                search-ranking   mlflow-artifacts:/3"
            ),
        ),
        (
            "mlflow runs list --experiment-id 3 | head -2",
            (
                "Date                     Name               ID\n"
                "-----------------------  -----------------  --------------------------------"
            ),
        ),
        ("mlflow runs list --experiment-id 3 | awk 'NR==3 {print $4}'", "search-ranking-v2"),
        ("dig -x 10.96.0.10 +short", "kube-dns.kube-system.svc.cluster.local."),
        ("dig -x 10.1.2.3 | grep status", ";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 30987"),
        ("wget -qO- http://gateway/health | cut -c1-15", '{"status": "ok"'),
        ("helm list", "NAME\tNAMESPACE\tREVISION\tUPDATED\tSTATUS\tCHART\tAPP VERSION"),
        ("git status | tail -1", "nothing to commit, working tree clean"),
        ("git log --oneline -1 | cut -d' ' -f2-7", "loyalty-export: loyalty-export 1.4.0: nightly export of"),
        ("git show | grep +++", "+++ b/deploy/loyalty-export.yaml"),
        ("ping -c 1 gateway | grep -c icmp_seq", "1"),
    ],
)
def test_an_answer_is_the_tools_own(desk: Desk, line: str, text: str) -> None:
    assert desk.type(line).text == text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("dig @8.8.8.8 gateway", "dig: no servers could be reached at 8.8.8.8"),
        ("dig gateway store", "dig: one name at a time, not 2"),
        ("redis-cli -h nowhere ping", "Could not connect to Redis at nowhere:6379: Name or service not known"),
        ("redis-cli monitor", "NOPERM not on a store that serves"),
        ("redis-cli get x", "NOPERM not on a store that serves"),
        ("helm rollback gateway", "Error: release: not found"),
        ("git show nosuch", "fatal: ambiguous argument 'nosuch': unknown revision"),
        ("git revert HEAD", "the responder cannot push to the deployment repository"),
        ("dmesg -T", "the log of a node is read on the node, and the responder has no shell there"),
        ("nvidia-smi topo -m", NO_TOPOLOGY),
        ("nvidia-smi nvlink -s", NO_TOPOLOGY),
        ("nvidia-smi mig -lgi", NO_TOPOLOGY),
        ("nvidia-smi -pm 1", "Insufficient Permissions"),
        ("ping -c 0 gateway", "ping: invalid argument: '0'"),
        ("nc gateway http", "nc: port number invalid: http"),
    ],
)
def test_what_cannot_be_answered_says_so_and_what_to_use(desk: Desk, line: str, said: str) -> None:
    ran = desk.type(line)
    assert ran.exit == 1
    assert ran.text.split("\n")[0] == said
    assert len(ran.text.split("\n")) > 1


def test_stern_reads_the_logs_of_a_service(desk: Desk) -> None:
    assert "gateway-m24n8jp8x-72wjg gateway Wed 02:" in desk.type("stern gateway --since 5m --tail 3").text
    assert desk.type("stern gateway").looked == ("logs",)


def test_moving_an_alias_promises_only_what_it_does() -> None:
    desk = Desk(LEAK, 600.0)
    ran = desk.type("mlflow alias set recommendation champion 2")
    assert ran.text.split("\n") == [
        "recommendation@champion: version 3 -> 2",
        "pods do not follow: they run what their deployment names (3 (3 pods)), after a restart too",
        "to serve it: kubectl set env deployment/recommendation MODEL_VERSION=2",
    ]
    desk.type("kubectl rollout restart deployment/recommendation")
    assert desk.op.plant.cluster.deployments["recommendation"].template.model_version == 3


def test_logs_that_are_followed_end_with_how_to_go_on(desk: Desk) -> None:
    plain, followed = desk.type("logs gateway").text, desk.type("logs gateway -f").text
    assert followed == plain + "\n(up to now; watch -n 10 'logs gateway --since 10s' goes on)"


def test_artifacts_of_a_run_are_found_by_a_part_of_its_id(desk: Desk) -> None:
    run_id = desk.op.plant.registry.get("recommendation", 3).run_id
    assert desk.type(f"mlflow artifacts list --run-id {run_id[:10]}").text == '[{"path": "model", "is_dir": true}]'
    files = desk.type(f"mlflow artifacts list --run-id {run_id} --artifact-path model").text
    assert next(item["path"] for item in json.loads(files)) == "model/MLmodel"
    described = json.loads(desk.type(f"mlflow runs describe --run-id {run_id}").text)
    assert described["info"]["run_name"] == "recommendation-v3"
    assert desk.type("mlflow artifacts list --run-id nosuch").exit == 1
    assert desk.type("mlflow runs list").exit == 1
    assert desk.type("mlflow models serve -m models:/recommendation/3").exit == 1


def test_history_numbers_the_lines_that_were_entered() -> None:
    desk = Desk(LEAK, 600.0)
    for line in ("kubectl get ns", "redis-cli ping"):
        desk.submit(line)
    assert desk.type("history").text == "    1  kubectl get ns\n    2  redis-cli ping"
    assert desk.type("history 1").text == "    2  redis-cli ping"


def test_wget_sends_the_request_that_curl_sends() -> None:
    desk = Desk(LEAK, 600.0)
    assert '"source": "model"' in desk.submit("wget -qO- http://gateway/v1/recommendation")
    assert desk.submit("wget --spider http://gateway/v1/recommendation") == "Remote file exists."
    assert desk.events("command")[-1]["looked"]


def test_feast_asks_for_runs_of_all_views_or_one() -> None:
    desk = Desk(LEAK, 600.0)
    assert len(desk.type("feast materialize-incremental 2026-03-03T00:00:00").text.split("\n")) == 4
    assert len(desk.type("feast materialize-incremental 2026-03-03T00:00:00 -v merchant_risk").text.split("\n")) == 1
    assert "backfill" in desk.type("feast materialize 2026-03-02T00:00:00 2026-03-03T00:00:00 -v merchant_risk").text
    for wrong in ("feast materialize x y -v merchant_risk", "feast materialize 2027-01-01 2027-01-02 -v merchant_risk",
                  "feast materialize-incremental"):  # fmt: skip
        assert desk.type(wrong).exit == 1
