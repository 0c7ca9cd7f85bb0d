"""A run file is a run, or one message says why not. Disks may fill up; nothing that was written is lost."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from reference_platform.errors import ConfigError, ContentError
from simulator.engine.events import digest_of, event_from_line
from simulator.image.builder import ensure_image
from simulator.session.runfile import LINE_MAX_BYTES, RunWriter, _sealed, read_run
from tests.unit.simulator.session.nights import joined, opening, records, rewrite, writer_for
from tui.recorded import ContradictedError, finish, repeat, replayed, verified

Records = list[dict[str, Any]]


def refusal(path: Path) -> ContentError:
    """The one error of a file that is no run; it says where, why and what to do."""
    with pytest.raises(ContentError) as caught:
        read_run(path)
    error = caught.value
    assert str(path) in error.where
    assert error.fix
    return error


def _edit(kind: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Records], object]:
    """Change the third record of that kind, or the only one."""

    def edit(lines: Records) -> None:
        found = [line for line in lines if kind in line]
        change(found[min(2, len(found) - 1)])

    return edit


def _swap(lines: Records) -> None:
    lines[2], lines[4] = lines[4], lines[2]


EDITS: dict[str, tuple[Callable[[Records], object], str]] = {
    "seed": (_edit("header", lambda r: r["header"].update(seed=2)), ":1"),
    "seed as text": (_edit("header", lambda r: r.update(header=_sealed({**r["header"], "seed": "1"}))), ":1"),
    "scenario text": (_edit("header", lambda r: r["header"]["drill"].update(drill_s=9e9)), ":1"),
    "header without a drill": (_edit("header", lambda r: r.update(header=_sealed({"format": 1, "seed": 1}))), ":1"),
    "header as a list": (_edit("header", lambda r: r.update(header=[])), ":1"),
    "format": (_edit("header", lambda r: r["header"].update(format=2)), ":1"),
    "unknown key in a command": (_edit("cmd", lambda r: r.update(note="x")), ":4"),
    "unknown kind of line": (_edit("cmd", lambda r: r.update(remark=r.pop("cmd"))), ":4"),
    "empty object": (_edit("cmd", lambda r: r.clear()), ":4"),
    "command as a number": (_edit("cmd", lambda r: r.update(cmd=5)), ":4"),
    "command without time": (_edit("cmd", lambda r: r.pop("t_us")), ":4"),
    "time as text": (_edit("cmd", lambda r: r.update(t_us="5")), ":4"),
    "time as a fraction": (_edit("cmd", lambda r: r.update(t_us=3.1e9)), ":4"),
    "time without end": (_edit("cmd", lambda r: r.update(t_us=float("inf"))), ":4"),
    "time before the start": (_edit("cmd", lambda r: r.update(t_us=-1)), ":4"),
    "time after all time": (_edit("cmd", lambda r: r.update(t_us=10**300)), ":4"),
    "half a letter": (_edit("cmd", lambda r: r.update(cmd="\ud800")), ":4"),
    "commands in another order": (_swap, ":4"),
    "event's data": (_edit("event", lambda r: r["event"]["data"].update(more=1)), ""),
    "event's time": (_edit("event", lambda r: r["event"].update(t_us=1)), ""),
    "event's number as text": (_edit("event", lambda r: r["event"].update(n="x")), ""),
    "event that is none": (_edit("event", lambda r: r.update(event=3)), ""),
    "event with a value that is no number": (_edit("event", lambda r: r["event"]["data"].update(v=float("nan"))), ""),
    "one event missing": (lambda lines: lines.pop(20), ""),
    "event twice": (lambda lines: lines.insert(20, lines[20]), ""),
    "event before a command": (lambda lines: lines.insert(2, lines[20]), ":4"),
    "verdict": (_edit("footer", lambda r: r["footer"].update(verdict="strong")), ""),
    "digest": (_edit("footer", lambda r: r["footer"].update(digest="0" * 64)), ""),
    "footer without a digest": (_edit("footer", lambda r: r.update(footer=_sealed({"verdict": "no"}))), ""),
    "footer that is none": (_edit("footer", lambda r: r.update(footer=None)), ""),
    "footer twice": (lambda lines: lines.append(lines[-1]), ""),
    "command after the footer": (lambda lines: lines.append(lines[1]), ""),
    "header twice": (lambda lines: lines.insert(1, lines[0]), ":2"),
    "no header": (lambda lines: lines.pop(0), ":1"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_run_is_refused_with_the_place(name: str, run_copy: Path) -> None:
    edit, where = EDITS[name]
    lines = records(run_copy)
    edit(lines)
    body = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in lines)
    run_copy.write_text(body, encoding="utf-8")
    error = refusal(run_copy)
    assert where in error.where
    assert error.where != str(run_copy), "the line is named"


def test_a_run_that_is_only_rewritten_is_still_that_run(run_copy: Path) -> None:
    """The edits above are refused for what they change, not for having been written by somebody else."""
    assert read_run(rewrite(run_copy, records(run_copy))).footer is not None


BYTES: dict[str, bytes] = {
    "empty": b"",
    "newline": b"\n",
    "blank": b"   \n",
    "binary": bytes(range(256)) * 40 + b"\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "another document": b"title: not a run\n",
    "a list": b"[1, 2]\n",
    "a number": b"12\n",
    "nested beyond reading": b"[" * 200_000 + b"\n",
    "nested inside of a header": b'{"header":' + b'{"a":' * 200_000 + b"\n",
    "huge line": b'{"header":{"x":"' + b"x" * LINE_MAX_BYTES + b'"}}\n',
    "a number of many digits": b'{"header":' + b"9" * 5000 + b"}\n",
    "a header without its newline": b'{"header":{"format":1',
    "utf-16": '{"header":{}}\n'.encode("utf-16"),
}


@pytest.mark.parametrize("name", BYTES)
def test_a_file_that_is_no_run_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(BYTES[name])
    assert f"{path}:1" in refusal(path).where


@pytest.mark.parametrize("name", ["gone.jsonl", "."])
def test_a_path_that_cannot_be_read_is_refused(name: str, tmp_path: Path) -> None:
    refusal(tmp_path / name)


def test_a_huge_line_in_the_middle_is_named(run_copy: Path) -> None:
    lines = records(run_copy)
    lines[2]["cmd"] = "x" * LINE_MAX_BYTES
    assert refusal(rewrite(run_copy, lines)).where.endswith(":3")


def test_cut_anywhere_a_file_is_an_unfinished_run_or_none_and_never_another_run(run_copy: Path) -> None:
    """Every line boundary, one byte before and after it, and the middle of every line."""
    body = run_copy.read_bytes()
    whole = read_run(run_copy)
    ends = [index + 1 for index, byte in enumerate(body) if byte == 10]
    header_end, commands_end = ends[0], ends[len(whole.commands)]
    starts = [0, *ends[:-1]]
    event_sample = set(ends[len(whole.commands) :: 97]) | set(ends[-3:])
    for start, end in zip(starts, ends, strict=True):
        if end > commands_end and end not in event_sample:
            continue
        for cut in sorted({start + 1, (start + end) // 2, end - 1, end}):
            run_copy.write_bytes(body[:cut])
            if cut < header_end:
                refusal(run_copy)
                continue
            run = read_run(run_copy)
            assert run.commands == whole.commands[: len(run.commands)]
            assert run.events == whole.events[: len(run.events)]
            assert (run.footer is not None) == (cut == len(body))
            assert run.resume_at_bytes == max(at for at in ends if at <= min(cut, commands_end))


def test_an_edited_command_is_found_out_by_running_it_again(run_copy: Path) -> None:
    lines = records(run_copy)
    lines[1]["cmd"] = "note I was awake"
    with pytest.raises(ContentError, match="does not repeat") as caught:
        replayed(rewrite(run_copy, lines), ensure_image(), lambda *_: None)
    assert caught.value.fix


def _played_by(run_copy: Path, key: str, value: str) -> list[dict[str, Any]]:
    lines = records(run_copy)
    lines[0]["header"] = _sealed({**lines[0]["header"], key: value})
    return lines


@pytest.mark.parametrize(("key", "value", "keep"), [("image", "0123456789abcdef", 0), ("version", "9.9.9", 1)])
def test_a_run_of_another_platform_or_begun_on_another_version_is_read_but_not_repeated(
    run_copy: Path, key: str, value: str, keep: int
) -> None:
    """Nothing tells whether an unfinished one still comes out the same."""
    lines = _played_by(run_copy, key, value)
    run = read_run(rewrite(run_copy, lines[: keep or len(lines)]))
    assert (run.footer is None) == bool(keep)
    with pytest.raises(ContentError, match="cannot be repeated here") as caught:
        repeat(run, ensure_image(), lambda *_: None)
    assert value in caught.value.why
    assert "pagerdrill score" in caught.value.fix


def test_a_finished_run_of_another_version_is_repeated_and_compared(run_copy: Path) -> None:
    path = rewrite(run_copy, _played_by(run_copy, "version", "9.9.9"))
    assert verified(path, ensure_image(), lambda *_: None)[1] == "verified"


def _numbers_times(run_copy: Path, factor: float, first: int = 0) -> Path:
    """The run as a machine would have played it whose fractions of harm come out `factor` times as large."""
    lines = records(run_copy)
    events = [event_from_line(json.dumps(line["event"])) for line in lines if "event" in line]
    harmed = [event for event in events if event.kind == "truth.harm" and event.data["eur"] != 0.0][first:]
    assert harmed
    others = [
        replace(event, data={**event.data, "eur": float(str(event.data["eur"])) * factor}) if event in harmed else event
        for event in events
    ]
    for line, event in zip((line for line in lines if "event" in line), others, strict=True):
        line["event"] = json.loads(event.line())
    lines[-1]["footer"] = _sealed({**lines[-1]["footer"], "digest": digest_of(others)})
    return rewrite(run_copy, lines)


def test_a_run_of_another_machine_is_verified_by_comparing_it(run_copy: Path) -> None:
    """Its own digest stands: every event tells the same, with fractions that differ in their last digits."""
    path = _numbers_times(run_copy, 1.00002)
    session, check = verified(path, ensure_image(), lambda *_: None)
    assert check == "verified on another machine"
    assert session.simulation.log.digest() != (read_run(path).footer or {})["digest"]


def test_a_run_that_really_differs_names_the_first_differing_event(run_copy: Path) -> None:
    first = next(e for e in read_run(run_copy).events if e.kind == "truth.harm" and e.data["eur"] != 0.0)
    with pytest.raises(ContradictedError, match="does not repeat") as caught:
        verified(_numbers_times(run_copy, 1.001), ensure_image(), lambda *_: None)
    assert f"event {first.n} is the first that differs: recorded" in caught.value.why
    assert f"now {first.line()}" in caught.value.why


def test_a_drill_that_cannot_be_understood_is_a_damaged_header(run_copy: Path) -> None:
    lines = records(run_copy)
    lines[0]["header"] = _sealed({**lines[0]["header"], "drill": {"scenario_id": "x"}})
    run = read_run(rewrite(run_copy, lines))
    with pytest.raises(ContentError, match="damaged run file") as caught:
        repeat(run, ensure_image(), lambda *_: None)
    assert caught.value.where.endswith(":1")


class FullDisk(FileIO):
    """A file on a disk with room for so many more bytes."""

    room_bytes = 0

    def write(self, body: Any) -> int:
        piece = bytes(body)[: self.room_bytes]
        if not piece:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room_bytes -= len(piece)
        return super().write(piece)


def test_a_full_disk_is_told_and_the_run_so_far_stays_whole(tmp_path: Path) -> None:
    """A command that did not fit has no effect and no trace; with room again the same session goes on."""
    path = tmp_path / "run.jsonl"
    of = opening()
    session = joined(of)
    writer_for(of, path).close()
    disk = FullDisk(path, "r+")
    disk.room_bytes = 40
    session.attach(RunWriter(path, disk))
    session.submit("ack")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="cannot write the run file") as caught:
        session.submit("kubectl rollout restart deployment/gateway")
    assert "No space left" in caught.value.why
    assert caught.value.where == str(path)
    assert path.read_bytes() == before
    assert [entered.line for entered in read_run(path).commands] == ["ack"]
    assert not [event for event in session.simulation.log if event.kind == "changed"]

    disk.room_bytes = 10_000
    session.submit("note room again")
    session.advance(float("inf"))
    with pytest.raises(ConfigError, match="cannot write"):
        finish(session, 0.0)
    unfinished = read_run(path)
    assert unfinished.events == ()
    assert [entered.line for entered in unfinished.commands] == ["ack", "note room again"]

    disk.room_bytes = 10**9
    finish(session, 0.0)
    assert replayed(path, ensure_image(), lambda *_: None).simulation.log.digest() == session.simulation.log.digest()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_disk_that_is_full_from_the_start_is_told() -> None:
    with Path("/dev/full").open("r+b", buffering=0) as stream, pytest.raises(ConfigError, match="No space left"):
        RunWriter(Path("/dev/full"), stream).command("ack", 0)


def test_a_run_never_overwrites_another(run_copy: Path) -> None:
    before = run_copy.read_bytes()
    with pytest.raises(ContentError, match="this file exists"):
        writer_for(opening(), run_copy)
    assert run_copy.read_bytes() == before


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write the run file") as caught:
        writer_for(opening(), tmp_path / "file" / "run.jsonl")
    assert "PAGERDRILL_DATA_DIR" in caught.value.fix


# -- what is known of a file that is written here -------------------------------------------------------------------


def test_a_writer_knows_the_content_of_a_file_that_is_all_its_own(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer = writer_for(opening(), path)
    writer.command("ack", 1)
    assert writer.content == hashlib.sha256(path.read_bytes()).hexdigest()
    writer.finish([], {"digest": digest_of([]), "verdict": "no"})
    assert writer.content == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_writer_that_goes_on_knows_nothing_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer_for(opening(), path).close()
    writer = RunWriter.append_to(read_run(path))
    writer.command("ack", 1)
    writer.close()
    assert writer.content is None


def test_a_line_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer = writer_for(opening(), path)
    overhead = len('{"cmd":"","t_us":1}')
    with pytest.raises(ContentError, match=f"a line of {LINE_MAX_BYTES + 1} bytes"):
        writer.command("x" * (LINE_MAX_BYTES - overhead + 1), 1)
    assert read_run(path).commands == ()
    writer.command("x" * (LINE_MAX_BYTES - overhead), 1)
    writer.close()
    assert len(read_run(path).commands) == 1
    with pytest.raises(ContentError, match="a run file takes at most"):
        RunWriter.create(tmp_path / "long.jsonl", {"player": "x" * LINE_MAX_BYTES})
    assert not (tmp_path / "long.jsonl").exists()
