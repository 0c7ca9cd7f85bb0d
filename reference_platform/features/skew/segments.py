"""Files of the vector log: written whole or not at all, and every later damage shows.

A segment is one Arrow IPC file named `<first>-<last>-<process>-<number>-<crc>.arrow`: the read instants it spans
(microseconds, offset so that names sort by time) and the CRC-32 of its bytes. It is written under a name ending in
`.part`, synced, and renamed. A file whose bytes do not have the CRC in its name is damaged and is left out, counted.
"""

from __future__ import annotations

import os
import re
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reference_platform.errors import CommandError, ConfigError
from reference_platform.features.skew.vector_shape import SHAPE_KEY, VectorShape

if TYPE_CHECKING:
    import pyarrow as pa

_OFFSET = 1 << 63
_NAME = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})-(\d+)-(\d+)-([0-9a-f]{8})\.arrow")


class SegmentName(NamedTuple):
    """What a segment's file name says. Sorts by time."""

    first_us: int
    last_us: int
    process: int
    number: int
    crc: int

    def __str__(self) -> str:
        first, last = self.first_us + _OFFSET, self.last_us + _OFFSET
        return f"{first:016x}-{last:016x}-{self.process}-{self.number}-{self.crc:08x}.arrow"

    @classmethod
    def parse(cls, name: str) -> SegmentName | None:
        """The parts of a file name; None for a file that is no segment."""
        found = _NAME.fullmatch(name)
        if not found:
            return None
        first, last, process, number, crc = found.groups()
        return cls(int(first, 16) - _OFFSET, int(last, 16) - _OFFSET, int(process), int(number), int(crc, 16))


def write_segment(folder: Path, table: pa.Table, number: int) -> Path:
    """Write `table` durably. Raises ConfigError when the folder does not take it; nothing half-written stays."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    data = sink.getvalue()
    span = pc.min_max(table["read_us"])
    name = SegmentName(span["min"].as_py(), span["max"].as_py(), os.getpid(), number, zlib.crc32(data))
    while (folder / str(name)).exists():
        name = name._replace(number=name.number + 1)
    path, part = folder / str(name), folder / f"{name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(folder)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise ConfigError(
            "served vectors could not be logged",
            where=str(folder),
            why=str(error),
            fix="free space or correct the permissions; until then they wait in memory",
        ) from error
    return path


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def list_segments(folder: Path) -> list[SegmentName]:
    """Segments in the folder, by time; none when it does not exist."""
    if not folder.is_dir():
        return []
    return sorted(name for path in folder.iterdir() if (name := SegmentName.parse(path.name)) is not None)


def read_segment(folder: Path, name: SegmentName) -> pa.Table | None:
    """The rows of one segment; None when its bytes are not those that were written, or it is gone."""
    import pyarrow as pa

    try:
        data = (folder / str(name)).read_bytes()
    except FileNotFoundError:
        return None
    if zlib.crc32(data) != name.crc:
        return None
    try:
        return pa.ipc.open_file(pa.py_buffer(data)).read_all()
    except pa.ArrowInvalid:
        return None


def shape_of(table: pa.Table) -> VectorShape:
    """The shape that a segment's schema carries. Raises CommandError when there is none."""
    text = (table.schema.metadata or {}).get(SHAPE_KEY)
    if text is None:
        raise CommandError("this table is no segment of a vector log", fix="hand over what VectorLog.read gives")
    return VectorShape.from_json(text.decode())
