"""The run file: header, then every command the moment it is entered, then the events and a footer.

A command is on disk before its effect is shown, so a killed program loses nothing: header and commands are the run.
Lines are JSON. A last line without its newline is a write that was cut off and is dropped on reading.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from reference_platform.errors import ConfigError, ContentError
from simulator.engine.events import Event, digest_of, event_from_line

FORMAT = 1
LINE_MAX_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Entered:
    """A command and the simulated instant at which it was entered."""

    line: str
    t_us: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run as read. `footer` is None while it is unfinished."""

    path: Path
    header: Mapping[str, Any]
    commands: tuple[Entered, ...]
    events: tuple[Event, ...]
    footer: Mapping[str, Any] | None


class RunWriter:
    """Appends to a run file. Each write is on disk when the call returns. Raises ConfigError when the disk refuses."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self.path = path
        self._stream = stream

    @classmethod
    def create(cls, path: Path, header: Mapping[str, Any]) -> RunWriter:
        """A new file; refuses to overwrite one."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = cls(path, path.open("xb"))
        except FileExistsError:
            raise ContentError("this file exists", where=str(path), fix="choose another name") from None
        except OSError as error:
            raise cannot_write(path, error) from None
        writer._line({"header": {"format": FORMAT, **header}})
        return writer

    @classmethod
    def append_to(cls, run: Run) -> RunWriter:
        """Go on with an unfinished run; a cut-off last line is removed first."""
        try:
            body = run.path.read_bytes()
            whole = body[: body.rfind(b"\n") + 1]
            if len(whole) < len(body):
                with run.path.open("r+b") as stream:
                    stream.truncate(len(whole))
            return cls(run.path, run.path.open("ab"))
        except OSError as error:
            raise cannot_write(run.path, error) from None

    def command(self, line: str, t_us: int) -> None:
        """Write one command."""
        self._line({"cmd": line, "t_us": t_us})

    def finish(self, events: Iterable[Event], footer: Mapping[str, Any]) -> None:
        """Write the events and the footer; the run is finished."""
        try:
            for event in events:
                self._stream.write(b'{"event":' + event.line().encode() + b"}\n")
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._line({"footer": dict(footer)})
        self.close()

    def close(self) -> None:
        self._stream.close()

    def _line(self, body: Mapping[str, Any]) -> None:
        try:
            self._stream.write(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise cannot_write(self.path, error) from None


def cannot_write(path: Path, error: OSError) -> ConfigError:
    """The error for a run file that cannot be written."""
    return ConfigError(
        "cannot write the run file",
        where=str(path),
        why=error.strerror or str(error),
        fix="free some space or set PAGERDRILL_DATA_DIR to a folder you can write; the run so far is kept",
    )


def read_run(path: Path) -> Run:
    """Read a run file. Raises ContentError with file and line for anything that is not one."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ContentError("cannot read the run", where=str(path), why=error.strerror or str(error)) from None
    header: Mapping[str, Any] | None = None
    commands: list[Entered] = []
    events: list[Event] = []
    footer: Mapping[str, Any] | None = None
    for number, raw in enumerate(lines[:-1], 1):
        record = _record(path, number, raw)
        try:
            if number == 1:
                header = dict(record["header"])
                _check_format(path, header)
            elif "cmd" in record:
                commands.append(Entered(str(record["cmd"]), int(record["t_us"])))
            elif "event" in record:
                events.append(event_from_line(json.dumps(record["event"])))
            else:
                footer = dict(record["footer"])
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, number, f"not a {'header' if number == 1 else 'run'} line ({error})") from None
    if header is None:
        raise ContentError("no run in this file", where=f"{path}:1", fix="list your runs: pagerdrill runs")
    if footer is not None and digest_of(events) != footer.get("digest"):
        why = "the events do not give the digest that the footer states"
        raise ContentError("this run was edited or damaged", where=str(path), why=why, fix="play it again")
    return Run(path, header, tuple(commands), tuple(events), footer)


def _record(path: Path, number: int, raw: bytes) -> Mapping[str, Any]:
    if len(raw) > LINE_MAX_BYTES:
        raise _damaged(path, number, f"line of {len(raw)} bytes")
    try:
        record = json.loads(raw)
    except ValueError as error:
        raise _damaged(path, number, f"not JSON ({error})") from None
    if not isinstance(record, dict):
        raise _damaged(path, number, "not a JSON object")
    return record


def _check_format(path: Path, header: Mapping[str, Any]) -> None:
    if header.get("format") != FORMAT:
        why = f"format {header.get('format')}, this program reads {FORMAT}"
        raise ContentError("a run of another version", where=f"{path}:1", why=why, fix="use the version that wrote it")


def _damaged(path: Path, number: int, why: str) -> ContentError:
    return ContentError("damaged run file", where=f"{path}:{number}", why=why, fix="remove the line, or play again")
