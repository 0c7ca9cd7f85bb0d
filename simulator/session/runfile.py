"""The run file: header, then every command the moment it is entered, then the events and a footer.

A command is on disk before its effect is shown, so a killed program loses nothing: header and commands are the run.
Lines are JSON. A last line without its newline is a write that was cut off and is dropped on reading. Events without
a footer are an ending that was cut off; going on with the run writes them anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from reference_platform.errors import ConfigError, ContentError
from simulator.engine.events import EVENTS_MAX, Event, digest_of, event_from_line

FORMAT = 1
LINE_MAX_BYTES = 4_000_000
FILE_MAX_BYTES = 1 << 30
"""Far beyond any run; a longer file is not read, so that no file can fill the memory."""
T_MAX_US = 10**15
KINDS = ("header", "cmd", "event", "footer")
"""Kinds of lines in the order in which they stand in a file."""
PLAYER_KINDS = ("person", "script")
HEADER_TYPES: Mapping[str, type] = {"scenario": str, "seed": int, "player": str, "mode": str, "drill": dict}
FOOTER_TYPES: Mapping[str, type] = {"digest": str, "verdict": str}
UNREADABLE = (KeyError, TypeError, ValueError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Entered:
    """A command and the simulated instant at which it was entered."""

    line: str
    t_us: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run as read. `footer` is None while it is unfinished; `resume_at_bytes` is where its next command goes."""

    path: Path
    header: Mapping[str, Any]
    commands: tuple[Entered, ...]
    events: tuple[Event, ...]
    footer: Mapping[str, Any] | None
    resume_at_bytes: int


class RunExistsError(ContentError):
    """A new run file would overwrite one."""


