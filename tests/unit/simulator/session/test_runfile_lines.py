"""What a line of a run file may hold, to the byte and the microsecond, and what the writer does when it cannot write.

No night is simulated here: headers and commands alone are a run.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from reference_platform.errors import ConfigError, ContentError
from simulator.engine.events import EventLog, digest_of
from simulator.session import runfile
from simulator.session.runfile import (
    FILE_MAX_BYTES,
    LINE_MAX_BYTES,
    Entered,
    RunExistsError,
    RunWriter,
    _sealed,
    cannot_write,
    player_kind,
    read_header,
    read_run,
)

HEADER: dict[str, Any] = {"scenario": "x", "seed": 1, "player": "Lee", "mode": "practice", "drill": {}}
RUNS = "list your runs: pagerdrill runs"


def _file(path: Path, *lines: Any) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def _headed(path: Path, *lines: Any, **changes: Any) -> Path:
    """A file with a sealed header and these lines."""
    return _file(path, {"header": _sealed({"format": 1, **HEADER, **changes})}, *lines)


def _refused(path: Path) -> tuple[str, str, str]:
    with pytest.raises(ContentError) as caught:
        read_run(path)
    return caught.value.what, caught.value.where.removeprefix(str(path)), caught.value.why


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


# -- writing ----------------------------------------------------------------------------------------------------------


def test_a_run_is_compact_json_in_utf_8_whose_lines_are_sealed(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "of" / "lee" / "run.jsonl"
    writer = RunWriter.create(path, HEADER)
    writer.command('note "ä"', 5)
    log = EventLog()
    event = log.append(1.5, "slo", "slo", {"good": True})
    footer = {"digest": digest_of([event]), "verdict": "no"}
    writer.finish([event], footer)
    assert writer._stream.closed
    body = {"format": 1, **HEADER}
    seal = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    head, command, told, last = path.read_bytes().decode("utf-8").split("\n")[:-1]
    assert head == json.dumps({"header": {**body, "sha256": seal}}, separators=(",", ":"))
    assert command == '{"cmd":"note \\"ä\\"","t_us":5}'
    assert told == f'{{"event":{event.line()}}}'
    seal = hashlib.sha256(json.dumps(footer, sort_keys=True).encode()).hexdigest()
    assert last == json.dumps({"footer": {**footer, "sha256": seal}}, separators=(",", ":"))
    run = read_run(path)
    assert (run.path, run.commands, run.events) == (path, (Entered('note "ä"', 5),), (event,))
    assert run.footer == {**footer, "sha256": seal}
    assert run.resume_at_bytes == len(f"{head}\n{command}\n".encode())
    RunWriter.create(path.with_name("second.jsonl"), HEADER).close()


def test_a_seal_does_not_depend_on_the_order_of_keys_nor_on_an_old_seal() -> None:
    assert _sealed({"a": 1, "b": 2})["sha256"] == _sealed({"sha256": "old", "b": 2, "a": 1})["sha256"]
    assert _sealed({"a": 1})["sha256"] != _sealed({"a": 2})["sha256"]


def test_a_name_that_is_taken_is_told_apart_from_a_name_that_cannot_be(path: Path) -> None:
    path.mkdir()
    with pytest.raises(RunExistsError, match="this file exists") as caught:
        RunWriter.create(path, HEADER)
    assert (caught.value.where, caught.value.fix) == (str(path), "choose another name")
    with pytest.raises(ConfigError, match="cannot write the run file") as failed:
        RunWriter.create(path / ("x" * 300), HEADER)
    assert failed.value.why == os.strerror(errno.ENAMETOOLONG)


def test_a_run_that_is_gone_cannot_be_gone_on_with(path: Path) -> None:
    RunWriter.create(path, HEADER).close()
    run = read_run(path)
    path.unlink()
    with pytest.raises(ConfigError, match="cannot write the run file") as caught:
        RunWriter.append_to(run)
    assert caught.value.why == os.strerror(errno.ENOENT)
    assert list(path.parent.iterdir()) == []


def test_a_refusal_says_where_and_what_to_do_and_lets_go_of_the_file(path: Path) -> None:
    writer = RunWriter.create(path, HEADER)
    run = read_run(path)
    with pytest.raises(ConfigError, match="played elsewhere") as caught:
        RunWriter.append_to(run)
    assert (caught.value.where, caught.value.fix) == (str(path), "leave it there first")
    writer.command("ack", 1)
    writer.close()
    for _ in range(2):
        with pytest.raises(ConfigError, match="went on elsewhere") as caught:
            RunWriter.append_to(run)
        assert (caught.value.where, caught.value.fix) == (str(path), "read it again: pagerdrill resume run")


class Stuck:
    """A stream whose file can no longer be cut, and perhaps not written."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def truncate(self, _: int) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_an_ending_that_cannot_be_cut_off_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RunWriter.create(path, HEADER).close()
    real = RunWriter.__init__
    monkeypatch.setattr(RunWriter, "__init__", lambda self, where, stream: real(self, where, Stuck(stream)))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="cannot write the run file") as caught:
        RunWriter.append_to(read_run(path))
    assert caught.value.why == os.strerror(errno.EIO)
    monkeypatch.undo()
    RunWriter.append_to(read_run(path)).close()


