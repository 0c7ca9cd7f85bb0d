"""The online store in one SQLite file: what `write` returned from is there after a crash, and other processes see it.

Rows are packed and compared by SQLite itself, so that several processes may write at once. Nothing is cached beyond
SQLite's own bounded pages: a lookup costs microseconds, and a view may be larger than memory.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference_platform.errors import ConfigError, PagerDrillError
from reference_platform.features.columns import FeatureBlock
from reference_platform.features.definitions import FeatureView
from reference_platform.features.online_store.codec import RowCodec, key_bytes
from reference_platform.features.online_store.inputs import KeyColumn
from reference_platform.features.online_store.layout import FORMAT_VERSION, RowBatch, RowLayout, Twins, batch_of
from reference_platform.features.online_store.port import (
    DeclaredAnewError,
    ViewAnswer,
    ViewRead,
    typed_keys,
    undeclared,
)
from reference_platform.features.online_store.rivals import codes_of, winners
from reference_platform.features.times import NEVER_US

CACHE_KIB = 64 * 1024
"""Pages that one connection keeps, at most."""
PAGE_BYTES = 8192
WAL_PAGES = 8 * 1024
"""Pages written ahead before they are copied into the file."""
WAIT_MS = 10_000
"""How long one process waits for another's write."""
SLICE_ROWS = 1 << 14
"""Rows packed at a time, so that a large write needs little memory of its own."""
KEYS_PER_SELECT = 512
APPLICATION_ID = 0x50444F53
_GONE = "no such table: rows_"

_VIEWS = """CREATE TABLE IF NOT EXISTS views (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, fingerprint INTEGER NOT NULL,
    watermark_us INTEGER NOT NULL)"""


class _Stored:
    """A declared view and the statements on its table."""

    __slots__ = ("codec", "delete", "insert", "layout", "number", "select", "single_int", "twins")

    def __init__(self, view: FeatureView, layout: RowLayout, number: int) -> None:
        self.layout = layout
        self.codec = RowCodec(view, layout)
        self.number = number
        self.twins = Twins(view, layout)
        self.single_int = single_int(view)
        table = f"rows_{number}"
        self.insert = (
            f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET row = excluded.row "
            f"WHERE excluded.row > {table}.row"
        )
        sizes = [1 << power for power in range(KEYS_PER_SELECT.bit_length())]
        self.select = {size: f"SELECT key, row FROM {table} WHERE key IN ({', '.join('?' * size)})" for size in sizes}


