"""`pytest FOLDER` in somebody else's repository: scenario files are tests, everything else is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.content.short_drill import TEXT

PLAYERS = {
    "idle.yaml": "# expected: no\nplayer: sleeper\nsteps: []\n",
    "dreamer.yaml": "# expected: strong\nplayer: dreamer\nsteps: [ack]\n",
    "anybody.yaml": "player: anybody\nsteps: [ack]\n",
    "other--elsewhere.yaml": "player: elsewhere\nsteps: []\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with one scenario, four players and other YAML."""
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "short.yaml").write_text(TEXT)
    (tmp_path / "drills" / "settings.yaml").write_text("schema: 1\nid: x\n")
    (tmp_path / "players").mkdir()
    for name, text in PLAYERS.items():
        if not name.startswith("other"):
            (tmp_path / "players" / name).write_text(text)
    (tmp_path / "players" / "healthy-night--elsewhere.yaml").write_text(PLAYERS["other--elsewhere.yaml"])
    return tmp_path


def _pytest(folder: Path, *arguments: str) -> tuple[int, str]:
    # Named, and no others loaded, so that it makes no difference what was installed with entry points.
    command = [sys.executable, "-m", "pytest", "-p", "scenarios.pytest_plugin", "-p", "xdist"]
    variables = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTEST_ADDOPTS": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *arguments],
        cwd=folder, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_scenarios_are_collected_by_scenario_player_and_seed(folder: Path) -> None:
    arguments = ("drills", "--pagerdrill-players", "players", "--pagerdrill-players", "idle")
    code, said = _pytest(folder, *arguments, "--pagerdrill-seeds", "2,4", "--collect-only", "-q")
    assert code == 0
    assert [line for line in said.splitlines() if "::" in line] == [
        f"drills/short.yaml::short-shift/{name}/{seed}"
        for seed in (2, 4)
        for name in ("anybody", "dreamer", "idle", "sleeper")
    ]


def test_settings_of_pytest_name_players_and_seeds(folder: Path) -> None:
    (folder / "pytest.ini").write_text(
        "[pytest]\npagerdrill_players = idle players/anybody.yaml\npagerdrill_seeds = 3\n"
    )
    _, said = _pytest(folder, "drills", "--collect-only", "-q")
    assert "drills/short.yaml::short-shift/anybody/3\ndrills/short.yaml::short-shift/idle/3\n" in said


@pytest.mark.parametrize("workers", [(), ("-n", "1", "--dist", "loadgroup")])
def test_another_verdict_than_stated_fails_and_tells_what_was_lost(folder: Path, workers: tuple[str, ...]) -> None:
    code, said = _pytest(folder, "drills", "--pagerdrill-players", "players", "-rA", *workers)
    assert code == 1
    assert "2 passed" in said
    assert "1 failed" in said
    assert "FAILED drills/short.yaml::short-shift/dreamer/1" in said
    assert ", expected strong" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--pagerdrill-seeds", "5-1"), 'seeds: "5-1" is no range'),
        (("--pagerdrill-players", "nobody"), 'no player "nobody"'),
    ],
)
def test_a_mistake_is_an_error_of_collection(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    code, said = _pytest(folder, "drills", *arguments)
    assert code == 2
    assert message in said


def test_a_broken_scenario_is_named_with_its_place(folder: Path) -> None:
    path = folder / "drills" / "short.yaml"
    path.write_text(TEXT.replace("level: junior", "level: junoir"))
    code, said = _pytest(folder, "drills")
    assert code == 2
    assert 'short.yaml:4:8: "level" cannot be "junoir"' in said
