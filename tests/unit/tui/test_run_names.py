"""Names of runs: a new one for every program, found again, and never outside of the folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reference_platform.errors import ConfigError, ContentError
from tests.unit.tui.run_files import begun
from tui.places import new_run
from tui.runs import find_run, list_runs, run_files

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAGERDRILL_DATA_DIR", str(tmp_path))
    runs = tmp_path / "runs"
    runs.mkdir()
    return runs


def test_a_new_run_never_takes_the_name_of_another(folder: Path) -> None:
    first, second = new_run("healthy-night", 4), new_run("healthy-night", 4)
    assert first.path.name == second.path.name == "healthy-night-s4-001.jsonl"
    for run in (first, second):
        run.create({"scenario": "healthy-night"}).close()
    (folder / "healthy-night-s4-003.jsonl").symlink_to(folder / "nowhere")
    third = new_run("healthy-night", 4)
    assert [run.path.name[-9:] for run in (first, second, third)] == ["001.jsonl", "002.jsonl", "004.jsonl"]


RACER = """\
import sys
from tui.places import new_run

runs = [new_run("healthy-night", 4) for _ in range(40)]
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
for run in runs:
    run.create({"scenario": "healthy-night", "seed": 4}).close()
    print(run.path.name)
"""


def test_two_programs_on_one_folder_get_two_files(folder: Path) -> None:
    """Both have chosen the same names before either has made a file."""
    command = [sys.executable, "-c", RACER]
    racers = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    names = [racer.communicate()[0].split() for racer in racers]
    assert [len(each) for each in names] == [40, 40]
    assert not set(names[0]) & set(names[1])
    assert sorted(names[0] + names[1]) == [f"healthy-night-s4-{number:03d}.jsonl" for number in range(1, 81)]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names[0] + names[1])


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a\x00b", "x" * 3000, "", "ä ö\n"])
def test_a_name_from_a_file_never_leaves_the_folder(folder: Path, name: str) -> None:
    assert new_run(name, 1).path.parent == folder


def test_a_run_is_found_by_name_or_path(folder: Path) -> None:
    path = begun(folder / "healthy-night-s4-001.jsonl")
    assert find_run("healthy-night-s4-001") == path
    assert find_run(str(path)) == path
    with pytest.raises(ContentError, match='did you mean "healthy-night-s4-001"'):
        find_run("healthy-night-s4-01")


@pytest.mark.parametrize("ref", ["~nobody-of-this-name/run", "x" * 5000, "a\x00b", "", "."])
def test_a_name_that_can_be_none_is_one_message(folder: Path, ref: str) -> None:
    with pytest.raises(ContentError, match="no run"):
        find_run(ref)


def test_no_folder_is_no_runs_and_a_folder_that_cannot_be_read_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_files(folder / "gone") == []
    (folder / "file").write_text("")
    with pytest.raises(ConfigError, match="your runs cannot be listed"):
        run_files(folder / "file")
    monkeypatch.setenv("PAGERDRILL_DATA_DIR", str(folder / "file"))
    with pytest.raises(ConfigError, match="your runs cannot be listed") as caught:
        list_runs()
    assert "PAGERDRILL_DATA_DIR" in caught.value.fix