class SqliteOnlineStore:
    """One file. May be used by several threads, and by several processes that each open it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stored: dict[str, _Stored] = {}
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _connect(path)
            try:
                _prepare(self._writer, path)
                self._reader = _connect(path)
            except BaseException:
                self._writer.close()
                raise
            self._cursor = self._reader.cursor()

    def declare(self, views: Iterable[FeatureView]) -> None:
        """Create what is missing. A view whose keys or features changed starts empty."""
        with self._explained(), self._write_lock:
            known = {name: (number, mark) for number, name, mark in self._known()}
            wanted = [(view, RowLayout(view)) for view in views]
            if any(known.get(view.name, (0, -1))[1] != layout.fingerprint for view, layout in wanted):
                with self._transaction() as run:
                    # Another process may have declared them meanwhile.
                    known = {name: (number, mark) for number, name, mark in self._known()}
                    for view, layout in wanted:
                        if known.get(view.name, (0, -1))[1] != layout.fingerprint:
                            _drop(run, view.name)
                            _create(run, view, layout)
                known = {name: (number, mark) for number, name, mark in self._known()}
            for view, layout in wanted:
                number = known[view.name][0]
                held = self._stored.get(view.name)
                if held is None or held.number != number:
                    self._stored[view.name] = _Stored(view, layout, number)

    def drop(self, view: str) -> None:
        """Forget the rows and the watermark of `view`; nothing happens when there are none."""
        with self._explained(), self._write_lock, self._transaction() as run:
            _drop(run, view)
            self._stored.pop(view, None)

    def write(self, view: FeatureView, rows: FeatureBlock) -> int:
        """Write rows; how many keys got a new row. Raises CommandError for a null key; nothing is then written.

        All rows are written or none, whenever the process dies.
        """
        stored = self._for(view)
        batch = batch_of(view, stored.layout, rows)
        if not len(batch):
            return 0
        keys: NDArray[np.int64] | list[Any]
        if stored.single_int:
            keys = np.asarray(batch.keys[0], dtype=np.int64)
            codes = keys
        else:
            keys = key_bytes(view, batch.keys, checked=True) if batch.keys else [b""] * len(batch)
            codes = codes_of(keys)
        # Ascending keys touch each page of the file once.
        order = winners(stored.codec, batch, codes)
        with self._explained(view.name), self._write_lock, self._transaction() as run:
            stored = self._current(run, stored)
            before = self._writer.total_changes
            for start in range(0, len(order), SLICE_ROWS):
                self._insert(run, stored, batch, keys, order[start : start + SLICE_ROWS])
            return self._writer.total_changes - before

    def read(self, reads: Sequence[ViewRead]) -> list[ViewAnswer]:
        """All answers, each row as of its newest completed write."""
        keys = [_database_keys(read) for read in reads]
        try:
            with self._read_lock:
                asked = [(self._for(read.view), each) for read, each in zip(reads, keys, strict=True)]
                try:
                    rows = [self._select(stored, each) for stored, each in asked]
                except sqlite3.OperationalError as error:
                    if _GONE not in str(error):
                        raise
                    asked = [(self._current(self._cursor.execute, stored), each) for stored, each in asked]
                    rows = [self._select(stored, each) for stored, each in asked]
        except sqlite3.Error as error:
            raise self._explanation(error) from error
        return [stored.codec.decode(found) for (stored, _), found in zip(asked, rows, strict=True)]

    def watermark_us(self, view: str) -> int:
        """Event time up to which everything is written; NEVER_US before the first run."""
        fingerprint = self._of(view).layout.fingerprint
        with self._explained(view), self._read_lock:
            row = self._cursor.execute(
                "SELECT watermark_us FROM views WHERE name = ? AND fingerprint = ?", (view, fingerprint)
            ).fetchone()
        if row is None:
            raise _redeclared(view)
        return int(row[0])

    def advance_watermark(self, view: str, to_us: int) -> None:
        """Move the watermark forward; an earlier instant leaves it where it is."""
        fingerprint = self._of(view).layout.fingerprint
        with self._explained(view), self._write_lock, self._transaction() as run:
            run(
                "UPDATE views SET watermark_us = max(watermark_us, ?) WHERE name = ? AND fingerprint = ?",
                (to_us, view, fingerprint),
            )

    def rows(self, view: str) -> int:
        """How many keys have a row. Counts them: proportional to the size of the view."""
        number = self._of(view).number
        with self._explained(view), self._read_lock:
            return int(self._cursor.execute(f"SELECT count(*) FROM rows_{number}").fetchone()[0])

    def close(self) -> None:
        """Let go of the file."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    def _insert(
        self, run: _Run, stored: _Stored, batch: RowBatch, keys: NDArray[np.int64] | list[Any], index: NDArray[np.int64]
    ) -> None:
        packed = stored.codec.encode_batch(batch.take(index))
        chosen = keys[index].tolist() if isinstance(keys, np.ndarray) else [keys[row] for row in index.tolist()]
        self._writer.executemany(stored.insert, zip(chosen, packed, strict=True))

    def _select(self, stored: _Stored, keys: list[Any]) -> list[bytes | None]:
        execute = self._cursor.execute
        if len(keys) == 1:
            row = execute(stored.select[1], keys).fetchone()
            return [None if row is None else row[1]]
        wanted = [key for key in keys if key is not None]
        found: dict[Any, bytes] = {}
        for start in range(0, len(wanted), KEYS_PER_SELECT):
            some = wanted[start : start + KEYS_PER_SELECT]
            # Few statements serve all sizes: the last key fills up to the next power of two.
            size = 1 << (len(some) - 1).bit_length()
            some += some[-1:] * (size - len(some))
            found.update(execute(stored.select[size], some).fetchall())
        return [found.get(key) for key in keys]

    def _current(self, run: _Run, stored: _Stored) -> _Stored:
        """`stored`, or where its rows are now: another process may have emptied the view by declaring it anew."""
        name, fingerprint = stored.layout.view, stored.layout.fingerprint
        row = run("SELECT number FROM views WHERE name = ? AND fingerprint = ?", (name, fingerprint)).fetchone()
        if row is None or row[0] == stored.number:
            return stored
        stored = self._stored[name] = _Stored(stored.codec.view, stored.layout, row[0])
        return stored

    def _known(self) -> list[tuple[int, str, int]]:
        return self._writer.execute("SELECT number, name, fingerprint FROM views").fetchall()

    def _of(self, view: str) -> _Stored:
        stored = self._stored.get(view)
        if stored is None:
            raise undeclared(view, self._stored)
        return stored

    def _for(self, view: FeatureView) -> _Stored:
        stored = self._of(view.name)
        stored.twins.check(view)
        return stored

    @contextmanager
    def _transaction(self) -> Iterator[_Run]:
        execute = self._writer.execute
        execute("BEGIN IMMEDIATE")
        try:
            yield execute
        except BaseException:
            self._writer.rollback()
            raise
        try:
            execute("COMMIT")
        except BaseException:
            # A full disk leaves the transaction open.
            self._writer.rollback()
            raise

    @contextmanager
    def _explained(self, view: str = "") -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._explanation(error, view) from error

    def _explanation(self, error: Exception, view: str = "") -> PagerDrillError:
        text = str(error)
        if _GONE in text:
            return _redeclared(view)
        fix = "check that the folder exists, may be written and has space"
        if "locked" in text:
            fix = f"another process has been writing for {WAIT_MS // 1000} s; let it finish"
        elif "not a database" in text or "malformed" in text:
            fix = "move the file away and materialize again"
        return ConfigError("the online store's file cannot be used", where=str(self.path), why=text[:200], fix=fix)


