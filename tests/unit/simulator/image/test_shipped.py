"""What ships is intact, made by this very code, light to load, and as good as what torch trains from the same plan."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reference_platform.errors import ConfigError
from reference_platform.models.catalogue import CARDS, all_versions
from simulator.image import builder
from simulator.image.agreement import (
    EQUAL_DECISIONS_MIN,
    METRIC_DIFFERENCE_MAX,
    VALUE_DIFFERENCE_MAX,
    equal_decisions_ratio,
    probe,
)
from simulator.image.archive import content_of, packed, read_member, sha256_of, unpacked, write_archive
from simulator.image.artifacts import code_of
from simulator.image.build import learners
from simulator.image.builder import PROVENANCE, SHIPPED, TrainedPlatform, ensure_image
from simulator.image.fitting import exported, fit_version
from simulator.image.history import History, live_history
from simulator.image.layout import WORLD
from simulator.image.manifest import DamagedImageError, FileEntry, Manifest
from simulator.image.provenance import Provenance
from simulator.image.ship import RENEW, ship

SHIPPED_BYTES_MAX = 8 << 20


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped files that may be harmed."""
    for path in (SHIPPED, PROVENANCE):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(builder, "SHIPPED", tmp_path / SHIPPED.name)
    monkeypatch.setattr(builder, "PROVENANCE", tmp_path / PROVENANCE.name)
    return tmp_path


def test_what_ships_is_small_and_says_where_it_came_from() -> None:
    made, image = Provenance.read(PROVENANCE), ensure_image()
    assert SHIPPED.stat().st_size + PROVENANCE.stat().st_size <= SHIPPED_BYTES_MAX
    assert (made.content, made.plan, made.seed) == (image.content, image.plan.to_json(), image.plan.seed)
    assert {"torch", "numpy", "mlflow", "python"} <= set(made.versions)
    registry = image.registry()
    assert made.metrics == {f"{v.model}/{v.version}": registry.get(v.model, v.version).metrics for v in all_versions()}


def test_what_ships_was_made_by_this_code() -> None:
    made, now = Provenance.read(PROVENANCE).code, code_of()
    changed = sorted(name for name in made.keys() | now.keys() if made.get(name) != now.get(name))
    assert not changed, f"code that decides {', '.join(changed)} has changed; renew and commit simulator/image: {RENEW}"


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "provenance"])
def test_damage_is_told_with_the_way_round(shipped: Path, harm: str) -> None:
    file = shipped / (PROVENANCE.name if harm == "provenance" else SHIPPED.name)
    body = bytearray(file.read_bytes())
    if harm == "flip":
        body[len(body) // 2] ^= 1
        file.write_bytes(body)
    elif harm == "remove":
        file.unlink()
    else:
        file.write_bytes(body[:-20])
    with pytest.raises(ConfigError, match="ships with this program is damaged") as caught:
        ensure_image()
    assert "install the program again" in str(caught.value)


def _trained(folder: Path, *, missions: int = 0) -> TrainedPlatform:
    """The shipped platform as if it had been trained in `folder`, with the mission of some customers changed."""
    image = ensure_image()
    folder.mkdir()
    members = {name: read_member(SHIPPED, name) for name in _names(SHIPPED)}
    world = unpacked(members[WORLD])
    mission = world["customers.mission"].copy()
    mission[:missions] = (mission[:missions].astype(np.int32) + 1) % 24
    members[WORLD] = packed({**world, "customers.mission": mission})
    path = folder / SHIPPED.name
    write_archive(path, members)
    sha256 = sha256_of(path)
    manifest = Manifest("id", image.plan.to_json(), {"numpy": "x"}, {SHIPPED.name: FileEntry(0, sha256)})
    return TrainedPlatform(folder, replace(image, path=path, content=content_of(path)), manifest)


def _names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_shipping_what_agrees_keeps_the_content_and_renews_the_digests_of_the_code(
    shipped: Path, tmp_path: Path
) -> None:
    beside = shipped / PROVENANCE.name
    replace(Provenance.read(beside), code={"history": "old"}).write(beside)
    before = (shipped / SHIPPED.name).read_bytes()
    assert ship(_trained(tmp_path / "trained"), shipped) == []
    assert (shipped / SHIPPED.name).read_bytes() == before
    assert Provenance.read(beside) == Provenance.read(PROVENANCE)


def test_shipping_what_differs_replaces_it_and_says_why(shipped: Path, tmp_path: Path) -> None:
    trained = _trained(tmp_path / "trained", missions=3)
    assert ship(trained, shipped) == [f"{WORLD}: customers.mission differs"]
    assert ensure_image().content == trained.image.content != Provenance.read(PROVENANCE).content
    assert Provenance.read(shipped / PROVENANCE.name).versions == {"numpy": "x"}


def test_an_archive_is_the_same_file_for_the_same_members(tmp_path: Path) -> None:
    members = {"b": b"2" * 1000, "a": packed({"x": np.arange(3)})}
    write_archive(tmp_path / "one", members)
    write_archive(tmp_path / "two", dict(reversed(members.items())))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert unpacked(read_member(tmp_path / "one", "a"))["x"].tolist() == [0, 1, 2]
    with pytest.raises(DamagedImageError, match="one: c cannot be read"):
        read_member(tmp_path / "one", "c")


@pytest.fixture(scope="module")
def history() -> History:
    """Every event and every training row of the shipped plan, lived through anew."""
    return live_history(ensure_image().plan, learners(tuple(CARDS.values())), lambda ratio, text: None)


@pytest.mark.sweep
def test_the_world_lived_through_anew_is_the_shipped_one(history: History) -> None:
    stored = unpacked(read_member(SHIPPED, WORLD))
    for name, values in history.world.state().items():
        np.testing.assert_allclose(values, stored[name], rtol=VALUE_DIFFERENCE_MAX, atol=VALUE_DIFFERENCE_MAX)


@pytest.mark.sweep
def test_models_trained_anew_are_as_good_as_the_shipped_ones_and_decide_alike(history: History) -> None:
    """The champions, by torch, on all their rows: metrics and predictions within what is stated in `agreement`."""
    image = ensure_image()
    for card in CARDS.values():
        spec = card.version(card.aliases["champion"])
        trained = fit_version(card, spec, history.rows[card.name], image.plan)
        stored = image.registry().get(spec.model, spec.version).metrics
        for metric, value in trained.metrics.items():
            assert abs(value - stored[metric]) <= METRIC_DIFFERENCE_MAX, (spec.model, metric)
        equal_ratio = equal_decisions_ratio(
            image.model(spec.model, spec.version), exported(card, trained), spec.schema, probe(image, spec.schema)
        )
        assert equal_ratio >= EQUAL_DECISIONS_MIN, spec.model
