"""One set of promises, kept by MLflow and by the snapshot of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from reference_platform.errors import CommandError
from reference_platform.registry.mlflow_registry import MlflowRegistry, NewVersion, relocate
from reference_platform.registry.port import ModelRegistry, ModelVersion
from reference_platform.registry.snapshot import SnapshotRegistry

EXPECTED = tuple(
    ModelVersion(
        name=name,
        version=number,
        run_id=f"{name}-{number}",
        metrics={"accuracy": 0.5 + number / 10, "loss": 0.25},
        tags={"load_s": "20", "features": "customer_activity"},
        created_at_s=-86400.0 * (10 - number),
        status="READY",
    )
    for name, count in (("ranking", 1), ("recommendation", 2))
    for number in range(1, count + 1)
)


def filled_mlflow(folder: Path) -> MlflowRegistry:
    import torch

    registry = MlflowRegistry(folder)
    module = torch.nn.Sequential(torch.nn.Linear(3, 2)).eval()
    for item in EXPECTED:
        new = NewVersion(item.name, item.run_id, item.metrics, item.tags, item.created_at_s)
        assert registry.register(new, module, np.zeros((2, 3), dtype=np.float32)) == item
    registry.set_alias("recommendation", "champion", 1)
    return registry


@pytest.fixture(scope="module")
def mlflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def mlflow_registry(mlflow_folder: Path) -> MlflowRegistry:
    return filled_mlflow(mlflow_folder)


def filled_snapshot() -> SnapshotRegistry:
    return SnapshotRegistry(EXPECTED, {"recommendation": {"champion": 1}})


MAKERS = [
    pytest.param("mlflow_registry", id="mlflow", marks=pytest.mark.slow),
    pytest.param("", id="snapshot"),
]


@pytest.fixture(params=MAKERS)
def registry(request: pytest.FixtureRequest) -> Iterator[ModelRegistry]:
    made: ModelRegistry = request.getfixturevalue(request.param) if request.param else filled_snapshot()
    yield made
    made.set_alias("recommendation", "champion", 1)


def test_names_are_sorted(registry: ModelRegistry) -> None:
    assert registry.names() == ("ranking", "recommendation")


def test_versions_come_oldest_first_and_complete(registry: ModelRegistry) -> None:
    found = [version for name in registry.names() for version in registry.versions(name)]
    assert found == list(EXPECTED)


def test_an_alias_moves_and_leaves_versions_alone(registry: ModelRegistry) -> None:
    registry.set_alias("recommendation", "champion", 2)
    assert registry.alias("recommendation", "champion").version == 2
    assert registry.aliases("recommendation") == {"champion": 2}
    assert registry.get("recommendation", 1) == EXPECTED[1]


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda it: it.versions("recomendation"), 'did you mean "recommendation"'),
        (lambda it: it.get("recommendation", 9), "versions: 1, 2"),
        (lambda it: it.alias("recommendation", "champoin"), 'did you mean "champion"'),
        (lambda it: it.aliases("nothing"), "not found"),
        (lambda it: it.set_alias("recommendation", "champion", 9), "versions: 1, 2"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest_name(
    registry: ModelRegistry, ask: Callable[[ModelRegistry], object], what: str
) -> None:
    with pytest.raises(CommandError) as caught:
        ask(registry)
    assert what in str(caught.value)
    assert registry.aliases("recommendation") == {"champion": 1}


def test_a_snapshot_survives_json_and_its_copies_are_independent() -> None:
    original = filled_snapshot()
    read = SnapshotRegistry.from_json(original.to_json())
    assert read.to_json() == original.to_json()
    copy = read.copy()
    copy.set_alias("recommendation", "champion", 2)
    assert read.aliases("recommendation") == {"champion": 1}


@pytest.mark.slow
def test_a_snapshot_of_mlflow_equals_mlflow(mlflow_registry: MlflowRegistry) -> None:
    assert SnapshotRegistry.of(mlflow_registry).to_json() == filled_snapshot().to_json()


@pytest.mark.slow
def test_artifacts_load_after_the_folder_moved(mlflow_registry: MlflowRegistry, mlflow_folder: Path) -> None:
    import mlflow

    assert mlflow_registry.names()
    moved = mlflow_folder.with_name("moved")
    mlflow_folder.rename(moved)
    try:
        relocate(moved / "mlflow.db", mlflow_folder, moved)
        registry = MlflowRegistry(moved)
        loaded = mlflow.pytorch.load_model("models:/recommendation@champion")
        assert loaded is not None
        assert registry.names() == ("ranking", "recommendation")
    finally:
        moved.rename(mlflow_folder)
        relocate(mlflow_folder / "mlflow.db", moved, mlflow_folder)
        MlflowRegistry(mlflow_folder)
