"""One door for every change: nothing is set behind its back, and what follows from a change always follows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference_platform.errors import CommandError
from reference_platform.spec import DeploymentSpec
from simulator.plant import knobs
from simulator.plant.knobs import turn
from simulator.session.simulation import Simulation
from tests.contract.conditions import run_to, simulated

ROOT = Path(__file__).resolve().parents[2]
TURNERS = ("simulator/faults", "simulator/shell")
ROOMS = {"cluster", "plane", "pool", "arrivals", "ingest", "releases", "materializer", "registry", "consumer", "job"}
"""Parts of a plant, and what handlers call them when they have them at hand."""


def _chain(node: ast.expr) -> list[str]:
    """Names of an attribute chain, outermost first; what is called on the way counts by its name."""
    names: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            return [*names, node.id] if isinstance(node, ast.Name) else names


def _turned_by_knobs() -> set[str]:
    """What the knobs call to make their changes."""
    tree = ast.parse(Path(knobs.__file__).read_text())
    applies = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "apply"]
    called = [_chain(node.func) for each in applies for node in ast.walk(each) if isinstance(node, ast.Call)]
    looks = {"job", "feed", "senders", "emit", "log_lines"}
    return {names[0] for names in called if len(names) > 2 and names[-1] == "plant"} - looks


def _ways_round(path: Path) -> Iterator[str]:
    makers = _turned_by_knobs() | {"sync"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names = _chain(node.func)
            if names[0] in makers and set(names[1:]) & (ROOMS | {"plant"}):
                yield f"{path.name}:{node.lineno}: {'.'.join(reversed(names))}()"
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        )
        for target in targets:
            names = _chain(target) if isinstance(target, ast.Attribute) else []
            if set(names[1:]) & (ROOMS | {"plant", "nodes", "node"}):
                yield f"{path.name}:{node.lineno}: {'.'.join(reversed(names))} = ..."


def test_faults_and_commands_change_nothing_but_by_knobs() -> None:
    assert {"scale", "apply_template", "set_fsync", "add_surge", "backfill"} <= _turned_by_knobs()
    files = [path for folder in TURNERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 50
    assert [way for path in files for way in _ways_round(path)] == []


def test_a_way_round_is_seen(tmp_path: Path) -> None:
    for line in (
        "op.plant.sync()",
        "op.plant.cluster.scale('x', 1, 0.0)",
        "op.plant.materializer.job('x').restart(0.0)",
        "plant.cluster.nodes['n'].clock_ahead_s = 1.0",
        "feed.consumer.dedup = True",
        "job.unlock(1.0)",
    ):
        file = tmp_path / "handler.py"
        file.write_text(f"def handler(op, plant, feed, job):\n    {line}\n")
        assert list(_ways_round(file)), line


@pytest.fixture
def night() -> Simulation:
    simulation = simulated()
    run_to(simulation, 60.0)
    return simulation


def test_a_knob_tells_what_followed(night: Simulation) -> None:
    plant = night.plant
    pods = [pod.name for pod in plant.cluster.ready_pods("search-ranking")]
    turned = turn(plant, knobs.DeletePods(pods))
    assert turned.result is None
    reasons = [data["reason"] for source, kind, data in turned.events if (source, kind) == ("cluster", "k8s")]
    assert "Killing" in reasons
    index = next(place for place, arm in enumerate(plant.plane.arms) if arm.deployment == "search-ranking")
    assert plant.plane.core.arms[index].members == 0, "the gateway knows at once"
    quiet = turn(plant, knobs.SetConnectionsMax(77))
    assert quiet.events == ()
    assert plant.pool.connections_max == 77
    assert plant.following is None


def test_what_a_knob_answers_is_what_the_part_answers(night: Simulation) -> None:
    plant = night.plant
    template = turn(plant, knobs.RollOut("recommendation", "t", "why", {"model_version": 2})).result
    assert (template.model_version, template.by, template.cause) == (2, "t", "why")
    back = turn(plant, knobs.RollBack("recommendation", "t")).result
    assert back is not None
    assert back.model_version == 3
    assert turn(plant, knobs.RollBack("recommendation", "t", 99)).result is None
    assert turn(plant, knobs.SetClock("cpu-1", 60.0)).result == 0.0
    assert turn(plant, knobs.SetClock("cpu-1", 0.0)).result == 60.0
    evicted = turn(plant, knobs.Drain("cpu-1")).result
    assert evicted
    assert plant.cluster.nodes["cpu-1"].cordoned
    turn(plant, knobs.Cordon("cpu-1", False))
    assert not plant.cluster.nodes["cpu-1"].cordoned
    lines = turn(plant, knobs.RestartJob("customer_activity")).result
    assert {line.job for line in lines} == {"customer_activity"}
    assert any("customer_activity" in line.text for line in plant.book.lines), "what jobs say is in the log"


def test_a_deployment_is_announced_with_who_and_why(night: Simulation) -> None:
    document = {"name": "extra", "component": "extra", "replicas": 1, "node_pool": "cpu", "cpu": 1.0,
                "memory_limit": "1Gi", "memory_use": "100Mi", "startup": "4s", "kind": "Job"}  # fmt: skip
    turned = turn(night.plant, knobs.Deploy(DeploymentSpec.model_validate(document), "bot", "because"))
    source, kind, data = turned.events[0]
    assert (source, kind) == ("cluster", "deploy")
    assert data == {"deployment": "extra", "revision": 1, "by": "bot", "message": "because"}
    assert night.log.events[-len(turned.events)].data == data


def test_a_knob_that_fails_leaves_the_door_open_for_the_next(night: Simulation) -> None:
    with pytest.raises(CommandError):
        turn(night.plant, knobs.StallJob("no_such_view"))
    assert night.plant.following is None
    night.plant.emit("cluster", "k8s", {"reason": "x"})
    assert turn(night.plant, knobs.SetFsync("no")).events == ()