def test_the_first_error_is_the_one_told_when_taking_back_fails_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RunWriter.create(path, HEADER)
    writer._stream = Stuck(writer._stream)  # type: ignore[assignment]

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="cannot write the run file") as caught:
        writer.command("ack", 1)
    assert caught.value.why == os.strerror(errno.ENOSPC)
    writer.close()


def test_an_error_without_a_reason_of_the_system_is_told_in_its_own_words(path: Path) -> None:
    assert cannot_write(path, OSError("no reason")).why == "no reason"
    error = cannot_write(path, OSError(errno.EIO, "a reason"))
    assert (error.what, error.where, error.why) == ("cannot write the run file", str(path), "a reason")
    assert error.fix.endswith("the run so far is kept")


def test_writers_know_where_the_next_line_goes_after_one_that_failed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunWriter.create(path, HEADER).close()
    writer = RunWriter.append_to(read_run(path))
    writer.command("ack", 1)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ConfigError):
            writer.command("slo", 2)
    assert path.read_bytes() == before
    writer.command("alerts", 3)
    writer.close()
    assert read_run(path).commands == (Entered("ack", 1), Entered("alerts", 3))


# -- reading ----------------------------------------------------------------------------------------------------------


def test_a_time_is_within_a_thousand_million_seconds_and_never_before_the_last(path: Path) -> None:
    first, last = {"cmd": "ack", "t_us": 0}, {"cmd": "slo", "t_us": 10**15}
    assert read_run(_headed(path, first, first, last, last)).commands[2:] == (Entered("slo", 10**15),) * 2
    for bad in (-1, 10**15 + 1):
        what, where, why = _refused(_headed(path, {"cmd": "ack", "t_us": bad}))
        assert (what, where) == ("damaged run file", ":2")
        assert why == f"not a cmd line (time {bad} is before the line above or out of range)"
    assert _refused(_headed(path, last, {"cmd": "ack", "t_us": 10**15 - 1}))[1] == ":3"


@pytest.mark.parametrize(
    "record", [{"cmd": "ack", "t_us": True}, {"cmd": None, "t_us": 1}, {"cmd": "ack", "t_us": 1.0}]
)
def test_a_command_is_text_and_whole_microseconds(path: Path, record: dict[str, Any]) -> None:
    assert _refused(_headed(path, record))[1:] == (":2", "not a cmd line (a command is text and whole microseconds)")


