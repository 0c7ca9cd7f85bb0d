"""A session at its edges: a command is on disk before anything happens, instants are whole, and ends are exact."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reference_platform.errors import ConfigError
from simulator.image.builder import ensure_image
from simulator.session import runfile
from simulator.session import session as sessions
from simulator.session.runfile import Entered, RunWriter, read_run
from simulator.session.session import Session, _whole_us
from tests.unit.simulator.session.nights import joined, opening, to_end, writer_for
from tui.recorded import finish, replayed

RESTART = "kubectl rollout restart deployment/gateway"


@pytest.fixture
def written(tmp_path: Path) -> Iterator[tuple[Session, Path]]:
    """A session that writes to a file."""
    of = opening()
    session = joined(of)
    session.attach(writer_for(of, tmp_path / "run.jsonl"))
    yield session, tmp_path / "run.jsonl"
    session.close()


def kinds(session: Session, kind: str) -> list[Any]:
    return [event for event in session.simulation.log if event.kind == kind]


class Spied:
    """A stream that notes what is done to it."""

    def __init__(self, stream: Any, notes: list[str]) -> None:
        self._stream, self._notes = stream, notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, body: Any) -> Any:
        self._notes.append("write")
        return self._stream.write(body)


# -- on disk first --------------------------------------------------------------------------------------------------


def test_a_command_is_on_disk_before_it_is_even_understood(
    written: tuple[Session, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, path = written
    notes: list[str] = []
    on_disk: list[list[str]] = []
    writer = session._writer
    assert writer is not None
    writer._stream = Spied(writer._stream, notes)  # type: ignore[assignment]
    before_s, events = session.now_s, len(session.simulation.log)
    real_understand, real_run, real_fsync = sessions.understand, sessions.run_step, os.fsync

    def understand(line: str) -> Any:
        notes.append("understand")
        on_disk.append([entered.line for entered in read_run(path).commands])
        assert session.now_s == before_s
        assert len(session.simulation.log) == events
        return real_understand(line)

    def run(*arguments: Any) -> Any:
        notes.append("run")
        return real_run(*arguments)

    def fsync(descriptor: int) -> None:
        notes.append("fsync")
        assert descriptor == writer._stream.fileno()
        real_fsync(descriptor)

    monkeypatch.setattr(sessions, "understand", understand)
    monkeypatch.setattr(sessions, "run_step", run)
    monkeypatch.setattr(runfile.os, "fsync", fsync)
    session.submit(RESTART)
    assert notes == ["write", "fsync", "understand", "run"]
    assert on_disk == [[RESTART]]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_command_that_cannot_be_synced_is_not_carried_out_and_leaves_no_trace(
    written: tuple[Session, Path], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    session, path = written
    session.submit("ack")
    before, events, now_s = path.read_bytes(), len(session.simulation.log), session.now_s
    with monkeypatch.context() as patch:
        patch.setattr(runfile.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(code, os.strerror(code))))
        with pytest.raises(ConfigError, match="cannot write the run file") as caught:
            session.submit(RESTART)
    assert caught.value.why == os.strerror(code)
    assert (path.read_bytes(), len(session.simulation.log), session.now_s) == (before, events, now_s)
    session.submit("note later")
    assert [entered.line for entered in read_run(path).commands] == ["ack", "note later"]


def test_a_header_that_cannot_be_written_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(runfile.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
        with pytest.raises(ConfigError, match="cannot write the run file"):
            writer_for(opening(), tmp_path / "run.jsonl")
    assert list(tmp_path.iterdir()) == []
    writer_for(opening(), tmp_path / "run.jsonl").close()


# -- instants -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now_s", "t_us"),
    [
        (0.0, 0),
        (1e-6, 1),
        (0.4e-6, 1),
        (0.6e-6, 1),
        (1.0000004, 1_000_001),
        (1.0000006, 1_000_001),
        (1.000001, 1_000_001),
        (1.0000011, 1_000_002),
        (4230.0, 4_230_000_000),
        (float(np.nextafter(4230.0, 0.0)), 4_230_000_000),
        (float(np.nextafter(4230.0, 5000.0)), 4_230_000_001),
    ],
)
def test_a_command_is_entered_at_the_first_whole_microsecond_not_before_now(now_s: float, t_us: int) -> None:
    assert _whole_us(now_s) == t_us


def test_no_instant_is_early_and_none_is_late() -> None:
    rng = np.random.default_rng(0)
    for now_s in (10.0 ** rng.uniform(-6, 6, 2000)).tolist():
        t_us = _whole_us(now_s)
        assert t_us / 1e6 >= now_s
        assert (t_us - 1) / 1e6 < now_s


def test_what_is_written_is_when_it_was_entered_and_not_when_it_was_done(written: tuple[Session, Path]) -> None:
    session, path = written
    entered_s = session.joined_s + 12.3456784
    session.advance(entered_s)
    session.submit(RESTART)
    assert session.now_s > entered_s + 0.5
    assert read_run(path).commands == (Entered(RESTART, _whole_us(entered_s)),)
    (event,) = kinds(session, "command")
    assert event.t_s == pytest.approx(_whole_us(entered_s) / 1e6 + event.data["cost_s"])


# -- ends -----------------------------------------------------------------------------------------------------------


def test_a_drill_ends_at_its_end_and_once() -> None:
    session = joined()
    ends_s = session.joined_s + session.simulation.drill.drill_s
    session.advance(ends_s - 1e-6)
    assert session.ended is None
    assert session.advance(ends_s + 500.0) == ends_s
    assert session.ended == "timeout"
    assert session.advance(ends_s + 1000.0) == ends_s
    session.quit()
    (event,) = kinds(session, "session.ended")
    assert (event.t_s, event.data) == (ends_s, {"reason": "timeout"})
    assert session.simulation.log.events[-1] is event


@pytest.mark.parametrize(("before_end_s", "carried_out"), [(1.000001, True), (1.0, False), (0.5, False)])
def test_a_command_counts_when_it_is_done_before_the_end(
    written: tuple[Session, Path], before_end_s: float, carried_out: bool
) -> None:
    """`ack` takes a second."""
    session, path = written
    ends_s = session.joined_s + session.simulation.drill.drill_s
    session.advance(ends_s - before_end_s)
    result = session.submit("ack")
    assert [entered.line for entered in read_run(path).commands] == ["ack"], "it was entered in time"
    assert len(kinds(session, "command")) == carried_out
    assert (session.ended is None) == carried_out
    if not carried_out:
        assert (result.text, result.exit) == ("the drill ended while the command ran", 1)
    to_end(session)
    finish(session, 0.0)
    assert replayed(path, ensure_image(), lambda *_: None).ended == "timeout"


def test_what_is_typed_after_the_end_is_neither_carried_out_nor_written(written: tuple[Session, Path]) -> None:
    session, path = written
    session.advance(float("inf"))
    events = len(session.simulation.log)
    assert session.submit("ack").text == "the drill is over"
    assert read_run(path).commands == ()
    assert len(session.simulation.log) == events


def test_time_that_has_passed_stays_passed() -> None:
    session = joined()
    session.advance(session.joined_s + 60.0)
    assert session.advance(session.joined_s) == session.joined_s + 60.0


CLAIMS = (
    "resolve fraud-detection:capacity_shortage too few replicas to answer all payments",
    "resolve traffic:seasonal_dip the rate is that of last Monday at this hour",
)


def test_every_claim_is_on_record_and_a_resolved_drill_goes_on_unwatched(written: tuple[Session, Path]) -> None:
    session, path = written
    session.submit(CLAIMS[0])
    session.advance(session.joined_s + 300.0)
    session.submit(CLAIMS[1])
    assert [event.data["component"] for event in kinds(session, "resolve.claimed")] == ["fraud-detection", "traffic"]
    assert session.ended is None, "the post-mortem is missing"
    for step in session.simulation.drill.expert:
        if step.line.startswith("postmortem"):
            session.submit(step.line)
    assert session.ended == "resolved"
    last = session.simulation.log.events[-1]
    assert last.data == {"reason": "resolved"}
    assert last.t_s == session.joined_s + session.simulation.drill.drill_s
    assert kinds(session, "postmortem.filed")[0].t_s < last.t_s
    finish(session, 0.0)
    again = replayed(path, ensure_image(), lambda *_: None)
    assert (again.ended, kinds(again, "resolve.claimed")) == ("resolved", kinds(session, "resolve.claimed"))


def test_a_resolve_alone_or_a_post_mortem_alone_ends_nothing() -> None:
    session = joined()
    (filed,) = (step.line for step in session.simulation.drill.expert if step.line.startswith("postmortem"))
    session.submit(filed)
    assert session.ended is None
    session.submit(CLAIMS[1])
    assert session.ended == "resolved"


def test_so_many_outputs_are_kept_newest_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "OUTPUTS_MAX", 3)
    session = joined()
    lines = ["ack", "slo", "alerts", "clock", "deploys"]
    for line in lines:
        session.submit(line)
    kept = session.simulation.incident.outputs
    assert [output.line for output in kept] == lines[-3:]
    assert [output.n for output in kept] == [event.n for event in kinds(session, "command")][-3:]
    assert len(kinds(session, "command")) == 5, "the log keeps them all"


# -- the writer -----------------------------------------------------------------------------------------------------


def test_a_run_cut_off_at_any_byte_goes_on_from_its_last_whole_command(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer = writer_for(opening(), path)
    begun = path.stat().st_size
    ends = [begun]
    lines = ["ack", 'note "ä 😀"', "slo"]
    for number, line in enumerate(lines):
        writer.command(line, 10**9 + number)
        ends.append(path.stat().st_size)
    writer.close()
    body = path.read_bytes()
    for cut in range(begun, len(body) + 1):
        path.write_bytes(body[:cut])
        whole = sum(end <= cut for end in ends[1:])
        run = read_run(path)
        assert [entered.line for entered in run.commands] == lines[:whole]
        writer = RunWriter.append_to(run)
        assert path.read_bytes() == body[: ends[whole]]
        writer.command("clock", 10**9 + 9)
        writer.close()
        assert [entered.line for entered in read_run(path).commands] == [*lines[:whole], "clock"]


def test_a_run_that_went_on_elsewhere_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer_for(opening(), path).close()
    mine, theirs = read_run(path), RunWriter.append_to(read_run(path))
    theirs.command("ack", 1)
    with pytest.raises(ConfigError, match="played elsewhere"):
        RunWriter.append_to(mine)
    theirs.close()
    with pytest.raises(ConfigError, match="went on elsewhere"):
        RunWriter.append_to(mine)
    assert [entered.line for entered in read_run(path).commands] == ["ack"]
    RunWriter.append_to(read_run(path)).close()
