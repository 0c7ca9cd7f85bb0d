"""The store in a file: killed writers, several processes, files that are none of ours."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from reference_platform.errors import CommandError, ConfigError
from reference_platform.features.online_store.embedded import EmbeddedOnlineStore
from reference_platform.features.online_store.port import OnlineStore, ViewRead
from reference_platform.features.online_store.sqlite import SqliteOnlineStore
from reference_platform.features.times import NEVER_US
from reference_platform.features.types import Float64, Int64
from tests.unit.reference_platform.features.online_store.rows import NOW_US, rows_of, view_of

ROOT = Path(__file__).parents[5]
VIEW = view_of("trips", {"trips": Int64})
WRITER = """
import sys
from pathlib import Path
from reference_platform.features.online_store.sqlite import SqliteOnlineStore
from tests.unit.reference_platform.features.online_store.test_sqlite import VIEW, batch
store = SqliteOnlineStore(Path(sys.argv[1]))
store.declare([VIEW])
for number in range(int(sys.argv[2]), 1_000_000):
    print(number, flush=True)
    store.write(VIEW, batch(number))
"""
KEYS = 50


def batch(number: int) -> object:
    """Batch `number` of a writer: 20 keys, events out of order, the value says which batch."""
    rng = np.random.default_rng(number)
    keys = rng.permutation(KEYS)[:20].tolist()
    events = (NOW_US + rng.integers(0, 30, 20)).tolist()
    return rows_of(VIEW, keys, [(number,)] * 20, events, events, number)


def content(store: OnlineStore) -> list[object]:
    """Event time and value of every key."""
    (answer,) = store.read([ViewRead(VIEW, (list(range(KEYS)),))])
    return [(answer.event_us.tolist()[key], answer.row(key)) for key in range(KEYS)]


def test_what_was_written_survives_a_killed_process(tmp_path: Path) -> None:
    """Killed wherever it stood, the file holds every finished batch and the last one wholly or not at all."""
    path = tmp_path / "online.db"
    oracle = EmbeddedOnlineStore(None, [VIEW])
    started = 0
    for lines in (1, 2, 7, 20, 33):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(started)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for _ in range(lines):
            assert child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
        child.wait()
        child.stdout.close()
        last = started + lines - 1 + len(rest)
        for number in range(started, last):
            oracle.write(VIEW, batch(number))  # type: ignore[arg-type]
        store = SqliteOnlineStore(path)
        store.declare([VIEW])
        found, before = content(store), content(oracle)
        oracle.write(VIEW, batch(last))  # type: ignore[arg-type]
        assert found in (before, content(oracle))
        store.write(VIEW, batch(last))  # type: ignore[arg-type]
        assert content(store) == content(oracle)
        store.close()
        started = last + 1


def test_another_process_sees_a_write_at_its_next_read(tmp_path: Path) -> None:
    """Two stores over one file stand for two processes: they share nothing but the file."""
    one, two = (SqliteOnlineStore(tmp_path / "online.db") for _ in range(2))
    one.declare([VIEW])
    two.declare([VIEW])
    for number in range(5):
        writer, reader = (one, two) if number % 2 else (two, one)
        writer.write(VIEW, rows_of(VIEW, [1], [(number,)], NOW_US + number))
        writer.advance_watermark("trips", number)
        assert content(reader)[1] == (NOW_US + number, [number])
        assert reader.watermark_us("trips") == number
    one.close()
    assert content(two)[1] == (NOW_US + 4, [4])
    two.close()


def test_a_view_declared_anew_elsewhere_is_refused_here(tmp_path: Path) -> None:
    one, two = (SqliteOnlineStore(tmp_path / "online.db") for _ in range(2))
    one.declare([VIEW])
    two.declare([VIEW])
    wider = view_of("trips", {"trips": Float64})
    two.declare([wider])
    attempts = (
        lambda: content(one),
        lambda: one.write(VIEW, batch(1)),  # type: ignore[arg-type]
        lambda: one.watermark_us("trips"),
        lambda: one.rows("trips"),
    )
    for attempt in attempts:
        with pytest.raises(CommandError, match="declared anew by another process"):
            attempt()
    one.declare([wider])
    assert one.watermark_us("trips") == NEVER_US
    one.close()
    two.close()


def test_reads_go_on_while_another_thread_writes(tmp_path: Path) -> None:
    store = SqliteOnlineStore(tmp_path / "online.db")
    store.declare([VIEW])
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            (answer,) = store.read([ViewRead(VIEW, ([1, 2],))])
            rows = [answer.row(0)[0], answer.row(1)[0]]
            assert rows[0] == rows[1]
            seen.append(rows[0] or 0)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(50):
        store.write(VIEW, rows_of(VIEW, [1, 2], [(number,), (number,)], NOW_US + number))
    done.set()
    thread.join()
    assert seen == sorted(seen)
    store.close()


@pytest.mark.parametrize("size", [1, 2, 3, 64, 511, 512, 513, 3000])
def test_reads_of_any_size_keep_their_order(tmp_path: Path, size: int) -> None:
    store = SqliteOnlineStore(tmp_path / "online.db")
    store.declare([VIEW])
    keys = list(range(0, 2000, 2))
    store.write(VIEW, rows_of(VIEW, keys, [(key,) for key in keys]))
    asked = np.random.default_rng(size).integers(0, 2000, size)
    (answer,) = store.read([ViewRead(VIEW, (asked,))])
    expected = [None if key % 2 else key for key in asked.tolist()]
    assert [answer.row(index)[0] for index in range(size)] == expected
    store.close()


def test_files_that_are_no_online_store_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.db"
    text.write_bytes(b"not a database at all, but long enough to be read as one" * 40)
    with pytest.raises(ConfigError, match="cannot be used") as caught:
        SqliteOnlineStore(text)
    assert str(text) in str(caught.value)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    with pytest.raises(ConfigError, match="no online store of this version"):
        SqliteOnlineStore(tmp_path / "other.db")
    with pytest.raises(ConfigError, match="cannot be used"):
        SqliteOnlineStore(text / "below" / "online.db")


def test_a_damaged_row_is_an_error_not_an_answer(tmp_path: Path) -> None:
    store = SqliteOnlineStore(tmp_path / "online.db")
    store.declare([VIEW])
    store.write(VIEW, rows_of(VIEW, [1], [(1,)]))
    other = sqlite3.connect(tmp_path / "online.db")
    for change in ("x'00'", "zeroblob(length(row))"):
        other.execute(f"UPDATE rows_1 SET row = {change}")
        other.commit()
        with pytest.raises(ConfigError, match="cannot be read"):
            content(store)
    other.close()
    store.close()


def test_numbers_of_dropped_views_are_not_used_again(tmp_path: Path) -> None:
    """A process that still knows the old number must not find another view's rows under it."""
    store = SqliteOnlineStore(tmp_path / "online.db")
    store.declare([VIEW])
    store.drop("trips")
    other = view_of("other", {"trips": Int64})
    store.declare([other])
    tables = sqlite3.connect(tmp_path / "online.db")
    assert tables.execute("SELECT number FROM views").fetchall() == [(2,)]
    tables.close()
    store.close()
