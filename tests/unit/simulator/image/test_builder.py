"""A small platform from end to end: trained in its own process, whole or not at all, the same twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reference_platform.errors import ConfigError
from reference_platform.models.catalogue import schema_of
from reference_platform.registry.mlflow_registry import MlflowRegistry
from reference_platform.registry.snapshot import SnapshotRegistry
from reference_platform.shop.rows import PER_S
from reference_platform.shop.serving import read_features
from simulator.engine.streams import Streams
from simulator.image.artifacts import platform_key
from simulator.image.builder import TrainedPlatform, ensure_trained
from simulator.image.cache import CACHE_VARIABLE
from simulator.image.image import Image
from simulator.image.import_graph import ROOT
from simulator.image.layout import PLATFORM
from simulator.image.plan import BuildPlan
from simulator.image.provenance import library_versions

pytestmark = pytest.mark.slow

PLAN = BuildPlan(
    customers=200,
    products=240,
    merchants=20,
    click_days=4,
    click_warm_up_days=1,
    payment_days=6,
    payment_warm_up_days=2,
    sample_rows=500,
)
CALLER = f"""
import sys
from simulator.image.artifacts import platform_key
from simulator.image.builder import ensure_trained
from simulator.image.plan import BuildPlan
ensure_trained(lambda ratio, text: print(ratio, text, flush=True), plan=BuildPlan.from_json({PLAN.to_json()!r}))
"""


class StopHereError(Exception):
    pass


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _use_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))


@pytest.fixture(scope="module")
def trained(cache: Path) -> TrainedPlatform:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(cache))
        return ensure_trained(plan=PLAN)


@pytest.fixture(scope="module")
def image(trained: TrainedPlatform) -> Image:
    return trained.image


def visible(cache: Path) -> list[str]:
    return [path.name for path in (cache / "images").iterdir() if path.name[0] != "."]


def test_a_build_killed_halfway_leaves_no_image(cache: Path) -> None:
    environment = {CACHE_VARIABLE: str(cache), "PYTHONPATH": str(ROOT), "PATH": ""}
    caller = subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE, env=environment, text=True)
    assert caller.stdout is not None
    with caller.stdout as progress:
        for line in progress:
            if float(line.split()[0]) > 0.1:
                caller.kill()
                break
    caller.wait()
    assert visible(cache) == []


def test_a_build_given_up_by_the_caller_leaves_no_image_and_no_leftovers(cache: Path) -> None:
    def stop(ratio: float, text: str) -> None:
        if ratio > 0.1:
            raise StopHereError

    with pytest.raises(StopHereError):
        ensure_trained(stop, plan=PLAN)
    assert sorted(path.name for path in (cache / "images").iterdir()) == [".lock"]


def test_the_platform_is_found_again_without_training(trained: TrainedPlatform) -> None:
    said: list[str] = []
    again = ensure_trained(lambda ratio, text: said.append(text), plan=PLAN)
    assert said == []
    assert again == trained
    assert trained.folder.name == trained.manifest.image == platform_key(PLAN, library_versions())
    assert (trained.found, again.found) == (False, True)


def test_without_torch_nothing_is_trained_and_the_way_round_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else name)
    with pytest.raises(ConfigError, match="cannot be trained here") as caught:
        ensure_trained(plan=PLAN)
    assert "training needs torch;" in str(caught.value)
    assert "pagerdrill[platform]" in str(caught.value)


def test_the_snapshot_is_what_mlflow_holds(trained: TrainedPlatform) -> None:
    assert SnapshotRegistry.of(MlflowRegistry(trained.folder)).to_json() == trained.image.registry().to_json()


def test_every_registered_version_serves_and_the_aliases_point_at_them(image: Image) -> None:
    registry = image.registry()
    assert {name: registry.aliases(name) for name in registry.names()} == {
        "dynamic-pricing": {"champion": 2},
        "fraud-detection": {"challenger": 3, "champion": 2},
        "recommendation": {"champion": 3},
        "search-ranking": {"champion": 2},
    }
    for name in registry.names():
        for version in registry.versions(name):
            width = len(schema_of(name, version.version).columns)
            scores = image.model(name, version.version).predict(np.zeros((10, width), dtype=np.float32))
            assert np.isfinite(scores).all()
            assert int(version.tags["host_memory_bytes"]) > 0


def test_everything_computed_before_the_start_is_online(image: Image) -> None:
    features = image.features()
    for view in features.views:
        newest = features.offline.latest(view.name)
        (read,) = read_features(features.online, [(view, newest.entity)], 0.0)
        assert len(newest) == view.entity.count
        np.testing.assert_array_equal(read.values, newest.values)
        assert features.online.watermark_us(view.name) == 0


def test_history_goes_on_from_the_image(image: Image) -> None:
    world, features = image.world(Streams(7)), image.features()
    appended = features.pipeline.run(world.advance(300.0), 300.0)
    assert set(appended) == {view.name for view in features.views}
    assert image.features().offline.complete_until("customer_activity") == 0


def test_the_reference_covers_what_each_champion_reads_except_time_and_request(image: Image) -> None:
    stats = image.reference_stats()
    for name, features in stats.items():
        schema = schema_of(name, image.registry().alias(name, "champion").version)
        assert list(features) == [column for column in schema.columns if not column.startswith("context.")]
    assert image.reference_prediction("fraud-detection", 2).n > 0


def test_the_history_file_ends_with_the_newest_values(trained: TrainedPlatform) -> None:
    features = trained.image.features()
    for name in (view.name for view in features.views):
        rows = features.offline.read_parquet(name, trained.folder / "offline" / f"{name}.parquet")
        newest = features.offline.latest(name)
        assert -3600 * PER_S <= rows.event_us.max() == newest.event_us.max() <= 0
        last = np.flatnonzero(rows.event_us == rows.event_us.max())
        np.testing.assert_array_equal(rows.values[last], newest.values[rows.entity[last]])


@pytest.mark.sweep
def test_a_damaged_file_is_told_once_and_what_is_trained_again_is_the_same(trained: TrainedPlatform) -> None:
    trained.image.path.write_bytes(b"not a platform")
    said: list[str] = []
    again = ensure_trained(lambda ratio, text: said.append(text), plan=PLAN)
    damage = [text for text in said if "damaged" in text]
    assert len(damage) == 1
    assert PLATFORM in damage[0]
    assert (again.folder, again.image) == (trained.folder, trained.image)
    assert again.manifest.files[PLATFORM] == trained.manifest.files[PLATFORM]
    assert set(trained.manifest.origins.values()) == {"built"}
    assert {name for name, origin in again.manifest.origins.items() if origin == "built"} == {"registry"}
