"""A model that a test brings along is trained, served, judged and shown, from its folders and its lines alone."""

from __future__ import annotations

import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reference_platform.documents import load_file
from reference_platform.features.fitted import TRANSFORM_TAG
from reference_platform.models.catalogue import CARDS
from reference_platform.registry.port import ModelVersion
from reference_platform.registry.snapshot import SnapshotRegistry
from reference_platform.spec import PlatformSpec
from scenarios.library import platforms
from simulator.image.archive import content_of, packed, unpacked, write_archive
from simulator.image.builder import SHIPPED, ensure_image
from simulator.image.fitting import FittedModel, exported, fit_model
from simulator.image.history import TrainingRows
from simulator.image.image import Image
from simulator.image.layout import PLATFORM, REFERENCES, REGISTRY
from simulator.session.session import Session
from simulator.session.simulation import Simulation
from simulator.world.catalogue import SIDES
from tests.contract.conditions import SEED, calm_night, run_to, type_now
from tests.unit.simulator.plant.toy_model.card import LETTERS
from tests.unit.simulator.plant.toy_model.side import SIDE

NAME = LETTERS.name


def trained() -> FittedModel:
    rng = np.random.default_rng(0)
    view = LETTERS.schema.views[0]
    values = rng.random((400, len(view.columns))).astype(np.float32)
    rows = TrainingRows({view.view: values}, np.full((400, 1), 0.5, np.float32), values[:, 0] > 0.5)
    return fit_model(LETTERS, rows, ensure_image().plan, lambda ratio, text: None)


def image_with(model: FittedModel, folder: Path) -> Image:
    """The shipped platform with one model more."""
    with zipfile.ZipFile(SHIPPED) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    files, known = model.files(), SnapshotRegistry.from_json(members[REGISTRY].decode())
    (item,) = model.versions
    footprint = item.spec.footprint
    tags = {
        "host_memory_bytes": str(footprint.host_memory_bytes),
        "gpu_memory_bytes": str(footprint.gpu_memory_bytes),
        "load_s": str(footprint.load_s),
        TRANSFORM_TAG: exported(LETTERS, item).fingerprint,
    }
    version = ModelVersion(NAME, 1, "run", item.metrics, tags, -3 * 86400.0, "READY")
    versions = [version, *(each for name in known.names() for each in known.versions(name))]
    aliases = {name: known.aliases(name) for name in known.names()} | {NAME: LETTERS.aliases}
    members[REGISTRY] = SnapshotRegistry(versions, aliases).to_json().encode()
    members[REFERENCES] = packed(unpacked(members[REFERENCES]) | unpacked(files[REFERENCES]))
    members |= {name: body for name, body in files.items() if name.startswith("weights/")}
    path = folder / PLATFORM
    write_archive(path, members)
    return replace(ensure_image(), path=path, content=content_of(path))


def platform_with(name: str) -> PlatformSpec:
    """The document with four models, and this one served like the last of them, on a node with room."""
    platform = load_file(platforms()["pricing"], PlatformSpec)
    served = next(item for item in platform.deployments if item.name == platform.models[-1].name)
    model = platform.models[-1].model_copy(update={"name": name})
    deployment = served.model_copy(update={"name": name, "component": name, "model": name, "node_pool": "gpu-large"})
    return platform.model_copy(
        update={"models": [*platform.models, model], "deployments": [*platform.deployments, deployment]}
    )


def test_a_model_needs_nothing_but_its_folders_its_lines_and_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CARDS, NAME, LETTERS)
    monkeypatch.setitem(SIDES, NAME, SIDE)
    image = image_with(trained(), tmp_path)
    night = Simulation(replace(calm_night(), platform=platform_with(NAME)), image, SEED)
    run_to(night, 600.0)
    store = night.plant.store
    assert store.series("shop_responses_total", {"route": NAME, "source": "model"}).last_value > 1000.0
    assert 0.0 < store.series("letters_written_ratio", {}).last_value <= 1.0
    night.join("shift")
    session = Session(night, seed=SEED, image=image, player="test", mode="practice", wall_clock=time.monotonic)
    assert NAME in type_now(session, "mlflow models").text
    assert '"write": ' in type_now(session, f"curl http://gateway/v1/{NAME}").text