@pytest.mark.parametrize(
    ("lines", "where", "why"),
    [
        ([{"cmd": "ack", "t_us": 1, "z": 1, "b": 1}], ":2", 'unknown key "b"'),
        ([{"cmd": "ack", "t_us": 1, "event": {}}], ":2", 'unknown key "event"'),
        ([{"event": {}, "t_us": 1}], ":2", 'unknown key "t_us"'),
        ([{}], ":2", "an empty line"),
        ([[]], ":2", "not a JSON object"),
        ([{"header": {}}], ":2", "a second header"),
        ([{"event": 3}], ":2", "not a event line"),
        ([{"footer": {}}, {"cmd": "ack", "t_us": 1}], ":2", "not a footer line ('digest')"),
        ([{"footer": []}], ":2", "not a footer line (not a JSON object)"),
        ([{"footer": {"digest": "", "verdict": 3}}], ":2", 'not a footer line ("verdict" is not of type str)'),
    ],
)
def test_what_is_wrong_with_a_line_is_said(path: Path, lines: list[Any], where: str, why: str) -> None:
    told = _refused(_headed(path, *lines))
    assert told[:2] == ("damaged run file", where)
    assert told[2].startswith(why)


def _event_line(log: EventLog) -> dict[str, Any]:
    return {"event": json.loads(log.append(1.0, "slo", "slo", {}).line())}


def test_lines_stand_in_their_order(path: Path) -> None:
    log = EventLog()
    one, command = _event_line(log), {"cmd": "ack", "t_us": 1}
    end = {"footer": _sealed({"digest": digest_of(log.events), "verdict": "no"})}
    assert read_run(_headed(path, command, command, one, end)).footer == end["footer"]
    assert read_run(_headed(path, one)).footer is None
    assert _refused(_headed(path, one, command))[1:] == (":3", "a cmd line after a event line")
    assert _refused(_headed(path, one, end, command))[1:] == (":4", "a cmd line after a footer line")
    assert _refused(_headed(path, one, end, end))[1:] == (":4", "a footer line after a footer line")
    assert _refused(_file(path, command))[1:] == (":1", "no header before it")


def test_a_run_has_so_many_events_and_no_more(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runfile, "EVENTS_MAX", 2)
    log = EventLog()
    one, two, three = _event_line(log), _event_line(log), _event_line(log)
    assert len(read_run(_headed(path, one, two)).events) == 2
    assert _refused(_headed(path, one, two, three))[1:] == (":4", "not a event line (more than 2 events)")


@pytest.mark.parametrize("value", [1.0, float("nan")])
def test_a_footer_of_other_events_is_an_edited_run(path: Path, value: float) -> None:
    """Whatever it states: events that give no digest at all have none that could be stated."""
    one = _event_line(EventLog())
    one["event"]["data"]["v"] = value
    for digest in ("", "none", "None", "0" * 64):
        end = {"footer": _sealed({"digest": digest, "verdict": "no"})}
        what, where, why = _refused(_headed(path, one, end))
        assert (what, where) == ("this run was edited or damaged", ":3")
        assert why == "the events do not give the digest that the footer states"


@pytest.mark.parametrize("bad", [0, 2, None, "1", True, 1.0])
def test_another_format_is_another_version(path: Path, bad: Any) -> None:
    for read in (read_run, read_header):
        with pytest.raises(ContentError, match="a run of another version") as caught:
            read(_headed(path, format=bad))
        assert (caught.value.where, caught.value.why) == (f"{path}:1", f"format {bad}, this program reads 1")
        assert caught.value.fix == "use the version that wrote it"


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("scenario", 1, '"scenario" is not of type str'),
        ("seed", True, '"seed" is not of type int'),
        ("player", None, '"player" is not of type str'),
        ("mode", [], '"mode" is not of type str'),
        ("drill", "x", '"drill" is not of type dict'),
        ("kind", "robot", '"kind" is neither person nor script'),
    ],
)
def test_a_header_has_values_of_its_types(path: Path, key: str, value: Any, why: str) -> None:
    for read in (read_run, read_header):
        with pytest.raises(ContentError, match="damaged run file") as caught:
            read(_headed(path, **{key: value}))
        assert (caught.value.where, caught.value.why) == (f"{path}:1", f"not a header line ({why})")
        assert caught.value.fix == "remove the line, or play again"