class RunWriter:
    """Appends to a run file. A write is on disk when the call returns, or it is taken back and ConfigError raised."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        """`stream` is unbuffered. Raises ConfigError when another process writes this run."""
        self.path = path
        self._stream = stream
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            raise ConfigError(
                "this run is being played elsewhere", where=str(path), fix="leave it there first"
            ) from None
        self._size_bytes = stream.seek(0, os.SEEK_END)
        self._digest = hashlib.sha256() if self._size_bytes == 0 else None

    @classmethod
    def create(cls, path: Path, header: Mapping[str, Any]) -> RunWriter:
        """A new file; refuses to overwrite one, and a header so long that it could not be read back."""
        body = {"format": FORMAT, **header}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from None
        try:
            writer = cls(path, path.open("xb", buffering=0))
        except FileExistsError:
            raise RunExistsError("this file exists", where=str(path), fix="choose another name") from None
        except OSError as error:
            raise cannot_write(path, error) from None
        try:
            writer._append(_short(path, _line({"header": _sealed(body)})))
        except BaseException:
            writer.close()
            path.unlink(missing_ok=True)
            raise
        return writer

    @classmethod
    def append_to(cls, run: Run) -> RunWriter:
        """Go on with an unfinished run; what was cut off at its end is removed first.

        Raises ConfigError when the file is no longer as `run` was read: somebody went on with it in the meantime.
        """
        try:
            writer = cls(run.path, run.path.open("r+b", buffering=0))
        except OSError as error:
            raise cannot_write(run.path, error) from None
        if read_run(run.path) != run:
            writer.close()
            fix = f"read it again: pagerdrill resume {run.path.stem}"
            raise ConfigError("this run went on elsewhere", where=str(run.path), fix=fix)
        try:
            writer._size_bytes = run.resume_at_bytes
            writer._stream.truncate(run.resume_at_bytes)
            writer._stream.seek(run.resume_at_bytes)
        except OSError as error:
            writer.close()
            raise cannot_write(run.path, error) from None
        return writer

    @property
    def content(self) -> str | None:
        """SHA-256 of the file if every byte of it is from this writer, whatever may have become of the file since."""
        return None if self._digest is None else self._digest.hexdigest()

    def command(self, line: str, t_us: int) -> None:
        """Write one command. Raises ContentError for one so long that it could not be read back."""
        self._append(_short(self.path, _line({"cmd": line, "t_us": t_us})))

    def finish(self, events: Iterable[Event], footer: Mapping[str, Any]) -> None:
        """Write the events and the footer; the run is finished."""
        lines = [b'{"event":' + event.line().encode() + b"}\n" for event in events]
        self._append(b"".join([*lines, _line({"footer": _sealed(footer)})]))
        self.close()

    def close(self) -> None:
        """Let go of the file; what was written stays."""
        self._stream.close()

    def _append(self, body: bytes) -> None:
        try:
            left = memoryview(body)
            while left:
                left = left[self._stream.write(left) :]
            os.fsync(self._stream.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                self._stream.truncate(self._size_bytes)
                self._stream.seek(self._size_bytes)
            raise cannot_write(self.path, error) from None
        self._size_bytes += len(body)
        if self._digest is not None:
            self._digest.update(body)


def _line(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _short(path: Path, line: bytes) -> bytes:
    """`line`, if reading takes it. Raises ContentError."""
    if len(line) - 1 > LINE_MAX_BYTES:
        what = f"a line of {len(line) - 1} bytes; a run file takes at most {LINE_MAX_BYTES}"
        raise ContentError(what, where=str(path), fix="shorten the texts of the drill, or what you type")
    return line


def _sealed(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with a digest of itself, so that an edited one is told from a written one."""
    kept = {key: value for key, value in body.items() if key != "sha256"}
    return {**kept, "sha256": hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()}


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
    header: Mapping[str, Any] | None = None
    commands: list[Entered] = []
    events: list[Event] = []
    footer: Mapping[str, Any] | None = None
    number = last = resume_at_bytes = 0
    for number, raw in enumerate(_whole_lines(path), 1):
        record = _record(path, number, raw)
        kind = _kind(path, number, record, last)
        last = KINDS.index(kind)
        try:
            if kind == "header":
                header = _header(path, record)
            elif kind == "cmd":
                commands.append(_entered(record, commands[-1].t_us if commands else 0))
            elif kind == "event":
                events.append(_event(record, len(events)))
            else:
                footer = _typed(record["footer"], FOOTER_TYPES)
        except UNREADABLE as error:
            raise _damaged(path, number, f"not a {kind} line ({error})") from None
        if kind in ("header", "footer"):
            _check_seal(path, number, record[kind])
        if kind in ("header", "cmd"):
            resume_at_bytes += len(raw) + 1
    if header is None:
        raise ContentError("no run in this file", where=f"{path}:1", fix="list your runs: pagerdrill runs")
    if footer is not None:
        _check_digest(path, number, events, footer)
    return Run(path, header, tuple(commands), tuple(events), footer, resume_at_bytes)


