"""`pagerdrill features` as processes: killed, interrupted, two at once, with nobody to read what they write."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reference_platform.features.example.folder import write_example
from reference_platform.live.opening import open_store

COMMAND = [sys.executable, "-m", "tui", "features"]
ROWS, KEYS = 600_000, 20_000
"""More rows than one step of a run takes."""
HALT = """
import signal, sys
from reference_platform.features.materialization.progress import ProgressFolder
kept, stop = ProgressFolder.save, getattr(signal, sys.argv.pop(1))
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may have ignored it
def save(self, view, what):
    kept(self, view, what)
    if what.unfinished is not None and what.unfinished.position:
        signal.raise_signal(stop)
ProgressFolder.save = save
from tui.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""Stops itself once some of the rows are written, as somebody at the keyboard would.

The signal reaches the thread that writes before its next line runs, so what follows is the same on every machine."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with a large source, applied."""
    folder = Path(tmp_path_factory.mktemp("processes")) / "rides"
    _, _, data = write_example(folder, datetime.now(UTC))
    driver = np.random.default_rng(5).permutation(ROWS) % KEYS
    event = pa.array(np.arange(ROWS) * 1_000_000).cast(pa.timestamp("us", tz="UTC"))
    columns = {"driver_id": driver, "event_timestamp": event, "created": event, "trips_today": np.arange(ROWS)}
    nothing = {"rating": pa.nulls(ROWS, pa.float32()), "phone": pa.nulls(ROWS, pa.string())}
    pq.write_table(pa.table({**columns, **nothing}), data, row_group_size=100_000)
    store = open_store(folder)
    store.apply(store.read_repository().objects())
    store.close()
    return folder


@pytest.fixture
def rides(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "rides"))


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PAGERDRILL_DATA_DIR": str(folder / "home"), **more}


def ran(folder: Path, *words: str, start: list[str] = COMMAND, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*start, *words], cwd=folder, env=environment(folder, **more), capture_output=True, text=True, check=False,
        timeout=600,
    )  # fmt: skip


def stored(folder: Path) -> tuple[int, str]:
    """How many keys are online, and whether the file is whole."""
    with closing(sqlite3.connect(folder / "data" / "online.db")) as database:
        (rows,) = database.execute("SELECT count(*) FROM rows_1").fetchone()
        (whole,) = database.execute("PRAGMA integrity_check").fetchone()
    return rows, whole


@pytest.mark.parametrize("stop", ["SIGINT", "SIGKILL", "SIGTERM"])
def test_a_run_that_was_stopped_is_finished_by_the_next(stop: str, rides: Path) -> None:
    start = [sys.executable, "-c", HALT, stop, "features"]
    done = ran(rides, "materialize-incremental", start=start)
    assert done.returncode == {"SIGINT": 130}.get(stop, -getattr(signal, stop))
    assert done.stdout == ""
    if stop == "SIGINT":
        assert done.stderr.endswith("the same command goes on where this one stopped\ninterrupted\n")
    assert 0 < stored(rides)[0] <= KEYS
    done = ran(rides, "materialize-incremental")
    assert done.returncode == 0, done.stderr
    assert stored(rides) == (KEYS, "ok")


def test_two_runs_at_once_end_as_one(rides: Path) -> None:
    started = [
        subprocess.Popen(
            [*COMMAND, "materialize-incremental"], cwd=rides, env=environment(rides), stderr=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in started:
        _, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
        assert "Traceback" not in err
    assert stored(rides) == (KEYS, "ok")


def test_whoever_reads_may_stop_reading(rides: Path) -> None:
    """As `| head` does: no complaint."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "catalog"], cwd=rides, env=environment(rides), stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="another kind of processor or system")
def test_output_that_has_no_room_is_one_message(rides: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "catalog"], cwd=rides, env=environment(rides), stdout=full, stderr=subprocess.PIPE, check=False,
            text=True,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "error: No space left on device\n  make room, then run the same command again\n"


def test_a_terminal_without_the_letters_spells_them_out(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("entities: [{name: 司机, join_keys: [id]}]\n", encoding="utf-8")
    done = ran(tmp_path, "plan", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u53f8\\u673a" in done.stdout
