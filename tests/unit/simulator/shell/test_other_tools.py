"""What tools around the cluster answer, in the words and with the numbers of the real ones."""

from __future__ import annotations

import pytest

from tests.unit.simulator.shell.desk import LEAK, Desk

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
        ("redis-cli --latency", "NOPERM not on a store that serves"),
        ("redis-cli info memory", "no section memory here"),
        ("helm rollback gateway", "Error: release: not found"),
        ("git show nosuch", "fatal: ambiguous argument 'nosuch': unknown revision"),
        ("git revert HEAD", "the responder cannot push to the deployment repository"),
        ("dmesg -T", "the log of a node is read on the node, and the responder has no shell there"),
        ("nvidia-smi topo -m", "nvidia-smi topo: each node has one GPU: there is no topology"),
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
    assert desk.type("stern gateway --since 5m --tail 3").text == desk.type("logs gateway --since 5m --tail 3").text
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