@pytest.mark.parametrize(
    ("kind", "player", "is_a"),
    [
        ("person", "expert", "person"),
        ("script", "human", "script"),
        (None, "human", "person"),
        (None, "expert", "script"),
    ],
)
def test_a_player_is_what_the_header_says_and_otherwise_told_by_name(
    path: Path, kind: str | None, player: str, is_a: str
) -> None:
    more = {} if kind is None else {"kind": kind}
    assert player_kind(read_header(_headed(path, player=player, **more))) == is_a


def test_a_header_alone_is_read_whatever_follows(path: Path) -> None:
    whole = read_run(_headed(path)).header
    assert whole == _sealed({"format": 1, **HEADER})
    with path.open("ab") as stream:
        stream.write(b"\xff\n" + b"x" * (LINE_MAX_BYTES + 1))
    assert read_header(path) == whole


@pytest.mark.parametrize(
    ("body", "what", "why"),
    [
        (b"", "no run in this file", ""),
        (b'{"header":{}}', "no run in this file", ""),
        (b"{}\n", "damaged run file", "an empty line"),
        (b"no\n", "damaged run file", "not JSON (Expecting value: line 1 column 1 (char 0))"),
        (b"[]\n", "damaged run file", "not a JSON object"),
        (b'{"cmd":"ack","t_us":1}\n', "damaged run file", "no header before it"),
        (b'{"header":[]}\n', "damaged run file", "not a header line (not a JSON object)"),
    ],
)
def test_a_file_without_a_header_is_refused_by_both_readers(path: Path, body: bytes, what: str, why: str) -> None:
    path.write_bytes(body)
    for read in (read_run, read_header):
        with pytest.raises(ContentError) as caught:
            read(path)
        assert (caught.value.what, caught.value.where, caught.value.why) == (what, f"{path}:1", why)
        assert caught.value.fix == (RUNS if what.startswith("no run") else "remove the line, or play again")


def test_an_edited_header_is_refused_by_both_readers(path: Path) -> None:
    _file(path, {"header": {**_sealed({"format": 1, **HEADER}), "seed": 2}})
    for read in (read_run, read_header):
        with pytest.raises(ContentError, match="this run was edited or damaged") as caught:
            read(path)
        assert caught.value.where == f"{path}:1"
        assert caught.value.why == "the line does not give the digest that it states"
        assert caught.value.fix == "play it again"


def test_a_line_is_read_up_to_its_last_byte_and_one_more_is_refused(path: Path) -> None:
    overhead = len('{"cmd":"","t_us":1}')
    for more, newline in ((0, b"\n"), (1, b"\n"), (0, b""), (1, b"")):
        _headed(path)
        with path.open("ab") as stream:
            stream.write(b'{"cmd":"' + b"x" * (4_000_000 - overhead + more) + b'","t_us":1}' + newline)
        if more:
            assert _refused(path)[1:] == (":2", "line of more than 4000000 bytes")
        else:
            assert len(read_run(path).commands) == len(newline)


def test_a_file_of_a_gibibyte_is_looked_into_and_a_larger_one_is_not(path: Path) -> None:
    """Both are holes on the disk."""
    path.write_bytes(b"")
    os.truncate(path, 2**30)
    assert FILE_MAX_BYTES == 2**30
    assert _refused(path) == ("damaged run file", ":1", "line of more than 4000000 bytes")
    os.truncate(path, 2**30 + 1)
    assert _refused(path) == ("cannot read the run", "", "it is larger than 1024 MiB")


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe would be waited for."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        assert _refused(tmp_path / name)[0::2] == ("cannot read the run", "it is not a file")
    with pytest.raises(ContentError) as caught:
        read_run(tmp_path / "gone")
    assert (caught.value.where, caught.value.why, caught.value.fix) == (
        str(tmp_path / "gone"),
        os.strerror(errno.ENOENT),
        RUNS,
    )
    assert _refused(Path("a\0b"))[0::2] == ("cannot read the run", "embedded null byte")