_Run = Callable[..., sqlite3.Cursor]


def single_int(view: FeatureView) -> bool:
    """Whether rows are found by one whole number."""
    return len(view.join_keys) == 1 and view.key_types[0].dtype != "O"


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    for setting in (
        f"busy_timeout = {WAIT_MS}",
        f"page_size = {PAGE_BYTES}",
        "journal_mode = WAL",
        # Every commit reaches the disk before it returns, so that not even a power cut takes it back.
        "synchronous = FULL",
        f"cache_size = -{CACHE_KIB}",
        f"wal_autocheckpoint = {WAL_PAGES}",
        f"journal_size_limit = {WAL_PAGES * PAGE_BYTES}",
    ):
        connection.execute(f"PRAGMA {setting}")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and (owner, version) != (APPLICATION_ID, FORMAT_VERSION):
        raise ConfigError(
            "the file is no online store of this version", where=str(path), fix="move it away and materialize again"
        )
    if not tables:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    connection.execute(_VIEWS)


def _create(run: _Run, view: FeatureView, layout: RowLayout) -> None:
    number = run(
        "INSERT INTO views (name, fingerprint, watermark_us) VALUES (?, ?, ?)",
        (view.name, layout.fingerprint, NEVER_US),
    ).lastrowid
    shape = "key INTEGER PRIMARY KEY, row BLOB NOT NULL)"
    if not single_int(view):
        shape = "key BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID"
    run(f"CREATE TABLE rows_{number} ({shape}")


def _drop(run: _Run, view: str) -> None:
    row = run("SELECT number FROM views WHERE name = ?", (view,)).fetchone()
    if row is not None:
        run(f"DROP TABLE rows_{row[0]}")
        run("DELETE FROM views WHERE number = ?", row)


def _redeclared(view: str) -> DeclaredAnewError:
    what = f"view {view}" if view else "a view"
    return DeclaredAnewError(
        f"{what} was dropped or declared anew by another process", fix="declare it again, or restart"
    )


def _database_keys(read: ViewRead) -> list[Any]:
    keys: tuple[KeyColumn, ...] = typed_keys(read)
    if single_int(read.view):
        return keys[0].tolist() if isinstance(keys[0], np.ndarray) else keys[0]
    return key_bytes(read.view, keys, checked=True) if keys else [b""] * len(read)