def read_header(path: Path) -> Mapping[str, Any]:
    """The header of a run file alone, whatever follows it. Raises ContentError as `read_run` does."""
    for raw in _whole_lines(path):
        record = _record(path, 1, raw)
        _kind(path, 1, record, 0)
        try:
            header = _header(path, record)
        except UNREADABLE as error:
            raise _damaged(path, 1, f"not a header line ({error})") from None
        _check_seal(path, 1, record["header"])
        return header
    raise ContentError("no run in this file", where=f"{path}:1", fix="list your runs: pagerdrill runs")


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Lines without their newline, one at a time; a last one without a newline was cut off and is left out."""
    try:
        # A pipe would be waited for; only a file is opened at all.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("it is not a file")
        with path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size > FILE_MAX_BYTES:
                raise OSError(f"it is larger than {FILE_MAX_BYTES >> 20} MiB")
            number = 0
            while raw := stream.readline(LINE_MAX_BYTES + 1):
                number += 1
                if len(raw.rstrip(b"\n")) > LINE_MAX_BYTES:
                    raise _damaged(path, number, f"line of more than {LINE_MAX_BYTES} bytes")
                if raw.endswith(b"\n"):
                    yield raw[:-1]
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ContentError(
            "cannot read the run", where=str(path), why=why, fix="list your runs: pagerdrill runs"
        ) from None


def _record(path: Path, number: int, raw: bytes) -> Mapping[str, Any]:
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, number, f"not JSON ({error})") from None
    if not isinstance(record, dict):
        raise _damaged(path, number, "not a JSON object")
    return record


def _kind(path: Path, number: int, record: Mapping[str, Any], last: int) -> str:
    """The kind of a line that may stand after one of kind number `last`."""
    kind = next((name for name in KINDS if name in record), None)
    allowed = {kind, "t_us"} if kind == "cmd" else {kind}
    unknown = sorted(set(record) - allowed)
    if kind is None or unknown:
        raise _damaged(path, number, f"unknown key {json.dumps(unknown[0])}" if unknown else "an empty line")
    at = KINDS.index(kind)
    if (at == 0) != (number == 1):
        raise _damaged(path, number, "a second header" if at == 0 else "no header before it")
    if at < last or last == KINDS.index("footer"):
        raise _damaged(path, number, f"a {kind} line after a {KINDS[last]} line")
    return kind


def _header(path: Path, record: Mapping[str, Any]) -> Mapping[str, Any]:
    header = _typed(record["header"], {})
    if type(header.get("format")) is not int or header["format"] != FORMAT:
        why = f"format {header.get('format')}, this program reads {FORMAT}"
        raise ContentError("a run of another version", where=f"{path}:1", why=why, fix="use the version that wrote it")
    if "kind" in header and header["kind"] not in PLAYER_KINDS:
        raise ValueError(f'"kind" is neither {" nor ".join(PLAYER_KINDS)}')
    return _typed(header, HEADER_TYPES)


def _typed(body: Any, types: Mapping[str, type]) -> Mapping[str, Any]:
    """`body` if it is an object with such values. Raises KeyError or TypeError."""
    if not isinstance(body, dict):
        raise TypeError("not a JSON object")
    for key, kind in types.items():
        if type(body[key]) is not kind:
            raise TypeError(f'"{key}" is not of type {kind.__name__}')
    return body


def _entered(record: Mapping[str, Any], not_before_us: int) -> Entered:
    line, t_us = record["cmd"], record["t_us"]
    if type(line) is not str or type(t_us) is not int:
        raise TypeError("a command is text and whole microseconds")
    if not not_before_us <= t_us <= T_MAX_US:
        raise ValueError(f"time {t_us} is before the line above or out of range")
    line.encode()
    return Entered(line, t_us)


def _event(record: Mapping[str, Any], count: int) -> Event:
    if count >= EVENTS_MAX:
        raise ValueError(f"more than {EVENTS_MAX} events")
    return event_from_line(json.dumps(record["event"]))


def player_kind(header: Mapping[str, Any]) -> str:
    """ "person" or "script". Runs from before this was written down are told by their player's name."""
    return str(header.get("kind") or PLAYER_KINDS[header["player"] != "human"])


def _check_seal(path: Path, number: int, body: Mapping[str, Any]) -> None:
    if body.get("sha256") != _sealed(body)["sha256"]:
        why = "the line does not give the digest that it states"
        raise ContentError("this run was edited or damaged", where=f"{path}:{number}", why=why, fix="play it again")


def _check_digest(path: Path, number: int, events: list[Event], footer: Mapping[str, Any]) -> None:
    digest: str | None = None
    with contextlib.suppress(*UNREADABLE):
        digest = digest_of(events)
    if digest != footer["digest"]:
        why = "the events do not give the digest that the footer states"
        raise ContentError("this run was edited or damaged", where=f"{path}:{number}", why=why, fix="play it again")


def _damaged(path: Path, number: int, why: str) -> ContentError:
    return ContentError("damaged run file", where=f"{path}:{number}", why=why, fix="remove the line, or play again")
