"""The hours before somebody joins are played once; whatever happens to the file, the drill opens."""

from __future__ import annotations

import os
import pickle
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.image.builder import ensure_image
from simulator.session import prefixes as module
from simulator.session.prefixes import GRAPH, Prefixes
from simulator.session.session import Session
from simulator.session.simulation import Simulation
from tests.contract.conditions import SEED, calm_night
from tests.oracle.alike import first_difference

NIGHT = replace(calm_night(), joins_by_s=900.0)


def opened(prefixes: Prefixes | None, seed: int = SEED, mode: str = "practice", **changes: Any) -> Session:
    drill = replace(NIGHT, **changes)
    session = Session.open(
        drill, ensure_image(), seed, player="t", mode=mode, wall_clock=lambda: 0.0, prefixes=prefixes
    )
    assert session is not None
    return session


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """One entry for each simulation that was made and run from its first second."""
    made: list[float] = []
    run = Simulation.run_until_joined

    def counted(self: Simulation, keep_going: Callable[[float], bool]) -> bool:
        made.append(self.now_s)
        return run(self, keep_going)

    monkeypatch.setattr(Simulation, "run_until_joined", counted)
    return made


def test_the_second_opening_plays_nothing_and_is_the_first_to_the_bit(tmp_path: Path, played: list[float]) -> None:
    first, second = opened(Prefixes(tmp_path)), opened(Prefixes(tmp_path))
    assert len(played) == 1
    assert first_difference(first.simulation, second.simulation) is None
    for session in (first, second):
        session.advance(session.now_s + 300.0)
        session.submit("kubectl delete pod -l app=gateway")
        session.advance(session.now_s + 300.0)
    assert first.simulation.log.digest() == second.simulation.log.digest()
    assert first_difference(first.simulation, second.simulation) is None
    assert opened(None).simulation.log.events[0] == second.simulation.log.events[0]


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"mode": "interview"}, {"drill_s": 1234.0}, {"joins_by_s": 960.0}], ids=str
)
def test_another_drill_seed_or_mode_is_another_prefix(
    tmp_path: Path, played: list[float], other: dict[str, Any]
) -> None:
    opened(Prefixes(tmp_path))
    session = opened(Prefixes(tmp_path), **other)
    assert len(played) == 2
    assert session.simulation.log.events[0].data["mode"] == other.get("mode", "practice")


def test_another_edition_is_another_prefix(
    tmp_path: Path, played: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(Prefixes(tmp_path))
    monkeypatch.setattr(module, "edition", lambda: "another")
    opened(Prefixes(tmp_path))
    assert len(played) == 2


def test_a_damaged_file_is_played_again_and_replaced(tmp_path: Path, played: list[float]) -> None:
    first = opened(Prefixes(tmp_path))
    (path,) = tmp_path.glob("*.zip")
    whole = path.read_bytes()
    rng = random.Random(5)
    damages = [b"", b"nonsense", whole[: len(whole) // 2], whole[:-1]]
    for _ in range(6):
        at = rng.randrange(len(whole))
        damages.append(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
    for damage in damages:
        path.write_bytes(damage)
        session = opened(Prefixes(tmp_path))
        assert session.simulation.log.digest() == first.simulation.log.digest()
    played.clear()
    opened(Prefixes(tmp_path))
    assert played == []


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("member", [GRAPH, module.SHAPES])
def test_a_file_that_somebody_else_wrote_does_nothing(tmp_path: Path, played: list[float], member: str) -> None:
    opened(Prefixes(tmp_path))
    (path,) = tmp_path.glob("*.zip")
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members[member] = pickle.dumps(Evil(tmp_path / "evil"))
    with zipfile.ZipFile(path, "w") as file:
        for name, body in members.items():
            file.writestr(name, body)
    opened(Prefixes(tmp_path))
    assert len(played) == 2
    assert not (tmp_path / "evil").exists()


def test_a_file_of_something_else_than_a_simulation_is_played_again(tmp_path: Path, played: list[float]) -> None:
    opened(Prefixes(tmp_path))
    (path,) = tmp_path.glob("*.zip")
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members[GRAPH] = pickle.dumps({"log": []})
    with zipfile.ZipFile(path, "w") as file:
        for name, body in members.items():
            file.writestr(name, body)
    assert opened(Prefixes(tmp_path)).now_s > 0
    assert len(played) == 2


def test_a_folder_that_takes_nothing_only_costs_time(tmp_path: Path, played: list[float]) -> None:
    (tmp_path / "file").write_text("in the way")
    for _ in range(2):
        assert opened(Prefixes(tmp_path / "file" / "prefixes")).now_s > 0
    assert len(played) == 2


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, _: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write", full)
    assert opened(Prefixes(tmp_path)).now_s > 0
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_left_who_was_killed_goes(tmp_path: Path) -> None:
    (tmp_path / "0123456789abcdef.77.new").write_bytes(b"half")
    opened(Prefixes(tmp_path))
    assert [path.suffix for path in tmp_path.iterdir()] == [".zip"]


def test_files_used_longest_ago_leave_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(Prefixes(tmp_path))
    (first,) = tmp_path.glob("*.zip")
    opened(Prefixes(tmp_path), drill_s=1000.0)
    (second,) = set(tmp_path.glob("*.zip")) - {first}
    for age, path in ((2_000, second), (1_000, first)):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    opened(Prefixes(tmp_path))  # touches the first
    monkeypatch.setattr(module, "BYTES_MAX", int(2.5 * first.stat().st_size))
    opened(Prefixes(tmp_path), drill_s=2000.0)
    left = set(tmp_path.glob("*.zip"))
    assert first in left
    assert second not in left
    monkeypatch.setattr(module, "BYTES_MAX", 1)
    opened(Prefixes(tmp_path), drill_s=3000.0)
    assert len(set(tmp_path.glob("*.zip"))) == 1, "what was just kept stays, however large"
