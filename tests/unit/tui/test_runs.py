"""Listing and finding runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from reference_platform.errors import ContentError
from tui.places import new_run_path
from tui.runs import find_run, list_runs

HEADER = {"header": {"scenario": "healthy-night", "seed": 4, "player": "human", "mode": "practice"}}
FOOTER = {"footer": {"verdict": "lean", "score": 71.0, "digest": "d"}}


def _write(folder: Path, name: str, *records: object, age_s: int = 0, tail: str = "") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + tail)
    os.utime(path, (1_000_000 - age_s, 1_000_000 - age_s))
    return path


def test_runs_are_listed_newest_first_with_their_outcome(tmp_path: Path) -> None:
    _write(tmp_path, "old.jsonl", HEADER, {"cmd": "ack", "t_us": 1}, FOOTER, age_s=60)
    _write(tmp_path, "new.jsonl", HEADER, {"cmd": "ack", "t_us": 1})
    new, old = list_runs(tmp_path)
    assert (new.path.stem, new.finished, new.score) == ("new", False, None)
    assert (old.path.stem, old.verdict, old.score, old.seed) == ("old", "lean", 71.0, 4)


def test_a_run_cut_off_in_the_middle_of_a_line_is_listed_as_unfinished(tmp_path: Path) -> None:
    _write(tmp_path, "cut.jsonl", HEADER, tail='{"cmd":"kubectl get p')
    assert [entry.finished for entry in list_runs(tmp_path)] == [False]


@pytest.mark.parametrize("text", ["", "\n", "not JSON\n", "[1]\n", '{"cmd": "ack"}\n', "\x00\x01"])
def test_files_that_are_no_runs_are_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.jsonl").write_text(text)
    assert list_runs(tmp_path) == []


def test_a_footer_beyond_many_events_is_found(tmp_path: Path) -> None:
    _write(tmp_path, "long.jsonl", HEADER, *({"event": {"n": n, "pad": "x" * 200}} for n in range(2000)), FOOTER)
    assert list_runs(tmp_path)[0].finished


def test_a_new_run_never_takes_the_name_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGERDRILL_DATA_DIR", str(tmp_path))
    first = new_run_path("healthy-night", 4)
    first.write_text("")
    second = new_run_path("healthy-night", 4)
    assert (first.name, second.name) == ("healthy-night-s4-001.jsonl", "healthy-night-s4-002.jsonl")


def test_a_run_is_found_by_name_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGERDRILL_DATA_DIR", str(tmp_path))
    (tmp_path / "runs").mkdir()
    path = _write(tmp_path / "runs", "healthy-night-s4-001.jsonl", HEADER)
    assert find_run("healthy-night-s4-001") == path
    assert find_run(str(path)) == path
    with pytest.raises(ContentError, match='did you mean "healthy-night-s4-001"'):
        find_run("healthy-night-s4-01")
