"""A document may call its parts what it likes, and have several of one: everything finds them by role."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from reference_platform.roles import FALLBACK, GATEWAY, MATERIALIZER, ROLES, STORE
from reference_platform.spec import DeploymentSpec, PlatformSpec
from simulator.image.builder import ensure_image
from simulator.session.session import Session
from simulator.session.simulation import Simulation
from tests.contract.conditions import SEED, calm_night, run_to, staffed, type_now

NAMES = {
    "gateway": "edge",
    "fallback": "defaults",
    "online-store": "redis-a",
    "materializer": "sync",
    "feature-pipeline": "reader",
    "mlflow": "registry",
}
OPEN_S = 900.0
ROOT = Path(__file__).parents[2]


def _renamed(platform: PlatformSpec) -> PlatformSpec:
    """The same platform with other names, and a second gateway beside the first."""
    renamed = [item.model_copy(update={"name": NAMES.get(item.name, item.name)}) for item in platform.deployments]
    second = next(item for item in renamed if item.name == "edge").model_copy(update={"name": "edge-b", "replicas": 1})
    return platform.model_copy(update={"deployments": [*renamed, second]})


def _opened(platform: PlatformSpec) -> Session:
    simulation = Simulation(replace(calm_night(), platform=platform), ensure_image(), SEED)
    run_to(simulation, OPEN_S)
    return staffed(simulation)


@pytest.fixture(scope="module")
def session() -> Session:
    """A quarter of an hour into a calm night of the renamed platform. Tests change nothing, but for the last."""
    return _opened(_renamed(calm_night().platform))


def _value(session: Session, name: str, **labels: str) -> float:
    return sum(
        series.last_value
        for series in session.simulation.plant.store.select(name)
        if labels.items() <= dict(series.labels).items()
    )


def test_shoppers_notice_nothing_of_the_names(session: Session) -> None:
    plain = _opened(calm_night().platform)
    for name in ("gateway_requests_total", "shop_responses_total", "online_store_reads_total", "feature_age_seconds"):
        assert _value(session, name) == _value(plain, name) > 0.0, name


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("dig +short redis-a", "10.96."),
        ("host edge", "edge.shop.svc.cluster.local has address"),
        ("nc -zv redis-a 6379", "succeeded"),
        ("nc -zv registry 5000", "succeeded"),
        ("curl http://edge/v1/fraud-detection", '"source": "model"'),
        ("curl http://edge-b/v1/fraud-detection", '"source": "model"'),
        ("curl http://defaults/v1/fraud-detection", '"source": "default"'),
        ("curl http://redis-a/health", "ok"),
        ("kubectl get pods -l app=edge", "edge-"),
        ("kubectl get svc redis-a", "6379"),
        ("kubectl exec deployment/sync -- env", "ONLINE_STORE=redis-a:6379"),
        ("kubectl exec redis-a-0 -- redis-cli info clients", "connected_clients"),
        ("redis-cli -h redis-a info clients", "connected_clients"),
        ("kubectl logs deployment/edge", "requests/s"),
        ("kubectl logs statefulset/redis-a", "clients connected"),
        ("logs sync --since 1h", "sync"),
        ("metrics kube_deployment_spec_replicas{deployment='edge'}", "2"),
        ("mlflow models list", "fraud-detection"),
        ("features lineage customer_activity", "redis-a: customer_activity"),
    ],
)
def test_every_tool_knows_the_parts_by_their_names(line: str, shown: str, session: Session) -> None:
    ran = type_now(session, line)
    assert (ran.exit, shown in ran.text) == (0, True), ran.text


@pytest.mark.parametrize(
    ("line", "subject"),
    [
        ("kubectl describe deployment edge", GATEWAY),
        ("kubectl get pods -l app=defaults", FALLBACK),
        ("kubectl logs statefulset/redis-a", STORE),
        ("metrics kube_deployment_spec_replicas{deployment='sync'}", MATERIALIZER),
        ("store info", STORE),
        ("features status", MATERIALIZER),
    ],
)
def test_what_is_seen_of_a_part_is_about_its_role(line: str, subject: str, session: Session) -> None:
    assert subject in type_now(session, line).subjects


@pytest.mark.parametrize("name", ["gateway", "online-store"])
def test_the_word_of_a_role_is_no_host(name: str, session: Session) -> None:
    assert "not found" in type_now(session, f"host {name}").text


@pytest.mark.parametrize("name", ["edge", "deployment/edge", "gateway", "edge-b"])
def test_a_cause_may_name_the_part_or_its_role(name: str, session: Session) -> None:
    assert "gateway:bad_deploy" in type_now(session, f"hyp add {name}:bad_deploy").text


def test_the_map_shows_every_part_below_its_parent(session: Session) -> None:
    shown = {service.name: service.parent for service in session.view().services}
    assert {name: shown[name] for name in ("edge", "edge-b", "redis-a", "sync", "reader", "defaults")} == {
        "edge": "",
        "edge-b": "",
        "redis-a": "recommendation",
        "sync": "redis-a",
        "reader": "sync",
        "defaults": "edge",
    }
    assert not shown.keys() & NAMES.keys()


def test_a_part_is_down_when_none_of_its_role_is_up(session: Session) -> None:
    plant = session.simulation.plant
    for line, up in (("kubectl scale deployment/edge --replicas=0", True),
                     ("kubectl scale deployment/edge-b --replicas=0", False)):  # fmt: skip
        assert session.submit(line).exit == 0
        session.advance(session.now_s + 120.0)
        assert plant.role_up(GATEWAY) is up
    before = _value(session, "shop_responses_total", source="error")
    session.advance(session.now_s + 120.0)
    assert _value(session, "shop_responses_total", source="error") > before
    session.submit("kubectl scale statefulset/redis-a --replicas=0")
    session.submit("kubectl scale deployment/sync --replicas=0")
    session.advance(session.now_s + 120.0)
    session.submit("kubectl scale deployment/reader --replicas=0")
    session.advance(session.now_s + 120.0)
    assert not plant.pool.up
    for line in ("features replay clicks --since 6h", "features consumer rebalance clicks"):
        assert "no reader pod is ready" in type_now(session, line).text
    assert "no sync pod is ready" in type_now(session, "features restart customer_activity").text
    assert "Could not connect to Redis at redis-a:6379" in type_now(session, "redis-cli ping").text
    assert {job.status(session.now_s).state for job in plant.materializer.jobs()} == {"STOPPED"}


@pytest.mark.parametrize("room", ["cluster", "plant", "session", "shell", "traffic"])
def test_no_code_of_the_simulator_names_a_part(room: str) -> None:
    """A role is a constant of `reference_platform/roles.py`. What is left are kinds of evidence and the tool mlflow."""
    left = {("net.py", "fallback"), ("elsewhere.py", "fallback"), ("library.py", "mlflow"), ("report.py", "fallback")}
    found = {
        (path.name, node.value)
        for path in (ROOT / "simulator" / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in ROLES
    }
    assert found <= left


def _written(**more: object) -> dict[str, object]:
    plain = {"name": "edge", "replicas": 1, "node_pool": "cpu", "cpu": 1.0, "memory_limit": "1Gi", "startup": "4s"}
    return plain | more


def test_a_role_is_written_or_follows_from_the_component() -> None:
    assert DeploymentSpec.model_validate(_written(component="gateway")).role == GATEWAY
    assert DeploymentSpec.model_validate(_written(component="gateway", role="gateway")).role == GATEWAY
    assert DeploymentSpec.model_validate(_written(component="checkout")).role is None
    with pytest.raises(ValidationError, match="role gateway goes with component gateway, not edge"):
        DeploymentSpec.model_validate(_written(component="edge", role="gateway"))
    with pytest.raises(ValidationError):
        DeploymentSpec.model_validate(_written(component="edge", role="edge"))


def test_a_role_that_nothing_has_is_called_by_its_word() -> None:
    platform = calm_night().platform.model_copy(update={"deployments": []})
    assert [(platform.of_role(role), platform.name_of(role)) for role in ROLES] == [((), role) for role in ROLES]
    assert _renamed(calm_night().platform).of_role(GATEWAY) == ("edge", "edge-b")
